"""The task of rules that learn spike times: a pattern of input spikes, and when a neuron is to answer it."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError


def spike_time_task(
    *,
    inputs: int = 400,
    steps: int = 400,
    rate: float = 5.0,
    spikes: int = 5,
    apart: int = 20,
    dt: float = 1.0,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """One pattern of Poisson spikes, and desired spikes of one neuron at times that have nothing to do with it.

    Desired spikes are more than `apart` steps from each other, none in the first tenth of the pattern nor in its last
    fortieth, drawn again until they are.
    Shapes: input [steps, 1, inputs], target [steps, 1, 1], 0 and 1. Units: rate in spikes per second, dt in ms.
    `generator=None` draws from PyTorch's global generator. Raises: ParameterError.

    >>> x, target = spike_time_task(generator=torch.Generator().manual_seed(0))
    >>> x.shape, target.flatten().nonzero().flatten()
    (torch.Size([400, 1, 400]), tensor([116, 154, 216, 261, 370]))

    Source: after Ponulak and Kasiński 2010, Neural Computation 22:467, section 3; the numbers are ours.
    """
    p, first, last = rate * dt / 1000.0, steps // 10, steps - steps // 40
    if not 0.0 <= p <= 1.0:
        raise ParameterError("rate of spike_time_task", expected="0 to 1 spikes in a step", got=p)
    if spikes < 1 or apart < 0 or 2 * (spikes - 1) * (apart + 1) >= last - first:
        expected = f"1 or more, with {apart} steps between them in less than half of steps {first} to {last}"
        raise ParameterError("spikes of spike_time_task", expected=expected, got=spikes)
    x = (torch.rand(steps, 1, inputs, generator=generator) < p).float()
    while True:
        times = torch.randint(first, last, (spikes,), generator=generator).sort().values
        if bool((times.diff() > apart).all()):
            return x, torch.zeros(steps).index_fill(0, times, 1.0).view(steps, 1, 1)
