"""Decisions: from output spikes or running scores to a label, and the number of steps that it took."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from spikeloom.coding._checks import check_positive, check_steps, wide
from spikeloom.coding._outputs import check_outputs
from spikeloom.coding.running import running_count
from spikeloom.errors import DTypeError, ShapeError


class Decision(NamedTuple):
    """Labels and when they were known; each [batch]. Nothing of it is differentiable.

    `label`, int64: the class with the largest score when the sample stopped. `steps`, int64: the number of steps used,
    1 to T. `decided`, bool: whether the stopping criterion was met; where it was not, the label is the best after all T
    steps.
    """

    label: Tensor
    steps: Tensor
    decided: Tensor


def decide(scores: Tensor, stop: Tensor, *, tie_break: Tensor | None = None) -> Decision:
    """Stop every sample at its first step where `stop` holds, and take the class with the largest score there.

    Equal scores are settled by the larger `tie_break`, for example the membrane potentials, or random numbers; where
    there is none or it is equal too, the first class wins.
    Shapes: scores [time, batch, classes], stop bool [time, batch], tie_break [time, batch, classes] -> [batch].
    Raises: ParameterError (NaN, infinity), DTypeError, ShapeError.

    >>> scores = torch.tensor([[[0.1, 0.2]], [[0.9, 0.4]]])
    >>> decide(scores, scores.amax(2) > 0.5)
    Decision(label=tensor([0]), steps=tensor([2]), decided=tensor([True]))
    """
    check_outputs("scores of decide", scores)
    if not isinstance(stop, Tensor) or stop.dtype != torch.bool:
        raise DTypeError("stop of decide", expected="a tensor of bool", got=getattr(stop, "dtype", type(stop).__name__))
    if stop.shape != scores.shape[:2]:
        raise ShapeError("stop of decide", expected=f"{tuple(scores.shape[:2])}", got=f"shape {tuple(stop.shape)}")
    decided = stop.any(0)
    step = torch.where(decided, stop.int().argmax(0), scores.shape[0] - 1)
    best = scores.detach()
    if tie_break is not None:
        check_outputs("tie_break of decide", tie_break)
        if tie_break.shape != scores.shape:
            got = f"shape {tuple(tie_break.shape)}"
            raise ShapeError("tie_break of decide", expected=f"{tuple(scores.shape)}", got=got)
        best = torch.where(best == best.amax(2, keepdim=True), tie_break.detach(), -torch.inf)
    sample = torch.arange(scores.shape[1], device=scores.device)
    return Decision(best[step, sample].argmax(1), step + 1, decided)


def last_decision(scores: Tensor, *, tie_break: Tensor | None = None) -> Decision:
    """The class with the largest score after the last step; all samples take all steps and count as decided.

    `last_decision(potential_per_step(v))` is the membrane read-out.
    Shapes, Raises: as `decide`.

    >>> last_decision(torch.tensor([[[0.9, 0.4]], [[0.1, 0.2]]])).label.tolist()
    [1]
    """
    check_outputs("scores of last_decision", scores)
    stop = torch.zeros(scores.shape[:2], dtype=torch.bool, device=scores.device)
    stop[-1] = True
    return decide(scores, stop, tie_break=tie_break)


def highest_rate(spikes: Tensor, *, tie_break: Tensor | None = None) -> Decision:
    """The neuron with the most spikes over the whole time; slice the spikes for a shorter one.

    Equation: argmax_c sum_t s_c[t].
    Shapes, Raises: as `decide`, with output spikes of at least 0 for the scores.

    >>> highest_rate(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 1.0]]])).label.tolist()
    [1]
    """
    return last_decision(running_count(_spikes(spikes, "highest_rate")), tie_break=tie_break)


def spike_budget(spikes: Tensor, *, budget: int, tie_break: Tensor | None = None) -> Decision:
    """The neuron with the most spikes when all outputs together have fired a fixed number of them.

    Equation: argmax_c N_c[t] at the first t with sum_c N_c[t] >= budget, N the running count. Clear inputs drive the
    outputs harder and stop earlier. The budget may be exceeded by the spikes that came in the same step.
    Shapes, Raises: as `highest_rate`, and ParameterError (a budget that is no whole number of at least 1).

    >>> spike_budget(torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]]), budget=2).steps.tolist()
    [2]
    """
    count = running_count(_spikes(spikes, "spike_budget"))
    return decide(count, count.sum(2) >= check_steps("budget of spike_budget", budget), tie_break=tie_break)


def first_spike(spikes: Tensor, *, tie_break: Tensor | None = None) -> Decision:
    """The neuron that fires first.

    Equation: argmin_c t_c, t the step of the first spike. Neurons that fire first in the same step tie. A sample whose
    outputs all stay silent is not decided; its label is that of the largest `tie_break` after the last step, or 0.
    Shapes, Raises: as `highest_rate`.

    >>> first_spike(torch.tensor([[[0.0, 0.0]], [[0.0, 1.0]], [[1.0, 1.0]]]))
    Decision(label=tensor([1]), steps=tensor([2]), decided=tensor([True]))

    Source: Kheradpisheh and Masquelier (2020), S4NN, Int. J. Neural Syst. 30:2050027 (the first output to fire is the
    class).
    """
    count = running_count(_spikes(spikes, "first_spike"))
    return decide((count > 0).to(count.dtype), count.sum(2) > 0, tie_break=tie_break)


def margin_exit(scores: Tensor, *, margin: float, tie_break: Tensor | None = None) -> Decision:
    """Stop when the best class leads the second by a margin.

    Equation: the first t with y_(1)[t] - y_(2)[t] >= margin, y_(k) the k-th largest of the scores: `running_count` of
    spikes, or `potential_per_step`. Adding the same number to all scores changes nothing.
    Shapes: scores [time, batch, classes], at least 2 classes -> [batch].
    Raises: ParameterError (NaN, infinity, margin not above 0), DTypeError, ShapeError.

    >>> count = running_count(torch.tensor([[[1.0, 1.0]], [[1.0, 0.0]], [[1.0, 0.0]]]))
    >>> margin_exit(count, margin=2).steps.tolist()
    [3]

    Source: Wu et al. (2025), Front. Neurosci. 19:1522788 (cutoff by the gap between the two largest outputs).
    """
    check_outputs("scores of margin_exit", scores, classes=2)
    margin = check_positive("margin of margin_exit", margin)
    first, second = wide(scores).topk(2, dim=2).values.unbind(2)
    return decide(scores, first - second >= margin, tie_break=tie_break)


def confidence_exit(scores: Tensor, *, confidence: float, tie_break: Tensor | None = None) -> Decision:
    """Stop when the softmax of the scores gives one class enough probability.

    Equation: the first t with max_c softmax(y[t])_c >= confidence. Scale the scores to calibrate it: it is not
    invariant to scale, but to adding the same number to all scores.
    Shapes: as `margin_exit`. Raises: as `margin_exit`, ParameterError for a confidence outside (0, 1].

    >>> scores = torch.tensor([[[0.0, 0.5]], [[0.0, 3.0]]])
    >>> confidence_exit(scores, confidence=0.9).steps.tolist()
    [2]

    Source: Li et al. (2023), SEENN, NeurIPS 36 (SEENN-I, confidence of the output averaged so far).
    """
    check_outputs("scores of confidence_exit", scores, classes=2)
    confidence = check_positive("confidence of confidence_exit", confidence, high=1.0)
    return decide(scores, wide(scores).softmax(2).amax(2) >= confidence, tie_break=tie_break)


def _spikes(spikes: Tensor, what: str) -> Tensor:
    return check_outputs(f"spikes of {what}", spikes, low=0.0)
