"""Losses of classifiers on outputs over time, [time, batch, classes]."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from spikeloom.coding import first_spike_time, last_potential, max_potential, mean_potential, spike_count, spike_rate
from spikeloom.errors import DTypeError, ParameterError, ShapeError


def rate_cross_entropy(spikes: Tensor, labels: Tensor, *, scale: float | None = None) -> Tensor:
    """Cross-entropy of the spike rates.

    Equation: softmax cross-entropy of scale times (1/T) sum_t s[t], averaged over the batch. Without a scale it is T,
    so that the logits are spike counts. Rates lie in [0, 1]: a scale of 1 could not bring the loss of 10 classes below
    1.46.
    Shapes: spikes [time, batch, classes], labels int64 [batch] -> a scalar.
    Raises: ShapeError, DTypeError, ParameterError (a label that is no class, scale not above 0).

    >>> rate_cross_entropy(torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]]), torch.tensor([0])).item()  # ln(1 + exp(-2))
    0.126...

    Reference: Eshraghian et al. (2023), Proceedings of the IEEE 111:1016-1054, appendix B ("spike count").
    """
    _check(spikes, labels, "rate_cross_entropy")
    if scale is not None and not 0.0 < scale < float("inf"):
        raise ParameterError("scale of rate_cross_entropy", expected="a finite number above 0", got=scale)
    return functional.cross_entropy((spikes.shape[0] if scale is None else scale) * spike_rate(spikes), labels)


def last_potential_cross_entropy(v: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the potentials after the last step.

    Equation: softmax cross-entropy of v[T - 1], averaged over the batch.
    Shapes: v [time, batch, classes], labels int64 [batch] -> a scalar.
    Raises: ShapeError, DTypeError, ParameterError (a label that is no class).

    >>> last_potential_cross_entropy(torch.zeros(3, 1, 2), torch.tensor([0])).item()  # ln 2
    0.693...

    Reference: Cramer et al. (2022), IEEE Trans. Neural Netw. Learn. Syst. 33:2744-2757, "last-time-step loss".
    """
    return _potential_cross_entropy(v, labels, last_potential)


def max_potential_cross_entropy(v: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the largest potentials over time.

    Equation: softmax cross-entropy of max_t v[t], averaged over the batch.
    Shapes, Raises: as `last_potential_cross_entropy`.

    >>> max_potential_cross_entropy(torch.tensor([[[5.0, 0.0]], [[0.0, 5.0]]]), torch.tensor([0])).item()  # ln 2
    0.693...

    Reference: Cramer et al. (2022), IEEE Trans. Neural Netw. Learn. Syst. 33:2744-2757, "max-over-time loss".
    """
    return _potential_cross_entropy(v, labels, max_potential)


def mean_potential_cross_entropy(v: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the potentials averaged over time.

    Equation: softmax cross-entropy of (1/T) sum_t v[t], averaged over the batch.
    Shapes, Raises: as `last_potential_cross_entropy`.

    >>> mean_potential_cross_entropy(torch.tensor([[[2.0, 0.0]], [[0.0, 2.0]]]), torch.tensor([0])).item()  # ln 2
    0.693...
    """
    return _potential_cross_entropy(v, labels, mean_potential)


def count_mse(spikes: Tensor, labels: Tensor, *, correct: float, incorrect: float) -> Tensor:
    """Mean squared error of the spike counts against a target for the labelled class and one for the others.

    Equation: mean over batch and classes of ((N - f T) / T)^2 with N the count and f the fraction `correct` of the
    steps for the labelled class, `incorrect` for the others. Counts are divided by T, so that the loss does not grow
    with it.
    Shapes: spikes [time, batch, classes], labels int64 [batch] -> a scalar.
    Raises: ShapeError, DTypeError, ParameterError (a label that is no class, a fraction outside [0, 1]).

    >>> spikes = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]])
    >>> count_mse(spikes, torch.tensor([0]), correct=1.0, incorrect=0.0).item()  # ((1 - 2)^2 + 0) / 4 / 2
    0.125

    Reference: Shrestha and Orchard (2018), SLAYER, NeurIPS 31, section 3.1 (desired spike counts).
    """
    _check(spikes, labels, "count_mse")
    for name, fraction in (("correct", correct), ("incorrect", incorrect)):
        if not 0.0 <= fraction <= 1.0:
            raise ParameterError(f"{name} of count_mse", expected="a fraction of the steps in [0, 1]", got=fraction)
    count, steps = spike_count(spikes), spikes.shape[0]
    target = torch.full_like(count, incorrect * steps).scatter_(1, labels.unsqueeze(1), correct * steps)
    return functional.mse_loss(count / steps, target / steps)


def first_spike_cross_entropy(spikes: Tensor, labels: Tensor, *, tau: float = 1.0) -> Tensor:
    """Cross-entropy in which the earliest spike wins.

    Equation: softmax cross-entropy of -t / tau with t the step of the first spike, T where there is none.
    The gradient reaches the spikes through t = sum_t prod_{u <= t} (1 - s[u]), the form of `first_spike_time`: d t / d
    s[u] is exactly what a spike in step u changes, so it is also there for neurons that stayed silent, which it makes
    fire.
    Shapes: spikes [time, batch, classes], labels int64 [batch] -> a scalar.
    Units: tau in steps; a larger one asks for a larger lead and makes smaller gradients.
    Raises: ShapeError, DTypeError, ParameterError (a label that is no class, spikes not 0/1, tau not above 0).

    >>> spikes = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> first_spike_cross_entropy(spikes, torch.tensor([0])).item()  # ln(1 + exp(-1))
    0.313...

    Reference: Mostafa (2018), IEEE Trans. Neural Netw. Learn. Syst. 29:3227-3235, for the softmax of negative first
    spike times; the gradient with respect to spikes in steps is not from the paper.
    """
    _check(spikes, labels, "first_spike_cross_entropy")
    if not 0.0 < tau < float("inf"):
        raise ParameterError("tau of first_spike_cross_entropy", expected="a finite number above 0", got=tau)
    return functional.cross_entropy(-first_spike_time(spikes) / tau, labels)


def anytime_cross_entropy(scores: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy after every step, so that the answer is asked for early.

    Equation: (1/T) sum_t softmax cross-entropy of y[t], averaged over the batch. Give it `running_count` of spikes, or
    `potential_per_step`, for what a decision after t + 1 steps would see; the outputs of single steps make it temporal
    efficient training.
    Shapes: scores [time, batch, classes], labels int64 [batch] -> a scalar.
    Raises: ShapeError, DTypeError, ParameterError (a label that is no class).

    >>> anytime_cross_entropy(torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]]]), torch.tensor([0])).item()  # with ln(1 + 1/e)
    0.503...

    Reference: Deng et al. (2022), Temporal efficient training, ICLR, for outputs of single steps; running scores are
    not from the paper.
    """
    _check(scores, labels, "anytime_cross_entropy")
    return functional.cross_entropy(scores.flatten(0, 1), labels.repeat(scores.shape[0]))


def latency_penalty(spikes: Tensor, labels: Tensor) -> Tensor:
    """How late the labelled neuron fires first; a term to be added to another loss.

    Equation: t_label / T averaged over the batch, t the step of the first spike, T where there is none; in [0, 1]. The
    gradient is that of `first_spike_time`: descent makes the labelled neuron fire, and earlier.
    Shapes: spikes [time, batch, classes], labels int64 [batch] -> a scalar.
    Raises: ShapeError, DTypeError, ParameterError (a label that is no class, spikes not 0/1).

    >>> latency_penalty(torch.tensor([[[0.0, 1.0]], [[1.0, 0.0]]]), torch.tensor([0])).item()
    0.5
    """
    _check(spikes, labels, "latency_penalty")
    return first_spike_time(spikes).gather(1, labels.unsqueeze(1)).mean() / spikes.shape[0]


def _potential_cross_entropy(v: Tensor, labels: Tensor, decode: Callable[[Tensor], Tensor]) -> Tensor:
    _check(v, labels, f"{decode.__name__}_cross_entropy")
    return functional.cross_entropy(decode(v), labels)


def _check(output: Tensor, labels: Tensor, what: str) -> None:
    if output.ndim != 3 or 0 in output.shape:
        got = f"shape {tuple(output.shape)}"
        raise ShapeError(f"outputs of {what}", expected="[time, batch, classes], none of them 0", got=got)
    if labels.dtype != torch.int64:
        raise DTypeError(f"labels of {what}", expected="int64 class numbers", got=labels.dtype, do="use labels.long()")
    if labels.shape != output.shape[1:2]:
        expected = f"[{output.shape[1]}], one per sample"
        raise ShapeError(f"labels of {what}", expected=expected, got=f"shape {tuple(labels.shape)}")
    if not 0 <= int(labels.min()) <= int(labels.max()) < output.shape[2]:
        got = f"{int(labels.min())} to {int(labels.max())}"
        raise ParameterError(f"labels of {what}", expected=f"class numbers 0 to {output.shape[2] - 1}", got=got)
