"""At most one spike: an activation by a circuit of neurons that are asked one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor, nn

from ..errors import ParameterError, ShapeError
from ._operations import Kind, Operation
from ._sites import Site
from ._windows import Windowed
from .methods import Method
from .thresholds import Maximum, Threshold


class AMOSGate(nn.Module):
    """K selection neurons, of which neuron i fires in step i or never.

    Equation: z_i = 1 where c_i x + sum_{j<i} h_ij z_j >= v_th_i; the output is sum_i d_i z_i. `relu(K, alpha)` has the
    binary digits of x: c = 1, h_ij = -d_j, v_th_i = d_i = alpha 2^-i, the same as few-spike neurons with K steps, where
    these are one neuron that may fire K times. A neuron is done with a value after its step, so that the next value may
    follow in the next step.

    Shapes: tables [K], h [K, K], of which what is on and above the diagonal is not used; values are the first of each K
    steps of [T, B, ...], and give graded spikes of the same shape. Raises: ShapeError, ParameterError.
    Source: Stoeckl and Maass 2020, "Recognizing images with at most one spike per neuron", arXiv 2001.01682;
    letters are ours.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(4, 1, 1)
    >>> x[0] = 2.8
    >>> sl.conversion.AMOSGate.relu(4, alpha=4.0)(x).flatten()
    tensor([2.0000, 0.0000, 0.5000, 0.2500])
    """

    def __init__(self, c: Tensor, h: Tensor, v_th: Tensor, d: Tensor) -> None:
        super().__init__()
        count = len(c)
        shapes = [tuple(table.shape) for table in (c, h, v_th, d)]
        if not count or shapes != [(count,), (count, count), (count,), (count,)]:
            raise ShapeError("c, h, v_th and d of AMOSGate", expected="[K], [K, K], [K] and [K]", got=shapes)
        for name, table in (("c", c), ("h", h), ("v_th", v_th), ("d", d)):
            if not torch.isfinite(table).all():
                raise ParameterError(f"AMOSGate.{name}", expected="finite numbers", got=table.tolist())
            self.register_buffer(name, table.detach().clone())

    c: Tensor
    h: Tensor
    v_th: Tensor
    d: Tensor

    @classmethod
    def relu(cls, neurons: int = 10, *, alpha: float = 25.0) -> Self:
        """max(x, 0), rounded down to so many bits and clipped at alpha (1 - 2^-K)."""
        d = torch.tensor([alpha * 2.0**-i for i in range(1, neurons + 1)])
        return cls(torch.ones(neurons), -d.expand(neurons, neurons), d, d)

    def selected(self, x: Tensor) -> Tensor:
        """Which neurons fire for values [...], as 0 and 1, [K, ...]."""
        tables = (table.to(x).view(*table.shape, *[1] * x.dim()) for table in (self.c, self.h, self.v_th))
        c, h, v_th = tables
        # All potentials at once; those of neurons to come change with each spike.
        v = c * x
        for i in range(len(v) - 1):
            v[i + 1 :] += h[i + 1 :, i] * (v[i] >= v_th[i])
        return (v >= v_th).to(x.dtype)

    def value(self, x: Tensor) -> Tensor:
        """The sum of the output for values [...], of the same shape."""
        return torch.einsum("k...,k->...", self.selected(x), self.d.to(x))

    def forward(self, x: Tensor) -> Tensor:
        """The spikes, each in the step of its neuron."""
        count = len(self.c)
        if len(x) % count:
            raise ShapeError("time of AMOSGate", expected=f"whole windows of {count} steps", got=len(x))
        s = self.selected(x[::count]) * self.d.to(x).view(-1, *[1] * x.dim())
        return s.transpose(0, 1).flatten(0, 1)


@dataclass(frozen=True)
class AMOSCode(Method):
    """Circuits of K neurons with at most one spike each in the place of a unit, one window of K steps for each layer.

    K is the number of steps. Rectifiers are rounded down to K bits, where alpha is the `threshold`; negative values, of
    a leaky rectifier, are those of a second circuit. Functions of one value, such as GELU, SiLU, sigmoid and tanh, are
    computed by gates that `fit_amos` fits to the inputs that the layer has on calibration data, with so many `restarts`
    and `rounds`; others are told as they are and sent in bits. Results are those of `FewSpikeCode` for rectifiers, with
    K neurons for one and a new input in every step.

    Source: Stoeckl and Maass 2020, "Recognizing images with at most one spike per neuron", arXiv 2001.01682.

    >>> import torch, spikeloom as sl
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Sigmoid(), torch.nn.Linear(8, 3))
    >>> x = torch.rand(64, 4)
    >>> spiking = sl.convert(model, x, sl.conversion.AMOSCode(), steps=8)
    >>> bool((spiking(x) - model(x)).abs().max() < 0.05)
    True
    """

    threshold: Threshold = field(default_factory=Maximum)
    channelwise: bool = False
    restarts: int = 16
    rounds: int = 60
    # Of the place at hand.
    gate: AMOSGate | None = None

    def __post_init__(self) -> None:
        if self.restarts < 1 or self.rounds < 0:
            got = f"restarts = {self.restarts}, rounds = {self.rounds}"
            raise ParameterError("AMOSCode", expected="1 restart or more, and 0 rounds or more", got=got)

    def window(self, steps: int) -> int:
        return steps

    def gated(self, function: Callable[[Tensor], Tensor], inputs: Tensor, steps: int) -> Method:
        """With a gate for this function of such inputs."""
        from ._amos_fit import fit_amos

        return replace(self, gate=fit_amos(function, steps, inputs, restarts=self.restarts, rounds=self.rounds))

    def site(self, operation: Operation, scale: Tensor, steps: int) -> Site:
        below = 1.0 if operation.kind is Kind.FUNCTION else operation.slope
        # A circuit takes and gives what a neuron does.
        if self.gate is not None:
            return Windowed(self.gate, scale, steps, gate=True)  # type: ignore[arg-type]
        return Windowed(AMOSGate.relu(steps, alpha=1.0), scale, steps, below=below)  # type: ignore[arg-type]
