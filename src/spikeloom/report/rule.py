"""A rule of plasticity in a picture: the change of a weight by the lag of a pair of spikes, and by its frequency."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from spikeloom.errors import ParameterError
from spikeloom.plasticity import Rule, learn
from spikeloom.report._figure import BLUE, INK, ORANGE, new_figure, tidy

# Pairs of a protocol, and the lag in ms that frequencies are shown for.
_PAIRS, _LAG = 15, 10.0


def draw_rule(rule: Rule, *, lag: float = 60.0, w: float | None = None) -> Any:
    """A figure of a rule that looks at spikes: one pair at lags up to `lag` ms, and 15 pairs at 5 to 50 Hz.

    `w` is the weight at the beginning, half-way between the bounds if not given. A lag is positive where the
    presynaptic spike comes first. Raises: ParameterError for a rule that needs more than spikes.

    >>> import spikeloom as sl
    >>> figure = sl.plot.rule(sl.plasticity.STDP())
    >>> figure.savefig("window.png")  # doctest: +SKIP
    """
    name = type(rule).__name__
    if rule.post_states or not rule.has("on_post") or rule.inputs:
        needed = [*rule.post_states, *rule.inputs] or ["trials"]
        raise ParameterError(f"picture of {name}", expected="a rule of pairs of spikes", got=f"one of {needed}")
    figure = new_figure(9.0, 3.4)
    figure.suptitle(repr(rule) if len(repr(rule)) < 100 else name, color=INK, fontsize=11)
    left, right = figure.subplots(1, 2)
    lags = np.linspace(-lag, lag, 121)
    changes = paired(rule, lags, np.full(len(lags), np.inf), 1, w)
    for side, colour in ((lags > 0, BLUE), (lags < 0, ORANGE)):
        left.plot(lags[side], changes[side], color=colour)
    left.axhline(0.0, color=INK, linewidth=0.5)
    tidy(left, title="one pair", xlabel="post after pre, ms", ylabel="change of weight")
    frequencies = np.linspace(5.0, 50.0, 19)
    for each, colour, label in ((_LAG, BLUE, "pre first"), (-_LAG, ORANGE, "post first")):
        found = paired(rule, np.full(len(frequencies), each), 1e3 / frequencies, _PAIRS, w)
        right.plot(frequencies, found, color=colour, label=f"{label}, {_LAG:g} ms")
    right.axhline(0.0, color=INK, linewidth=0.5)
    right.legend(frameon=False, fontsize=8)
    tidy(right, title=f"{_PAIRS} pairs", xlabel="pairs per second", ylabel="change of weight")
    return figure


def paired(
    rule: Rule, lags: NDArray[np.float64], intervals: NDArray[np.float64], pairs: int, w: float | None
) -> NDArray[np.float64]:
    """Changes of the weight by pairs of spikes with a lag and an interval each, in ms."""
    probe = copy.deepcopy(rule)
    probe.dt = dt = 1.0
    values = probe.param_values()
    low, high = (float(values[name]) for name in ("w_min", "w_max"))
    start = w if w is not None else 0.5 * (low + high) if np.isfinite(low + high) else 1.0
    longest = 0.0 if pairs == 1 else float(intervals.max()) * (pairs - 1)
    steps = round((longest + 2 * np.abs(lags).max() + 2.0) / dt) + 2
    pre, post = (torch.zeros(steps, len(lags), 1, dtype=torch.float64) for _ in range(2))
    for number in range(pairs):
        first = np.abs(lags).max() + 1.0 + (number * intervals if number else 0.0 * lags)
        rows = torch.arange(len(lags))
        pre[torch.as_tensor(np.round(first / dt)).long(), rows, 0] = 1.0
        post[torch.as_tensor(np.round((first + lags) / dt)).long(), rows, 0] = 1.0
    weights = torch.full((len(lags), 1, 1), start, dtype=torch.float64)
    return (learn(probe, weights, pre, post, causal=False).w.flatten() - start).numpy()
