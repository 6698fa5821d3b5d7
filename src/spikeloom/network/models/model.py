"""The ready model: a published network, its settings, and what is known of its activity."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch

from ...settings import Setting as Setting
from ...settings import check_settings, settings_of
from ...settings import setting as setting
from ..network import Network


class Expected(NamedTuple):
    """A published or theoretical rate in spikes/s, the share by which a run may miss it, and whose it is."""

    rate: float
    tolerance: float
    source: str


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
        check_settings(self)

    @classmethod
    def settings(cls) -> dict[str, Setting]:
        """What may be chosen, by name."""
        return settings_of(cls)

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
