"""One simulation from the command line: built, settled, run, and kept whatever happens."""

from __future__ import annotations

import sys
import time
from typing import Any

from spikeloom.cli._simulation_folder import SimulationConfig, SimulationFolder
from spikeloom.cli._stopped import SimulationStopped
from spikeloom.errors import CheckpointError, ParameterError, SpikeloomError, UnknownNameError
from spikeloom.network import Interrupted, Network, Result

# Neurons of a population whose states are recorded.
_SHOWN = 10


class Simulation:
    """Runs it; afterwards says how long that took and how much memory synapses take."""

    def __init__(
        self,
        config: SimulationConfig,
        folder: SimulationFolder | None,
        *,
        threads: int | None,
        resume: bool,
        overwrite: bool,
        first: bool,
    ) -> None:
        self.config, self.folder, self.resume, self.first = config, folder, resume, first
        self.model = config.build()
        self.seconds = self.simulated = self.build_seconds = 0.0
        self.synapse_bytes = 0
        self.net = self._built(threads)
        if folder is not None and first:
            if resume:
                folder.keep(config)
            else:
                folder.begin(config, overwrite=overwrite)

    def _built(self, threads: int | None) -> Network:
        net = self.model.build(seed=self.config.seed, threads=threads, dt=self.config.dt)
        for wanted in self.config.record:
            _record(net, wanted)
        return net

    def result(self) -> Result:
        """Of the measured part, with what was recorded before where a run is resumed. Raises: SimulationStopped."""
        found = self._restored() if self.resume else None
        began = time.perf_counter()
        engine = self.net.build()
        self.build_seconds = time.perf_counter() - began
        self.synapse_bytes = engine.memory()
        settle, stop = self.config.settle, self.config.settle + self.config.duration
        self._advance(settle, None)
        found = self._advance(stop, found)
        self._keep(found)
        return found

    def _restored(self) -> Result | None:
        """Go on from the checkpoint; what the measured part has recorded so far."""
        assert self.folder is not None
        if not self.folder.checkpoint.exists():
            do = "give --checkpoint when it is started; --overwrite starts it again"
            raise CheckpointError(f"run {self.folder.path}", expected="a checkpoint", got="none", do=do)
        found = self.net.restore(self.folder.checkpoint)
        if self.net.time <= self.config.settle:
            return None
        before = self.folder.before(found)
        return found if before is None else before + found

    def _advance(self, stop: float, before: Result | None) -> Result:
        """Run to a time; an error or Ctrl-C keeps what was recorded of the measured part."""
        measured = stop > self.config.settle
        options: dict[str, Any] = {}
        if self.config.checkpoint and self.folder is not None:
            options = {"checkpoint": self.folder.checkpoint, "every": self.config.checkpoint}
        start, began = self.net.time, time.perf_counter()
        try:
            found = self.net.run(max(0.0, round((stop - start) / self.net.dt) * self.net.dt), **options)
        except Interrupted as interrupted:
            self._ran(start, began)
            kept = _joined(before, interrupted.result) if measured else None
            self._keep(kept)
            resumable = self.folder.path if self.folder is not None and self.config.checkpoint else None
            raise SimulationStopped(kept, self.net.time, resumable) from None
        except SpikeloomError as error:
            recorded = getattr(error, "result", None)
            if measured and recorded is not None and self.folder is not None and self.first:
                self.folder.save(_joined(before, recorded))
            raise
        self._ran(start, began)
        return _joined(before, found)

    def _ran(self, start: float, began: float) -> None:
        self.seconds += time.perf_counter() - began
        self.simulated += self.net.time - start

    def _keep(self, result: Result | None) -> None:
        """First the recording, then where to go on: nothing is lost in between."""
        if self.folder is None:
            return
        if result is not None and self.first:
            self.folder.save(result)
        if self.config.checkpoint:
            self.net.save(self.folder.checkpoint)


def _joined(before: Result | None, after: Result) -> Result:
    return after if before is None else before + after


def _record(net: Network, wanted: str) -> None:
    """A state of some neurons, `E.v`, or of every population that has it, `v`."""
    name, _, variable = wanted.rpartition(".")
    known = {p.name: p for p in net.populations}
    if name and name not in known:
        raise UnknownNameError("population of --record", name, known)
    chosen = [known[name]] if name else [p for p in net.populations if variable in p.states]
    if not chosen:
        raise UnknownNameError("--record", variable, {state for p in net.populations for state in p.states})
    for population in chosen:
        if not population.states:
            raise ParameterError("--record", expected="a population with states", got=population.name)
        net.record(population[:_SHOWN], variable)


def peak_memory() -> float | None:
    """Most memory of this process so far, in MB; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most / 1e3
