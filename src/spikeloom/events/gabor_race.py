"""Oriented edges in streams of events: leaky Gabor maps (S1) whose neurons race to be the maximum (C1)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import ParameterError
from ._checks import check_events
from .gabor import ORIENTATIONS, SCALES, gabor_patches

# Neurons of a unit: 2 x 2.
_UNIT = 2
# Before numbers become too large for single precision.
_LARGEST = 1e9


class FeatureSpikes(NamedTuple):
    """Spikes of C1 in order of time, all int64 [n]: step, stream, and which neuron: scale, orientation, row, column.

    `steps` and `shape`, of the streams, are what they were found in: [streams, scales, orientations, rows, columns].
    """

    step: Tensor
    stream: Tensor
    scale: Tensor
    orientation: Tensor
    row: Tensor
    column: Tensor
    steps: int
    shape: tuple[int, int, int, int, int]

    def counts(self, every: int | None = None) -> Tensor:
        """Spikes in bins of `every` steps, [bins, *shape]; by default one bin."""
        width = self.steps if every is None else every
        if isinstance(width, bool) or not isinstance(width, int) or width < 1:
            raise ParameterError("every of counts", expected="a whole number of 1 or more", got=repr(width))
        bins = -(-self.steps // width)
        found = torch.zeros(bins, *self.shape)
        where = (self.step // width, self.stream, self.scale, self.orientation, self.row, self.column)
        return found.index_put_(where, torch.ones(len(self.step)), accumulate=True)

    def until(self, end: int | Tensor) -> FeatureSpikes:
        """Those before a step, the same for all streams or one for each, [streams]; streams keep their length."""
        early = self.step < (end[self.stream] if isinstance(end, Tensor) else end)
        step, stream, scale, orientation, row, column = (part[early] for part in self[:6])
        return FeatureSpikes(step, stream, scale, orientation, row, column, self.steps, self.shape)


class GaborRace:
    """Event by event, an edge of some scale and orientation is found by the first of four neurons to reach threshold.

    S1: v <- v exp(-dt / tau) at each step, and v += G(place - event) for each event, for all scales and orientations.
    C1: units of 2 x 2 neurons. Where a neuron has v >= v_th, the unit spikes, and all four are reset to v_reset. Events
    of the same step are added up before; a unit spikes at most once in a step.

    Shapes: events [time, batch, height, width], 0, 1 or numbers of events; `FeatureSpikes` of maps of half the height
    and width, rounded up. Units: tau and dt in milliseconds; v in that of a patch, whose sum of squares is 1: an edge
    of its length gives 1.4 to 2.3.
    Raises: ParameterError, DTypeError, ShapeError.

    >>> events = torch.zeros(10, 1, 28, 28)
    >>> events[5, 0, 14, 8:20] = 1.0
    >>> spikes = GaborRace()(events)
    >>> spikes.step.unique(), spikes.orientation.unique(), spikes.row.unique()
    (tensor([5]), tensor([0]), tensor([7]))

    Source: Liu, Ruan, Xing, Tang and Pan 2020, AAAI 34:1308-1315, S1 and C1; the race after Orchard et al. 2015, IEEE
    TPAMI 37:2028-2040. Patches of length 1, an exponential leak, its time constant and the threshold are ours.
    """

    def __init__(
        self,
        scales: Sequence[int] = SCALES,
        orientations: Sequence[float] = ORIENTATIONS,
        *,
        tau: float = 20.0,
        v_th: float = 1.0,
        v_reset: float = 0.0,
        dt: float = 1.0,
    ) -> None:
        for name, value in (("tau", tau), ("v_th", v_th), ("dt", dt)):
            if not 0.0 < value < math.inf:
                raise ParameterError(f"{name} of GaborRace", expected="a finite number above 0", got=repr(value))
        if not -math.inf < v_reset < v_th:
            raise ParameterError("v_reset of GaborRace", expected=f"a number below v_th={v_th:g}", got=repr(v_reset))
        self.patches = gabor_patches(scales, orientations)
        self.tau, self.v_th, self.v_reset, self.dt = tau, v_th, v_reset, dt

    def __call__(self, events: Tensor) -> FeatureSpikes:
        """The spikes of C1."""
        check_events("events of GaborRace", events)
        steps, batch, height, width = events.shape
        maps, reach = self.patches.flatten(0, 1), self.patches.shape[-1] // 2
        field = _Field(batch, height, width, reach)
        # A patch is the same seen from the event and from the neuron.
        around = maps.permute(1, 2, 0).reshape(-1, len(maps)).contiguous()
        # Instead of all potentials the unit in which they are measured leaks: v = u / grown.
        u, grown, growth = torch.zeros(field.neurons, len(maps)), 1.0, math.exp(self.dt / self.tau)
        found = []
        for step in range(steps):
            grown *= growth
            if grown > _LARGEST:
                u, grown = u / grown, 1.0
            stream, row, column = events[step].nonzero(as_tuple=True)
            if not len(stream):
                continue
            number = grown * events[step][stream, row, column].view(-1, 1, 1)
            place = field.around(stream, row, column)
            u.index_add_(0, place.flatten(), (number * around).flatten(0, 1))
            # Only an event can bring a neuron to threshold.
            touched = field.units_of(place)
            fired = (u[field.members[touched]].amax(1) >= grown * self.v_th).nonzero()
            unit, kind = touched[fired[:, 0]], fired[:, 1]
            u[field.members[unit], kind.unsqueeze(1)] = grown * self.v_reset
            found.append(torch.stack([torch.full_like(kind, step), *field.position(unit), kind], 1))
        return self._spikes(found, steps, (batch, *self.patches.shape[:2], *field.units))

    def _spikes(self, found: list[Tensor], steps: int, shape: tuple[int, ...]) -> FeatureSpikes:
        every = torch.cat(found) if found else torch.zeros(0, 5, dtype=torch.int64)
        step, stream, row, column, kind = every.unbind(1)
        scale, orientation = kind // shape[2], kind % shape[2]
        return FeatureSpikes(step, stream, scale, orientation, row, column, steps, shape)  # type: ignore[arg-type]


class _Field:
    """Numbers of the neurons of a map and of its units, of all streams; a margin is for patches at the edge."""

    def __init__(self, streams: int, height: int, width: int, reach: int) -> None:
        self.units = (-(-height // _UNIT), -(-width // _UNIT))
        rows, self.columns = (_UNIT * count + 2 * reach for count in self.units)
        self.area, self.neurons = rows * self.columns, streams * rows * self.columns
        self.centre = reach * self.columns + reach
        span = torch.arange(-reach, reach + 1)
        self.offsets = (span.view(-1, 1) * self.columns + span).flatten()
        number = torch.arange(streams * self.units[0] * self.units[1])
        stream, row, column = self.position(number)
        first = self._neuron(stream, _UNIT * row, _UNIT * column)
        inside = torch.arange(_UNIT)
        # [units, 4]
        self.members = first.unsqueeze(1) + (inside.view(-1, 1) * self.columns + inside).flatten()
        self._unit = torch.full((self.neurons,), -1)
        self._unit[self.members] = number.unsqueeze(1)

    def _neuron(self, stream: Tensor, row: Tensor, column: Tensor) -> Tensor:
        return stream * self.area + row * self.columns + column + self.centre

    def around(self, stream: Tensor, row: Tensor, column: Tensor) -> Tensor:
        """Neurons within reach of events, [n, offsets]."""
        return self._neuron(stream, row, column).unsqueeze(1) + self.offsets

    def units_of(self, neurons: Tensor) -> Tensor:
        """The units to which neurons belong, each once, in order."""
        unit = torch.unique(self._unit[neurons])
        inside: Tensor = unit[unit >= 0]
        return inside

    def position(self, unit: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Stream, row and column of units."""
        row = unit // self.units[1]
        return row // self.units[0], row % self.units[0], unit % self.units[1]
