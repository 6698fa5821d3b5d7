"""Runs a network from event to event."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compile import Table, invoke, native
from ..errors import ParameterError
from ..neurons import Neuron
from ._event_driven_kinds import Kind
from ._event_driven_loop import run_events
from ._event_driven_rows import Row, merged, row_of
from ._event_driven_sources import Channels
from ._event_driven_statement import Array, affine
from ._event_driven_tables import COUNTS, KIND, LOOP, STOPPED
from ._seeds import DEVICE, POPULATION, subseed

if TYPE_CHECKING:
    from .event_driven import EventDriven

# Entries of the heap of spikes in flight, and of the log, beside one for each unit.
_ROOM = 1 << 12
# Instants between looks at Ctrl-C.
_SLICE = 1 << 16
_FLIGHT = ("flight_time", "flight_number", "flight_synapse", "flight_stop", "flight_origin")


class Step(NamedTuple):
    """The current into an input of some neurons of a population changes at a time."""

    time: float
    kind: Kind
    receptor: str
    neurons: NDArray[np.int64]
    amount: Array


class Events:
    """Neurons, channels and synapses of a network, and its spikes in flight."""

    def __init__(self, network: EventDriven) -> None:
        self.network = network
        sizes = [p.size for p in network.populations] + [len(d.view) for d in network.drives]
        self.edges = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        units = int(self.edges[-1])
        self.next, self.clock = np.full(units, np.inf), np.array([0.0, 0.0, network.together])
        self.counts = np.zeros(len(COUNTS), dtype=np.int64)
        self.kinds = [self._kind(k) for k in range(len(sizes))]
        first = {p.number: int(self.edges[k]) for k, p in enumerate(network.populations)}
        rows = [row_of(p, *network.delays[p.number], first) for p in network.projections]
        rows += [self._driving(k, first) for k in range(len(network.drives))]
        self._refuse_currents(rows)
        self.steps = sorted(self._steps(), key=lambda step: step.time)
        starts, synapses = merged(rows, units)
        self.table = self._table(units, starts, synapses)
        for kind in self.kinds:
            if isinstance(kind, Kind):
                kind.take(0.0)
        for unit in range(units):
            self._foresee(unit)
        self._order()

    def _kind(self, k: int) -> Kind | Channels:
        network, first = self.network, int(self.edges[k])
        if k >= len(network.populations):
            drive = network.drives[k - len(network.populations)]
            seed = subseed(network.seed, DEVICE, drive.number)
            return Channels(drive.device, drive.name, seed, len(drive.view), first, self.next, self.clock)
        population = network.populations[k]
        if isinstance(population.neuron, Neuron):
            stated = affine(population.neuron, population.parameters, population.name)
            return Kind(population, stated, first, self.next, self.clock)
        seed = subseed(network.seed, POPULATION, population.number)
        source = population.neuron
        return Channels(source, population.name, seed, population.size, first, self.next, self.clock)

    def _driving(self, k: int, first: dict[int, int]) -> Row:
        """Each channel of a device acts on one neuron."""
        drive = self.network.drives[k]
        population = drive.view.population
        source = self.edges[len(self.network.populations) + k] + np.arange(len(drive.view))
        target = first[population.number] + drive.view.indices
        weight = np.broadcast_to(drive.weight, source.shape).astype(np.float64)
        receptor = list(population.inputs).index(drive.receptor)
        return Row(source, target, weight, np.full(len(source), drive.delay), receptor)

    def _refuse_currents(self, rows: list[Row]) -> None:
        """Spikes must not arrive where a current is meant, which would last a step."""
        for row in rows:
            if not len(row.target):
                continue
            kind = self.kinds[int(np.searchsorted(self.edges, row.target[0], side="right")) - 1]
            assert isinstance(kind, Kind)
            name = kind.population.inputs[row.receptor]
            if kind.stated.currents[name].any():
                do = "wrap the neuron: sl.synapses.Receptors(neuron, exc=sl.synapses.Delta()), or Exponential or Alpha"
                label = f"spikes to {name} of {kind.population.name}, event by event"
                raise ParameterError(label, expected="an input for spikes", got="one for currents", do=do)

    def _steps(self) -> list[Step]:
        found = []
        for current in self.network.currents:
            kind = self.kinds[self.network.populations.index(current.view.population)]
            assert isinstance(kind, Kind)
            for time, change in current.changes():
                amount = np.broadcast_to(change, (len(current.view),)).astype(np.float64)
                found.append(Step(time, kind, current.receptor, current.view.indices, amount))
        return found

    def _table(self, units: int, starts: NDArray[np.int64], synapses: tuple[NDArray[Any], ...]) -> Table:
        kind_of = np.repeat(np.arange(len(self.kinds)), np.diff(self.edges)).astype(np.int64)
        wanted = np.zeros(units, dtype=np.uint8)
        for k, population in enumerate(self.network.populations):
            if (mask := self.network.logged(population)) is not None:
                wanted[self.edges[k] : self.edges[k + 1]] = mask[: population.size]
        dims = max((kind.states.shape[1] for kind in self.kinds if isinstance(kind, Kind)), default=0)
        targets, weights, delays, inputs = synapses
        room = units + _ROOM
        entries = {
            "clock": self.clock, "counts": self.counts, "units": units, "next": self.next,
            "heap": np.arange(units), "place": np.arange(units), "kind_of": kind_of,
            "kinds": np.array([kind.table.address for kind in self.kinds], dtype=np.int64),
            "marks": np.zeros(units, dtype=np.int64), "short": np.zeros(units),
            "touched": np.zeros(units, dtype=np.int64),
            "flight_time": np.zeros(room), "flight_number": np.zeros(room, dtype=np.int64),
            "flight_synapse": np.zeros(room, dtype=np.int64), "flight_stop": np.zeros(room, dtype=np.int64),
            "flight_origin": np.zeros(room), "flight_room": room, "row_start": starts, "targets": targets,
            "weights": weights, "delays": delays, "inputs": inputs, "log_time": np.zeros(room),
            "log_unit": np.zeros(room, dtype=np.int64), "log_room": room, "wanted": wanted,
            "most_rounds": 2 * units + 1000, "room": np.zeros(max(1, dims)),
            "pause": 0,
        }  # fmt: skip
        return Table(*(entries[name] for name in LOOP._fields))

    def _foresee(self, unit: int) -> None:
        kind = self.kinds[int(np.searchsorted(self.edges, unit, side="right")) - 1]
        invoke(kind.table[KIND.foresee], kind.table, unit - kind.first)

    def _order(self) -> None:
        """Make the heap of next spikes anew."""
        heap, place = self.table.kept[LOOP.heap], self.table.kept[LOOP.place]
        heap[:] = np.lexsort((np.arange(len(heap)), self.next))
        place[heap] = np.arange(len(heap))

    def take(self, now: float) -> None:
        """Take states that were set since the last run."""
        for kind in self.kinds:
            if isinstance(kind, Kind):
                for i in kind.take(now):
                    self._foresee(kind.first + int(i))
        self._order()

    def run(
        self, stop: float, interruptions: list[Any], reached: Callable[[float], None]
    ) -> tuple[Array, NDArray[np.int64]]:
        """Up to `stop`, or to where the clock stands when interrupted; the recorded spikes: times, units."""
        found = [(np.zeros(0), np.zeros(0, dtype=np.int64))]
        while self.steps and self.steps[0].time <= stop and not interruptions:
            # A current begins after what happens at its time.
            found += self._until(self.steps[0].time, interruptions, reached)
            if self.clock[0] == self.steps[0].time:
                self._change(self.steps.pop(0))
        if not interruptions:
            found += self._until(stop, interruptions, reached)
        times, units = (np.concatenate(columns) for columns in zip(*found, strict=True))
        order = np.lexsort((units, times))
        return times[order], units[order]

    def _until(
        self, stop: float, interruptions: list[Any], reached: Callable[[float], None]
    ) -> list[tuple[Array, NDArray[np.int64]]]:
        self.clock[1] = stop
        found, reason = [], "room"
        while reason == "room" and not interruptions:
            self.table[LOOP.pause] = int(self.counts[COUNTS.instant]) + _SLICE
            invoke(native(run_events, "float64"), self.table)
            reason = STOPPED[self.counts[COUNTS.stopped]]
            logged = int(self.counts[COUNTS.logged])
            found.append(
                (self.table.kept[LOOP.log_time][:logged].copy(), self.table.kept[LOOP.log_unit][:logged].copy())
            )
            self.counts[COUNTS.logged] = 0
            if reason == "avalanche":
                got = f"a loop without delay that does not end, at {self.clock[0]:g} ms"
                raise ParameterError("network", expected="delays > 0 in loops", got=got, do="give them a delay")
            if self.counts[COUNTS.in_flight] + len(self.next) > self.table[LOOP.flight_room]:
                self._grow()
            reached(float(self.clock[0]))
        if reason == "end":
            self.clock[0] = stop
        return found

    def _grow(self) -> None:
        room = 2 * self.table[LOOP.flight_room]
        for name in _FLIGHT:
            place = LOOP._fields.index(name)
            old = self.table.kept[place]
            self.table[place] = np.concatenate([old, np.zeros(room - len(old), dtype=old.dtype)])
        self.table[LOOP.flight_room] = room

    def _change(self, step: Step) -> None:
        kind = step.kind
        for i in step.neurons:
            invoke(kind.table[KIND.move], kind.table, int(i))
        kind.drive(step.receptor, step.neurons, step.amount)
        for i in step.neurons:
            self._foresee(kind.first + int(i))
        self._order()

    def show(self, now: float) -> None:
        """Let the populations have the states of now."""
        for kind in self.kinds:
            if isinstance(kind, Kind):
                kind.show(now, self.clock)
