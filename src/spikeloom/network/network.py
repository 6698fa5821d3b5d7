"""The network: populations, projections, devices and recorders, and the run over them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import NonFiniteError, ParameterError
from ..neurons import Neuron
from ._engine import Engine
from ._seeds import VALUES, subseed
from .distributions import Distribution
from .population import Given, Population, View
from .projection import Amount, Projection
from .rules import Rule
from .sources import Source

# Milliseconds of computing after which control returns to Python: for progress, Ctrl-C, full logs.
_SLICE = 100.0
# Neurons below which one thread is tried alone.
_SMALL = 512


class Network:
    """Populations of spiking neurons and the synapses between them, advanced together in steps of dt."""

    def __init__(
        self,
        dt: float = 0.1,
        seed: int = 1,
        *,
        batch: int = 1,
        threads: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if not (isinstance(dt, int | float) and 0 < dt < float("inf")):
            raise ParameterError("Network.dt", expected="a time step > 0 (ms)", got=dt)
        self.dt, self.seed, self.batch, self.dtype = float(dt), seed, batch, dtype
        self.threads = threads
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.devices: list[Any] = []
        self.recorders: list[Any] = []
        self.step = 0
        self._engine: Engine | None = None
        self._drawn = 0
        self._log_masks: dict[int, NDArray[np.uint8]] = {}

    @property
    def time(self) -> float:
        """Milliseconds simulated so far."""
        return self.step * self.dt

    def population(
        self,
        n: int | None = None,
        neuron: Neuron | Source | None = None,
        *,
        name: str | None = None,
        shape: Sequence[int] | None = None,
        parameters: Mapping[str, Given] | None = None,
        initial: Mapping[str, Given] | None = None,
    ) -> Population:
        """Add n neurons, or channels of a source."""
        assert neuron is not None
        number = len(self.populations)
        sizes = tuple(shape) if shape is not None else (int(n or 0),)
        added = Population(self, number, name or f"population{number}", sizes, neuron, parameters or {}, initial or {})
        self.populations.append(added)
        self.changed()
        return added

    def connect(
        self,
        pre: View,
        post: View,
        rule: Rule,
        *,
        weight: Amount = 1.0,
        delay: Amount | None = None,
        receptor: str = "",
        name: str | None = None,
    ) -> Projection:
        """Add synapses."""
        number = len(self.projections)
        label = name or f"{pre.population.name} to {post.population.name}"
        chosen = self.dt if delay is None else delay
        added = Projection(number, label, pre, post, rule, weight, chosen, receptor)
        self.projections.append(added)
        self.changed()
        return added

    def record_spikes(self, view: View) -> None:
        """Record the spikes of a view."""
        population = view.population
        mask = self._log_masks.setdefault(population.number, np.zeros(population.fired.shape[1], dtype=np.uint8))
        mask[view.indices] = 1
        self.changed()

    def logged(self, population: Population) -> NDArray[np.uint8] | None:
        """Whose spikes are recorded."""
        return self._log_masks.get(population.number)

    def changed(self) -> None:
        """Something was added or set: what was built is built anew before the next run."""
        self._engine = None

    def drawn(self, value: Given, population: Population, what: str, label: str) -> Any:
        """A value, or a draw for each neuron."""
        if not isinstance(value, Distribution):
            return value
        self._drawn += 1
        seed = subseed(self.seed, VALUES, self._drawn)
        return value.sample(seed, 0, population.size)

    def build(self) -> Engine:
        """Generate the connections, which the first run does otherwise."""
        if self._engine is None:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
            neurons = sum(p.size for p in self.populations) * self.batch
            parts = self.threads or max(1, min(cores, neurons // _SMALL))
            self._engine = Engine(self, parts)
        return self._engine

    def run(self, duration: float) -> Any:
        """Advance by `duration` ms."""
        engine = self.build()
        steps = round(duration / self.dt)
        logs = []
        goal, pace = self.step + steps, 50
        while self.step < goal:
            began = time.perf_counter()
            done, reason = engine.run(self.step, min(pace, goal - self.step), self.threads or engine.threads)
            self.step += done
            took = (time.perf_counter() - began) * 1e3
            if reason == "log" or reason == "done":
                logs.append(engine.take_log())
            if done and took > 0:
                pace = max(1, min(4 * pace, int(done * _SLICE / took)))
            self._watch()
        return logs

    def _watch(self) -> None:
        for population in self.populations:
            for name, array in population.states.items():
                if array.dtype.kind == "f" and np.isnan(array).any():
                    run, neuron = np.argwhere(np.isnan(array))[0]
                    what = f"{name} of neuron {neuron} of {population.name} became NaN before {self.time:g} ms"
                    raise NonFiniteError(what, do="check its input, its parameters and dt")
