"""Spikes at given times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...compile import Table, native
from ...errors import DTypeError, ParameterError, ShapeError
from .._parts import Unit
from ..sources import Source
from ._checks import on_grid, real_numbers
from ._source_kernels import LISTED, spike_as_listed
from .waveforms import Numbers

if TYPE_CHECKING:
    from .._engine import Engine
    from .._parts import Part
    from ..population import Population


class SpikeTimes(Source):
    """Spikes at given times, in any order: a list with the times of each channel, or times and their channels.

    Recorded spikes have the times that were given: multiples of dt, dt at least, none twice in a channel.

    Units: ms. Raises: ParameterError, ShapeError, DTypeError.

    >>> import spikeloom as sl
    >>> net = sl.network.Network(dt=0.1, seed=1)
    >>> a = net.population(2, sl.network.SpikeTimes([[1.0, 7.5], []]))
    >>> b = net.population(2, sl.network.SpikeTimes([1.0, 7.5], channels=[0, 0]))
    """

    def __init__(
        self, times: Sequence[Numbers] | Numbers, channels: Sequence[int] | NDArray[Any] | None = None
    ) -> None:
        rows = None
        if channels is None:
            try:
                rows = [real_numbers(f"times of channel {k}", one) for k, one in enumerate(times)]  # type: ignore[arg-type]
            except TypeError as error:
                if isinstance(error, DTypeError):
                    raise
                do = "for example SpikeTimes([[1.0, 2.0], [1.5]])"
                raise DTypeError("times of SpikeTimes", expected="a list for each channel", got=times, do=do) from error
            if any(row.ndim != 1 for row in rows):
                do = "give [times] for one channel, or say which channels spike with channels="
                raise ShapeError("times of SpikeTimes", expected="a list for each channel", got="numbers", do=do)
            found = np.concatenate([np.zeros(0), *rows])
            places = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        else:
            found, places = real_numbers("times of SpikeTimes", times), np.asarray(channels)
            if found.ndim != 1 or found.shape != places.shape:
                got = f"{list(found.shape)} and {list(places.shape)}"
                raise ShapeError("times and channels of SpikeTimes", expected="one channel for each time", got=got)
            if places.dtype.kind not in "iu" and places.size:
                raise DTypeError("channels of SpikeTimes", expected="whole numbers", got=places.dtype)
        if (found <= 0).any():
            expected = "times > 0 (ms), dt at least: the end of the first step"
            raise ParameterError("times of SpikeTimes", expected=expected, got=found[found <= 0][0])
        self.times, self.places = found, places.astype(np.int64)
        # How many channels there are, if the times tell it.
        self.size = None if rows is None else len(rows)

    def __repr__(self) -> str:
        return f"SpikeTimes({len(self.times)} spikes)"

    def states(self, population: Population) -> dict[str, NDArray[Any]]:
        """None; checks times and channels."""
        label, network = f"times of {population.name}", population.owner
        places = self.places
        if self.size not in (None, population.size):
            expected = f"a list for each of {population.size} channels"
            raise ShapeError(label, expected=expected, got=f"{self.size} lists")
        if ((places < 0) | (places >= population.size)).any():
            bad = places[(places < 0) | (places >= population.size)][0]
            raise ParameterError(f"channels of {population.name}", expected=f"0 to {population.size - 1}", got=bad)
        steps, _ = self._in_order(label, network.dt)
        if len(steps) and steps[0] < network.step:
            expected = f"times after {network.time:g} ms, where the network stands"
            raise ParameterError(label, expected=expected, got=f"{(steps[0] + 1) * network.dt:g}")
        return {}

    def _in_order(self, label: str, dt: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        steps = on_grid(label, self.times, dt) - 1
        order = np.lexsort((self.places, steps))
        steps, places = steps[order], self.places[order]
        twice = np.flatnonzero((np.diff(steps) == 0) & (np.diff(places) == 0))
        if len(twice):
            got = f"two at {(steps[twice[0]] + 1) * dt:g} ms in channel {places[twice[0]]}"
            raise ParameterError(label, expected="at most one spike per step and channel", got=got)
        return steps, places

    def channels(self, engine: Engine, part: Part, population: Population, run: int) -> list[Unit]:
        """One kernel."""
        steps, places = self._in_order(population.name, engine.network.dt)
        return [listed_unit(part, population, run, steps, places)]


def listed_unit(
    part: Part, population: Population, run: int, steps: NDArray[np.int64], places: NDArray[np.int64]
) -> Unit:
    """The kernel for spikes in given steps, in order, of given channels."""
    low, high = part.bounds[population.number]
    own = (places >= low) & (places < high) & (steps < 1 << 30)
    table = Table.of(
        LISTED, fired=population.fired[run], steps=steps[own].astype(np.int32), channels=places[own].astype(np.int32),
        count=own.sum(),
    )  # fmt: skip
    return Unit(native(spike_as_listed), table, low, high)
