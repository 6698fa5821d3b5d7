"""Figures without pyplot: no global state, no window, the same picture on every machine."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from spikeloom.errors import DTypeError

INK = "#222222"
# Okabe and Ito (2008), "Color universal design": told apart under every common colour blindness.
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, "#56b4e9", "#e69f00")
_DPI = 130


def expect(what: object, *kinds: type) -> None:
    """Raise where something else is to be drawn."""
    if not isinstance(what, kinds):
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise DTypeError("what to draw", expected=expected, got=type(what).__name__)


def new_figure(width: float, height: float) -> Any:
    """A white matplotlib figure of this size in inches, with tight automatic layout."""
    # Imported here because matplotlib costs 0.3 s, which `spikeloom --help` must not wait for.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def tidy(axes: Any, *, title: str = "", xlabel: str = "", ylabel: str = "") -> None:
    """Set the words and take away the box."""
    axes.set_title(title, fontsize=11, loc="left", color=INK)
    axes.set_xlabel(xlabel, fontsize=10)
    axes.set_ylabel(ylabel, fontsize=10)
    axes.tick_params(labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def save_figure(figure: Any, path: Path, *, dpi: int = _DPI, colours: int = 0) -> None:
    """Write the figure as PNG, for a small file with few dots per inch and no more than this many colours."""
    figure.savefig(path, format="png", dpi=dpi)
    if colours:
        from PIL import Image

        with Image.open(path) as picture:
            few = picture.convert("RGB").quantize(colours)
        few.save(path, format="png", optimize=True)


def embedded(figure: Any) -> str:
    """The figure as PNG in base64, for a page that holds its pictures."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI)
    return base64.b64encode(file.getvalue()).decode()
