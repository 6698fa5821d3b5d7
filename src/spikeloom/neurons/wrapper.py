"""Wrappers: neurons that change one phase of another neuron's step and leave the rest to it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Self

from torch import Tensor

from ..errors import DTypeError, ParameterError
from ..parameters import D, Declaration, Option, Shown, Value
from ._refractory_period import RefractoryPeriod
from .leaky_integrate_and_fire import LIF
from .neuron import Neuron


class Wrapper(Neuron):
    """Abstract: declares what it adds; parameters, states and options of the wrapped neuron keep their names."""

    family = "wrapper"

    @classmethod
    def _collected(cls) -> dict[str, Declaration]:
        """Without what every neuron declares: that is the wrapped neuron's."""
        every = Neuron.declarations
        return {name: item for name, item in super()._collected().items() if every.get(name) is not item}

    def __init__(self, neuron: Neuron, *, learn: Iterable[str] = (), **given: object) -> None:
        if not isinstance(neuron, Neuron):
            do = f"for example {type(self).__name__}(sl.LIF(), ...)"
            raise DTypeError(f"{type(self).__name__} wraps a neuron", expected="a Neuron", got=repr(neuron), do=do)
        taken = set(neuron.params) | set(neuron.states) | set(neuron.inputs)
        twice = taken.intersection(self.declarations)
        if twice:
            raise ParameterError(f"{type(self).__name__} declares {sorted(twice)}, which {neuron!r} has already")
        super().__init__(learn=(), **given)
        self.neuron = neuron
        for name in (learn,) if isinstance(learn, str) else learn:
            self._make_learnable(name)
        super()._settle()

    @classmethod
    def example(cls) -> Self:
        """Around a LIF, the simplest neuron with everything that can be wrapped."""
        return cls(LIF(tau_mem=2.0))

    def _settle(self) -> None:
        """Not before there is a neuron to wrap."""

    @property
    def wrapped(self) -> Neuron:
        """The wrapped neuron, bound to the same values, but for what a subclass changes."""
        return self._inside()

    def _inside(self) -> Neuron:
        bound = self.__dict__.get("_bound")
        return self.neuron if bound is None else self.neuron.bind(bound)

    @property
    def output(self) -> str:  # type: ignore[override]
        """Name of the output variable: that of the wrapped neuron."""
        return self.neuron.output

    @property
    def shown(self) -> Shown | tuple[float, float]:  # type: ignore[override]
        """What shows the wrapped neuron."""
        return self.neuron.shown

    @property
    def spiking(self) -> bool:
        """Whether the wrapped neuron spikes."""
        return self.neuron.spiking

    @property
    def late_inputs(self) -> frozenset[str]:
        """Those of the wrapped neuron."""
        return self.neuron.late_inputs

    @property
    def graded(self) -> bool:  # type: ignore[override]
        """Whether the wrapped neuron's spikes may be other than 0 and 1."""
        return self.neuron.graded

    def deliver(self) -> dict[str, Tensor]:
        return self.wrapped._checked(self.wrapped.deliver(), "deliver")

    def derivative(self) -> dict[str, Tensor]:
        return self.wrapped.slopes()

    def diffusion(self) -> dict[str, Tensor]:
        return self.wrapped.diffusion()

    def charge(self) -> dict[str, Tensor]:
        return self.wrapped._checked(self.wrapped.charge(), "charge")

    def threshold(self) -> Tensor:
        return self.wrapped.threshold()

    def fire(self) -> Tensor:
        return self.wrapped.fire()

    def reset(self) -> dict[str, Tensor]:
        return self.wrapped._checked(self.wrapped.reset(), "reset")

    def _gather_anew(self, kind: type[D]) -> dict[str, D]:
        return {**self.neuron._gather(kind), **super()._gather_anew(kind)}

    def option(self, name: str) -> Any:
        """An option of the wrapper or else of the wrapped neuron."""
        return super().option(name) if name in self.declared(Option) else self._inside().option(name)

    def _set_option(self, name: str, value: object) -> None:
        self._forget()
        if name in self.declared(Option):
            super()._set_option(name, value)
        else:
            self.neuron._set_option(name, value)

    def value(self, name: str) -> Any:
        """The value of a variable of the wrapper or else of the wrapped neuron."""
        own = name in self.declarations or name in self.__dict__.get("_bound", {})
        return super().value(name) if own else self.neuron.value(name)

    def _assign(self, name: str, value: object) -> None:
        if name in self.declarations:
            super()._assign(name, value)
        else:
            self.neuron.assign(name, value)

    def verify(self) -> None:
        """What the wrapper adds, beside what the wrapped neuron verifies for itself."""

    def __getattr__(self, name: str) -> Any:
        """Parameters of the wrapped neuron read as the wrapper's."""
        modules = self.__dict__.get("_modules", {})
        if "neuron" in modules and name in modules["neuron"].params:
            return self.value(name)
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: object) -> None:
        modules = self.__dict__.get("_modules", {})
        if "neuron" in modules and name in modules["neuron"].params:
            self.assign(name, value)
        else:
            super().__setattr__(name, value)

    def param_values(self) -> dict[str, Value]:
        """Parameters of the wrapped neuron and of the wrapper."""
        return {**self.neuron.param_values(), **super().param_values()}

    def _key_anew(self) -> Hashable:
        return (super()._key_anew(), self.neuron.key())

    def extra_repr(self) -> str:
        """Arguments that differ from the defaults, after the wrapped neuron."""
        own = super().extra_repr()
        return f"{self.neuron!r}, {own}" if own else repr(self.neuron)


class Refractory(RefractoryPeriod, Wrapper):
    """Absolute refractory period: for t_ref after a spike the membrane potential stands still and no spike occurs.

    State variables declared as `held` (the membrane potential) keep their value after the reset; currents and
    adaptation go on. Input that jumps the potential is lost. t_ref counts in whole steps of dt, rounded to the nearest.
    After a spike at step n the next is possible at step n + t_ref/dt + 1. With `once=True` the period is infinite, so
    that a neuron spikes at most once. A relative refractory period is a threshold that decays after a spike:
    `AdaptiveThreshold` with a short tau_adapt.

    Shapes: as the wrapped neuron. Units: ms. Raises: ParameterError if a number t_ref is not a multiple of a number dt.
    Source: Gerstner et al. 2014, "Neuronal dynamics", section 1.4; Rotter and Diesmann 1999, Biol. Cybern. 81.

    >>> import torch, spikeloom as sl
    >>> sl.Refractory(sl.LIF(tau_mem=2.0), t_ref=2.0)(torch.full((7, 1, 1), 9.0)).flatten()
    tensor([1., 0., 0., 1., 0., 0., 1.])
    """
