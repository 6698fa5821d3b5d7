"""The same leaky integrate-and-fire neuron in every library that is installed, as a module from [T, ...] to [T, ...].

H = V + (X - V) / 2, or V / 2 + X with `decay_input=False`; S = (H >= 1); V <- 0 where it spiked. The reset is not
differentiated. The slope at u = H - 1 is that of arctan(pi u) / pi, 1 / (1 + (pi u)^2). Norse has no arctangent, so it
runs with its SuperSpike, and ours takes that one too while the two are compared.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

import spikeloom as sl

TAU = 2.0
OURS, SPIKINGJELLY, SNNTORCH, NORSE, LOOP = "Spikeloom", "SpikingJelly", "snnTorch", "Norse", "PyTorch loop"
PEERS = (SPIKINGJELLY, SNNTORCH, NORSE)

Layer = Callable[[Tensor], Tensor]


def spikeloom_lif(*, decay_input: bool = True, like: str = SPIKINGJELLY) -> sl.Neuron:
    """Ours, with the slope that the library `like` has."""
    surrogate: sl.surrogate.Surrogate = sl.surrogate.ATan()
    if like == NORSE:
        # Norse's slope is that of u = (H - 1) / 2 where the input is not decayed, see `_norse_lif`.
        unit = 1.0 if decay_input else 2.0
        surrogate = sl.surrogate.SuperSpike(width=unit, height=1 / unit)
    return sl.LIF(tau_mem=TAU, decay_input=decay_input, surrogate=surrogate, integrator=sl.neurons.Euler())


class _SpikingJellyLIF(nn.Module):
    """All steps in one call where nothing feeds back."""

    def __init__(self, *, decay_input: bool = True, recurrent: nn.Module | None = None) -> None:
        from spikingjelly.activation_based import functional, neuron, surrogate

        super().__init__()
        self.recurrent, self._reset = recurrent, functional.reset_net
        self.node = neuron.LIFNode(
            tau=TAU,
            decay_input=decay_input,
            surrogate_function=surrogate.ATan(),
            step_mode="m" if recurrent is None else "s",
            detach_reset=True,
        )

    def forward(self, x: Tensor) -> Tensor:
        self._reset(self.node)
        if self.recurrent is None:
            return self.node(x)
        return _unrolled(lambda current, _: (self.node(current), None), x, self.recurrent)


class _CellLIF(nn.Module):
    """A cell that takes one step, in a loop over time."""

    def __init__(self, cell: nn.Module, scale: float = 1.0, recurrent: nn.Module | None = None) -> None:
        super().__init__()
        self.cell, self.scale, self.recurrent = cell, scale, recurrent

    def forward(self, x: Tensor) -> Tensor:
        return _unrolled(self.cell, x if self.scale == 1 else x * self.scale, self.recurrent)


def _unrolled(cell: Callable[[Tensor, Any], tuple[Tensor, Any]], x: Tensor, recurrent: nn.Module | None) -> Tensor:
    """Loop over time by `unbind`: indexing x[t] instead makes the backward pass quadratic in T."""
    state, spikes = None, []
    for current in x.unbind():
        if recurrent is not None and spikes:
            current = current + recurrent(spikes[-1])
        spike, state = cell(current, state)
        spikes.append(spike)
    return torch.stack(spikes)


class _SnnTorchCell(nn.Module):
    def __init__(self) -> None:
        import snntorch

        super().__init__()
        self.leaky = snntorch.Leaky(beta=1 - 1 / TAU, spike_grad=snntorch.surrogate.atan(), reset_mechanism="zero")

    def forward(self, current: Tensor, potential: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.leaky(current, torch.zeros_like(current) if potential is None else potential)


def _snntorch_lif(*, decay_input: bool = True, recurrent: nn.Module | None = None) -> nn.Module:
    # It does not decay its input; the scale is part of the same equation.
    return _CellLIF(_SnnTorchCell(), 1 / TAU if decay_input else 1.0, recurrent)


def _norse_lif(*, decay_input: bool = True, recurrent: nn.Module | None = None) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it scripts functions when it is imported, which PyTorch discourages
        import norse.torch as norse

    def reset(spikes: Tensor, potential: Tensor, _rest: Tensor, _threshold: Tensor) -> Tensor:
        return (1 - spikes.detach()) * potential

    # It always decays its input, by 1 / TAU; a threshold of 1 / TAU is the same without that.
    threshold = 1.0 if decay_input else 1 / TAU
    parameters = norse.LIFBoxParameters(
        tau_mem_inv=torch.tensor(1 / TAU),
        v_th=torch.tensor(threshold),
        alpha=torch.tensor(1.0),
        reset_method=reset,
    )
    return _CellLIF(norse.LIFBoxCell(parameters, dt=1.0), 1.0, recurrent)


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


# With `decay_input` and, for a recurrent layer, the linear module of its feedback.
PEER_LIF: dict[str, Callable[..., nn.Module]] = {
    SPIKINGJELLY: _SpikingJellyLIF,
    SNNTORCH: _snntorch_lif,
    NORSE: _norse_lif,
}
_PACKAGES = {SPIKINGJELLY: "spikingjelly", SNNTORCH: "snntorch", NORSE: "norse"}


def installed(names: tuple[str, ...] = PEERS) -> list[str]:
    """Those of the names whose package is there; `make peers` brings the others."""
    return [name for name in names if name not in _PACKAGES or find_spec(_PACKAGES[name]) is not None]


def lif_layers() -> dict[str, Layer]:
    """The neuron of every library that is installed, ours first."""
    return {OURS: spikeloom_lif(), **{name: PEER_LIF[name]() for name in installed()}, LOOP: loop_lif()}
