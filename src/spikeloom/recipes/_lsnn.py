"""What recipes with LSNNs share: recurrent networks of leaky and adaptive neurons, and how they are trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

import spikeloom as sl

TAU_MEM = 20.0


class LSNN(nn.Module):
    """Half of the neurons leaky, half with an adaptive threshold, connected all to all, and leaky read-outs.

    The gradient goes through resets: through the rise of thresholds it reaches back over seconds.
    Shapes: [T, B, inputs] to read-outs [T, B, outputs] and spikes [T, B, neurons].
    """

    def __init__(self, inputs: int, neurons: int, outputs: int, *, beta: float, tau_adapt: float, dt: float) -> None:
        super().__init__()
        given = dict(sl.AdaptiveLIF.presets["LSNN"].values)
        betas = torch.zeros(neurons)
        betas[neurons // 2 :] = beta
        neuron = sl.AdaptiveLIF(**{**given, "beta": betas, "tau_adapt": tau_adapt, "dt": dt}, detach_reset=False)  # type: ignore[arg-type]
        self.inputs, self.outputs = nn.Linear(inputs, neurons, bias=False), nn.Linear(neurons, outputs)
        self.recurrent = sl.nn.Recurrent(neuron, torch.randn(neurons, neurons) / math.sqrt(neurons))
        # Sums spikes with weights exp(-s / tau): the read-out of one spike begins with its weight.
        self.trace = sl.LeakyIntegrator(tau_mem=TAU_MEM, r=-1 / math.expm1(-dt / TAU_MEM), dt=dt)
        self.dt = dt

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Run from rest."""
        spikes = self.recurrent(self.inputs(x))
        return self.trace(self.outputs(spikes)), spikes


def train(
    net: LSNN, steps: Iterable[int], loss: Callable[[], tuple[Tensor, Tensor]], *, lr: float, every: int, cost: float
) -> None:
    """Adam; after each `every` steps lr falls to 0.3 of what it was. `loss` gives the loss of a new batch and spikes.

    `cost` is that of a mean square difference of 1 (spikes per second)^2 from 10 spikes per second.
    """
    optimiser = torch.optim.Adam(net.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, every, 0.3)
    for _ in steps:
        error, spikes = loss()
        rates = 1000.0 / net.dt * spikes.mean((0, 1))
        optimiser.zero_grad()
        torch.autograd.backward(error + cost * (rates - 10.0).square().mean())
        optimiser.step()
        schedule.step()
