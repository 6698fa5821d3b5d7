"""The watch for NaN: which neuron's state has become NaN, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..compile import Table, layout, native
from ._engine_kernels import CONTROL
from ._parts import Unit
from ._words import int32, int64, int64_at, load, real_at, store

if TYPE_CHECKING:
    from ._engine import Engine
    from ._parts import Part
    from .network import Network
    from .population import Population

# Steps from one look to the next.
EVERY = 16
WATCH = layout("control", "count", "values", "lows", "highs")


def find_nan(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Once in a while look for NaN in all states; where there is some, say so and have the run stopped."""
    control = int64_at(load(table, WATCH.control))
    if step % EVERY == EVERY - 1 and load(control, CONTROL.nan_unit) < 0:
        k = int64(0)
        while k < load(table, WATCH.count) and load(control, CONTROL.nan_unit) < 0:
            values = real_at(load(int64_at(load(table, WATCH.values)), k))
            low, high = load(int64_at(load(table, WATCH.lows)), k), load(int64_at(load(table, WATCH.highs)), k)
            if holds_nan(values, low, high):
                i = low
                while load(values, i) == load(values, i):
                    i += 1
                store(control, CONTROL.nan_unit, k)
                store(control, CONTROL.nan_neuron, i)
                store(control, CONTROL.nan_step, int64(step))
            k += 1


def holds_nan(values: Any, low: Any, high: Any) -> Any:
    """Whether one of values low ... high - 1 is NaN."""
    bad = int32(0)
    i = low
    while i < high:
        x = load(values, i)
        bad = int32(bad + (int32(0) if x == x else int32(1)))
        i += 1
    return bad > int32(0)


def watch_unit(engine: Engine, part: Part) -> Unit:
    """The kernel that looks at the states of all populations; it comes after their steps."""
    watched = [
        (population.states[name][run], *part.bounds[population.number])
        for population in engine.populations
        for name in _watched(population)
        for run in range(engine.batch)
    ]
    addresses = np.array([values.ctypes.data for values, _, _ in watched], dtype=np.int64)
    lows, highs = (np.array([bounds[k] for bounds in watched], dtype=np.int64) for k in (1, 2))
    table = Table.of(WATCH, control=part.control, count=len(watched), values=addresses, lows=lows, highs=highs)
    return Unit(native(find_nan, engine.dtype), table)


def nan_noticed(engine: Engine) -> str:
    """What the kernels have found, in words, of all parts the first; they look on afterwards."""
    found = [(1 << 40, 0, 0)]
    for part in engine.parts:
        unit, neuron, step = (int(part.control[k]) for k in (CONTROL.nan_unit, CONTROL.nan_neuron, CONTROL.nan_step))
        if unit >= 0:
            found.append((step, unit, neuron))
        part.control[CONTROL.nan_unit] = -1
    step, unit, neuron = min(map(tuple, engine.ranks.agree(*min(found)).tolist()))
    number, run = divmod(unit, engine.batch)
    names = [(population, name) for population in engine.populations for name in _watched(population)]
    population, name = names[number]
    return _words(engine.network, population, name, run, neuron, step + 1 - EVERY, step + 1)


def nan_left(network: Network, since: int) -> str:
    """The first NaN among the states now, in words."""
    for population in network.populations:
        for name in _watched(population):
            bad = np.argwhere(np.isnan(population.states[name]))
            if len(bad):
                run, neuron = (int(k) for k in bad[0])
                return _words(network, population, name, run, neuron, since, network.step)
    return ""


def _watched(population: Population) -> list[str]:
    real = str(population.network.dtype).removeprefix("torch.")
    return [name for name, array in population.states.items() if array.dtype == real]


def _words(network: Network, population: Population, name: str, run: int, neuron: int, first: int, last: int) -> str:
    of_run = f" in run {run}" if network.batch > 1 else ""
    when = f"between {max(0, first) * network.dt:g} and {last * network.dt:g} ms"
    return f"{name} of neuron {neuron} of {population.name}{of_run} became NaN {when}"
