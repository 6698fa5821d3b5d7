"""What spike trains have to do with each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import ParameterError
from ..spike_trains import SpikeTrains
from .rates import counts


class Correlogram(NamedTuple):
    """Lags in ms, middle of each bin, and how many pairs of spikes have them."""

    lags: NDArray[np.float64]
    counts: NDArray[np.int64]


def count_correlations(spikes: SpikeTrains, bin: float = 2.0) -> NDArray[np.float64]:
    """Pearson's correlation of the spike counts of all pairs of neurons, [neurons, neurons] of all runs in a row.

    rho = cov(n_i, n_j) / sqrt(var(n_i) var(n_j)) with counts in bins of `bin` ms. Neurons whose count does not vary
    have NaN. The matrix grows with the square of the neurons: `count_correlations(spikes[:250])` takes some.

    Source: de la Rocha et al. 2007, Nature 448:802. Raises: ParameterError.

    >>> count_correlations(SpikeTrains.of([[1.0, 7.0], [1.5, 6.5], [3.0]], stop=8.0)).round(2)
    array([[ 1.  ,  1.  , -0.58],
           [ 1.  ,  1.  , -0.58],
           [-0.58, -0.58,  1.  ]])
    """
    found = counts(spikes, bin).astype(np.float64)
    found = np.concatenate(np.split(found, spikes.batch), axis=1)
    found -= found.mean(axis=1, keepdims=True)
    norm = np.sqrt((found**2).sum(axis=1))
    norm[norm == 0] = np.nan
    found /= norm[:, None]
    return found @ found.T


def cross_correlogram(first: ArrayLike, second: ArrayLike, *, longest: float = 50.0, bin: float = 1.0) -> Correlogram:
    """How often a spike of the second train comes so long after one of the first, by lag from -longest to longest.

    Trains are arrays of times in ms. Bins of `bin` ms have their middle at multiples of `bin`; a lag between two of
    them counts for the later. Poisson trains of rates r1, r2 over a time T have r1 r2 bin T pairs in each bin.

    Source: Perkel, Gerstein and Moore 1967, Biophys. J. 7:419. Raises: ParameterError.

    >>> cross_correlogram([10.0, 20.0], [11.0, 21.0], longest=2.0).counts
    array([0, 0, 0, 2, 0])
    """
    if not 0 < bin <= longest:
        raise ParameterError("bin", expected=f"a time > 0, at most the longest lag of {longest:g} ms", got=bin)
    a, b = (np.sort(np.asarray(train, dtype=np.float64).ravel()) for train in (first, second))
    half = int(longest / bin + 1e-6)
    reach = (half + 0.5) * bin
    low, high = np.searchsorted(b, a - reach, "left"), np.searchsorted(b, a + reach, "right")
    found = np.zeros(2 * half + 1, dtype=np.int64)
    # Some million pairs at a time.
    total = np.cumsum(high - low)
    for part in np.split(np.arange(len(a)), np.searchsorted(total, np.arange(1 << 22, total[-1:].sum(), 1 << 22))):
        number = high[part] - low[part]
        start = np.repeat(low[part] - np.cumsum(number) + number, number)
        lags = b[start + np.arange(number.sum())] - np.repeat(a[part], number)
        places = np.floor(lags / bin + 0.5 + 1e-9).astype(np.int64) + half
        found += np.bincount(places[(places >= 0) & (places <= 2 * half)], minlength=2 * half + 1)
    return Correlogram(np.arange(-half, half + 1) * np.float64(bin), found)
