"""Read-outs of converted networks: output neurons that spike, by themselves or by a clock, and when to stop.

The output of a converted network is itself a read-out: the mean current of the last layer, which is what output neurons
have sent as spikes, and what is left in their potentials.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..coding import Decision, confidence_exit
from ..errors import ParameterError, ShapeError
from ..neurons import IF
from ._network import Converted


@torch.no_grad()
def output_spikes(
    converted: Converted, *inputs: Tensor, threshold: float | None = None, steps: int | None = None
) -> Tensor:
    """Spikes of output neurons, which integrate what the last layer puts out and are reset by subtraction.

    Equation: v += y[t]; where v >= threshold a spike is sent and v -= threshold. Counts are `sl.coding.running_count`
    of them, and `sl.coding.highest_rate` decides by them; threshold (counts) + v is the converted network's own output
    times T, which also tells what is below a spike, and negative outputs. Without a `threshold` it is the largest
    output that the original has for these inputs.
    Shapes: as of the network, output [B, classes] -> [T, B, classes]. Raises: ParameterError.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> spiking = sl.convert(model, torch.rand(64, 4), steps=16)
    >>> sl.conversion.output_spikes(spiking, torch.rand(5, 4), threshold=1.0).shape
    torch.Size([16, 5, 3])

    Source: Rueckauer, Lungu, Hu, Pfeiffer and Liu 2017, Front. Neurosci. 11:682, equations 2 and 4 (reset by
    subtraction).
    """
    if threshold is None:
        threshold = float(converted.sequence(*inputs, steps=converted.window, exact=set(converted.sites)).mean(0).max())
    if not 0.0 < threshold < float("inf"):
        do = "give one: outputs of this network that are 0 or below never spike"
        raise ParameterError("threshold of output_spikes", expected="a number above 0", got=threshold, do=do)
    spikes: Tensor = IF(v_th=threshold, soft_reset=True)(converted.sequence(*inputs, steps=steps))
    return spikes


@torch.no_grad()
def weighted_mean(converted: Converted, *inputs: Tensor, weights: Tensor) -> Tensor:
    """The output as a mean over time in which each step has a weight of its own, [T]; there are as many steps.

    Equation: sum_t w[t] y[t] / sum_t w[t]. In the first steps deep layers have had no spikes yet: weights that grow, or
    are 0 at the beginning, leave them out.
    Raises: ShapeError, ParameterError.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> spiking = sl.convert(model, torch.rand(64, 4), steps=16)
    >>> sl.conversion.weighted_mean(spiking, torch.rand(5, 4), weights=torch.arange(1.0, 17.0)).shape
    torch.Size([5, 3])
    """
    if weights.dim() != 1 or not len(weights):
        raise ShapeError("weights of weighted_mean", expected="[steps]", got=f"shape {tuple(weights.shape)}")
    if not bool(torch.isfinite(weights).all()) or not float(weights.min()) >= 0.0 or not float(weights.sum()) > 0.0:
        raise ParameterError("weights of weighted_mean", expected="numbers >= 0, not all 0", got=weights.tolist())
    y = converted.sequence(*inputs, steps=len(weights))
    return torch.einsum("t,t...->...", (weights / weights.sum()).to(y), y)


@torch.no_grad()
def early_exit(
    converted: Converted, *inputs: Tensor, confidence: float = 0.9, scale: float = 1.0, steps: int | None = None
) -> Decision:
    """Stop each sample once the softmax of the mean output so far gives a class this much confidence.

    Label, number of steps and whether it was sure before the end, each [B]. The softmax is of `scale` times the
    outputs: fit it where the original's confidence is not its accuracy. All steps are computed here; what it tells is
    when a machine that runs step by step would stop. Other criteria, such as `sl.coding.margin_exit`, take
    `converted.over_time(x)`, and `sl.coding.spike_budget` takes `output_spikes`.
    Raises: ParameterError, ShapeError.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> spiking = sl.convert(model, torch.rand(64, 4), steps=16)
    >>> sl.conversion.early_exit(spiking, torch.rand(2, 4), confidence=0.3).steps.tolist()
    [1, 1]

    Source: Li et al. 2023, SEENN, NeurIPS 36, as `sl.coding.confidence_exit`.
    """
    if not 0.0 < scale < float("inf"):
        raise ParameterError("scale of early_exit", expected="a number above 0", got=scale)
    return confidence_exit(scale * converted.over_time(*inputs, steps=steps), confidence=confidence)


@torch.no_grad()
def softmax_spikes(
    converted: Converted, *inputs: Tensor, rate: float = 1.0, accumulated: bool = False, steps: int | None = None,
    generator: torch.Generator | None,
) -> Tensor:  # fmt: skip
    """Spikes of output neurons that do not fire by themselves: a clock ticks, and softmax says who sends.

    Equation: in each step there is a tick with probability `rate`, at which one neuron sends, the k-th with probability
    exp(u_k) / sum_i exp(u_i); u is the mean output so far, so that frequencies are the original's probabilities. With
    `accumulated` it is the potential, t times that, which in the course of time leaves the most probable class alone.
    `generator=None` draws from PyTorch's global generator.
    Shapes: as of the network, output [B, classes] -> [T, B, classes]. Raises: ParameterError.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> spiking = sl.convert(model, torch.rand(64, 4), steps=16)
    >>> sl.conversion.softmax_spikes(spiking, torch.rand(5, 4), generator=None).sum(2).unique()
    tensor([1.])

    Source: Rueckauer, Lungu, Hu, Pfeiffer and Liu 2017, Front. Neurosci. 11:682, section 2.2.5 (an external Poisson
    generator of fixed rate, and a competition by accumulated potentials, after Nessler et al. 2009); the mean instead
    of the potential is not from the paper.
    """
    if not 0.0 < rate <= 1.0:
        raise ParameterError("rate of softmax_spikes", expected="ticks per step, 0 < rate <= 1", got=rate)
    u = converted.over_time(*inputs, steps=steps)
    if u.dim() != 3:
        raise ShapeError("output for softmax_spikes", expected="[B, classes]", got=f"shape {tuple(u.shape[1:])}")
    if accumulated:
        u = u * torch.arange(1, len(u) + 1, dtype=u.dtype, device=u.device)[:, None, None]
    drawn = torch.multinomial(u.softmax(2).flatten(0, 1), 1, generator=generator).view(u.shape[:2])
    ticks = torch.rand(u.shape[:2], generator=generator, dtype=u.dtype, device=u.device) < rate
    return torch.nn.functional.one_hot(drawn, u.shape[2]).to(u.dtype) * ticks[..., None]
