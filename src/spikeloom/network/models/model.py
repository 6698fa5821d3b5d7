"""The ready model: a published network, its settings, and what is known of its activity."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NamedTuple

import torch

from ...errors import ParameterError, UnknownNameError
from ..network import Network

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Expected(NamedTuple):
    """A published or theoretical rate in spikes/s, the share by which a run may miss it, and whose it is."""

    rate: float
    tolerance: float
    source: str


@dataclass(frozen=True)
class Setting:
    """What may be chosen in a model: default, meaning, unit, and which values there are."""

    default: Any
    meaning: str
    unit: str
    kind: type
    at_least: float
    at_most: float
    choices: tuple[str, ...]

    def check(self, label: str, value: Any) -> Any:
        """The value in its kind. Raises: ParameterError, UnknownNameError."""
        if self.default is None and value is None:
            return None
        if self.kind is str:
            if value not in self.choices:
                raise UnknownNameError(label, str(value), self.choices)
            return value
        if self.kind is bool:
            if not isinstance(value, bool):
                raise ParameterError(label, expected="True or False", got=repr(value))
            return value
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        whole = self.kind is float or (number and value == int(value))
        if not number or not whole or not self.at_least <= value <= self.at_most:
            raise ParameterError(label, expected=self.described(), got=repr(value))
        return self.kind(value)

    def read(self, label: str, text: str) -> Any:
        """The value that a word on the command line means. Raises: ParameterError, UnknownNameError."""
        if self.kind is str:
            return self.check(label, text)
        try:
            value = _WORDS[text.lower()] if self.kind is bool else float(text)
        except (KeyError, ValueError):
            raise ParameterError(label, expected=self.described(), got=repr(text)) from None
        return self.check(label, value)

    def described(self) -> str:
        """Which values there are, in words."""
        if self.choices:
            return " or ".join(self.choices)
        if self.kind is bool:
            return "yes or no"
        bounds = [f">= {self.at_least:g}"] if self.at_least > -math.inf else []
        bounds += [f"<= {self.at_most:g}"] if self.at_most < math.inf else []
        words = ["a whole number" if self.kind is int else "a number", " and ".join(bounds), f"({self.unit})"]
        return " ".join(word for word in words if word and word != "()")


def setting(
    default: Any,
    meaning: str,
    unit: str = "",
    *,
    kind: type | None = None,
    at_least: float = -math.inf,
    at_most: float = math.inf,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field of a model; its kind is that of the default, which `None` leaves to the model (then give `kind`)."""
    declared = Setting(default, meaning, unit, kind or type(default), at_least, at_most, choices)
    return field(default=default, metadata={"setting": declared})


@dataclass(frozen=True, kw_only=True)
class Model(ABC):
    """Abstract: a published network. A subclass is a frozen dataclass whose fields are made by `setting`.

    `fill` adds populations, projections and devices to a network and records the spikes of its populations; `expected`
    gives the rates of recorded populations by name, where they are known for the settings chosen.

    Raises: ParameterError, UnknownNameError for settings out of bounds.
    """

    # Milliseconds: the time step; how long a run takes by default, of which the beginning is not measured.
    dt: ClassVar[float] = 0.1
    duration: ClassVar[float] = 1000.0
    settling: ClassVar[float] = 200.0
    # Of `build`, where none is given.
    seed: ClassVar[int] = 1
    source: ClassVar[str]

    def __post_init__(self) -> None:
        for name, declared in self.settings().items():
            value = declared.check(f"{type(self).__name__}.{name}", getattr(self, name))
            object.__setattr__(self, name, value)

    @classmethod
    def settings(cls) -> dict[str, Setting]:
        """What may be chosen, by name."""
        return {f.name: f.metadata["setting"] for f in fields(cls) if "setting" in f.metadata}

    @classmethod
    def title(cls) -> str:
        """The name on the command line: that of the class in small letters, with hyphens between words."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def meaning(cls) -> str:
        """One line on what it is."""
        return (cls.__doc__ or "").split("\n")[0].rstrip(".")

    @property
    def expected(self) -> Mapping[str, Expected]:
        """Rates by the name of the population; empty where none is known for these settings."""
        return {}

    @abstractmethod
    def fill(self, net: Network) -> None:
        """Add all of it to a network."""

    def build(
        self,
        *,
        seed: int | None = None,
        threads: int | None = None,
        batch: int = 1,
        dt: float | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Network:
        """A network of its own, ready to run."""
        chosen = self.seed if seed is None else seed
        net = Network(self.dt if dt is None else dt, chosen, batch=batch, threads=threads, dtype=dtype)
        self.fill(net)
        return net
