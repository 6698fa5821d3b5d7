"""A network's result in a picture: spikes, rates, signals, spectrum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spikeloom.errors import ParameterError
from spikeloom.network import Projection, Result, Signal, SpikeTrains
from spikeloom.network.analysis import rate_spectrum
from spikeloom.report._figure import CYCLE, INK, expect, new_figure, tidy
from spikeloom.report.connectivity import draw_connectivity
from spikeloom.report.network_raster import colours_of, draw_raster, raster, rate_curves, spectra

# Neurons of which a trace is drawn.
_MOST_TRACES = 4


def draw_network(what: Any, **options: Any) -> Any:
    """A picture of a result, of spike trains, a signal or a projection, by its type.

    Raises: ParameterError for anything else.
    """
    for kind, drawer in _DRAWERS.items():
        if isinstance(what, kind):
            return drawer(what, **options)
    expected = ", ".join(sorted(kind.__name__ for kind in _DRAWERS))
    raise ParameterError("what to draw", expected=f"one of {expected}", got=type(what).__name__)


def draw_result(result: Result, *, run: int = 0, spectrum: bool = False, title: str = "") -> Any:
    """A figure of one run: raster, rates, a panel for each recorded signal and, if asked for, the rates' spectrum.

    Raises: ParameterError where nothing was recorded in memory.

    >>> import spikeloom as sl
    >>> net = sl.network.Network(dt=0.1, seed=1)
    >>> cells = net.population(100, sl.LIF(tau_mem=20.0), name="cells")
    >>> net.record(cells, "s", "v")
    >>> figure = net.run(20.0).plot()
    """
    expect(result, Result)
    if not 0 <= run < result.batch:
        raise ParameterError("run", expected=f"0 to {result.batch - 1}", got=run)
    trains = {name: spikes for name, spikes in result.spikes.items() if len(spikes.recorded)}
    signals = [(name, s) for name, r in result.recordings.items() for s in r.signals.values() if len(s.times)]
    if (not trains and not signals) or result.duration <= 0:
        do = "call net.record before the run"
        if result.files:
            do = f"read what is in a file with sl.network.Result.load({str(next(iter(result.files.values())))!r})"
        raise ParameterError("result", expected="something recorded", got="nothing", do=do)
    heights = [3.0, 1.1] * bool(trains) + [1.3] * len(signals)
    figure = new_figure(9.0 + 3.2 * spectrum, 0.7 + 1.15 * sum(heights))
    if title:
        figure.suptitle(title, color=INK, fontsize=11)
    left, right = figure.subfigures(1, 2, width_ratios=[2.4, 1]) if spectrum else (figure, None)
    grid = left.add_gridspec(len(heights), 1, height_ratios=heights)
    panels = list[Any]()

    def panel() -> Any:
        panels.append(left.add_subplot(grid[len(panels)], sharex=panels[0] if panels else None))
        return panels[-1]

    if trains:
        raster(panel(), trains, run=run)
        rate_curves(panel(), trains, run=run)
    colours = colours_of(result.recordings)
    for name, signal in signals:
        traces(panel(), name, signal, run=run, colour=colours[name])
    for axes in panels[:-1]:
        axes.tick_params(labelbottom=False)
        axes.set_xlabel("")
    left.align_ylabels(panels)
    if right is not None and trains:
        rest = sum(heights[2:])
        beside = right.add_gridspec(2 if rest else 1, 1, height_ratios=[sum(heights[:2]), rest][: 2 if rest else 1])
        spectra(right.add_subplot(beside[0]), _spectra(trains))
    return figure


def traces(axes: Any, population: str, signal: Signal, *, run: int = 0, colour: str = CYCLE[0]) -> None:
    """A signal over time: of some neurons, the first of them in full colour."""
    values = signal.run(run)
    count = values.shape[1]
    chosen = np.unique(np.linspace(0, count - 1, min(count, _MOST_TRACES)).round().astype(int))
    for place in chosen[::-1]:
        first = place == chosen[0]
        axes.plot(
            signal.times, values[:, place], linewidth=1.0 if first else 0.7, color=colour if first else "0.72",
            zorder=3 if first else 2,
        )  # fmt: skip
    unit = "" if signal.unit == "1" else f" ({signal.unit})"
    which = (
        "" if count == 1 else f", {len(chosen)} of {count:,} neurons" if len(chosen) < count else f", {count} neurons"
    )
    of = f" of {population}" if population else ""
    tidy(axes, xlabel="time (ms)", ylabel=f"{signal.name}{unit}")
    axes.set_title(f"{signal.name}{of}{which}", fontsize=9, loc="left", color=INK)


def draw_traces(signal: Signal, *, run: int = 0) -> Any:
    """A figure of a signal of some neurons.

    >>> import numpy as np, spikeloom as sl
    >>> signal = sl.network.Signal("v", np.zeros((5, 2)), np.arange(5.0), np.arange(2), "mV", 1.0)
    >>> figure = sl.plot.traces(signal)
    """
    expect(signal, Signal)
    figure = new_figure(9.0, 2.6)
    axes = figure.subplots()
    traces(axes, "", signal, run=run)
    axes.margins(x=0)
    return figure


def draw_spectrum(spikes: Mapping[str, SpikeTrains] | SpikeTrains, *, bin: float = 1.0) -> Any:
    """A figure of the power spectra of the populations' rates; see `network.analysis.rate_spectrum`.

    Raises: ParameterError.
    """
    populations = spikes if isinstance(spikes, Mapping) else {spikes.name or "neurons": spikes}
    figure = new_figure(6.0, 4.2)
    spectra(figure.subplots(), _spectra(populations, bin))
    return figure


def _spectra(populations: Mapping[str, SpikeTrains], bin: float = 1.0) -> Mapping[str, Any]:
    return {name: rate_spectrum(trains, bin=bin) for name, trains in populations.items()}


_DRAWERS: dict[type, Callable[..., Any]] = {
    Result: draw_result, SpikeTrains: draw_raster, Signal: draw_traces, Projection: draw_connectivity,
}  # fmt: skip
