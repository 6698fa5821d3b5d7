"""The same leaky integrate-and-fire neuron in every library that is installed.

H = V + (X - V) / 2, S = (H >= 1), V <- 0 where it spiked; the reset is not differentiated; the slope is that of
arctan(pi u) / pi, 1 / (1 + (pi u)^2), at u = H - 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor

import spikeloom as sl

TAU = 2.0
OURS, SPIKINGJELLY, SNNTORCH, LOOP = "Spikeloom", "SpikingJelly", "snnTorch", "PyTorch loop"

Layer = Callable[[Tensor], Tensor]


def spikeloom_lif() -> Layer:
    return sl.LIF(tau_mem=TAU, surrogate=sl.surrogate.ATan(), integrator=sl.neurons.Euler())


def spikingjelly_lif() -> Layer:
    from spikingjelly.activation_based import functional, neuron, surrogate

    layer = neuron.LIFNode(tau=TAU, surrogate_function=surrogate.ATan(), step_mode="m", detach_reset=True)

    def run(x: Tensor) -> Tensor:
        functional.reset_net(layer)
        return layer(x)

    return run


def snntorch_lif() -> Layer:
    import snntorch

    layer = snntorch.Leaky(beta=1 - 1 / TAU, spike_grad=snntorch.surrogate.atan(), reset_mechanism="zero")

    def run(x: Tensor) -> Tensor:
        mem, spikes = torch.zeros_like(x[0]), []
        # It does not decay its input; the scale is part of the same equation.
        for current in (x / TAU).unbind():
            spike, mem = layer(current, mem)
            spikes.append(spike)
        return torch.stack(spikes)

    return run


class _ArctanSpike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u: Tensor) -> Tensor:
        ctx.save_for_backward(u)
        return (u >= 0).to(u.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (u,) = ctx.saved_tensors
        return gradient / (1 + (math.pi * u) ** 2)


def loop_lif() -> Layer:
    def run(x: Tensor) -> Tensor:
        v, spikes = torch.zeros_like(x[0]), []
        for current in x.unbind():
            h = v + (current - v) / TAU
            spike = _ArctanSpike.apply(h - 1.0)
            v = h * (1 - spike.detach())
            spikes.append(spike)
        return torch.stack(spikes)

    return run


LIF: dict[str, Callable[[], Layer]] = {
    OURS: spikeloom_lif,
    SPIKINGJELLY: spikingjelly_lif,
    SNNTORCH: snntorch_lif,
    LOOP: loop_lif,
}
_PACKAGES = {SPIKINGJELLY: "spikingjelly", SNNTORCH: "snntorch"}


def installed(names: list[str]) -> list[str]:
    """Those of the names whose package is there; `make peers` brings the others."""
    return [name for name in names if name not in _PACKAGES or find_spec(_PACKAGES[name]) is not None]


def lif_layers() -> dict[str, Layer]:
    """The neuron of every library that is installed, ours first."""
    return {name: LIF[name]() for name in installed(list(LIF))}
