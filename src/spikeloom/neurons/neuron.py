"""The neuron: declarations and plain methods that state one time step; everything else is derived from them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from .. import compile as compiler
from ..errors import DTypeError, ParameterError, SpikeloomError, UnknownNameError
from ..parameters import Catalogued, D, Declared, Input, Noise, Option, Param, Shown, State, Value
from ..surrogate import ATan, Surrogate
from . import _plain
from ._session import sessions_of
from .integrators import Exact, Integrator

# Names of what states were when the step began.
_BEFORE = "before "


class Neuron(Catalogued, nn.Module):
    """Abstract: a subclass declares parameters, states and inputs and states its dynamics.

    One step, in this order: `deliver` (jumps caused by the input), `charge` (integration; by default `derivative`
    through `integrator`), `fire` (by default the surrogate of `threshold`, a spike where it is >= 0), `reset` (values
    that states take where there was a spike). A neuron that states no `threshold` does not spike; its output is the
    state named by `output`.

    Shapes: input and output [T, B, *features]. Parameters may be numbers or tensors over the leading feature axes.
    Raises: ParameterError, DTypeError, UnknownNameError at construction; ShapeError, DTypeError, DeviceError,
    NonFiniteError, TraceError when called.
    """

    dt = Param(1.0, "ms", "time step", low=0.0)
    surrogate = Option[Surrogate](ATan(), "spike function and its slope in the backward pass")
    integrator = Option[Integrator](Exact(), "how the derivative becomes the next state")
    detach_reset = Option(True, "keep the reset out of the gradient")

    output = "s"
    # Spikes other than 0 and 1.
    graded: ClassVar[bool] = False
    # Pairs of parameters of which the first must be less than the second.
    ordered: ClassVar[tuple[tuple[str, str], ...]] = ()
    # An input and a time in ms that show what the neuron does.
    shown: ClassVar[Shown | tuple[float, float]] = Shown(1.5, 100.0)

    def __init__(self, *, learn: Iterable[str] = (), **given: object) -> None:
        nn.Module.__init__(self)
        self._configure(given)
        self.learn: tuple[str, ...] = ()
        for name in (learn,) if isinstance(learn, str) else learn:
            self._make_learnable(name)
        self._settle()

    def verify(self) -> None:
        """Raise ParameterError where the values of parameters do not go together; called whenever one is set."""
        if self.spiking and "s" in self.states:
            do = "rename it: s are the spikes"
            label = f"state s of {type(self).__name__}"
            raise ParameterError(label, expected="no state of that name", got="one", do=do)
        values = self.param_values()
        for lower, upper in self.ordered:
            if not _all_below(values[lower], values[upper]):
                got = f"{lower} = {_shown(values[lower])} and {upper} = {_shown(values[upper])}"
                do = "give both at construction"
                raise ParameterError(type(self).__name__, expected=f"{lower} < {upper}", got=got, do=do)
        self.integrator.verify(self)

    def deliver(self) -> dict[str, Tensor]:
        """States changed at once by the input, before integration; none by default."""
        return {}

    def derivative(self) -> dict[str, Tensor]:
        """Time derivative of each state, per millisecond."""
        raise NotImplementedError(f"{type(self).__name__} states neither derivative(self) nor charge(self)")

    def slopes(self) -> dict[str, Tensor]:
        """The derivative, of declared states only."""
        return self._checked(self.derivative(), "derivative")

    def diffusion(self) -> dict[str, Tensor]:
        """Amplitude g of the white noise of each state, dx = f dt + g dW; none by default.

        The `Noise` that drives such a state names it. In units of the state per square root of a millisecond.
        """
        return {}

    def before(self, name: str) -> Tensor:
        """The value that a state had when the step began."""
        value: Tensor = self.__dict__["_bound"][_BEFORE + name]
        return value

    def charge(self) -> dict[str, Tensor]:
        """States before the threshold is looked at."""
        return self.integrator.advance(self)

    def threshold(self) -> Tensor:
        """Distance to threshold; a spike where it is >= 0."""
        raise NotImplementedError(f"{type(self).__name__} states no threshold(self)")

    def fire(self) -> Tensor:
        """Spikes."""
        return self.surrogate(self.threshold())

    def reset(self) -> dict[str, Tensor]:
        """Values that states take where there was a spike; states not named keep theirs.

        The spikes themselves read as `self.value("s")`, for a reset that depends on the size of a graded spike. Where
        spikes are graded, the gradient of a reset that is not detached is that of these values, also without a spike.
        """
        return {}

    @property
    def spiking(self) -> bool:
        """Whether the neuron has a threshold."""
        return type(self).threshold is not Neuron.threshold

    @property
    def late_inputs(self) -> frozenset[str]:
        """Inputs that act at the end of a step, after its integration; all others act from its beginning."""
        return frozenset()

    @property
    def states(self) -> dict[str, State]:
        """Declared state variables."""
        return self._gather(State)

    @property
    def inputs(self) -> dict[str, Input]:
        """Declared inputs."""
        return self._gather(Input)

    @property
    def noises(self) -> dict[str, Noise]:
        """Declared noise variables."""
        return self._gather(Noise)

    def step(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One time step: from parameters, states and inputs by name to the next states and, if spiking, spikes `s`."""
        start = self.bind({**values, **{_BEFORE + name: values[name] for name in self.states}})
        now = start.bind(self._checked(start.deliver(), "deliver"))
        now = now.bind(self._checked(now.charge(), "charge"))
        if not self.spiking:
            return {name: now.value(name) for name in self.states}
        s = now.fire()
        after = now.bind({"s": s.detach() if self.detach_reset else s}).reset()
        after = self._checked(after, "reset")
        return {name: _blended(now, name, after, s, self.detach_reset) for name in self.states} | {"s": s}

    def _checked(self, states: dict[str, Tensor], method: str) -> dict[str, Tensor]:
        """Complex values in parts. A name that is no state variable is refused: what is assigned would be lost."""
        found = {}
        for name, value in states.items():
            if name not in self.states and f"{name}_real" in self.states:
                found[f"{name}_real"], found[f"{name}_imag"] = compiler.parts(value)
                continue
            what = f"{type(self).__name__}.{method} returns"
            if name not in self.states:
                raise UnknownNameError(what, name, self.states)
            if compiler.is_complex(value):
                do = "take .real, .imag or abs(), or declare a complex number at rest"
                raise DTypeError(f"{what} {name!r}", expected="a real value", got="a complex one", do=do)
            found[name] = value
        return found

    def _gather_anew(self, kind: type[D]) -> dict[str, D]:
        """Complex state variables as the two real ones that keep them."""
        found = Declared._gather_anew(self, kind)
        if kind is not State:
            return found
        expanded = ((n + end, part) for n, state in found.items() for end, part in state.parts().items())  # type: ignore[attr-defined]
        return dict(expanded)

    def forward(self, *inputs: Tensor, **varying: Tensor) -> Tensor:
        """Run from rest over `inputs`, [T, B, *features] each, in the order declared; return the output, same shape.

        A parameter given by name as a tensor [T], or [T, B, ...] with sizes of 1 where all share, varies with time.
        """
        if torch.compiler.is_compiling():
            from . import _graph

            return _graph.run(self, inputs, varying)
        return self.run(inputs, varying)

    def run(self, inputs: tuple[Tensor, ...], varying: Mapping[str, Tensor]) -> Tensor:
        """What a call does."""
        if len(inputs) != len(self.inputs):
            expected = f"{len(self.inputs)} of them, in this order: {', '.join(self.inputs)}"
            raise DTypeError(f"inputs of {type(self).__name__}", expected=expected, got=len(inputs))
        sessions = sessions_of(self)
        compiled = self.integrator.compiled
        if compiled and not sessions and not varying and len(inputs) == 1:
            y = self._site().run(self, self.param_values, inputs[0], self.output)
            if y is not None:
                return y
        if sessions and torch.compiler.is_compiling():
            do = "use them on the model itself, outside of torch.compile"
            raise SpikeloomError("unroll and record cannot be part of a captured graph", do=do)
        state = next((given for session in sessions if (given := session.begin(self)) is not None), None)
        named = dict(zip(self.inputs, inputs, strict=True))
        wanted = self._wanted(sessions)
        if compiled:
            produced, final = compiler.run(self, self.param_values(), named, state, wanted, varying)
        else:
            produced, final = _plain.run(self, named, state, wanted, varying)
        for session in sessions:
            session.end(self, produced, final)
        return produced[self.output]

    def _site(self) -> compiler.Site:
        """What earlier calls of this neuron have found out."""
        site: compiler.Site | None = self.__dict__.get("_calls")
        if site is None:
            site = self.__dict__["_calls"] = compiler.Site()
        return site

    def __getstate__(self) -> dict[str, Any]:
        """Without what is tied to this process."""
        return {name: value for name, value in self.__dict__.items() if name != "_calls"}

    def plan(self, *inputs: Tensor) -> compiler.Plan:
        """How a call with these inputs would run."""
        named = dict(zip(self.inputs, inputs, strict=True))
        return compiler.prepare(self, self.param_values(), named, None, (self.output,)).plan

    def _wanted(self, sessions: list[Any]) -> tuple[str, ...]:
        variables = [v for session in sessions for v in session.variables if v in self.variables]
        return tuple(dict.fromkeys([self.output, *variables]))

    @property
    def variables(self) -> tuple[str, ...]:
        """Names that can be recorded: the states, and the spikes `s` of a spiking neuron."""
        return (*self.states, "s") if self.spiking else tuple(self.states)

    def with_options(self, **changed: object) -> Self:
        """A copy with some options replaced, for example another surrogate; parameters are copied too."""
        copied = copy.deepcopy(self)
        for name, value in changed.items():
            copied._set_option(name, value)
        return copied

    def _set_option(self, name: str, value: object) -> None:
        options = self.declared(Option)
        if name not in options:
            raise UnknownNameError(f"{type(self).__name__} has no option {name!r}", name, options)
        self._forget()
        self.__dict__["_options"][name] = self._chosen(options[name], value)

    def param_values(self) -> dict[str, Value]:
        """The present value of every parameter, by full name; learnable ones inside their bounds."""
        values = Declared.param_values(self)
        values.update({name: tensor for name, tensor in self._buffers.items() if tensor is not None})
        values.update({name: self._learned(name) for name in self.__dict__.get("learn", ())})
        return values

    def value(self, name: str) -> Any:
        """The value bound to a variable, or a parameter's present value."""
        if "_bound" not in self.__dict__:
            if name in self.__dict__.get("learn", ()):
                return self._learned(name)
            if self._buffers.get(name) is not None:
                return self._buffers[name]
        elif name not in self.__dict__["_bound"] and f"{name}_real" in self.__dict__["_bound"]:
            return compiler.joined(self.value(f"{name}_real"), self.value(f"{name}_imag"))
        return Declared.value(self, name)

    def _assign(self, name: str, value: object) -> None:
        """Set a parameter; a tensor becomes a buffer, which moves with the module."""
        super()._assign(name, value)
        checked = self.__dict__["_values"][name]
        if name in self.__dict__.get("learn", ()):
            raw = self.params[name].to_raw(torch.as_tensor(checked, dtype=self._raw(name).dtype))
            with torch.no_grad():
                self._raw(name).copy_(raw)
        elif isinstance(checked, Tensor):
            self._buffers[name] = self.__dict__["_values"].pop(name)
        else:
            self._buffers.pop(name, None)

    def __setattr__(self, name: str, value: object) -> None:
        if name in type(self).declarations:
            object.__setattr__(self, name, value)
        else:
            nn.Module.__setattr__(self, name, value)  # type: ignore[arg-type]

    def _make_learnable(self, name: str) -> None:
        if name not in self.params:
            raise UnknownNameError(f"learn of {type(self).__name__}", name, self.params)
        value = self.param_values()[name]
        natural = value.detach().clone() if isinstance(value, Tensor) else torch.tensor(value)
        raw = self.params[name].to_raw(natural.to(torch.get_default_dtype()))
        self._buffers.pop(name, None)
        # Stored as the unbounded number that an optimiser may move freely, under a name that says so.
        self.register_parameter(f"raw_{name}", nn.Parameter(raw))
        self.learn = (*self.learn, name)

    def _raw(self, name: str) -> nn.Parameter:
        # torch.func.functional_call puts plain tensors in the place of parameters.
        raw: nn.Parameter = self._parameters[f"raw_{name}"]  # type: ignore[assignment]
        return raw

    def _learned(self, name: str) -> Tensor:
        return self.params[name].from_raw(self._raw(name))

    def extra_repr(self) -> str:
        """Arguments that differ from the defaults."""
        learn = f"learn={self.learn!r}" if self.learn else ""
        return ", ".join(part for part in (self._described(), learn) if part)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"


def _blended(now: Neuron, name: str, after: Mapping[str, Tensor], s: Tensor, detach: bool) -> Tensor:
    """The state after the reset: what `reset` says where there was a spike."""
    before: Tensor = now.value(name)
    if name not in after:
        return before
    if now.graded:
        # The gradient is that of the reset also where there is no spike, as with (1 - s) before + s after below.
        without = before if detach else before.detach() + (after[name] - after[name].detach())
        return torch.where(s.detach() != 0, after[name], without)
    if detach:
        return torch.where(s.detach() > 0, after[name], before)
    return (1 - s) * before + s * after[name]


def _all_below(lower: Value, upper: Value) -> bool:
    """Whether each value of one parameter is less than that of another, which it meets along leading axes."""
    a, b = (torch.as_tensor(value).detach() for value in (lower, upper))
    if a.is_meta or b.is_meta:
        return True
    rank = max(a.dim(), b.dim())
    a, b = (v.reshape(*v.shape, *[1] * (rank - v.dim())) if v.dim() else v for v in (a, b))
    return bool((a < b).all())


def _shown(value: Value) -> str:
    if not isinstance(value, Tensor) or not value.dim():
        return f"{float(value):g}"
    return f"values from {float(value.min()):g} to {float(value.max()):g}"
