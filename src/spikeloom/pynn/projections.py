"""PyNN's projections: their connectors give every pair, which the network stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN import common, errors
from pyNN.space import Space

from ..network import Network
from ..network import Projection as Built
from ..network.rules import Explicit
from . import simulator
from .populations import Population, cells_of
from .synapses import StaticSynapse


class Connection(common.Connection):
    """One synapse of a projection: its ends by index, weight and delay."""

    def __init__(self, projection: Projection, index: int) -> None:
        self.projection, self.index = projection, index

    @property
    def presynaptic_index(self) -> int:
        """Index into the presynaptic cells."""
        return int(self.projection.pre_indices[self.index])

    @property
    def postsynaptic_index(self) -> int:
        """Index into the postsynaptic cells."""
        return int(self.projection.post_indices[self.index])

    @property
    def weight(self) -> float:
        """In nA, uS or mV."""
        return float(self.projection.weights[self.index])

    @weight.setter
    def weight(self, value: float) -> None:
        self.projection.change("weight", np.array([value]), np.array([self.index]))

    @property
    def delay(self) -> float:
        """In ms."""
        return float(self.projection.delays[self.index])

    @delay.setter
    def delay(self, value: float) -> None:
        self.projection.change("delay", np.array([value]), np.array([self.index]))

    def as_tuple(self, *attribute_names: str) -> tuple[Any, ...]:
        """Some of its attributes."""
        return tuple(getattr(self, name) for name in attribute_names)


class Projection(common.Projection):
    """The synapses from some cells to others, made by a connector."""

    __doc__ = common.Projection.__doc__
    _simulator = simulator
    _static_synapse_class = StaticSynapse

    def __init__(
        self,
        presynaptic_population: Any,
        postsynaptic_population: Any,
        connector: Any,
        synapse_type: Any = None,
        source: str | None = None,
        receptor_type: str | None = None,
        space: Any = None,
        label: str | None = None,
    ) -> None:
        super().__init__(
            presynaptic_population, postsynaptic_population, connector, synapse_type, source, receptor_type,
            space or Space(), label,
        )  # fmt: skip
        if not isinstance(self.synapse_type, StaticSynapse):
            raise NotImplementedError(f"spikeloom.pynn has no {type(self.synapse_type).__name__}; use StaticSynapse")
        self._collected: list[tuple[NDArray[Any], ...]] = []
        connector.connect(self)
        empty = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
        columns = (np.concatenate(column) for column in zip(empty, *self._collected, strict=True))
        self.pre_indices, self.post_indices, self.weights, self.delays = columns
        del self._collected
        # Of each part of it in the network, which synapses it has.
        self._built: list[tuple[Built, NDArray[np.int64]]] = []
        self._made = self._changed = False
        simulator.state.projections.append(self)

    def _convergent_connect(
        self,
        presynaptic_indices: Any,
        postsynaptic_index: Any,
        location_selector: Any = None,
        weight: Any = 0.0,
        delay: Any = None,
        **unknown: Any,
    ) -> None:
        """Synapses from several cells to one; called by connectors."""
        if location_selector is not None or unknown:
            raise NotImplementedError(f"spikeloom.pynn has no locations on cells, and no synapses with {list(unknown)}")
        sources = np.asarray(presynaptic_indices, dtype=np.int64)
        delay = self.synapse_type._get_minimum_delay() if delay is None else delay
        self._collected.append(
            (
                sources,
                np.full(len(sources), int(postsynaptic_index)),
                np.broadcast_to(np.asarray(weight, dtype=float), sources.shape),
                np.broadcast_to(self._whole(delay), sources.shape),
            )
        )

    def _whole(self, delay: Any) -> NDArray[np.float64]:
        """Delays rounded to steps. Raises: ConnectionError."""
        state, given = simulator.state, np.asarray(delay, dtype=float)
        shortest = state.dt if state.shortest == "auto" else float(state.shortest)
        longest = np.inf if state.longest == "auto" else float(state.longest)
        rounded = np.round(np.rint(given / state.dt) * state.dt, 9)
        low, high = rounded.min(initial=np.inf), rounded.max(initial=-np.inf)
        if not (np.isfinite(given).all() and low > shortest - state.dt / 2 and high < longest + state.dt / 2):
            raise errors.ConnectionError(f"Delays must be {shortest:g} to {longest:g} ms, got {delay}")
        return rounded

    def __len__(self) -> int:
        return len(self.weights)

    def __getitem__(self, i: int) -> Connection:
        return Connection(self, range(len(self))[i])

    @property
    def connections(self) -> Iterator[Connection]:
        """All of its synapses."""
        return (Connection(self, index) for index in range(len(self)))

    def change(self, name: str, values: NDArray[np.float64], indices: NDArray[np.int64]) -> None:
        """Set weights or delays of some synapses."""
        if name == "weight":
            self.weights[indices] = values
            self._changed = True
        elif self._made:
            raise NotImplementedError("spikeloom.pynn sets delays before the first run, or after reset()")
        else:
            self.delays[indices] = self._whole(values)

    def _set_attributes(self, parameter_space: Any) -> None:
        parameter_space.evaluate(simplify=False)
        every = np.arange(len(self))
        for name, value in parameter_space.items():
            self.change(name, np.asarray(value)[self.pre_indices, self.post_indices], every)

    def _column(self, name: str) -> NDArray[Any]:
        known = {
            "presynaptic_index": self.pre_indices, "postsynaptic_index": self.post_indices, "weight": self.weights,
            "delay": self.delays,
        }  # fmt: skip
        if name not in known:
            raise errors.NonExistentParameterError(name, type(self.synapse_type).__name__, ["weight", "delay"])
        return known[name]

    def _get_attributes_as_list(self, names: Sequence[str]) -> list[tuple[Any, ...]]:
        return list(zip(*(self._column(name).tolist() for name in names), strict=True))

    def _get_attributes_as_arrays(self, names: Sequence[str], multiple_synapses: str = "sum") -> list[Any]:
        pair = (self.pre_indices, self.post_indices)
        found = []
        for name in names:
            value, table = self._column(name), np.full(self.shape, np.nan)
            order = slice(None) if multiple_synapses == "first" else slice(None, None, -1)
            places, first = np.unique(np.ravel_multi_index(pair, self.shape)[order], return_index=True)
            table.ravel()[places] = value[order][first]
            if multiple_synapses == "sum":
                table[pair] = 0.0
                np.add.at(table, pair, value)
            elif multiple_synapses in ("min", "max"):
                (np.fmin if multiple_synapses == "min" else np.fmax).at(table, pair, value)
            found.append(table)
        return found

    def forget(self) -> None:
        """What was built is gone."""
        self._built, self._made, self._changed = [], False, False

    def prepare(self, network: Network) -> None:
        """Connect the network's populations, or pass on weights that were changed since the last run."""
        if not self._made:
            self._connect(network)
        elif self._changed:
            self._built = [(self._anew(network, built, mine), mine) for built, mine in self._built]
        self._made, self._changed = True, False

    def _connect(self, network: Network) -> None:
        pre, post = _located(self.pre), _located(self.post)
        which = pre[1][self.pre_indices] * len(post[0]) + post[1][self.post_indices]
        for pair in np.unique(which):
            mine = np.flatnonzero(which == pair)
            source, target = pre[0][pair // len(post[0])], post[0][pair % len(post[0])]
            rule = Explicit(pre[2][self.pre_indices[mine]], post[2][self.post_indices[mine]])
            receptor = target.celltype.inputs.get(self.receptor_type)
            if receptor is None:
                raise NotImplementedError(f"spikeloom.pynn has no receptor type {self.receptor_type}")
            weight, delay = _one(self.weights[mine]), _one(self.delays[mine])
            built = network.connect(source.built, target.built, rule, weight=weight, delay=delay, receptor=receptor)
            assert isinstance(built, Built)
            self._built.append((built, mine))

    def _anew(self, network: Network, old: Built, mine: NDArray[np.int64]) -> Built:
        """In the place of a projection one with the weights as they are now."""
        weight, delay = _one(self.weights[mine]), _one(self.delays[mine])
        made = Built(old.number, old.name, old.pre, old.post, old.rule, weight, delay, 0.0, old.receptor)
        # Spikes on their way arrive.
        made.since = old.since
        network.projections[old.number] = made
        network.changed()
        return made


def _one(values: NDArray[np.float64]) -> Any:
    """One number where all are the same, which takes less memory."""
    return float(values[0]) if (values == values[0]).all() else values.copy()


def _located(group: Any) -> tuple[list[Population], NDArray[np.int64], NDArray[np.int64]]:
    """Populations; of each cell of a group which of them it is in, and its index there."""
    parts = cells_of(group)
    which = np.repeat(np.arange(len(parts)), [len(indices) for _, indices in parts])
    return [p for p, _ in parts], which, np.concatenate([indices for _, indices in parts])
