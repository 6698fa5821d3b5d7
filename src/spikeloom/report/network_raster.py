"""Spikes of populations as dots, and their rates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikeloom.network import SpikeTrains
from spikeloom.network.analysis import rate_over_time
from spikeloom.report._figure import CYCLE, INK, expect, new_figure, tidy

_COLOURS = (*CYCLE, INK, "#999999")
# Spikes that a raster shows; more would only be one colour.
_MOST_SPIKES = 20_000
_MOST_NEURONS = 1_000
# Least distance of the names of populations, as a share of the raster's height.
_APART = 0.06
# Bins of a rate; fewer hide what is fast, more are noise.
_BINS = 250


def colours_of(names: Iterable[str]) -> dict[str, str]:
    """The colour of each population, in their order; beyond eight they repeat.

    >>> colours_of(["E", "I"])
    {'E': '#0072b2', 'I': '#d55e00'}
    """
    found = list(names)
    return {name: _COLOURS[k % len(_COLOURS)] for k, name in enumerate(found)}


def draw_raster(spikes: Mapping[str, SpikeTrains] | SpikeTrains, *, run: int = 0, rates: bool = True) -> Any:
    """A figure: a dot for each spike, neurons from the first population on downwards; below, the rates.

    Where there are more spikes or neurons than a picture can show, some neurons are drawn, and the title says so.

    >>> import spikeloom as sl
    >>> figure = sl.plot.raster(sl.network.SpikeTrains.of([[1.0, 5.0], [7.0]], stop=10.0))
    """
    expect(spikes, Mapping, SpikeTrains)
    populations = spikes if isinstance(spikes, Mapping) else {spikes.name or "neurons": spikes}
    figure = new_figure(9.0, 5.2 if rates else 3.8)
    grid = figure.add_gridspec(2 if rates else 1, 1, height_ratios=[3, 1] if rates else [1])
    top = figure.add_subplot(grid[0])
    raster(top, populations, run=run)
    if rates:
        top.tick_params(labelbottom=False)
        top.set_xlabel("")
        rate_curves(figure.add_subplot(grid[1], sharex=top), populations, run=run)
    return figure


def raster(axes: Any, populations: Mapping[str, SpikeTrains], *, run: int = 0) -> None:
    """Dots, population by population downwards, each with its name beside it."""
    kept = {name: _thinned(spikes, _share(populations, spikes), run) for name, spikes in populations.items()}
    drawn = sum(len(trains.recorded) for trains in kept.values())
    all_neurons = sum(len(trains.recorded) for trains in populations.values())
    first, middles = 0, list[float]()
    # In points; a raster is some 220 high.
    size = float(np.clip(330.0 / max(drawn, 1), 1.6, 4.0))
    for trains, colour in zip(kept.values(), colours_of(kept).values(), strict=True):
        rows = first + trains.index
        axes.plot(trains.times, rows, ".", color=colour, markersize=size, markeredgewidth=0, rasterized=True)
        middles.append(first + (len(trains.recorded) - 1) / 2)
        first += len(trains.recorded)
        if first < drawn:
            axes.axhline(first - 0.5, color="0.8", linewidth=0.6)
    axes.set_ylim(drawn - 0.5, -0.5)
    _names(axes, populations, (np.array(middles) + 0.5) / drawn)
    axes.set_xlim(*_bounds(populations))
    words = f"{all_neurons:,} neurons" if drawn == all_neurons else f"{drawn:,} of {all_neurons:,} neurons"
    tidy(axes, title=f"Spikes of {words}", xlabel="time (ms)")


def _names(axes: Any, populations: Mapping[str, SpikeTrains], middles: NDArray[np.float64]) -> None:
    """Name and size of each population beside its rows, moved apart where these are few."""
    places = middles.copy()
    for k in range(1, len(places)):
        places[k] = max(places[k], places[k - 1] + _APART)
    # Back up what has been moved beyond the end.
    limit = 1.0
    for k in reversed(range(len(places))):
        places[k] = min(places[k], limit)
        limit = places[k] - _APART
    for place, (name, trains), colour in zip(
        places, populations.items(), colours_of(populations).values(), strict=True
    ):
        axes.annotate(
            f"{name}  {len(trains.recorded):,}", (0.0, 1.0 - place), (-6, 0), xycoords="axes fraction",
            textcoords="offset points", ha="right", va="center", fontsize=9, color=colour,
        )  # fmt: skip
    axes.set_yticks([])


def _bounds(populations: Mapping[str, SpikeTrains]) -> tuple[float, float]:
    return min(t.start for t in populations.values()), max(t.stop for t in populations.values())


def _share(populations: Mapping[str, SpikeTrains], trains: SpikeTrains) -> int:
    """How many neurons of a population are drawn: as large a part of each, at least ten."""
    neurons = sum(len(t.recorded) for t in populations.values())
    spikes = sum(len(t) for t in populations.values()) / max(t.batch for t in populations.values())
    part = min(1.0, _MOST_NEURONS / max(neurons, 1), _MOST_SPIKES / max(spikes, 1))
    return min(len(trains.recorded), max(10, round(part * len(trains.recorded))))


def _thinned(trains: SpikeTrains, neurons: int, run: int) -> SpikeTrains:
    own = trains.in_run(run) if trains.batch > 1 else trains
    if neurons == len(own.recorded):
        return own
    return own[np.linspace(0, len(own.recorded) - 1, neurons).round().astype(int)]


def rate_curves(axes: Any, populations: Mapping[str, SpikeTrains], *, run: int = 0) -> None:
    """The rate of each population over time, and in the legend its mean."""
    for (name, trains), colour in zip(populations.items(), colours_of(populations).values(), strict=True):
        curve = rate_over_time(trains, nice_bin(trains.duration))
        label = f"{name}: {trains.rate:.3g} spikes/s"
        axes.plot(curve.times, curve.rates[run], color=colour, linewidth=1.0, label=label)
    bin_ = nice_bin(max(t.duration for t in populations.values()))
    axes.set_xlim(*_bounds(populations))
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, frameon=False, ncols=min(4, len(populations)), loc="lower left", bbox_to_anchor=(0.0, 1.0),
                borderaxespad=0.1, handlelength=1.2)  # fmt: skip
    tidy(axes, xlabel="time (ms)", ylabel=f"spikes/s\n(bins of {bin_:g} ms)")


def nice_bin(duration: float) -> float:
    """A round number of ms of which a few hundred fit.

    >>> nice_bin(1000.0)
    5.0
    """
    rough = duration / _BINS
    power = 10.0 ** np.floor(np.log10(max(rough, 1e-12)))
    return float(next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= rough * 0.999))


def spectra(axes: Any, found: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> None:
    """Power over frequency, both logarithmic."""
    for (name, (frequencies, power)), colour in zip(found.items(), colours_of(found).values(), strict=True):
        axes.loglog(frequencies[1:], power[1:], color=colour, linewidth=1.0, label=name)
    axes.legend(fontsize=8, frameon=False)
    tidy(axes, title="Power of the rate", xlabel="frequency (Hz)", ylabel="power ((spikes/s)² / Hz)")
