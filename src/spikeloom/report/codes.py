"""A page of all codes: what each loses of a value and how many spikes it takes, measured, with a picture of each."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from spikeloom.coding import Encoder, catalogue
from spikeloom.report._figure import save_figure
from spikeloom.report.code_measure import CodeMeasure, kind_of_input, measure_code
from spikeloom.report.code_picture import draw_code

_COLUMNS = ("code", "input", "decoder", "steps", "spikes per value", "RMSE", "RMSE / s.d.")
_METHOD = """Made by `make docs` from the encoders themselves, each with the arguments that are shown with its picture.

*Spikes per value* counts spikes of either sign, of all output neurons, for each number that was encoded: a value, a
pixel, or a sample of a signal. *RMSE* is the root-mean-square difference between what was decoded and what was
encoded, and *RMSE / s.d.* the same in units of the standard deviation of what was encoded: 0 is no loss, and 1 is what
their mean alone would reach. The arguments are examples, not the best ones for this input: most codes tell more with
more steps or a smaller threshold.

The input is *values*: 640 numbers evenly spaced in [0, 1] (in [-1, 1] for signed codes), in mixed order, 64 to a
sample for codes that decode, or 640 points of two coordinates; *images*: the 360 test images of the digits, 8 x 8
pixels in [0, 1]; *signals*: twelve sums of three sine waves of 1 to 5 periods in 200 steps, within [0, 1] or [-1, 1];
*video*: 24 digits that brighten and fade, 60 steps; *sound*: 200 tones of 0.1 s, whose values are their frequencies,
from 0 for 150 Hz to 1 for 3 kHz on the scale of bandwidths.

The decoder is the code's *own*, which for codes of changes is given the first value, or, where a code has none, the
best *linear* one: least squares (ridge 0.001) from the spike count and the time of the first spike of all output
neurons, of their spikes before and after the step that is decoded, filtered with exponentials of 1.5, 5 and 20 steps,
for signals and video, of the spike counts for sound. It is fitted to other input of the same kind: other values, the
training images, other waves, digits or tones. It shows what a linear layer could read from the code at best."""


def write_codes(folder: Path) -> Iterator[Path]:
    """Measure every encoder, write its picture to `folder`/coding and the page to `folder`; each path once written."""
    measures: dict[str, CodeMeasure] = {}
    (folder / "coding").mkdir(parents=True, exist_ok=True)
    for name, encoder in catalogue().items():
        measures[name] = measure_code(encoder)
        path = folder / "coding" / f"{name}.png"
        save_figure(draw_code(measures[name]), path, dpi=100, colours=64)
        yield path
    page = folder / "coding.md"
    page.write_text(codes_page(measures), encoding="utf-8")
    yield page


def codes_page(measures: Mapping[str, CodeMeasure]) -> str:
    """The page as Markdown."""
    parts = [f"# Codes\n\n{_METHOD}", "| " + " | ".join(_COLUMNS) + " |\n" + "|---" * len(_COLUMNS) + "|"]
    parts[-1] += "".join(f"\n{_row(name, measured)}" for name, measured in measures.items())
    for name, measured in measures.items():
        said = inspect.cleandoc(type(measured.encoder).__doc__ or "").splitlines()[0]
        parts.append(f"## {name}\n\n{said}\n\n`{_words(measured.encoder)}`\n\n![{name}](coding/{name}.png)")
    return "\n\n".join(parts) + "\n"


def _row(name: str, measured: CodeMeasure) -> str:
    spikes = measured.spikes_per_value
    cells = (
        f"[{name}](#{name.lower()})",
        kind_of_input(measured.encoder),
        "own" if measured.own else "linear",
        str(measured.spikes.shape[0]),
        "no spikes" if math.isnan(spikes) else f"{spikes:.2f}",
        f"{measured.rmse:.4f}",
        f"{measured.loss:.3f}",
    )
    return "| " + " | ".join(cells) + " |"


def _words(encoder: Encoder) -> str:
    """The encoder's representation on one line."""
    line = re.sub(r"\s+", " ", repr(encoder))
    return re.sub(r"\(\w+\): ", "", line).replace("( ", "(").replace(" )", ")")
