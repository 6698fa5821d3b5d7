"""What a model says of its parameters, state variables and inputs, as data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar, overload

import torch
from torch import Tensor

from ..errors import DTypeError, ParameterError

if TYPE_CHECKING:
    from ._declared import Declared

Value = float | Tensor
D = TypeVar("D", bound="Declaration")


@dataclass(frozen=True)
class Declaration:
    """Base of what can be declared in a class body; `name` is the attribute it was assigned to."""

    name: str = field(default="", init=False, compare=False)

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)


@dataclass(frozen=True)
class Variable(Declaration):
    """A declaration whose attribute reads as whatever value is bound: a tensor, or a traced value in the compiler."""

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Declared, owner: type) -> Tensor: ...
    def __get__(self, instance: Declared | None, owner: type) -> Any:
        return self if instance is None else instance.value(self.name)

    def __set__(self, instance: Declared, value: Any) -> None:
        instance.assign(self.name, value)


@dataclass(frozen=True)
class Param(Variable):
    """A parameter: default, unit and meaning; `low`/`high` exclude their bound, `at_least`/`at_most` include it.

    Its value may be a number, a tensor whose axes are the leading feature axes of the input (so `[C]` is one value
    per channel of `[T, B, C, H, W]`), or a tensor of the whole feature shape.
    """

    default: float
    unit: str
    meaning: str
    _: KW_ONLY
    low: float = -math.inf
    high: float = math.inf
    at_least: float = -math.inf
    at_most: float = math.inf

    def described(self) -> str:
        """Meaning, unit, bounds and default, for documentation."""
        bounds = f", {self.bounds}" if self.bounds else ""
        return f"{self.meaning} ({self.unit}){bounds}; default {self.default:g}"

    @property
    def bounds(self) -> str:
        """The bounds in words, for messages and tables; empty where there are none."""
        rules = ((self.low, ">"), (self.at_least, ">="), (self.high, "<"), (self.at_most, "<="))
        return " and ".join(f"{sign} {bound:g}" for bound, sign in rules if math.isfinite(bound))

    def check(self, owner: str, value: object) -> Value:
        """Return `value` as a float or a tensor, or raise ParameterError or DTypeError."""
        label = f"{owner}.{self.name}"
        if isinstance(value, bool) or not isinstance(value, int | float | Tensor):
            value = _as_tensor(label, value)
        if isinstance(value, Tensor):
            if not value.is_floating_point():
                raise DTypeError(label, expected="a floating-point tensor", got=value.dtype, do="convert with .float()")
            if value.is_meta:
                return value
            lowest, highest = (float(v) for v in value.detach().aminmax()) if value.numel() else (math.nan, math.nan)
        else:
            value = float(value)
            lowest = highest = value
        inside = self.low < lowest and highest < self.high and self.at_least <= lowest and highest <= self.at_most
        # NaN fails every comparison, and an unbounded parameter may be infinite (a threshold that is never reached).
        unbounded = not self.bounds and not math.isnan(lowest)
        if not (inside or unbounded):
            expected = f"a {self.meaning} {self.bounds}".rstrip() + f" ({self.unit})"
            got = f"values from {lowest:g} to {highest:g}" if isinstance(value, Tensor) else f"{lowest:g}"
            raise ParameterError(label, expected=expected, got=got, do=f"the default is {self.default:g}")
        return value

    def to_raw(self, value: Tensor) -> Tensor:
        """Map a value inside the bounds to the unbounded number an optimiser may move freely."""
        low, high = self._limits()
        if math.isfinite(low) and math.isfinite(high):
            return torch.logit((value - low) / (high - low))
        if math.isfinite(low):
            return torch.log(value - low)
        return torch.log(high - value) if math.isfinite(high) else value

    def from_raw(self, raw: Tensor) -> Tensor:
        """Inverse of `to_raw`; differentiable."""
        low, high = self._limits()
        if math.isfinite(low) and math.isfinite(high):
            return low + (high - low) * torch.sigmoid(raw)
        if math.isfinite(low):
            return low + torch.exp(raw)
        return high - torch.exp(raw) if math.isfinite(high) else raw

    def _limits(self) -> tuple[float, float]:
        return max(self.low, self.at_least), min(self.high, self.at_most)


def _as_tensor(label: str, value: object) -> Tensor:
    """Accept NumPy arrays and sequences of numbers."""
    if isinstance(value, bool | str) or value is None:
        raise DTypeError(label, expected="a number or a tensor", got=repr(value), do="pass a float")
    try:
        return torch.as_tensor(value, dtype=torch.get_default_dtype())
    except (TypeError, ValueError, RuntimeError) as error:
        raise DTypeError(label, expected="a number or a tensor", got=repr(value), do="pass a float") from error


@dataclass(frozen=True)
class State(Variable):
    """A state variable: its value at rest (a number or the name of a parameter), unit and meaning.

    `held` says that it stands still during a refractory period, as a membrane potential does. A `dtype` of torch.int32
    or torch.bool declares an integer or a truth value, through which no gradient flows; otherwise it is a real number.
    A complex number at rest declares a complex variable, kept and recorded as two, `<name>_real` and `<name>_imag`.
    """

    rest: float | complex | str
    unit: str
    meaning: str
    _: KW_ONLY
    held: bool = False
    dtype: torch.dtype | None = None

    @property
    def kind(self) -> str:
        """r for a real number, i for an integer, b for a truth value."""
        return {None: "r", torch.int32: "i", torch.bool: "b"}[self.dtype]

    def parts(self) -> dict[str, State]:
        """The real variables that keep this one, by the end of their names; a real variable is itself."""
        if not isinstance(self.rest, complex):
            return {"": self}
        ends = (("_real", self.rest.real, "real"), ("_imag", self.rest.imag, "imaginary"))
        return {end: replace(self, rest=rest, meaning=f"{self.meaning}, {part} part") for end, rest, part in ends}


@dataclass(frozen=True)
class Input(Variable):
    """What arrives from outside at each time step: unit and meaning.

    `span` are a low and a high value between which most neurons of the kind spike now and then; checks, pictures and
    benchmarks draw from it.
    """

    unit: str
    meaning: str
    _: KW_ONLY
    span: tuple[float, float] = (-0.5, 3.5)


@dataclass(frozen=True)
class Noise(Variable):
    """A random number, drawn anew for each neuron and step: its meaning.

    Standard normal, or with `uniform=True` uniform in [0, 1). `drives` names the state whose `diffusion` it is the
    noise of. Counter-based: the draw depends on the seed of the run, the neuron's index and the step, not on threads or
    pieces.
    """

    meaning: str
    _: KW_ONLY
    uniform: bool = False
    drives: str = ""

    @property
    def distribution(self) -> str:
        """Name of the function of `spikeloom.random` that it is drawn from."""
        return "uniform" if self.uniform else "normal"


@dataclass(frozen=True)
class Preset:
    """Published values of parameters and options, where they come from, and a constant input that shows them."""

    values: Mapping[str, object]
    source: str
    _: KW_ONLY
    drive: float | None = None
    duration: float | None = None


class Shown(NamedTuple):
    """How a model is shown: `i` at its first input for most of `duration` in ms, and `others` at the others.

    With `pulses` the input flows in single steps, eight of them, as spikes do.
    """

    i: float
    duration: float
    pulses: bool = False
    others: float = 0.0
