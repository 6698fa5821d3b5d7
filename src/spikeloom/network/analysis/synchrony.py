"""How much neurons act at the same time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import DTypeError, ParameterError
from ..signals import Signal
from ..spike_trains import SpikeTrains
from .rates import population_counts, verify_trains


def synchrony(spikes: SpikeTrains, bin: float = 3.0) -> float:
    """Variance over mean of the population's spike count in bins of `bin` ms; 1 for independent Poisson trains.

    Source: Potjans and Diesmann 2014, Cereb. Cortex 24:785. Raises: ParameterError.
    """
    found = population_counts(spikes, bin)
    return float(found.var(axis=1).mean() / found.mean()) if len(spikes) else float("nan")


def golomb_chi(v: Signal | NDArray[np.floating]) -> float:
    """Synchrony of signals [time, neurons], between 0 (independent, as 1 / sqrt(N)) and 1 (all alike).

    chi^2 = var_t(mean_i v_i) / mean_i var_t(v_i). Source: Golomb 2007, Scholarpedia 2(1):1347.

    Raises: ParameterError where nothing varies.

    >>> wave = np.sin(np.linspace(0.0, 20.0, 500))[:, None]
    >>> round(golomb_chi(wave * np.ones(10)), 6)
    1.0
    """
    if not isinstance(v, Signal | np.ndarray):
        do = 'give result["E"]["v"], or an array [time, neurons]'
        raise DTypeError("signals of golomb_chi", expected="a Signal or an array", got=type(v).__name__, do=do)
    values = np.asarray(v.run() if isinstance(v, Signal) else v, dtype=np.float64)
    each = values.var(axis=0).mean()
    if not each > 0:
        raise ParameterError("signals of golomb_chi", expected="ones that vary", got=f"{list(values.shape)} alike")
    return float(np.sqrt(values.mean(axis=1).var() / each))


def spike_synchronization(spikes: SpikeTrains, run: int = 0) -> float:
    """SPIKE-synchronization: the share of coincidences among all pairs of spikes of different neurons, 0 to 1.

    Spikes of two neurons coincide where they are closer than half of the shortest of the intervals around both, so
    that no window has to be chosen. Grows with the square of the neurons.

    Source: Kreuz, Mulansky and Bozanic 2015, J. Neurophysiol. 113:3432.

    >>> spike_synchronization(SpikeTrains.of([[10.0, 20.0, 30.0], [11.0, 21.0, 31.0]], stop=40.0))
    1.0
    """
    verify_trains(spikes)
    trains = spikes.trains(run)
    number = sum(map(len, trains)) * (len(trains) - 1)
    if not number:
        return float("nan")
    half = [_half_intervals(train) for train in trains]
    total = 0
    for j in range(len(trains)):
        for k in range(j):
            total += 2 * _coincidences(trains[j], trains[k], half[j], half[k])
    return total / number


def _half_intervals(train: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half of the shorter interval beside each spike."""
    beside = np.concatenate([[np.inf], np.diff(train), [np.inf]])
    nearer: NDArray[np.float64] = np.minimum(beside[:-1], beside[1:])[: len(train)]
    return nearer / 2


def _coincidences(
    a: NDArray[np.float64], b: NDArray[np.float64], half_a: NDArray[np.float64], half_b: NDArray[np.float64]
) -> int:
    """How many spikes of a have one of b that coincides; at most one can."""
    if not len(a) or not len(b):
        return 0
    after = np.clip(np.searchsorted(b, a), 1, len(b)) if len(b) > 1 else np.ones(len(a), dtype=np.int64)
    before = after - 1
    after = np.minimum(after, len(b) - 1)
    nearest = np.where(np.abs(b[before] - a) <= np.abs(b[after] - a), before, after)
    return int((np.abs(b[nearest] - a) < np.minimum(half_a, half_b[nearest])).sum())
