"""Volleys of spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ... import random
from ...errors import ParameterError, ShapeError
from .._parts import Unit
from .._seeds import POPULATION, subseed
from ..sources import Source
from ._checks import number, real_numbers
from .spike_times import listed_unit
from .waveforms import Numbers

if TYPE_CHECKING:
    from .._engine import Engine
    from .._parts import Part
    from ..population import Population

# Standard deviations within which all draws lie (see `spikeloom.random.normal`).
_REACH = 6.8


@dataclass(frozen=True, eq=False)
class PulsePacket(Source):
    """Each channel spikes once per packet, at a normally distributed time around the packet's, at the end of the step.

    A packet of a spikes is a population of a channels. Several packets lie at least 13.6 sd + dt apart, and the first
    6.8 sd + dt after the beginning, so that no spike meets another or comes too early.

    Units: ms. Raises: ParameterError, ShapeError, DTypeError.
    Source: Diesmann, Gewaltig and Aertsen 1999, Nature 402.

    >>> import spikeloom as sl
    >>> net = sl.network.Network(dt=0.1, seed=1)
    >>> volley = net.population(85, sl.network.devices.PulsePacket(time=50.0, sd=1.0))
    """

    time: Numbers
    sd: float

    def __post_init__(self) -> None:
        times = np.atleast_1d(real_numbers("PulsePacket.time", self.time))
        if times.ndim > 1 or not times.size:
            raise ShapeError("PulsePacket.time", expected="a time, or [packets]", got=list(times.shape))
        number("PulsePacket.sd", self.sd, "a standard deviation >= 0 (ms)", 0.0)
        object.__setattr__(self, "time", np.sort(times))

    def states(self, population: Population) -> dict[str, NDArray[Any]]:
        """None; checks times."""
        dt, times = population.owner.dt, np.asarray(self.time)
        first = population.owner.time + _REACH * self.sd + dt
        if times[0] < first * (1 - 1e-9):
            expected = f"at least 6.8 sd and a step from now, {first:g} ms"
            raise ParameterError(f"time of {population.name}", expected=expected, got=times[0])
        if (np.diff(times) < 2 * _REACH * self.sd + dt * (1 - 1e-9)).any():
            expected = f"packets at least {2 * _REACH * self.sd + dt:g} ms apart"
            raise ParameterError(f"time of {population.name}", expected=expected, got=list(times))
        return {}

    def channels(self, engine: Engine, part: Part, population: Population, run: int) -> list[Unit]:
        """One kernel."""
        seed = subseed(engine.network.seed, POPULATION, population.number, run)
        times = torch.as_tensor(self.time)[:, None]
        drawn = random.normal(seed, 0, torch.arange(population.size), torch.arange(len(times))[:, None])
        steps = np.ceil((times + self.sd * drawn).numpy() / engine.network.dt - 1e-6).astype(np.int64) - 1
        places = np.broadcast_to(np.arange(population.size), steps.shape)
        order = np.lexsort((places.ravel(), steps.ravel()))
        return [listed_unit(part, population, run, steps.ravel()[order], places.ravel()[order])]
