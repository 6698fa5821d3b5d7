"""What stands in a converted network where the original has an activation, a maximum or another function."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..neurons import IF, Neuron
from ..nn._fusion import Around, advance


def by_channel(values: Tensor, x: Tensor) -> Tensor:
    """One number, or [channels], as it meets x [T, B, channels, ...]."""
    return values.view(-1, *[1] * (x.dim() - 3)) if values.dim() else values


def added_up(x: Tensor, bias: Tensor | None, residual: Tensor | None) -> Tensor:
    """All that reaches a place: an input, a second one, and a bias [channels]."""
    x = x if residual is None else x + residual
    return x if bias is None else x + by_channel(bias, x)


class Site(nn.Module):
    """Neurons in the place of an activation.

    A spike is worth `amplitude`: times it, the mean of the output over time approximates the activation. `shift`,
    [channels], is a constant current beside the input.

    Shapes: [T, B, channels, ...] to the same.
    """

    # Whether a spike's size is what it is worth, and not how many it stands for.
    weighted = False
    # Whether a spike begins a current that flows from then on, so that synapses have to do with its beginning only.
    lasting = False
    # Whether it takes the argument of a function, not its value.
    gate = False
    # Steps of its input that it lets pass before it sends.
    wait = 0

    def __init__(self, neuron: Neuron, scale: Tensor) -> None:
        super().__init__()
        self.neuron = neuron
        self.register_buffer("scale", scale.clone())
        self.register_buffer("amplitude", scale.clone())
        self.register_buffer("shift", None)

    scale: Tensor
    amplitude: Tensor
    shift: Tensor | None

    @property
    def binary(self) -> bool:
        """Whether all that is sent is 0 or 1."""
        return type(self) is Site and type(self.neuron) is IF

    def spikes(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        """What the neurons send; a bias [channels] and a second input are added in their kernel."""
        return self._advanced(x, bias, residual, as_bool=False)

    def events(self, x: Tensor) -> Tensor:
        """How many spikes leave each place in each step, of all of its populations."""
        s = self.spikes(x)
        return (s != 0).to(s.dtype) if self.weighted else s.abs()

    def truths(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        """The same of a site that is `binary`, as truth values."""
        return self._advanced(x, bias, residual, as_bool=True)

    def _advanced(self, x: Tensor, bias: Tensor | None, residual: Tensor | None, *, as_bool: bool) -> Tensor:
        shift = self.shift if bias is None else bias if self.shift is None else bias + self.shift
        if shift is not None and not shift.dim():
            x, shift = x + shift, None
        names = [name for name, given in (("bias", shift), ("residual", residual)) if given is not None]
        return advance(self.neuron, x, Around(shift=shift, residual=residual, names=tuple(names), as_bool=as_bool))

    def forward(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        """Spikes times what they are worth."""
        s = self.spikes(x, bias=bias, residual=residual)
        return s * by_channel(self.amplitude, s)

    def become(self, other: Site) -> None:
        """Take the neurons of another."""
        self.neuron, self.scale, self.amplitude = other.neuron, other.scale, other.amplitude


def increments(f: Callable[[list[Tensor]], Tensor], given: list[Tensor], *, counts: bool = False) -> Tensor:
    """A function of the means so far, told by its increments: after t steps they have the mean f(means of the inputs).

    y[t] = t f(m[t]) - (t - 1) f(m[t-1]). Of spikes of one worth the maximum's are spikes: it grows when the largest
    count does. With `counts`, for a function with t f(m) = f(t m), sums stand for means, so that spikes are 0 or 1
    without rounding. `given` are sequences of one length, [T, B, ...].
    """
    if counts:
        total = f([x.cumsum(0) for x in given])
        return torch.diff(total, dim=0, prepend=torch.zeros_like(total[:1]))
    y = f([running_mean(x) for x in given])
    total = y * _elapsed(y)
    return torch.diff(total, dim=0, prepend=torch.zeros_like(total[:1]))


def running_mean(x: Tensor) -> Tensor:
    """The mean of the steps so far, after each, [T, ...] to the same."""
    return x.cumsum(0) / _elapsed(x)


def _elapsed(x: Tensor) -> Tensor:
    """Numbers of steps, beside x [T, ...]."""
    return torch.arange(1, len(x) + 1, dtype=x.dtype, device=x.device).view(-1, *[1] * (x.dim() - 1))
