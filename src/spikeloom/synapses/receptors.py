"""A wrapper that gives a neuron synapses."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Self

from torch import Tensor

from ..errors import ParameterError, TraceError, UnknownNameError
from ..neurons import LIF, Integrator, Neuron, Wrapper
from ..parameters import D, Declaration, Input, Noise, Option, Param, Shown, State
from .exponential import Exponential
from .synapse import Synapse


class Receptors(Wrapper):
    """A neuron with synapses: each is an input that takes weighted spikes; their currents sum to the neuron's input.

    Given by name, `Receptors(LIF(), exc=Alpha(), inh=Conductance(Exponential(), e_rev=-80.0))` has the inputs `exc` and
    `inh` in this order, and each synapse's parameters and states under its name: `exc_tau_syn`, `inh_g`; they learn,
    and may be one per neuron, as any other. `into` names the input of the neuron that the currents are summed into,
    where it has several; the others stay, after the synapses. With `keep_input=True` so does that one, and is added.
    `potential` names the potential that the synapses read.

    Neuron and synapses are one system for the neuron's integrator. With currents `Exact()` finds its propagator:
    postsynaptic potentials have no error at any dt. Conductances make it nonlinear: use `ExponentialEuler()` or a
    Runge-Kutta method. A neuron that states no derivative receives the current at the beginning of the step, and the
    synapses are integrated by themselves. Wrap what acts on spikes around it: `Refractory(Receptors(...))`.

    Shapes: one [T, B, *features] per input, to the neuron's output of the same shape. Units: those of the neuron.
    Raises: ParameterError without synapse, for a name that is taken, or for a neuron without the potential;
    UnknownNameError; TraceError when called with conductances and `Exact()`.
    Source: Rotter and Diesmann 1999, Biol. Cybern. 81 (exact integration of membrane and currents together).

    >>> import torch, spikeloom as sl
    >>> neuron = sl.synapses.Receptors(sl.LIF(tau_mem=10.0), exc=sl.synapses.Exponential(), inh=sl.synapses.Alpha())
    >>> neuron(torch.ones(8, 1, 1), -0.2 * torch.ones(8, 1, 1)).flatten()
    tensor([0., 0., 0., 0., 0., 0., 1., 0.])
    """

    family = "synapse"

    synapses: Mapping[str, Synapse]
    into: str
    potential: str

    keep_input = Option(False, "keep the neuron's own input, after the synapses; what it carries is added")

    def __init__(
        self, neuron: Neuron, *, into: str = "i", potential: str = "v", learn: Iterable[str] = (), **given: object
    ) -> None:
        synapses = {name: value for name, value in given.items() if isinstance(value, Synapse)}
        self.__dict__.update(into=into, potential=potential, synapses=synapses)
        # As if they stood in the class body.
        self.__dict__["declarations"] = {**type(self).declarations, **_prefixed(synapses)}
        rest = {name: value for name, value in given.items() if name not in synapses}
        super().__init__(neuron, learn=learn, **rest)

    @classmethod
    def example(cls) -> Self:
        """A LIF with one synapse."""
        return cls(LIF(tau_mem=2.0), exc=Exponential())

    def _configure(self, given: Mapping[str, object]) -> None:
        super()._configure(given)
        for name, synapse in self.synapses.items():
            for param, value in synapse.param_values().items():
                full = f"{name}_{param}"
                self.assign(full, given.get(full, value))

    def verify(self) -> None:
        """The neuron fits, and dt is short enough for neuron and synapses together."""
        if not self.synapses:
            do = "for example Receptors(sl.LIF(), exc=sl.synapses.Exponential())"
            raise ParameterError("Receptors", expected="at least one synapse by name", got="none", do=do)
        if self.into not in self.neuron.inputs:
            raise UnknownNameError(f"Receptors: into an input of {self.neuron!r}", self.into, self.neuron.inputs)
        reading = [name for name, synapse in self.synapses.items() if synapse.needs_potential]
        if reading and self.potential not in self.neuron.states:
            what = f"Receptors: {reading[0]} reads the potential of {self.neuron!r}"
            raise UnknownNameError(what, self.potential, self.neuron.states)
        self.integrator.verify(self)

    @property
    def shown(self) -> Shown:  # type: ignore[override]
        """What shows the first synapse."""
        return next(iter(self.synapses.values())).shown

    @property
    def late_inputs(self) -> frozenset[str]:
        """Those whose synapse jumps the potential."""
        own = frozenset(name for name, synapse in self.synapses.items() if synapse.jumps)
        return own | (super().late_inputs & self.inputs.keys())

    def deliver(self) -> dict[str, Tensor]:
        arrived = {f"{n}_{s}": value for n, synapse in self._bound_synapses() for s, value in synapse.deliver().items()}
        now = self.bind(arrived)
        return {**arrived, **Wrapper.deliver(now)}

    def derivative(self) -> dict[str, Tensor]:
        own = {f"{n}_{s}": slope for n, synapse in self._bound_synapses() for s, slope in synapse.derivative().items()}
        return own if "_alone" in self.__dict__ else {**super().derivative(), **own}

    def charge(self) -> dict[str, Tensor]:
        together = _Together(self)
        neuron = self.wrapped.bind({"integrator": together})
        charged = neuron._checked(neuron.charge(), "charge")
        if together.advanced is not None:
            synaptic = {name: value for name, value in together.advanced.items() if name not in self.neuron.states}
            return {**charged, **synaptic}
        alone = self.bind({})
        alone.__dict__["_alone"] = True
        return self.bind(charged)._jumped({**charged, **self.integrator.advance(alone)})

    def _jumped(self, charged: dict[str, Tensor]) -> dict[str, Tensor]:
        """With the jumps of the potential, one after the other."""
        for name in self.synapses:
            jump = dict(self.bind(charged)._bound_synapses())[name].jump()
            if jump is not None:
                v = charged.get(self.potential, self.value(self.potential))
                charged = {**charged, self.potential: v + jump}
        return charged

    def _bound_synapses(self) -> Iterator[tuple[str, Synapse]]:
        """Each synapse with what its variables stand for at the moment."""
        common = {"dt": self.value("dt")}
        if self.potential in self.neuron.states:
            common["v"] = self.value(self.potential)
        for name, synapse in self.synapses.items():
            names = (part for kind in (Param, State, Noise) for part in synapse._gather(kind))
            own = {part: self.value(f"{name}_{part}") for part in names}
            yield name, synapse.bind({**common, **own, "arriving": self.value(name)})

    @property
    def wrapped(self) -> Neuron:
        """The wrapped neuron, bound to the same values, and its input to the sum of the currents."""
        if "_bound" not in self.__dict__:
            return self.neuron
        currents = [synapse.current() for _, synapse in self._bound_synapses()]
        if self.keep_input:
            currents.insert(0, self.value(self.into))
        total = currents[0]
        for current in currents[1:]:
            total = total + current
        return self._inside().bind({self.into: total})

    def _gather_anew(self, kind: type[D]) -> dict[str, D]:
        own = {name: item for name, item in self.declarations.items() if isinstance(item, kind)}
        theirs = self.neuron._gather(kind)
        if kind is not Input:
            return {**theirs, **own}
        return {**own, **{name: item for name, item in theirs.items() if name != self.into or self.keep_input}}

    def __getattr__(self, name: str) -> Any:
        """Parameters of the synapses read as the wrapper's."""
        if isinstance(self.__dict__.get("declarations", {}).get(name), Declaration):
            return self.value(name)
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(self.declarations.get(name), Param):
            self.assign(name, value)
        else:
            super().__setattr__(name, value)

    def _key_anew(self) -> Hashable:
        synapses = tuple((name, synapse.key()) for name, synapse in self.synapses.items())
        return (super()._key_anew(), self.into, self.potential, synapses)

    def _described(self) -> str:
        """Synapses, and what differs from the defaults or was changed since."""
        parts = [f"{name}={synapse!r}" for name, synapse in self.synapses.items()]
        parts += [f"into={self.into!r}"] if self.into != "i" else []
        parts += [f"potential={self.potential!r}"] if self.potential != "v" else []
        return ", ".join([*parts, *([super()._described()] if super()._described() else [])])


class _Together(Integrator):
    """Stands in for the integrator of the wrapped neuron: advances it and its synapses as one system, once a step."""

    def __init__(self, receptors: Receptors) -> None:
        super().__init__()
        self._receptors = receptors
        self.advanced: dict[str, Tensor] | None = None

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        if self.advanced is not None:
            inside = type(self._receptors.neuron).__name__
            do = f"wrap the other way round, {inside} outermost"
            raise TraceError(f"{inside} inside Receptors integrates several times in one step", do=do)
        self.advanced = self._receptors._jumped(self._receptors.integrator.advance(self._receptors))
        return {name: value for name, value in self.advanced.items() if name in neuron.states}


def _prefixed(synapses: Mapping[str, Synapse]) -> dict[str, Declaration]:
    """Declarations of the synapses as a neuron has them: `arriving` by the synapse's name, all else after it."""
    found: dict[str, Declaration] = {}
    for name, synapse in synapses.items():
        values = synapse.param_values()
        for part, item in synapse._gather(Declaration).items():
            if isinstance(item, Option):
                continue
            full = name if isinstance(item, Input) else f"{name}_{part}"
            if full in found:
                raise ParameterError("Receptors", expected="names that do not run into each other", got=repr(full))
            found[full] = _renamed(item, full, name, values.get(part))
    return found


def _renamed(item: Declaration, full: str, prefix: str, value: Any) -> Declaration:
    if isinstance(item, Param) and isinstance(value, float):
        item = replace(item, default=value)
    elif isinstance(item, State) and isinstance(item.rest, str):
        item = replace(item, rest=f"{prefix}_{item.rest}")
    else:
        item = replace(item)
    item.__set_name__(Receptors, full)
    return item
