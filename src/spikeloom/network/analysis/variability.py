"""How irregular spike trains are. Neurons with too few spikes have NaN."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..spike_trains import SpikeTrains
from .rates import counts, verify_trains

Intervals = tuple[NDArray[np.float64], NDArray[np.int64]]


def _all_intervals(spikes: SpikeTrains) -> Intervals:
    """Intervals of all neurons one after the other, and which of the trains each is of."""
    verify_trains(spikes)
    places, times = spikes.grouped
    train = np.repeat(np.arange(len(places) - 1), np.diff(places))
    inside = train[1:] == train[:-1]
    return np.diff(times)[inside], train[1:][inside]


def _sums(values: NDArray[np.float64], train: NDArray[np.int64], spikes: SpikeTrains) -> NDArray[np.float64]:
    total = np.bincount(train, values, minlength=len(spikes.recorded) * spikes.batch)
    return total.astype(np.float64, copy=False)


def _mean(
    values: NDArray[np.float64], train: NDArray[np.int64], spikes: SpikeTrains, least: int
) -> NDArray[np.float64]:
    """Mean of what belongs to each train, NaN for less than `least` values."""
    number = _sums(np.ones(len(values)), train, spikes)
    total = _sums(values, train, spikes)
    return np.where(number >= least, total / np.maximum(number, 1), np.nan)


def intervals(spikes: SpikeTrains) -> list[NDArray[np.float64]]:
    """The intervals between successive spikes of each neuron, in ms.

    >>> intervals(SpikeTrains.of([[1.0, 3.0, 6.0], [2.0]], stop=10.0))
    [array([2., 3.]), array([], dtype=float64)]
    """
    found, train = _all_intervals(spikes)
    return np.split(found, np.searchsorted(train, np.arange(1, len(spikes.recorded) * spikes.batch)))


def cv(spikes: SpikeTrains) -> NDArray[np.float64]:
    """Coefficient of variation of the intervals of each neuron: standard deviation / mean; 1 for Poisson.

    From two intervals on. Source: Softky and Koch 1993, J. Neurosci. 13:334.

    >>> cv(SpikeTrains.of([[0.0, 2.0, 4.0, 6.0], [0.0, 1.0, 4.0]], stop=10.0))
    array([0. , 0.5])
    """
    found, train = _all_intervals(spikes)
    mean = _mean(found, train, spikes, 2)
    return np.sqrt(_mean((found - mean[train]) ** 2, train, spikes, 2)) / mean


def _neighbours(spikes: SpikeTrains) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    found, train = _all_intervals(spikes)
    inside = train[1:] == train[:-1]
    return found[:-1][inside], found[1:][inside], train[1:][inside]


def cv2(spikes: SpikeTrains) -> NDArray[np.float64]:
    """CV2 of each neuron: mean of 2 |I_k+1 - I_k| / (I_k+1 + I_k); 1 for Poisson, also where the rate drifts slowly.

    Source: Holt, Softky, Koch and Douglas 1996, J. Neurophysiol. 75:1806.
    """
    first, second, train = _neighbours(spikes)
    return _mean(2 * np.abs(second - first) / (second + first), train, spikes, 1)


def local_variation(spikes: SpikeTrains) -> NDArray[np.float64]:
    """LV of each neuron: mean of 3 ((I_k+1 - I_k) / (I_k+1 + I_k))^2; 1 for Poisson.

    Source: Shinomoto, Shima and Tanji 2003, Neural Comput. 15:2823.
    """
    first, second, train = _neighbours(spikes)
    return _mean(3 * ((second - first) / (second + first)) ** 2, train, spikes, 1)


def fano_factor(spikes: SpikeTrains, bin: float) -> NDArray[np.float64]:
    """Variance over mean of the spike counts of each neuron in windows of `bin` ms; 1 for Poisson.

    The variance is the mean of squared deviations, as in Elephant. Source: Fano 1947, Phys. Rev. 72:26.

    Raises: ParameterError.
    """
    found = counts(spikes, bin)
    mean = found.mean(axis=1)
    return np.where(mean > 0, found.var(axis=1) / np.where(mean > 0, mean, 1), np.nan)
