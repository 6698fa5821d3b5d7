"""Counts and rates."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...errors import DTypeError, ParameterError
from ..spike_trains import SpikeTrains


class RateCurve(NamedTuple):
    """A rate over time: middle of each bin in ms, spikes/s per neuron, [runs, bins] with independent runs."""

    times: NDArray[np.float64]
    rates: NDArray[np.float64]


def verify_trains(spikes: object) -> None:
    """Raise for anything else, such as the recording that trains are a part of."""
    if not isinstance(spikes, SpikeTrains):
        do = 'give result.spikes["E"], or SpikeTrains.of(times of each neuron, stop=...)'
        raise DTypeError("spikes", expected="SpikeTrains", got=type(spikes).__name__, do=do)


def checked_bin(spikes: SpikeTrains, bin: float, what: str = "bin") -> int:
    """How many whole bins there are. Raises: ParameterError, DTypeError."""
    verify_trains(spikes)
    if not 0 < bin <= spikes.duration:
        expected = f"a time > 0, at most the {spikes.duration:g} ms that were recorded"
        raise ParameterError(what, expected=expected, got=bin)
    return int(spikes.duration / bin + 1e-6)


def bins_of(spikes: SpikeTrains, bin: float) -> NDArray[np.int64]:
    """In which bin each spike is. A bin holds its end and not its beginning, as a step does."""
    # A time that is a multiple of the bin is one only up to rounding.
    return np.maximum(np.ceil((spikes.times - spikes.start) / bin - 1e-6).astype(np.int64) - 1, 0)


def counts(spikes: SpikeTrains, bin: float) -> NDArray[np.int64]:
    """Spikes of each neuron in bins of `bin` ms: [runs times neurons, bins]. A last, incomplete bin is left out.

    Raises: ParameterError.

    >>> counts(SpikeTrains.of([[1.0, 5.0], [7.0]], stop=10.0), 5.0)
    array([[2, 0],
           [0, 1]])
    """
    size, places = checked_bin(spikes, bin), bins_of(spikes, bin)
    trains = len(spikes.recorded) * spikes.batch
    rows = spikes.index.astype(np.int64) + spikes.runs * len(spikes.recorded)
    kept = places < size
    return np.bincount(rows[kept] * size + places[kept], minlength=trains * size).reshape(trains, size)


def population_counts(spikes: SpikeTrains, bin: float) -> NDArray[np.int64]:
    """Spikes of all neurons together in bins: [runs, bins]."""
    size, places = checked_bin(spikes, bin), bins_of(spikes, bin)
    kept = places < size
    flat = places[kept] + spikes.runs[kept] * np.int64(size)
    return np.bincount(flat, minlength=spikes.batch * size).reshape(spikes.batch, size)


def neuron_rates(spikes: SpikeTrains) -> NDArray[np.float64]:
    """Mean rate of each neuron, in spikes/s: [runs times neurons].

    >>> neuron_rates(SpikeTrains.of([[1.0, 5.0], [7.0]], stop=1000.0))
    array([2., 1.])
    """
    verify_trains(spikes)
    places, _ = spikes.grouped
    return np.diff(places) / spikes.duration * 1e3


def rate_over_time(spikes: SpikeTrains, bin: float = 1.0) -> RateCurve:
    """Mean rate of the population in bins of `bin` ms, in spikes/s per neuron. Raises: ParameterError.

    >>> rate_over_time(SpikeTrains.of([[1.0, 5.0], [7.0]], stop=10.0), bin=5.0).rates
    array([[200., 100.]])
    """
    found = population_counts(spikes, bin) / (len(spikes.recorded) * bin) * 1e3
    return RateCurve(spikes.start + (np.arange(found.shape[1]) + 0.5) * np.float64(bin), found)


def smoothed_rate(spikes: SpikeTrains, sigma: float = 5.0, *, bin: float | None = None) -> RateCurve:
    """Rate of the population, in spikes/s per neuron: each spike a Gaussian of standard deviation `sigma` ms.

    r(t) = 1/N sum_k exp(-(t - t_k)^2 / 2 sigma^2) / sqrt(2 pi) sigma, in bins of sigma / 10 unless `bin` says; at the
    ends, where a part of the Gaussian has not been seen, divided by the rest.

    Raises: ParameterError.
    """
    if not 0 < sigma < math.inf:
        raise ParameterError("sigma", expected="a time > 0 (ms)", got=sigma)
    curve = rate_over_time(spikes, sigma / 10 if bin is None else bin)
    width = sigma / (sigma / 10 if bin is None else bin)
    smooth = ndimage.gaussian_filter1d(curve.rates, width, axis=1, mode="constant", truncate=6.0)
    seen = ndimage.gaussian_filter1d(np.ones(curve.rates.shape[1]), width, mode="constant", truncate=6.0)
    return RateCurve(curve.times, np.asarray(smooth / seen, dtype=np.float64))
