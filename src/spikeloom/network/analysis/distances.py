"""Distances between spike trains, arrays of times in ms, and between distributions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ...errors import ParameterError


def _train(what: str, times: ArrayLike) -> NDArray[np.float64]:
    train = np.sort(np.asarray(times, dtype=np.float64).ravel())
    if not np.isfinite(train).all():
        raise ParameterError(f"spike times of {what}", expected="finite numbers", got=train[~np.isfinite(train)][0])
    return train


def victor_purpura(first: ArrayLike, second: ArrayLike, *, cost: float) -> float:
    """The least cost of making one train from the other: 1 to add or remove a spike, `cost` |dt| (1/ms) to move one.

    G(i, j) = min(G(i-1, j) + 1, G(i, j-1) + 1, G(i-1, j-1) + cost |s_i - t_j|). Without cost it is the difference of
    the counts; spikes further apart than 2 / cost are never moved.

    Source: Victor and Purpura 1996, J. Neurophysiol. 76:1310. Raises: ParameterError.

    >>> victor_purpura([1.0, 5.0], [2.0], cost=0.5)
    1.5
    """
    if not cost >= 0:
        raise ParameterError("victor_purpura.cost", expected="a number >= 0 (1/ms)", got=cost)
    s, t = _train("victor_purpura", first), _train("victor_purpura", second)
    if np.isinf(cost):
        return float(len(s) + len(t) - 2 * len(np.intersect1d(s, t)))
    column = np.arange(len(t) + 1.0)
    row = column.copy()
    for time in s:
        best = np.concatenate([[row[0] + 1], np.minimum(row[1:] + 1, row[:-1] + cost * np.abs(t - time))])
        # To add spikes after the best beginning: min over k <= j of best(k) + j - k.
        row = np.minimum.accumulate(best - column) + column
    return float(row[-1])


def van_rossum(first: ArrayLike, second: ArrayLike, *, tau: float) -> float:
    """Distance of the trains filtered by an exponential of `tau` ms.

    D^2 = 1/tau int (f - g)^2 dt with f(t) = sum_i H(t - t_i) exp(-(t - t_i) / tau). A spike against none has
    sqrt(1/2); trains without a common spike within many tau have sqrt((n + m) / 2).

    Source: van Rossum 2001, Neural Comput. 13:751. Raises: ParameterError.

    >>> round(van_rossum([10.0], [], tau=5.0) ** 2, 12)
    0.5
    """
    if not 0 < tau < np.inf:
        raise ParameterError("van_rossum.tau", expected="a time > 0 (ms)", got=tau)
    s, t = _train("van_rossum", first), _train("van_rossum", second)
    times, signs = np.concatenate([s, t]), np.concatenate([np.ones(len(s)), -np.ones(len(t))])
    order = np.argsort(times, kind="stable")
    times, signs = times[order], signs[order]
    # D^2 = 1/2 sum_ij s_i s_j exp(-|t_i - t_j| / tau); pairs further apart than 40 tau add nothing.
    total = 0.5 * len(times)
    low = np.searchsorted(times, times - 40 * tau)
    for first_row in range(0, len(times), 256):
        rows = np.arange(first_row, min(first_row + 256, len(times)))
        columns = np.arange(low[rows[0]], rows[-1] + 1)
        near = np.exp(-np.abs(times[rows, None] - times[columns]) / tau) * signs[columns]
        total += float((np.where(columns < rows[:, None], near, 0.0).sum(axis=1) * signs[rows]).sum())
    return float(np.sqrt(max(total, 0.0)))


def ks_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Largest difference of two cumulative distributions, 0 to 1; NaN is left out.

    Source: Smirnov 1948; `scipy.stats.ks_2samp`. Raises: ParameterError where there are no numbers.

    >>> ks_distance([1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0])
    0.5
    """
    samples = [np.asarray(each, dtype=np.float64).ravel() for each in (first, second)]
    samples = [each[~np.isnan(each)] for each in samples]
    if not all(map(len, samples)):
        raise ParameterError("samples of ks_distance", expected="numbers", got="none")
    return float(stats.ks_2samp(*samples, method="asymp").statistic)
