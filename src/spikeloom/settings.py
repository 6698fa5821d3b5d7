"""Settings: what may be chosen in a ready model or a recipe, as data, from Python and from the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import ParameterError, UnknownNameError

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Setting:
    """What may be chosen: default, meaning, unit, and which values there are."""

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
    """A field of a dataclass; its kind is that of the default, which `None` leaves to the owner (then give `kind`)."""
    declared = Setting(default, meaning, unit, kind or type(default), at_least, at_most, choices)
    return field(default=default, metadata={"setting": declared})


def settings_of(owner: Any) -> dict[str, Setting]:
    """What may be chosen in a dataclass whose fields are made by `setting`, by name."""
    return {f.name: f.metadata["setting"] for f in fields(owner) if "setting" in f.metadata}


def check_settings(owner: Any) -> None:
    """Put each setting of a (frozen) dataclass into its kind. Raises: ParameterError, UnknownNameError."""
    for name, declared in settings_of(owner).items():
        value = declared.check(f"{type(owner).__name__}.{name}", getattr(owner, name))
        object.__setattr__(owner, name, value)


def read_settings(label: str, declared: Mapping[str, Setting], assignments: Sequence[str]) -> dict[str, Any]:
    """Values from the words of a command line, `["scale=0.1"]`. Raises: ParameterError, UnknownNameError.

    >>> read_settings("model", {"scale": Setting(1.0, "of it all", "", float, 0.0, 1.0, ())}, ["scale=0.1"])
    {'scale': 0.1}
    """
    found: dict[str, Any] = {}
    for text in assignments:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign:
            do = f"for example --set {next(iter(declared), 'scale')}=..."
            raise ParameterError("--set", expected="NAME=VALUE", got=repr(text), do=do)
        if name not in declared:
            raise UnknownNameError(f"{label} has no setting {name!r}", name, declared)
        found[name] = declared[name].read(f"{label}.{name}", value)
    return found
