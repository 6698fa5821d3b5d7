"""Accuracy and agreement of a converted network over its time steps, and errors place by place."""

from __future__ import annotations

from typing import Any

from spikeloom.conversion import Conversion
from spikeloom.report._figure import BLUE, GREEN, INK, ORANGE, expect, new_figure, tidy


def draw_conversion(found: Conversion) -> Any:
    """A figure with the accuracy after each step beside that of the original, and the agreement with it.

    A dotted line marks the suggested number of steps. Without labels there is the agreement alone. Raises: DTypeError.

    >>> import torch, spikeloom as sl
    >>> model, x = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()), torch.rand(8, 4)
    >>> found = sl.conversion.measure(sl.convert(model, x, steps=4), model, x)
    >>> [axes.get_ylabel() for axes in draw_conversion(found).axes]
    ['agreement (%)']
    """
    expect(found, Conversion)
    panels = 2 if found.accuracy else 1
    figure = new_figure(4.5 * panels, 3.6)
    *first, last = figure.subplots(1, panels, squeeze=False)[0]
    if first:
        _accuracy(first[0], found)
    _curve(last, found, found.agreement, colour=GREEN, marker="o")
    share = 100 * found.agreement[-1]
    tidy(last, title=f"Same answer: {share:.2f} % at T = {found.steps}", xlabel="steps", ylabel="agreement (%)")
    for axes, values in zip((*first, last), (found.accuracy, found.agreement)[-panels:], strict=True):
        _axis_of_steps(axes, found.steps)
        axes.set_ylim(*_limits(values, found.original if values is found.accuracy else None))
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    return figure


def draw_places(found: Conversion) -> Any:
    """A figure with a row for each place: error of its rates, and shares of saturated and silent activations.

    Raises: DTypeError.
    """
    expect(found, Conversion)
    figure = new_figure(9.0, 0.9 + 0.42 * max(1, len(found.sites)))
    axes = figure.subplots()
    names = [site.operation or site.name for site in found.sites]
    kinds = (("error", BLUE), ("saturated", ORANGE), ("silent", GREEN))
    for number, (kind, colour) in enumerate(kinds):
        values = [100 * getattr(site, kind) for site in found.sites]
        axes.barh([y + (number - 1) * 0.27 for y in range(len(values))], values, 0.25, color=colour, label=kind)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(left=0.0)
    tidy(axes, xlabel="% of the mean activation (error), % of activations (saturated, silent)")
    axes.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure


def _accuracy(axes: Any, found: Conversion) -> None:
    _curve(axes, found, found.accuracy, colour=BLUE, marker="s")
    if found.original is not None:
        text = f"original, {100 * found.original:.2f} %"
        axes.axhline(100 * found.original, color=INK, linestyle="--", linewidth=1.2, label=text)
        axes.legend(fontsize=9, frameon=False, loc="lower right")
    title = f"Accuracy: {100 * found.accuracy[-1]:.2f} % at T = {found.steps}"
    tidy(axes, title=title, xlabel="steps", ylabel="accuracy (%)")


def _curve(axes: Any, found: Conversion, values: list[float], *, colour: str, marker: str) -> None:
    steps = range(1, found.steps + 1)
    # Many would run into each other.
    dots = marker if found.steps <= 16 else ""
    axes.plot(steps, [100 * value for value in values], color=colour, linewidth=1.8, marker=dots, markersize=3)
    if found.suggested is not None:
        axes.axvline(found.suggested, color=ORANGE, linestyle=":", linewidth=1.4)
        axes.annotate(
            f" T = {found.suggested} is enough", (found.suggested, 0.02), xycoords=("data", "axes fraction"),
            color=ORANGE, fontsize=9, rotation=90, ha="right", va="bottom",
        )  # fmt: skip


def _axis_of_steps(axes: Any, steps: int) -> None:
    """Doublings, as the first steps say the most."""
    if steps > 1:
        axes.set_xscale("log", base=2)
    axes.set_xticks([1 << power for power in range(steps.bit_length())])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_locator(_nothing())


def _nothing() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()


def _limits(values: list[float], original: float | None) -> tuple[float, float]:
    """From a little below the worst to a little above the best."""
    every = [100 * value for value in values] + ([] if original is None else [100 * original])
    low, high = min(every), max(every)
    margin = 0.05 * max(high - low, 2.0)
    return max(low - margin, 0.0), min(high + margin, 100.0 + margin)
