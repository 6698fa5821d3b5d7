"""What neurons stated by response kernels share: kernels as tensors, and the lines of delays that carry them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ParameterError
from ..parameters import D, Param, State, Value
from .neuron import Neuron

Kernel = Tensor | Sequence[float]


class Response(Neuron):
    """Abstract: kernels of so many steps each, [steps, *features], whose values are parameters `<kernel>_<step>`.

    What an input or a spike will do in later steps is laid out ahead at once in a line of states `<line>_<step>`, which
    moves up by one place per step. So a kernel of K steps costs K states and K products, and a response can be ended by
    emptying its line. A subclass states which tensors it keeps, how they make `kernels`, and the `lines`.
    """

    def __init__(self, kept: Mapping[str, Kernel], *, learn: Iterable[str] = (), **given: object) -> None:
        learned = {learn} if isinstance(learn, str) else set(learn)
        tensors = {name: _checked(f"{type(self).__name__}.{name}", value) for name, value in kept.items()}
        super().__init__(learn=sorted(learned - set(tensors)), **given)
        for name, tensor in tensors.items():
            if name in learned:
                self.register_parameter(name, nn.Parameter(tensor))
            else:
                self.register_buffer(name, tensor)
        self._forget()
        self._lengths = {name: len(tensor) for name, tensor in self.kernels().items()}
        super()._settle()

    def _settle(self) -> None:
        """Not before there are kernels."""

    def kernels(self) -> dict[str, Tensor]:
        """The kernels by name, [steps, *features] each."""
        raise NotImplementedError(f"{type(self).__name__} states no kernels(self)")

    def lines(self) -> dict[str, int]:
        """The lines of states by name, and how many steps ahead each reaches."""
        raise NotImplementedError(f"{type(self).__name__} states no lines(self)")

    def kept(self, name: str) -> Tensor:
        """A tensor given at construction, learned or not."""
        tensor: Tensor = getattr(self, name)
        return tensor

    def tap(self, kernel: str, k: int) -> Tensor | float:
        """The value of a kernel k steps later; 0 beyond its end."""
        return self.value(f"{kernel}_{k}") if k < self._lengths[kernel] else 0.0

    def line(self, name: str) -> list[Tensor]:
        """The states of a line, from now on."""
        return [self.value(f"{name}_{k}") for k in range(self.lines()[name])]

    def moved(self, name: str) -> list[Tensor]:
        """A line one step later."""
        return [*self.line(name)[1:], torch.zeros(())]

    def _gather_anew(self, kind: type[D]) -> dict[str, D]:
        found = super()._gather_anew(kind)
        added: dict[str, Any] = {}
        if "_lengths" in self.__dict__:
            if kind is Param:
                taps = [f"{kernel}_{k}" for kernel, steps in self._lengths.items() for k in range(steps)]
                added = {name: Param(0.0, "1", "value of a kernel") for name in taps}
            if kind is State:
                cells = [f"{line}_{k}" for line, steps in self.lines().items() for k in range(steps)]
                added = {name: State(0.0, "1", "response to come") for name in cells}
        for name, item in added.items():
            item.__set_name__(type(self), name)
        return {**found, **added}

    def param_values(self) -> dict[str, Value]:
        """Parameters, and the kernels value by value."""
        values = {name: value for name, value in super().param_values().items() if name in self.params}
        if "_lengths" in self.__dict__:
            for kernel, tensor in self.kernels().items():
                values.update({f"{kernel}_{k}": value for k, value in enumerate(tensor.unbind(0))})
        return values

    def _key_anew(self) -> Hashable:
        return (super()._key_anew(), *self._lengths.items())


def written(name: str, values: Sequence[Tensor]) -> dict[str, Tensor]:
    """The states of a line, by name."""
    return {f"{name}_{k}": value for k, value in enumerate(values)}


def _checked(label: str, kernel: Kernel) -> Tensor:
    if not isinstance(kernel, Tensor):
        kernel = torch.tensor(kernel, dtype=torch.get_default_dtype())
    whole = bool(kernel.dim() and kernel.numel() and kernel.is_floating_point() and torch.isfinite(kernel).all())
    if not whole:
        finite = "" if bool(torch.isfinite(kernel).all()) else ", not all finite"
        got = f"{list(kernel.shape)} of {kernel.dtype}{finite}"
        raise ParameterError(label, expected="finite real numbers, [steps] or [steps, *features]", got=got)
    return kernel.detach().clone()
