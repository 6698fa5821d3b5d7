"""The state of the simulation that PyNN's functions work on: what the script has described, and the network of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from pyNN import common
from pyNN.common.control import BaseState

from ..errors import ParameterError, SpikeloomError
from ..network import Interrupted, Network
from ..random import bits

if TYPE_CHECKING:
    from .electrodes import CurrentSource
    from .populations import Population
    from .projections import Projection
    from .recording import Recorder

name = "Spikeloom"

_DTYPES = {"float32": torch.float32, "float64": torch.float64}


class ID(int, common.IDMixin):
    """A cell: a number that knows its population."""


class State(BaseState):
    """Populations, projections and current sources as they were described; the network is built when they are run."""

    def __init__(self) -> None:
        super().__init__()
        self.mpi_rank, self.num_processes = 0, 1
        self.dt, self.shortest, self.longest = 0.1, "auto", "auto"
        self.seed, self.dtype = 1, torch.float64
        self.threads: int | None = None
        self.segment_counter = -1
        self.network: Network | None = None
        self.clear()

    def configure(
        self, dt: float, min_delay: Any, max_delay: Any, *, seed: int = 1, threads: int | None = None,
        dtype: str = "float64",
    ) -> None:  # fmt: skip
        """Begin anew. Raises: ParameterError."""
        if dtype not in _DTYPES:
            raise ParameterError("dtype of setup", expected=f"one of {', '.join(_DTYPES)}", got=repr(dtype))
        self.dt, self.shortest, self.longest = dt, min_delay, max_delay
        self.seed, self.threads, self.dtype = seed, threads, _DTYPES[dtype]
        self.clear()
        # Says what does not fit now, and not when the network is built.
        self._empty()

    def clear(self) -> None:
        """Forget all that was described."""
        self.recorders: set[Recorder] = set()
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.current_sources: list[CurrentSource] = []
        self.write_on_end: list[tuple[Any, Any, Any]] = []
        self.id_counter = 1
        self.segment_counter = -1
        self.reset()

    def reset(self) -> None:
        """Back to time 0: what was described is built anew when it is run."""
        self.running, self.network, self.t_start = False, None, 0
        self.segment_counter += 1
        # The current sources have to be attached; those that are stand until this step.
        self.currents_changed, self.currents_until = True, 0
        for item in self._described:
            item.forget()

    @property
    def _described(self) -> tuple[Any, ...]:
        """In the order in which it is built."""
        return (*self.populations, *self.projections, *self.current_sources, *self.recorders)

    @property
    def step(self) -> int:
        """Steps simulated so far."""
        return self.network.step if self.network is not None else 0

    @property
    def t(self) -> float:
        """Milliseconds simulated so far."""
        return self.time_of(self.step)

    def time_of(self, step: int) -> float:
        """The end of a step in ms, without the rounding of the multiplication."""
        return round(step * self.dt, 9)

    def steps(self, time: float) -> int:
        """The nearest whole number of steps."""
        return round(time / self.dt)

    @property
    def min_delay(self) -> float:
        """What was given, or the shortest of all delays; dt without any."""
        if self.shortest != "auto":
            return float(self.shortest)
        return min((p.delays.min() for p in self.projections if len(p)), default=self.dt)

    @property
    def max_delay(self) -> float:
        """What was given, or the longest of all delays; dt without any."""
        if self.longest != "auto":
            return float(self.longest)
        return max((p.delays.max() for p in self.projections if len(p)), default=self.dt)

    def run(self, duration: float) -> None:
        """Advance by some ms."""
        self.run_until(self.t + duration)

    def run_until(self, time: float) -> None:
        """Advance to the step that ends nearest to a time."""
        goal = self.steps(time)
        self.running = True
        while True:
            network = self._prepared(goal)
            steps = min(goal, self.currents_until) - network.step
            self._take(network, steps * self.dt)
            if network.step >= goal:
                return

    def _take(self, network: Network, duration: float) -> None:
        """Run, and keep what was recorded, also where the run ends early."""
        result = None
        try:
            result = network.run(duration)
        except (Interrupted, SpikeloomError) as error:
            result = getattr(error, "result", None)
            raise
        finally:
            if result is not None:
                for recorder in self.recorders:
                    recorder.take(result)

    def _empty(self) -> Network:
        # Noise differs from one segment to the next; the first has the seed as it was given.
        seed = self.seed
        if self.segment_counter > 0:
            seed = int(bits(self.seed, self.segment_counter, 0, 0)[0]) >> 1
        return Network(dt=self.dt, seed=seed, threads=self.threads, dtype=self.dtype)

    def _prepared(self, goal: int) -> Network:
        """The network, with all that was described or changed since the last run."""
        if self.network is None:
            self.network = self._empty()
        for item in self._described:
            item.prepare(self.network)
        if self.currents_changed or self.currents_until < goal:
            self._attach_currents(self.network, goal)
        return self.network

    def _attach_currents(self, network: Network, goal: int) -> None:
        room = min((source.room for source in self.current_sources if source.cells), default=goal)
        until = min(goal, network.step + room)
        network.devices.clear()
        for population in self.populations:
            population.attach_offset()
        for source in self.current_sources:
            source.attach(network.step, until)
        network.changed()
        endless = all(source.endless for source in self.current_sources if source.cells)
        self.currents_changed, self.currents_until = False, 1 << 30 if endless else until


state = State()
