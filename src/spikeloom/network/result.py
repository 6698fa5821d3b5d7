"""What a run has recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._engine import Spikes

if TYPE_CHECKING:
    from .network import Network


@dataclass(frozen=True)
class Result:
    """Recordings between two times."""

    network: Network
    start: float
    stop: float
    events: Spikes

    def rate(self, name: str) -> float:
        """Mean rate of a recorded population, in spikes per second and neuron."""
        population = next(p for p in self.network.populations if p.name == name)
        mask = self.network.logged(population)
        assert mask is not None
        here = self.events.lane // self.network.batch == population.number
        return float(here.sum() / mask.sum() / self.network.batch / (self.stop - self.start) * 1e3)

    @classmethod
    def of(cls, network: Network, start: float, pieces: list[Spikes]) -> Result:
        """From the logs of its slices."""
        empty = Spikes(*(np.zeros(0, dtype=np.int32) for _ in range(3)))
        events = Spikes(*(np.concatenate(columns) for columns in zip(*(pieces or [empty]), strict=True)))
        return cls(network, start, network.time, events)
