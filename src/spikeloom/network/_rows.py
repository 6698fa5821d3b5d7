"""Rows of synapses of one part: for each source its targets in the part, ordered by delay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..compile import Table, invoke, native
from ..errors import ParameterError
from ._delivery_kernels import deliver
from ._procedural import NEVER, deliver_procedural, procedural_table
from ._row_kernels import count_pairs, place_pairs
from ._sinks import Block, drawn
from ._sort_kernel import SORT, sort_rows
from .population import Population
from .projection import Projection

if TYPE_CHECKING:
    from .learning import Learning

# A class is stored in two bytes while rows are built.
_MOST_CLASSES = 1 << 16


@dataclass(frozen=True)
class Bundle:
    """Projections whose synapses are merged into common rows; what does not depend on the part."""

    projections: tuple[Projection, ...]
    uniform: bool
    # First row of each population, -1 for none.
    first_row: dict[int, int]
    rows: int
    # Of each class, in order: its delay, its weight in bundles of uniform weights.
    class_delay: NDArray[np.int32]
    class_weight: NDArray[np.float64]
    classes: dict[tuple[int, float], int]
    # Whether there are rows; otherwise synapses of its one projection are drawn at each spike.
    stored: bool = True

    @property
    def learning(self) -> Learning | None:
        """The plasticity of its one projection, if it is plastic."""
        return self.projections[0].learning

    @property
    def since(self) -> int:
        """Spikes of earlier steps do not pass here."""
        return self.projections[0].since

    @property
    def longest(self) -> int:
        """The longest delay, in steps."""
        return int(self.class_delay.max(initial=1))

    @property
    def shortest(self) -> int:
        """The shortest delay, in steps."""
        return int(self.class_delay.min(initial=1 << 30))


def bundles_of(projections: Sequence[Projection]) -> list[Bundle]:
    """The static projections, in one bundle with a weight per synapse and one with a weight per segment.

    Each projection whose synapses are not stored is a bundle, and so is each that is plastic.

    What was connected during a simulation has bundles of its own, since earlier spikes do not pass there.
    """
    plastic = [_bundle([p], False) for p in projections if p.learning is not None]
    kept = [p for p in projections if p.rule.stored and p.learning is None]
    kinds = sorted({(p.since, p.uniform) for p in kept})
    found = [_bundle([p for p in kept if (p.since, p.uniform) == kind], kind[1]) for kind in kinds]
    return [*found, *(_bundle([p], True, stored=False) for p in projections if not p.rule.stored), *plastic]


def _bundle(projections: Sequence[Projection], uniform: bool, *, stored: bool = True) -> Bundle:
    first_row, rows = dict[int, int](), 0
    for p in projections:
        population = p.pre.population
        if population.number not in first_row:
            first_row[population.number] = rows
            rows += population.size
    kinds = {(int(d), _class_weight(p)) for p in projections for d in p.delay_steps}
    order = sorted(kinds)
    if len(order) > _MOST_CLASSES:
        do = "give fewer different weights or delays"
        raise ParameterError("connections", expected=f"at most {_MOST_CLASSES} classes", got=len(order), do=do)
    delays, weights = np.array([d for d, _ in order], np.int32), np.array([w for _, w in order])
    classes = {kind: number for number, kind in enumerate(order)}
    return Bundle(tuple(projections), uniform, first_row, rows, delays, weights, classes, stored)


def _class_weight(projection: Projection) -> float:
    return projection.weight if projection.uniform and isinstance(projection.weight, float) else 0.0


@dataclass
class Rows:
    """The synapses of a bundle whose targets are in one part."""

    bundle: Bundle
    row_place: NDArray[np.int64]
    row_segment: NDArray[np.int64]
    segments: NDArray[np.int32]
    # By index in the part's buffer; where synapses are not stored, the table PROCEDURAL.
    targets: NDArray[Any] | Table
    # Per synapse, or per segment.
    weights: NDArray[Any]

    @property
    def deliver(self) -> Callable[..., None]:
        """The kernel that delivers spikes through them."""
        return deliver if self.bundle.stored else deliver_procedural

    @property
    def target(self) -> str:
        """Type of the targets."""
        return str(self.targets.dtype) if isinstance(self.targets, np.ndarray) else "uint16"

    @property
    def bytes(self) -> int:
        """Memory in use."""
        arrays = (self.row_place, self.row_segment, self.segments, self.targets, self.weights)
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


class RowBuilder:
    """Builds the rows of one part."""

    def __init__(
        self,
        bundle: Bundle,
        bounds: dict[int, tuple[int, int]],
        slots: dict[tuple[int, str], int],
        size: int,
        real: str,
    ) -> None:
        self.bundle, self.bounds, self.slots, self.real = bundle, bounds, slots, real
        self.target = "uint16" if size <= 1 << 16 else "int32"
        self.block = Block(real)

    def build(self) -> Rows:
        """Count, place, sort."""
        bundle, real = self.bundle, self.real
        if not bundle.stored:
            return self._procedural()
        counts = np.zeros(bundle.rows + 1, dtype=np.int64)
        for projection in bundle.projections:
            self._draw(projection, native(count_pairs), counts, None)
        places = np.zeros(bundle.rows + 1, dtype=np.int64)
        np.cumsum(counts[:-1], out=places[1:])
        total = int(places[-1])
        targets = np.empty(total, dtype=self.target)
        weights = None if bundle.uniform else np.empty(total, dtype=real)
        classes = np.empty(total, dtype=np.uint16) if len(bundle.class_delay) > 1 else None
        nexts = places.copy()
        for projection in bundle.projections:
            sink = native(place_pairs, real, target=self.target)
            self._draw(projection, sink, nexts, (targets, weights, classes))
        return self._sorted(places, targets, weights, classes)

    def _draw(self, projection: Projection, sink: int, row_places: NDArray[np.int64], out: Any) -> None:
        post = projection.post.population
        low, high = self.bounds[post.number]
        if low == high:
            return
        targets, weights, classes = out or (0, None, None)
        if isinstance(projection.weight, float):
            self.block.weights[:] = projection.weight
        drawn(
            projection, sink, self.block, low, high,
            first_row=self.bundle.first_row[projection.pre.population.number], row_places=row_places,
            first_slot=self.slots[post.number, projection.receptor], out_targets=targets,
            out_weights=0 if weights is None else weights, out_delays=0 if classes is None else classes,
            class_of_delay=self._class_of_delay(projection),
        )  # fmt: skip

    def _procedural(self) -> Rows:
        """All rows are alike: one segment, which is due after the one delay."""
        (projection,) = self.bundle.projections
        number = projection.post.population.number
        slot = self.slots[number, projection.receptor]
        targets = procedural_table(projection, *self.bounds[number], slot, self.real)
        segments = np.array([[1, self.bundle.longest], [0, NEVER]], dtype=np.int32)
        nothing, row_segment = np.zeros((2, self.bundle.rows), dtype=np.int64)
        return Rows(self.bundle, nothing, row_segment, segments, targets, np.zeros(0, dtype=self.real))

    def _class_of_delay(self, projection: Projection) -> NDArray[np.int32]:
        weight = _class_weight(projection)
        class_of = np.zeros(int(projection.delay_steps.max(initial=projection.delays.first)) + 1, dtype=np.int32)
        for d in projection.delay_steps:
            class_of[d] = self.bundle.classes[int(d), weight]
        return class_of

    def _sorted(self, places: Any, targets: Any, weights: Any, classes: Any) -> Rows:
        bundle = self.bundle
        longest_row = int(np.diff(places).max(initial=0))
        most = min(len(targets), bundle.rows * len(bundle.class_delay)) + bundle.rows
        segments = np.empty((most, 2), dtype=np.int32)
        segment_weights = np.empty(most, dtype=self.real) if bundle.uniform else None
        row_segment, count = np.zeros(bundle.rows + 1, dtype=np.int64), np.zeros(1, dtype=np.int64)
        table = Table.of(
            SORT, row_place=places, rows=bundle.rows, classes=len(bundle.class_delay), class_delay=bundle.class_delay,
            class_weight=bundle.class_weight.astype(self.real), targets=targets,
            weights=0 if weights is None else weights, synapse_class=0 if classes is None else classes,
            segments=segments, segment_weights=0 if segment_weights is None else segment_weights,
            row_segment=row_segment, room_targets=np.empty(longest_row, dtype=self.target),
            room_weights=np.empty(longest_row if weights is not None else 0, dtype=self.real),
            histogram=np.zeros(len(bundle.class_delay), dtype=np.int64), segment_count=count,
        )  # fmt: skip
        invoke(native(sort_rows, self.real, target=self.target), table)
        used = row_segment[-1] = int(count[0])
        kept = segments[:used].copy()
        per = segment_weights[:used].copy() if segment_weights is not None else weights
        return Rows(bundle, places, row_segment, kept, targets, per)


def slots_of(populations: Sequence[Population], bounds: dict[int, tuple[int, int]]) -> tuple[dict[Any, int], int]:
    """Where in the buffer of a part the inputs of each population begin, and its size."""
    slots, size = dict[Any, int](), 0
    for population in populations:
        low, high = bounds[population.number]
        for name in population.inputs:
            slots[population.number, name] = size
            size += -(-(high - low) // 16) * 16
    return slots, size
