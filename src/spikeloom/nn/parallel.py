"""Parallel spiking neurons: every potential is a weighted sum of the inputs of all steps, and there is no reset."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..errors import ParameterError, ShapeError
from ..neurons import ThresholdUnit
from ..surrogate import ATan, Surrogate


class PSN(nn.Module):
    """Parallel spiking neuron: v = W x over time, v(t) = sum_u weight[t, u] x(u), and a spike where v(t) >= v_th(t).

    `weight` [T, T] and `v_th` [T] are learned and shared by all neurons. Without a reset all steps are one matrix
    product; v(t) may depend on later inputs, so this neuron is for sequences of T steps, not for streams. For those
    there is `sl.neurons.SlidingPSN`.

    Shapes: [T, B, *features] to spikes of the same shape. Raises: ShapeError for another number of steps,
    ParameterError.
    Source: Fang et al. 2023, "Parallel spiking neurons with high efficiency and ability to learn long-term
    dependencies", NeurIPS (v_th is its bias B); initial weights uniform within 1 / sqrt(T), as in its code.

    >>> import torch, spikeloom as sl
    >>> psn = sl.nn.PSN(3)
    >>> _ = psn.weight.data.copy_(torch.ones(3, 3).tril())
    >>> psn(torch.tensor([0.4, 0.4, 0.4]).view(3, 1, 1)).flatten()
    tensor([0., 0., 1.], grad_fn=<...>)
    """

    def __init__(self, steps: int, *, surrogate: Surrogate | None = None) -> None:
        super().__init__()
        if steps < 1:
            raise ParameterError(f"steps of {type(self).__name__}", expected="at least 1", got=steps)
        self.steps = steps
        bound = 1 / math.sqrt(steps)
        self.weight = nn.Parameter(torch.empty(steps, steps).uniform_(-bound, bound))
        self.v_th = nn.Parameter(torch.ones(steps))
        self.neuron = ThresholdUnit(surrogate=ATan() if surrogate is None else surrogate)

    def weights(self) -> Tensor:
        """The weights that are used, [T, T]."""
        return self.weight

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of all steps at once."""
        if x.dim() < 2 or len(x) != self.steps:
            expected, do = f"[{self.steps}, B, *features]", f"build {type(self).__name__}({len(x) if x.dim() else 1})"
            raise ShapeError(f"input of {type(self).__name__}", expected=expected, got=list(x.shape), do=do)
        v = (self.weights().to(x.dtype) @ x.flatten(1)).view(x.shape)
        return self.neuron(v, v_th=self.v_th)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """The number of steps."""
        return f"{self.steps}"


class MaskedPSN(PSN):
    """Parallel spiking neuron that sees only the latest inputs: weight[t, u] counts where t - order < u <= t.

    `masked` goes from 0, a plain `PSN`, to 1, where no step depends on a later one: the weights outside are multiplied
    by 1 - masked. It is set by hand while training, as the paper does.

    Shapes: [T, B, *features] to spikes of the same shape. Raises: ShapeError for another number of steps,
    ParameterError.
    Source: as `PSN`; `masked` is its lambda.

    >>> import torch, spikeloom as sl
    >>> (sl.nn.MaskedPSN(4, order=2).weights() != 0).int()
    tensor([[1, 0, 0, 0],
            [1, 1, 0, 0],
            [0, 1, 1, 0],
            [0, 0, 1, 1]], dtype=torch.int32)
    """

    mask: Tensor

    def __init__(self, steps: int, order: int, *, masked: float = 1.0, surrogate: Surrogate | None = None) -> None:
        super().__init__(steps, surrogate=surrogate)
        if not 1 <= order <= steps:
            raise ParameterError("order of MaskedPSN", expected=f"1 to {steps}, its steps", got=order)
        self.order, self.masked = order, masked
        self.register_buffer("mask", torch.ones(steps, steps).tril().triu(1 - order), persistent=False)

    @property
    def masked(self) -> float:
        """How far the weights outside the band are suppressed, 0 to 1."""
        return self._masked

    @masked.setter
    def masked(self, value: float) -> None:
        if not 0 <= value <= 1:
            raise ParameterError("masked of MaskedPSN", expected="0 to 1", got=value)
        self._masked = float(value)

    def weights(self) -> Tensor:
        return self.weight * (1 - self.masked * (1 - self.mask))

    def extra_repr(self) -> str:
        """Steps, order, and how far it is masked."""
        return f"{self.steps}, order={self.order}, masked={self.masked:g}"
