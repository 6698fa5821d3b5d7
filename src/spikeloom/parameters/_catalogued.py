"""What a catalogue lists: declared models with published values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from ..errors import ParameterError, UnknownNameError
from ._declarations import Preset
from ._declared import Declared


class Catalogued(Declared):
    """Abstract: base of neurons and rules, whose parameters must go together and have published values."""

    # Where the catalogue lists it.
    family: ClassVar[str] = "yours"
    # Named sets of parameters that were published.
    presets: ClassVar[Mapping[str, Preset]] = {}

    @classmethod
    def preset(cls, name: str, **given: Any) -> Self:
        """One with the published values of that name; arguments given beside it take their place.

        Raises: UnknownNameError.
        """
        if name not in cls.presets:
            raise UnknownNameError(f"{cls.__name__} has no preset {name!r}", name, cls.presets)
        return cls(**{**cls.presets[name].values, **given})

    @classmethod
    def example(cls) -> Self:
        """One for tests, pictures and lists; a class whose constructor needs arguments says which."""
        return cls()

    def verify(self) -> None:
        """Raise ParameterError where declarations or values do not go together; called whenever one is set."""

    def _settle(self) -> None:
        """All parameters are there: from now on each change is verified."""
        self.__dict__["_settled"] = True
        self.verify()

    def assign(self, name: str, value: object) -> None:
        """Set a parameter after checking it, by itself and with the others."""
        if "_settled" not in self.__dict__:
            return self._assign(name, value)
        before = self.param_values().get(name)
        self._assign(name, value)
        try:
            self.verify()
        except ParameterError:
            self._assign(name, before)
            raise

    def _assign(self, name: str, value: object) -> None:
        super().assign(name, value)
