"""The watch for NaN: which neuron's state has become NaN, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..compile import Table, layout, native
from ._engine_kernels import CONTROL
from ._words import int32, int64, int64_at, load, real_at, store

if TYPE_CHECKING:
    from ._engine import Engine
    from ._parts import Part, Unit
    from .network import Network
    from .population import Population

# Steps from one look to the next.
EVERY = 16
WATCH = layout("control", "values", "number")


def find_nan(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Once in a while look for NaN among values lo ... hi - 1; where there is some, say so and have the run stopped."""
    control = int64_at(load(table, WATCH.control))
    if step % EVERY == EVERY - 1 and load(control, CONTROL.nan_unit) < 0:
        values = real_at(load(table, WATCH.values))
        bad = int32(0)
        i = lo
        while i < hi:
            x = load(values, i)
            bad = int32(bad + (int32(0) if x == x else int32(1)))
            i += 1
        if bad > int32(0):
            i = lo
            while load(values, i) == load(values, i):
                i += 1
            store(control, CONTROL.nan_unit, load(table, WATCH.number))
            store(control, CONTROL.nan_neuron, i)
            store(control, CONTROL.nan_step, int64(step))


def watch_units(engine: Engine, part: Part, population: Population, run: int) -> list[Unit]:
    """The kernels that look at the states of a population; they come after its step."""
    from ._parts import Unit

    first = sum(len(_watched(p)) for p in engine.populations[: population.number])
    low, high = part.bounds[population.number]
    found = []
    for number, name in enumerate(_watched(population), first):
        values = population.states[name][run]
        table = Table.of(WATCH, control=part.control, values=values, number=number * engine.batch + run)
        found.append(Unit(native(find_nan, engine.dtype), table, low, high))
    return found


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
