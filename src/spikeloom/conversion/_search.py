"""Methods tried on calibration data, and the one that serves best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ..errors import ParameterError, UnknownNameError
from ..training import count_operations
from ._network import Converted
from ._shown import Shown
from .methods import Method

Preference = Literal["accuracy", "latency", "operations"]
# Inputs by which methods are judged, and the agreement that is as good as the best.
_JUDGED, _AS_GOOD = 128, 0.005


@dataclass(frozen=True)
class Trial:
    """One method: share of inputs answered as by the original after `steps`, and operations for an input.

    `steps` are the fewest from which on the agreement stays within half a point of that at the end, `latency` those to
    the answer, where layers wait for each other.
    """

    method: str
    steps: int
    latency: int
    agreement: float
    operations: float


@torch.no_grad()
def tried(
    make: Callable[[Method, Sequence[tuple[Tensor, ...]]], Converted],
    model: nn.Module,
    methods: Mapping[str, Method],
    batches: Sequence[tuple[Tensor, ...]],
    steps: int,
) -> list[Trial]:
    """Each method, calibrated with one half of the data and judged by the other."""
    inputs = tuple(torch.cat(each) for each in zip(*batches, strict=True))
    half = len(inputs[0]) // 2
    if not half:
        raise ParameterError('calibration data of method "auto"', expected="at least 2 inputs", got=len(inputs[0]))
    known = [tuple(x[:half] for x in inputs)]
    judged = tuple(x[half : half + _JUDGED] for x in inputs)
    wanted = model(*judged).flatten(1).argmax(1)
    trials = []
    for name, method in methods.items():
        net = make(method, known)
        same = (net.over_time(*judged, steps=steps).flatten(2).argmax(2) == wanted).double().mean(1)
        worse = (same < same[-1] - _AS_GOOD).nonzero()
        fewest = int(worse.max()) + 2 if len(worse) else 1
        trials.append(Trial(name, fewest, net.latency(fewest), float(same[-1]), _operations(net, judged, fewest)))
    return trials


def _operations(net: Converted, inputs: tuple[Tensor, ...], steps: int) -> float:
    """For an input; NaN where there are several inputs, which are not counted."""
    if len(inputs) > 1:
        return float("nan")
    steps = -(-steps // net.window) * net.window
    counted = count_operations(Shown(net), inputs[0].expand(steps, *inputs[0].shape))
    return counted.synaptic + counted.dense


def best(trials: Sequence[Trial], prefer: str) -> Trial:
    """The trial with most agreement; or of those within half a point of it, the fewest steps or operations."""
    if prefer not in ("accuracy", "latency", "operations"):
        raise UnknownNameError("prefer of convert", prefer, ("accuracy", "latency", "operations"))
    top = max(trial.agreement for trial in trials)
    good = [trial for trial in trials if trial.agreement >= top - _AS_GOOD]
    if prefer == "accuracy":
        return min(trials, key=lambda trial: (-trial.agreement, trial.latency, trial.operations))
    if prefer == "latency":
        return min(good, key=lambda trial: (trial.latency, -trial.agreement))
    return min(good, key=lambda trial: (trial.operations, -trial.agreement))
