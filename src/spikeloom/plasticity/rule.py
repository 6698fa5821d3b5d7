"""The rule: declarations and plain methods that state what happens at a synapse; everything else is derived."""

from __future__ import annotations

import inspect
import math
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from torch import Tensor

from ..errors import ParameterError, UnknownNameError
from ..parameters import Catalogued, Input, Noise, Param, Variable

# Handlers that are not named after an input.
_EVENTS = ("on_pre", "on_post", "on_step", "on_trial")


@dataclass(frozen=True)
class Trace(Variable):
    """A variable of a neuron: tau dx/dt = -x, x <- x + jump at each of its spikes. `tau`, `jump`: a number, a Param.

    A time constant of `math.inf` makes it a count since the trial began.
    """

    tau: float | str
    meaning: str
    _: KW_ONLY
    jump: float | str = 1.0


@dataclass(frozen=True)
class PreTrace(Trace):
    """A trace of the presynaptic neuron, as it is at the synapse: spikes count when they arrive there."""


@dataclass(frozen=True)
class PostTrace(Trace):
    """A trace of the postsynaptic neuron.

    `by` names an input whose arrivals, times `jump`, drive it in place of spikes; `of` a declared PostState that it
    follows, tau dy/dt = v - y, from where that is at the beginning.
    """

    _: KW_ONLY
    by: str = ""
    of: str = ""


@dataclass(frozen=True)
class SynapseState(Variable):
    """A variable of each synapse beside its weight: value at the beginning, unit, meaning; it decays with `tau`, ms."""

    rest: float | str
    unit: str
    meaning: str
    _: KW_ONLY
    tau: float | str = math.inf


@dataclass(frozen=True)
class PostState(Variable):
    """What the rule reads of the postsynaptic neuron: one of its states, by the name that it has there.

    `late`, ms: as it was so long ago; a number, or a Param that stays as it is at connection.
    """

    unit: str
    meaning: str
    _: KW_ONLY
    of: str = "v"
    late: float | str = 0.0


class Rule(Catalogued):
    """Abstract: a rule of plasticity declares traces and states what becomes of the weight `w` at events.

    Handlers return new values of `w` and of synapse states by name, and are elementwise:

    - `on_pre`: a presynaptic spike arrives at the synapse;
    - `on_post`: the postsynaptic neuron has spiked, as the synapse is told;
    - `on_<input>`: something arrives at a declared `Input` of the postsynaptic neuron, for example a teacher's spike;
    - `on_step`: once in `every` ms (a Param that the rule declares); at the synapses of those neurons for which `when`,
      a condition on the postsynaptic neuron, holds;
    - `on_trial`: when told that a trial ends; all traces are then set to 0.

    Traces and states read as they were before the events of that time, so that a pre- and a postsynaptic spike at one
    time do not see each other; of two events that change `w` at one time, `on_post` comes first, then `on_<input>`, in
    the order declared, then `on_pre`. Where a spike that arrives can cause one at the same time (jumps of the
    potential, layers of `nn`), `on_pre` comes first and `on_post` sees it. `pre_spike` and `post_spike` say what spikes
    do to traces; by default they add the jumps.

    After each event the weight is put between `w_min` and `w_max`.

    Raises: ParameterError, DTypeError, UnknownNameError.
    """

    dt = Param(1.0, "ms", "time step", low=0.0)
    w_min = Param(0.0, "weight", "lowest weight")
    w_max = Param(1.0, "weight", "highest weight")

    # Whether weights change without spikes.
    spontaneous: ClassVar[bool] = False

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        self._settle()

    @property
    def w(self) -> Tensor:
        """The weight."""
        w: Tensor = self.value("w")
        return w

    @property
    def spiked(self) -> Tensor:
        """1 where the postsynaptic neuron spikes at this time, as the synapse is told, else 0."""
        spiked: Tensor = self.value("spiked")
        return spiked

    def verify(self) -> None:
        """Raise ParameterError where declarations or values do not go together."""
        name, values = type(self).__name__, self.param_values()
        for label, value in values.items():
            if isinstance(value, Tensor) and value.dim():
                do = "connect twice with different rules"
                raise ParameterError(f"{name}.{label}", expected="one number", got=list(value.shape), do=do)
        if not float(values["w_min"]) <= float(values["w_max"]):
            got = f"w_min = {float(values['w_min']):g} and w_max = {float(values['w_max']):g}"
            raise ParameterError(name, expected="w_min <= w_max", got=got, do="give both at construction")
        if self.has("on_step") and "every" not in self.params:
            do = 'every = Param(1.0, "ms", "time between updates", low=0.0)'
            raise ParameterError(f"{name}.every", expected="a Param, as there is an on_step", got="none", do=do)
        for trace in (*self.pre_traces.values(), *self.post_traces.values()):
            if not self.number(trace.tau) > 0:
                raise ParameterError(f"{name}: tau of {trace.name}", expected="> 0 ms", got=self.number(trace.tau))
        for trace in self.post_traces.values():
            if trace.by and trace.by not in self.inputs:
                raise UnknownNameError(f"{name}: input that drives {trace.name}", trace.by, self.inputs)
            if trace.of and trace.of not in self.post_states:
                raise UnknownNameError(f"{name}: state that {trace.name} follows", trace.of, self.post_states)
        known = {*_EVENTS, *(f"on_{label}" for label in self.inputs)}
        for label, _ in inspect.getmembers(type(self), callable):
            if label.startswith("on_") and label not in known:
                raise UnknownNameError(f"{name}.{label} is no event", label, known)

    def has(self, handler: str) -> bool:
        """Whether the rule states a handler."""
        return callable(getattr(type(self), handler, None))

    def efficacy(self) -> Tensor:
        """What a spike is delivered with, before its own event; the weight by default."""
        return self.w

    def pre_spike(self) -> dict[str, Tensor]:
        """Presynaptic traces after a spike has arrived."""
        return {name: getattr(self, name) + self.number(trace.jump) for name, trace in self.pre_traces.items()}

    def post_spike(self) -> dict[str, Tensor]:
        """Postsynaptic traces after a spike; those driven by spikes."""
        return {name: getattr(self, name) + self.number(trace.jump) for name, trace in self.spike_traces.items()}

    def number(self, given: float | str) -> Any:
        """A number as it is; a parameter's value by name, bound in a handler."""
        return given if not isinstance(given, str) else self.value(given)

    @property
    def pre_traces(self) -> dict[str, PreTrace]:
        """Declared traces of the presynaptic neuron."""
        return self._gather(PreTrace)

    @property
    def post_traces(self) -> dict[str, PostTrace]:
        """Declared traces of the postsynaptic neuron."""
        return self._gather(PostTrace)

    @property
    def spike_traces(self) -> dict[str, PostTrace]:
        """Those driven by its spikes."""
        return {name: trace for name, trace in self.post_traces.items() if not trace.by and not trace.of}

    @property
    def synapse_states(self) -> dict[str, SynapseState]:
        """Declared variables of each synapse beside its weight."""
        return self._gather(SynapseState)

    @property
    def post_states(self) -> dict[str, PostState]:
        """Which states of the postsynaptic neuron are read."""
        return self._gather(PostState)

    @property
    def inputs(self) -> dict[str, Input]:
        """Declared inputs: what arrives at the postsynaptic neuron, for the rule alone."""
        return self._gather(Input)

    @property
    def noises(self) -> dict[str, Noise]:
        """Declared noise variables."""
        return self._gather(Noise)

    def time_constant(self, variable: Trace | SynapseState) -> float:
        """Of a trace or synapse state, in ms."""
        tau = variable.tau
        return float(self.param_values()[tau]) if isinstance(tau, str) else tau

    def handlers(self) -> tuple[str, ...]:
        """Names of the events that are stated, in the order in which they act at one time."""
        order = ("on_post", *(f"on_{name}" for name in self.inputs), "on_pre", "on_step", "on_trial")
        return tuple(name for name in order if self.has(name))

    def at_rest(self) -> dict[str, float]:
        """Values of synapse states at the beginning."""
        values = self.param_values()
        rests = {name: item.rest for name, item in self.synapse_states.items()}
        return {name: float(values[rest]) if isinstance(rest, str) else float(rest) for name, rest in rests.items()}

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self.declarations and not name.startswith("_"):
            known = [n for n, item in self.declarations.items() if isinstance(item, Param)]
            raise UnknownNameError(f"{type(self).__name__} has no parameter {name!r}", name, known)
        object.__setattr__(self, name, value)
