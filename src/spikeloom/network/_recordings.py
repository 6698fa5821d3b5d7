"""All that a network records: who records it, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError, UnknownNameError
from ._recording_file import RecordingFile
from ._recording_tracks import signal_track, spike_tracks
from .population import Population, View
from .projection import Projection
from .recorders import Rate, RateRecorder, Recorder, StateRecorder, WeightRecorder, whole_steps
from .result import Recording, Result
from .signals import Signal
from .spike_trains import SpikeTrains, no_runs

if TYPE_CHECKING:
    from ._parts import Spikes
    from .network import Network

Columns = tuple[NDArray[Any], ...]


@dataclass
class SpikeLog:
    """The spikes of a population that nobody has taken yet: steps, neurons, runs of each slice."""

    population: Population
    # A byte for each neuron: whether its spikes are recorded.
    mask: NDArray[np.uint8]
    file: RecordingFile | None
    tracks: list[int] = field(default_factory=list)
    pieces: list[Columns] = field(default_factory=list)

    @property
    def recorded(self) -> NDArray[np.int64]:
        """Neurons whose spikes are recorded."""
        return np.flatnonzero(self.mask)


@dataclass
class Sampled:
    """A recorder, what it records of, and the file that it goes to."""

    owner: Population | Projection
    recorder: Recorder
    file: RecordingFile | None
    track: int = -1


class Elsewhere(RecordingFile):
    """A file that another rank writes."""

    def put(self, track: int, rows: NDArray[Any]) -> None:
        """Nothing."""

    def prepare(self, now: int) -> None:
        """Nothing, so that it stays one that has not been created."""


class Recordings:
    """What is recorded of a network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.spikes: dict[int, SpikeLog] = {}
        self.sampled: list[Sampled] = []
        self.files: dict[Path, RecordingFile] = {}

    def add(
        self, what: View | Projection, variables: Sequence[str | Rate], every: float | None, to: str | Path | None
    ) -> None:
        """As `Network.record` says."""
        network = self.network
        for variable in variables:
            if not isinstance(variable, str | Rate):
                do = 'for example record(population, "s", "v", Rate(5.0))'
                raise ParameterError("variable to record", expected="a name or Rate(bin)", got=repr(variable), do=do)
        chosen = [*variables] or ["s" if isinstance(what, View) else "weight"]
        name = what.population.name if isinstance(what, View) else what.name
        steps = whole_steps(f"every of the recording of {name}", every, network.dt)
        if every is not None and all(v == "s" or isinstance(v, Rate) for v in chosen):
            do = "leave it away, or name a state variable"
            raise ParameterError(f"every of the recording of {name}", expected="none for spikes", got=every, do=do)
        made = [self._recorder(what, variable, steps) for variable in chosen]
        file = None if to is None else self._file(Path(to))
        for recorder in made:
            if recorder is None:
                assert isinstance(what, View)
                self._log(what, file)
            else:
                owner = what.population if isinstance(what, View) else what
                self.sampled.append(Sampled(owner, recorder, file))
                self.network.recorders.append(recorder)

    def _recorder(self, what: View | Projection, variable: str | Rate, every: int) -> Recorder | None:
        """None for spikes."""
        if isinstance(what, Projection):
            if variable != "weight":
                raise UnknownNameError(f"variable of {what.name}", str(variable), ["weight"])
            self._once(what, "weight")
            return WeightRecorder(what, every)
        population = what.population
        if not len(what):
            raise ParameterError(f"recording of {population.name}", expected="at least one neuron", got="none")
        if isinstance(variable, Rate):
            self._once(population, "rate")
            bin_ = whole_steps("Rate.bin", variable.bin, self.network.dt)
            return RateRecorder(what, bin_, self.network.step)
        if variable == "s":
            return None
        if variable not in population.states:
            raise UnknownNameError(f"variable of {population.name}", variable, [*population.states, "s"])
        self._once(population, variable)
        return StateRecorder(what, variable, every)

    def _once(self, owner: Population | Projection, variable: str) -> None:
        if any(each.owner is owner and each.recorder.name == variable for each in self.sampled):
            do = "record one view of all neurons that you want"
            raise ParameterError(f"recording of {variable} of {owner.name}", expected="one", got="a second", do=do)

    def _log(self, view: View, file: RecordingFile | None) -> None:
        population = view.population
        if population.number not in self.spikes:
            mask = np.zeros(population.fired.shape[1], dtype=np.uint8)
            self.spikes[population.number] = SpikeLog(population, mask, file)
        log = self.spikes[population.number]
        if log.file is not file:
            do = "record them once, or all to the same file"
            raise ParameterError(f"to of the spikes of {population.name}", expected="one place", got="two", do=do)
        if log.tracks and not log.mask[view.indices].all():
            expected = "the same neurons as before its file was made"
            raise ParameterError(
                f"spikes of {population.name}", expected=expected, got="others", do="name another file"
            )
        log.mask[view.indices] = 1

    def _file(self, path: Path) -> RecordingFile:
        path, network = path.expanduser().absolute(), self.network
        if path not in self.files:
            kind = RecordingFile if network.ranks.first else Elsewhere
            self.files[path] = kind(path, network.dt, network.batch, network.step)
        return self.files[path]

    def prepare(self) -> None:
        """Before a run: files with all datasets, and in them what could not be written before."""
        network = self.network
        for log in self.spikes.values():
            if log.file is not None and not log.tracks:
                population = log.population
                tracks = spike_tracks(population.name, population.number, population.size, log.recorded)
                log.tracks = log.file.add(*tracks)
        for each in self.sampled:
            if each.file is not None and each.track < 0:
                owner, recorder = each.owner, each.recorder
                is_population = isinstance(owner, Population)
                about = {"number": owner.number, "size": owner.size} if isinstance(owner, Population) else None
                own = {"name": recorder.name, "unit": recorder.unit, "every": recorder.every, "dtype": recorder.dtype}
                batch = network.batch if is_population else 1
                (each.track,) = each.file.add(signal_track(owner.name, about, batch, recorder.columns, own))
        for file in self.files.values():
            file.prepare(network.step)
        self._write()

    def took(self, spikes: Spikes) -> None:
        """After a slice: keep the spikes, and write to files what is to go there. Raises: RecordingError."""
        batch = np.int32(self.network.batch)
        for number, log in self.spikes.items():
            mine = np.flatnonzero(spikes.lane // batch == number if batch > 1 else spikes.lane == number)
            if len(mine):
                runs = (spikes.lane[mine] % batch).astype(np.int16) if batch > 1 else np.zeros(len(mine), np.int16)
                log.pieces.append((spikes.step[mine], spikes.neuron[mine], runs))
        self._write()

    def _write(self) -> None:
        for log in self.spikes.values():
            if log.file is not None:
                for steps, *others in log.pieces:
                    times = (steps + 1.0) * self.network.dt
                    for track, rows in zip(log.tracks, (times, *others), strict=True):
                        log.file.put(track, rows)
                log.pieces.clear()
        for each in self.sampled:
            if each.file is not None:
                for rows in each.recorder.pieces:
                    each.file.put(each.track, rows)
                each.recorder.pieces.clear()
        for file in self.files.values():
            if file.made and file.until < self.network.step:
                file.write(self.network.step)

    def carried(self) -> dict[str, NDArray[Any]]:
        """What a checkpoint keeps: the spikes that are recorded in memory and not taken."""
        logs = {number: log for number, log in self.spikes.items() if log.pieces}
        return {
            f"{number} {k}": np.concatenate([piece[k] for piece in log.pieces])
            for number, log in logs.items()
            for k in range(3)
        }

    def carry_on(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what a checkpoint has kept."""
        for number, log in self.spikes.items():
            log.pieces = [tuple(arrays[f"{number} {k}"] for k in range(3))] if f"{number} 0" in arrays else []

    def result(self, start: int) -> Result:
        """What was recorded in memory since step `start`; taken away."""
        network = self.network
        found, weights, files = dict[str, Recording](), dict[str, Signal](), dict[str, Path]()
        for population in network.populations:
            log = self.spikes.get(population.number)
            mine = [each for each in self.sampled if each.owner is population]
            trains = None if log is None or log.file is not None else self._trains(log, start)
            signals = {each.recorder.name: self._signal(each.recorder) for each in mine if each.file is None}
            if trains is not None or signals:
                found[population.name] = Recording(population.name, population.number, population.size, trains, signals)
            for file in [log.file if log else None, *(each.file for each in mine)]:
                if file is not None:
                    files[population.name] = file.path
        for each in self.sampled:
            if isinstance(each.owner, Projection) and each.file is None:
                weights[each.owner.name] = self._signal(each.recorder)
        return Result(start * network.dt, network.time, network.dt, network.batch, found, weights, files)

    def _trains(self, log: SpikeLog, start: int) -> SpikeTrains:
        network, empty = self.network, np.zeros(0, dtype=np.int32)
        steps, neurons, runs = (
            np.concatenate([empty, *(piece[k] for piece in log.pieces)]) for k in range(3)
        )  # fmt: skip
        log.pieces.clear()
        times = (steps + 1.0) * network.dt
        which = runs.astype(np.int32) if network.batch > 1 else no_runs(len(times))
        bounds = start * network.dt, network.time
        return SpikeTrains(times, neurons, which, log.recorded, *bounds, network.batch, log.population.name)

    def _signal(self, recorder: Recorder) -> Signal:
        network, every = self.network, recorder.every
        batch = 1 if isinstance(recorder, WeightRecorder) else network.batch
        empty = np.zeros((batch, 0, len(recorder.columns)), dtype=recorder.dtype)
        values = np.concatenate([empty, *recorder.pieces], axis=1)
        recorder.pieces.clear()
        numbers = np.arange(values.shape[1]) + (network.step // every - values.shape[1] + 1)
        values = values[0] if batch == 1 else values
        unit, interval = recorder.unit, every * network.dt
        return Signal(recorder.name, values, numbers * every * network.dt, recorder.columns, unit, interval)
