"""PyNN's spike sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN.errors import InvalidParameterValueError
from pyNN.standardmodels import cells

from ..network import Poisson, Source, SpikeTimes
from ..network.devices import Gamma, Piecewise
from .cells import unchanged

# PyNN's defaults for "for ever" are beyond; in ms.
_FOR_EVER = 1e9


class SpikeSource:
    """What a standard source of spikes is made of here."""

    variables: Mapping[str, str] = {}
    inputs: Mapping[str, str] = {}

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise InvalidParameterValueError where parameters make no sense."""

    def source(self, values: Mapping[str, NDArray[Any]], dt: float, now: int) -> Source:
        """The source with these parameters, each [n]; `now` are the steps simulated so far."""
        raise NotImplementedError


def switched(rates: NDArray[Any], start: NDArray[Any], duration: NDArray[Any], dt: float) -> Piecewise:
    """Rates that are on for a while; each channel has its own."""
    on = np.rint(start / dt).astype(np.int64)
    off = np.where(duration < _FOR_EVER, np.rint((start + np.minimum(duration, _FOR_EVER)) / dt), 1 << 40)
    times = np.unique(np.concatenate([on, off.astype(np.int64)]))
    times = times[times < 1 << 40]
    inside = (times[:, None] >= on) & (times[:, None] < off)
    values = np.where(inside, rates, 0.0)
    return Piecewise(np.round(times * dt, 9), values)


class SpikeSourcePoisson(SpikeSource, cells.SpikeSourcePoisson):
    """Poisson spikes, at most one per step."""

    translations = unchanged(cells.SpikeSourcePoisson)

    def source(self, values: Mapping[str, NDArray[Any]], dt: float, now: int) -> Source:
        return Poisson(switched(values["rate"], values["start"], values["duration"], dt))


class SpikeSourceGamma(SpikeSource, cells.SpikeSourceGamma):
    """Spikes with gamma-distributed intervals, at most one per step; trains begin in equilibrium."""

    translations = unchanged(cells.SpikeSourceGamma)

    def source(self, values: Mapping[str, NDArray[Any]], dt: float, now: int) -> Source:
        shape = np.asarray(values["alpha"], dtype=float)
        return Gamma(switched(values["beta"] / shape, values["start"], values["duration"], dt), shape)


class SpikeSourceArray(SpikeSource, cells.SpikeSourceArray):
    """Spikes at given times, rounded to steps."""

    translations = unchanged(cells.SpikeSourceArray)

    def check(self, values: Mapping[str, Any]) -> None:
        for train in values.get("spike_times", ()):
            if (np.diff(train.value) < 0).any():
                raise InvalidParameterValueError(f"spike_times must be in order, got {train.value}")

    def source(self, values: Mapping[str, NDArray[Any]], dt: float, now: int) -> Source:
        found = []
        for channel, train in enumerate(values["spike_times"]):
            steps = np.rint(np.asarray(train.value, dtype=float) / dt).astype(np.int64)
            # What was simulated already stays as it was.
            steps = steps[steps > now] if now else steps
            if (steps < 1).any() or (np.diff(steps) == 0).any():
                raise InvalidParameterValueError(
                    f"spike_times must be {dt:g} ms at least, and at most one in a time step of {dt:g} ms; "
                    f"cell {channel} has {train.value}"
                )
            found.append(np.round(steps * dt, 9))
        return SpikeTimes(found)
