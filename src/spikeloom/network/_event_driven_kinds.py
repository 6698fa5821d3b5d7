"""The table of one population for the loop over events: from its statement, its parameters and its states."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compile import Table, invoke, native
from ..errors import ParameterError
from ._event_driven_flows import foresee_quadratic, move_quadratic
from ._event_driven_linear import foresee_linear, move_linear
from ._event_driven_modes import Modes, modes_of, padded, peaks
from ._event_driven_statement import Affine, Array
from ._event_driven_tables import KIND
from .population import Population


def _real(kernel: Any) -> int:
    return native(kernel, "float64")


class Kind:
    """Neurons of one population between events."""

    def __init__(self, population: Population, stated: Affine, first: int, nexts: Array, clock: Array) -> None:
        n, self.stated, self.population, self.first = population.size, stated, population, first
        inputs, self.names = population.inputs, stated.names
        driven = np.stack([stated.b, *(stated.currents[name] for name in inputs)]).any((0, 1))
        if stated.curvature is not None or not driven.any():
            driven = np.arange(len(self.names)) == 0
        self.driven = np.flatnonzero(driven)
        self.variant, kept = _variants(stated, n)
        self.states = np.zeros((n, len(self.names) + len(self.driven)))
        self.states[:, len(self.names) :] = np.broadcast_to(stated.b[:, self.driven], (n, len(self.driven)))
        self.last, self.until = np.zeros(n), np.full(n, -np.inf)
        self.t_ref = np.broadcast_to(stated.t_ref, (n,)).copy()
        self.shown: dict[str, NDArray[Any]] = {}
        dims = self.states.shape[1]
        self.margin = _widened(stated.c[kept], dims)
        own = {
            "states": self.states, "last": self.last, "until": self.until, "t_ref": self.t_ref,
            "theta": np.broadcast_to(stated.theta, (n,)).copy(),
            "landing": _widened(np.broadcast_to(stated.landing, (n, len(self.names))), dims),
            "variant": self.variant, "dims": dims, "margin": self.margin, "reset": self._resets(kept, dims),
            "jumps": self._jumps(kept, dims), "input_count": len(inputs), "clock": clock,
            "next": nexts[first:], "first": first,
        }  # fmt: skip
        curved = stated.curvature is not None
        rest = self._quadratic(n) if curved else self._linear(kept, dims)
        kernels = (move_quadratic, foresee_quadratic) if curved else (move_linear, foresee_linear)
        own |= dict(zip(("move", "foresee"), map(_real, kernels), strict=True))
        self.table = Table(*(own[name] for name in KIND._fields), *rest)

    def _resets(self, kept: NDArray[np.int64], dims: int) -> Array:
        found = np.tile(np.eye(dims), (len(kept), 1, 1))
        found[:, : len(self.names), : len(self.names)] = self.stated.reset[kept]
        return found

    def _jumps(self, kept: NDArray[np.int64], dims: int) -> Array:
        """[variants, inputs, whether refractory, D]: what is held does not jump in the refractory period."""
        found = np.zeros((len(kept), max(1, len(self.stated.jumps)), 2, dims))
        for k, jump in enumerate(self.stated.jumps.values()):
            found[:, k, 0, : len(self.names)] = jump[kept]
            found[:, k, 1, : len(self.names)] = np.where(self.stated.held, 0.0, jump[kept])
        return found

    def _linear(self, kept: NDArray[np.int64], dims: int) -> tuple[Any, ...]:
        label = self.population.name
        resting = np.flatnonzero(self.stated.held)
        awake, asleep = [], []
        for a in self.stated.a[kept]:
            matrix = np.zeros((dims, dims))
            matrix[: len(a), : len(a)] = a
            matrix[self.driven, len(a) + np.arange(len(self.driven))] = 1.0
            awake.append(modes_of(matrix, label))
            matrix[resting] = 0.0
            asleep.append(modes_of(matrix, label))
        views = [np.einsum("d,kde->ke", c, m.parts) for c, m in zip(self.margin, _alike(awake), strict=True)]
        count = max(len(m.rates) for m in awake)
        room = np.zeros(2 * dims + count * (count + 2))
        return (
            *_stacked(awake), *_stacked(asleep), np.array(views), np.array([peaks(m) for m in _alike(awake)]), room,
        )  # fmt: skip

    def _quadratic(self, n: int) -> tuple[Any, ...]:
        curvature = np.broadcast_to(np.asarray(self.stated.curvature), (n,)).copy()
        if (curvature <= 0).any() or (self.stated.c != 1.0).any() or not self.stated.held.all():
            expected = "an upswing, cut off at a peak, that stands still when refractory"
            raise ParameterError(f"neuron of {self.population.name}, event by event", expected=expected, got="another")
        return curvature, np.broadcast_to(self.stated.a[:, 0, 0], (n,)).copy()

    def take(self, now: float) -> NDArray[np.int64]:
        """Take states that were set from outside since they were shown; return whose."""
        changed = np.zeros(len(self.last), dtype=bool)
        for k, name in enumerate(self.names):
            given = self.population.states[name][0]
            different = given != self.shown[name] if name in self.shown else np.ones(len(given), dtype=bool)
            self.states[different, k] = given[different]
            changed |= different
        if self.shown and changed.any():
            # Those that were not set have the value of now, too.
            for k, name in enumerate(self.names):
                self.states[changed, k] = self.population.states[name][0][changed]
        self.last[changed] = now
        return np.flatnonzero(changed)

    def show(self, now: float, clock: Array) -> None:
        """Let the population have the states of now; those that the loop works on stay as they are."""
        kept, last = self.states.copy(), self.last.copy()
        clock[0] = now
        move = self.table[KIND.move]
        for i in range(len(last)):
            invoke(move, self.table, i)
        for k, name in enumerate(self.names):
            self.population.states[name][0] = self.states[:, k]
            self.shown[name] = self.states[:, k].copy()
        if "remaining" in self.population.states and "remaining" not in self.names:
            self.population.states["remaining"][0] = np.clip(self.until - now, 0.0, None)
        self.states[:], self.last[:] = kept, last

    def drive(self, name: str, neurons: NDArray[np.int64], amount: Array) -> None:
        """Change the current into an input of some neurons, which are up to date."""
        gains = np.broadcast_to(self.stated.currents[name], (len(self.last), len(self.names)))[neurons]
        self.states[neurons, len(self.names) :] += gains[:, self.driven] * amount[:, None]


def _variants(stated: Affine, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which neurons have the same dynamics: a number for each, and one neuron of each number."""
    parts = [stated.a, stated.c, stated.reset, *stated.jumps.values()]
    rows = np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
    _, kept, variant = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return np.broadcast_to(variant.reshape(-1), (n,)).astype(np.int64), kept


def _widened(values: Array, dims: int) -> Array:
    found = np.zeros((len(values), dims))
    found[:, : values.shape[1]] = values
    return found


def _alike(modes: list[Modes]) -> list[Modes]:
    count = max(len(m.rates) for m in modes)
    return [padded(m, count) for m in modes]


def _stacked(modes: list[Modes]) -> tuple[Any, ...]:
    alike = _alike(modes)
    return (
        len(alike[0].rates), np.array([m.rates for m in alike]), np.array([m.powers for m in alike]),
        np.array([m.parts for m in alike]),
    )  # fmt: skip
