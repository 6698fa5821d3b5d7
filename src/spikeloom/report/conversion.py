"""What became of a network by conversion, as one HTML file with its pictures, and as JSON."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from spikeloom.conversion import Conversion
from spikeloom.errors import ParameterError
from spikeloom.report._figure import embedded, expect
from spikeloom.report.conversion_curve import draw_conversion, draw_places
from spikeloom.report.page import filled
from spikeloom.training import EnergyCost
from spikeloom.training.folder import write_atomically


def write_conversion(
    found: Conversion, out: str | Path, *, name: str = "network", settings: Mapping[str, Any] | None = None
) -> Path:
    """Write `report.html` and `report.json` of a measured conversion into a folder; returns the path of the page.

    `settings` are shown as they are: method, data and whatever else was chosen. Both files are replaced as a whole.

    Raises: DTypeError, ParameterError where the folder cannot be made.
    """
    expect(found, Conversion)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        do = "choose a folder that can be made and written"
        raise ParameterError(f"output folder {folder} ({error.strerror})", do=do) from error
    environment = {
        "Python": platform.python_version(),
        "PyTorch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
    }
    text = filled(
        "conversion",
        found=found,
        name=name,
        settings={**(settings or {}), "steps": found.steps, **environment},
        curve=embedded(draw_conversion(found)),
        places=embedded(draw_places(found)) if found.sites else "",
        gained=max((site.gained for site in found.sites), default=0.0),
        shown=_steps(found),
        usual=found.cost == EnergyCost(),
    )
    found.save(folder / "report.json")
    page = folder / "report.html"
    write_atomically(page, text.encode())
    return page


def _steps(found: Conversion) -> list[int]:
    """Numbers of steps that the table tells of: doublings, the suggested one, the last."""
    chosen = {1 << power for power in range(found.steps.bit_length())} | {found.steps}
    return sorted(chosen | ({found.suggested} if found.suggested else set()))
