"""The recipe: what a published system claims, what is shown of it here, and how that is measured."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, SupportsFloat, TypeAlias, dataclass_transform

from ..errors import UnknownNameError
from ..settings import Setting, check_settings, setting, settings_of
from ._bar import Absent
from ._form import Form
from ._reference import Reference
from ._run import Run

# Of one seed, by name; numbers of NumPy and tensors of one element are welcome.
Figures: TypeAlias = Mapping[str, SupportsFloat]


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(setting,))
class Recipe(ABC):
    """Abstract: a published system in one file of `spikeloom/recipes`, whose name is the recipe's.

    A subclass declares what is listed below, may have fields made by `setting`, and states `measure`. It is run by
    `reproduce`, from Python, and `spikeloom run NAME`. What takes long to import, `sl.network` among it, is
    imported or first used within `measure`, so that recipes are listed at once.

    >>> from spikeloom.recipes import Bar, reproduce
    >>> class Coin(Recipe):
    ...     row, family, title = "X01", "encodings", "A fair coin"
    ...     reference = Reference("Bernoulli", 1713, "Ars Conjectandi")
    ...     claim, shown = "Half of all tosses show heads.", "The same, with a generator of random numbers."
    ...     chance, control = Absent("a frequency has none"), "heads of a biased coin"
    ...     tosses: int = setting(10_000, "tosses of a seed", at_least=1)
    ...     quick = full = Form(Bar("heads", between=(0.48, 0.52), why="four standard errors of 0.005"))
    ...
    ...     def measure(self, run):
    ...         tosses = run.random.random(self.tosses)
    ...         return {"heads": (tosses < 0.5).mean(), "heads of a biased coin": (tosses < 0.6).mean()}
    >>> found = reproduce(Coin)
    >>> found.works, found.figures["heads"].mean
    (True, 0.49903...)
    """

    # On the command line; that of the file, with hyphens.
    name: ClassVar[str]
    # In the survey, and one of FAMILIES.
    row: ClassVar[str]
    family: ClassVar[str]
    title: ClassVar[str]
    reference: ClassVar[Reference]
    # What the paper states, in our words, and its figure if it gives one.
    claim: ClassVar[str]
    claimed: ClassVar[str] = ""
    # What is shown here; what stands for data that cannot be had.
    shown: ClassVar[str]
    stand_in: ClassVar[str] = ""
    # Of the figure of the first bar: a level, or the name of a figure; the name of the figure without the mechanism.
    chance: ClassVar[float | str | Absent]
    control: ClassVar[str | Absent]
    # Under a minute on two cores; what the claim needs; a few seconds, where quick is too long for every test run.
    quick: ClassVar[Form]
    full: ClassVar[Form]
    smoke: ClassVar[Form | None] = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            module = cls.__module__.rpartition(".")[2]
            own = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
            cls.name = own if module.startswith("_") else module.replace("_", "-")
        dataclass(frozen=True, kw_only=True, eq=False)(cls)

    def __post_init__(self) -> None:
        check_settings(self)

    @abstractmethod
    def measure(self, run: Run) -> Figures:
        """The figures of one seed by name, those of control and chance among them."""

    @classmethod
    def settings(cls) -> dict[str, Setting]:
        """What may be chosen, by name."""
        return settings_of(cls)

    @classmethod
    def forms(cls) -> dict[str, Form]:
        """Its forms by name."""
        found = {"quick": cls.quick, "full": cls.full}
        return {"smoke": cls.smoke, **found} if cls.smoke is not None else found

    @classmethod
    def form(cls, name: str) -> Form:
        """The form of that name. Raises: UnknownNameError."""
        if name not in cls.forms():
            raise UnknownNameError(f"form of {cls.name}", name, cls.forms())
        return cls.forms()[name]

    @classmethod
    def shortest(cls) -> str:
        """The form for every test run."""
        return "quick" if cls.smoke is None else "smoke"
