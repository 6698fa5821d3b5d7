"""Who declares: options, and the base of all that is stated by declarations."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar, cast, overload

import torch

from ..errors import DTypeError, UnknownNameError
from ._declarations import D, Declaration, Param, Value

T = TypeVar("T")


@dataclass(frozen=True)
class Option(Declaration, Generic[T]):
    """A choice made at construction that shapes the dynamics: a flag, or an object such as a surrogate."""

    default: T
    meaning: str

    def described(self) -> str:
        """Meaning and default, for documentation."""
        return f"{self.meaning}; default {self.default!r}"

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Declared, owner: type) -> T: ...
    def __get__(self, instance: Declared | None, owner: type) -> Any:
        return self if instance is None else instance.option(self.name)

    def __set__(self, instance: Declared, value: T) -> None:
        raise AttributeError(f"{type(instance).__name__}.{self.name} is fixed at construction; build a new one")

    def check(self, owner: str, value: object) -> T:
        """A flag takes a bool, an object option an object of the default's family."""
        family = _family(self.default)
        if not isinstance(value, family):
            do = f"for example {self.name}={self.default!r}"
            raise DTypeError(f"{owner}.{self.name}", expected=f"a {family.__name__}", got=repr(value), do=do)
        return cast(T, value)


def _family(default: object) -> type:
    """The abstract class, of those outside of this package, that an option's default belongs to, or its own type."""
    bases = [
        base
        for base in type(default).__mro__
        if issubclass(base, Declared) and base.__module__.rpartition(".")[0] != __package__
    ]
    return bases[-1] if bases else type(default)


_changes = [0]


def changes() -> int:
    """How often any parameter or option of any object was set: equal numbers, equal parameters."""
    return _changes[0]


class Declared:
    """Base of everything stated by declarations: neurons, surrogates, integrators.

    An instance is immutable in its options; parameters keep their names. Options that are themselves declared
    (a neuron's surrogate) contribute their parameters under the prefix `<option>_`.
    """

    declarations: ClassVar[Mapping[str, Declaration]] = {}
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.declarations = cls._collected()
        cls._document()

    @classmethod
    def _collected(cls) -> dict[str, Declaration]:
        found: dict[str, Declaration] = {}
        for base in reversed(cls.__mro__):
            found.update({name: item for name, item in vars(base).items() if isinstance(item, Declaration)})
        return found

    @classmethod
    def _document(cls) -> None:
        """Signature and docstring tell of the declared parameters and options."""
        accepted = [item for item in cls.declarations.values() if isinstance(item, Param | Option)]
        own = [p for n, p in inspect.signature(cls.__init__).parameters.items() if n not in ("self", "given")]
        keywords = [inspect.Parameter(i.name, inspect.Parameter.KEYWORD_ONLY, default=i.default) for i in accepted]
        cls.__signature__ = inspect.Signature([*own, *keywords])
        if accepted and cls.__dict__.get("__doc__"):
            rows = "\n".join(f"        {item.name}: {item.described()}" for item in accepted)
            cls.__doc__ = f"{(cls.__doc__ or '').rstrip()}\n\n    Parameters:\n{rows}\n    "

    def __init__(self, **given: object) -> None:
        self._configure(given)

    @classmethod
    def declared(cls, kind: type[D]) -> dict[str, D]:
        """The class's own declarations of one kind, by name."""
        return {name: item for name, item in cls.declarations.items() if isinstance(item, kind)}

    def _configure(self, given: Mapping[str, object]) -> None:
        owner = type(self).__name__
        accepted = {name: item for name, item in self.declarations.items() if isinstance(item, Param | Option)}
        for name in given:
            if name not in accepted:
                raise UnknownNameError(f"{owner} has no parameter {name!r}", name, accepted)
        options = {n: self._chosen(item, given.get(n, item.default)) for n, item in self.declared(Option).items()}
        object.__setattr__(self, "_options", options)
        object.__setattr__(self, "_values", {})
        for name, param in self.declared(Param).items():
            self.assign(name, given.get(name, param.default))

    def _chosen(self, item: Option[Any], value: object) -> object:
        """A checked option; a part is copied, lest a parameter set on one neuron's surrogate be set on another's."""
        checked: object = item.check(type(self).__name__, value)
        return checked._copy() if isinstance(checked, Declared) else checked

    def option(self, name: str) -> Any:
        """The value of an option; bound together with its owner when it is itself declared, or another one bound."""
        bound = self.__dict__.get("_bound")
        if bound is not None and name in bound:
            return bound[name]
        chosen = self.__dict__["_options"][name]
        if bound is None or not isinstance(chosen, Declared):
            return chosen
        prefix = f"{name}_"
        return chosen.bind({key.removeprefix(prefix): v for key, v in bound.items() if key.startswith(prefix)})

    def _copy(self) -> Self:
        copy = self.bind({})
        copy.__dict__["_values"] = dict(self.__dict__["_values"])
        del copy.__dict__["_bound"]
        return copy

    def assign(self, name: str, value: object) -> None:
        """Set a parameter after checking it against its declaration."""
        param = self.declarations.get(name)
        if not isinstance(param, Param):
            raise AttributeError(f"{type(self).__name__}.{name} is bound by the caller and cannot be assigned")
        self.__dict__["_values"][name] = param.check(type(self).__name__, value)
        _changes[0] += 1

    def value(self, name: str) -> Any:
        """The value bound to a parameter, state variable or input."""
        bound = self.__dict__.get("_bound")
        if bound is not None and name in bound:
            return bound[name]
        if name in self.__dict__["_values"]:
            return torch.as_tensor(self.__dict__["_values"][name], dtype=torch.float64)
        kind = type(self.declarations[name]).__name__.lower()
        raise AttributeError(
            f"{type(self).__name__}.{name}: this {kind} has a value only while the dynamics are computed"
        )

    def bind(self, values: Mapping[str, Any]) -> Self:
        """A view of this object in which the named variables read as `values`; the object itself is unchanged."""
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view.__dict__["_bound"] = {**self.__dict__.get("_bound", {}), **values}
        return view

    @property
    def params(self) -> dict[str, Param]:
        """All parameter declarations, those of declared options included, by full name."""
        return self._gather(Param)

    def _gather(self, kind: type[D]) -> dict[str, D]:
        gathered: dict[type, dict[str, Any]] = self.__dict__.setdefault("_gathered", {})
        if kind not in gathered:
            gathered[kind] = self._gather_anew(kind)
        return gathered[kind]

    def _gather_anew(self, kind: type[D]) -> dict[str, D]:
        found = dict(self.declared(kind))
        for prefix, part in self._parts():
            found.update({prefix + name: item for name, item in part._gather(kind).items()})
        return found

    def _parts(self) -> Iterable[tuple[str, Declared]]:
        options: dict[str, object] = self.__dict__["_options"]
        return ((f"{name}_", part) for name, part in options.items() if isinstance(part, Declared))

    def param_values(self) -> dict[str, Value]:
        """The present value of every parameter, by full name."""
        values: dict[str, Value] = dict(self.__dict__["_values"])
        for prefix, part in self._parts():
            values.update({prefix + name: value for name, value in part.param_values().items()})
        return values

    def key(self) -> Hashable:
        """What distinguishes this object's dynamics apart from parameter values."""
        if "_key" not in self.__dict__:
            self.__dict__["_key"] = self._key_anew()
        return cast(Hashable, self.__dict__["_key"])

    def _key_anew(self) -> Hashable:
        options: dict[str, object] = self.__dict__["_options"]
        return (type(self), *(value.key() if isinstance(value, Declared) else value for value in options.values()))

    def _forget(self) -> None:
        """Options changed: what was derived from them is stale."""
        _changes[0] += 1
        for derived in ("_gathered", "_key"):
            self.__dict__.pop(derived, None)

    def _described(self) -> str:
        """Constructor arguments that differ from their defaults."""
        parts = []
        for name, item in self.declarations.items():
            if isinstance(item, Option):
                value = self.__dict__["_options"][name]
                if repr(value) != repr(item.default):
                    parts.append(f"{name}={value!r}")
            elif isinstance(item, Param):
                value = torch.as_tensor(self.param_values()[name], dtype=torch.float64).detach()
                if value.dim():
                    parts.append(f"{name}=<{list(value.shape)}>")
                elif float(value) != item.default:
                    parts.append(f"{name}={float(value):g}")
        return ", ".join(parts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._described()})"
