"""Poisson input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ...compile import Table, native
from ...errors import ParameterError
from ._kernels import poisson_input
from .device import Device, Target

if TYPE_CHECKING:
    from .._engine import Engine, Part, Unit


@dataclass(frozen=True)
class Poisson(Device):
    """Independent Poisson spike trains of a constant rate, in spikes/s, one for each target neuron."""

    rate: float

    def __post_init__(self) -> None:
        if not 0 <= self.rate < math.inf:
            raise ParameterError("Poisson.rate", expected="a rate >= 0 (spikes/s)", got=self.rate)

    def units(self, engine: Engine, part: Part, target: Target, run: int) -> list[Unit]:
        """One kernel over the neurons of the part."""
        from .._engine import Unit

        population = target.view.population
        thresholds = poisson_thresholds(self.rate * 1e-3 * engine.network.dt)
        low, high = part.bounds[population.number]
        table = Table(
            part.input_address(population, target.receptor, run), thresholds, target.weight.astype(engine.dtype),
            target.delay, target.seed(run), len(thresholds), np.empty(512, dtype=np.int32),
        )  # fmt: skip
        return [Unit(native(poisson_input, engine.dtype), table, low, high)]


def poisson_thresholds(expected: float) -> NDArray[np.uint32]:
    """Cumulative probabilities in units of 2^-32: a random word exceeds as many as the Poisson number that it means."""
    last = int(expected + 12 * math.sqrt(expected) + 16)
    total = special.pdtr(np.arange(last), expected) * 2.0**32
    last = int(np.searchsorted(total, 2.0**32 - 0.5)) + 1
    total = total[:last]
    thresholds = np.full(max(8, -(-last // 4) * 4), 2**32 - 1, dtype=np.uint32)
    thresholds[: len(total)] = np.clip(np.rint(total) - 1, 0, 2.0**32 - 1).astype(np.uint32)
    return thresholds
