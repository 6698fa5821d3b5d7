"""What a run has recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .. import _pictures
from ..errors import ParameterError, UnknownNameError
from ._optional import optional
from ._parts import Spikes
from .signals import Signal
from .spike_trains import SpikeTrains

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Recording:
    """What was recorded of one population: its spikes, and signals by name, `recording["v"]`."""

    name: str
    number: int
    size: int
    trains: SpikeTrains | None = None
    signals: Mapping[str, Signal] = field(default_factory=dict)

    @property
    def spikes(self) -> SpikeTrains:
        """Its spikes. Raises: UnknownNameError where they were not recorded."""
        if self.trains is None:
            do = f"call net.record({self.name}) before the run"
            raise UnknownNameError(f"recording of {self.name}", "s", self.signals, do=do)
        return self.trains

    @property
    def times(self) -> NDArray[np.float64]:
        """Of its spikes, in ms."""
        return self.spikes.times

    @property
    def neurons(self) -> NDArray[np.int32]:
        """Which neuron each spike is of."""
        return self.spikes.neurons

    senders = neurons

    @property
    def rate(self) -> float:
        """Mean rate, in spikes/s per neuron."""
        return self.spikes.rate

    def __getitem__(self, variable: str) -> Signal:
        """Raises: UnknownNameError."""
        if variable not in self.signals:
            do = "" if self.signals else f"call net.record({self.name}, {variable!r}) before the run"
            raise UnknownNameError(f"recording of {self.name}", variable, self.signals, do=do)
        return self.signals[variable]

    def __add__(self, other: Recording) -> Recording:
        mine, its = ((r.trains is None, *sorted(r.signals)) for r in (self, other))
        if mine != its:
            raise ParameterError(f"what follows the recording of {self.name}", expected=repr(self), got=repr(other))
        trains = self.trains + other.trains if self.trains is not None and other.trains is not None else None
        signals = {name: signal + other.signals[name] for name, signal in self.signals.items()}
        return replace(self, trains=trains, signals=signals)

    def __repr__(self) -> str:
        parts = [repr(self.trains)] if self.trains is not None else []
        return f"Recording({self.name}: {', '.join([*parts, *map(repr, self.signals.values())])})"


@dataclass(frozen=True, eq=False)
class Result:
    """Recordings between two times (ms). Made by `Network.run`.

    `result["E"]` is what was recorded of a population: `result["E"].times`, `.neurons`, `.rate`, and by name the
    states, `result["E"]["v"].values` [time, neurons]. `result.spikes["E"]` are its spike trains, which
    `network.analysis` works on. `first + second` joins the results of runs that follow each other.
    """

    start: float
    stop: float
    dt: float
    batch: int
    recordings: Mapping[str, Recording] = field(default_factory=dict)
    # Of projections by name: values [time, synapses].
    weights: Mapping[str, Signal] = field(default_factory=dict)
    # What is in a file instead, by population: `record(..., to=file)`.
    files: Mapping[str, Path] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Recording:
        """What was recorded of a population. Raises: UnknownNameError, ParameterError where it is in a file."""
        if name in self.recordings:
            return self.recordings[name]
        if name in self.files:
            do = f"read it with sl.network.Result.load({str(self.files[name])!r})"
            raise ParameterError(f"recording of {name}", expected="it in memory", got=f"{self.files[name]}", do=do)
        raise UnknownNameError("recorded population", name, [*self.recordings, *self.files])

    def __iter__(self) -> Iterator[str]:
        return iter(self.recordings)

    @property
    def spikes(self) -> dict[str, SpikeTrains]:
        """Of every population whose spikes were recorded."""
        return {name: r.trains for name, r in self.recordings.items() if r.trains is not None}

    @property
    def duration(self) -> float:
        """From start to stop, in ms."""
        return self.stop - self.start

    def rate(self, name: str) -> float:
        """Mean rate of a recorded population, in spikes/s per neuron."""
        return self[name].rate

    @cached_property
    def events(self) -> Spikes:
        """All spikes in the order in which they happened: step, population times runs, neuron."""
        columns = [np.zeros((3, 0), dtype=np.int32)]
        for recording in self.recordings.values():
            if (trains := recording.trains) is not None:
                steps = np.rint(trains.times / self.dt).astype(np.int32) - 1
                lanes = np.int32(recording.number * self.batch) + trains.runs
                columns.append(np.stack([steps, lanes, trains.neurons]))
        found = np.concatenate(columns, axis=1)
        return Spikes(*found[:, np.lexsort(found[::-1])])

    def __add__(self, other: Result) -> Result:
        """Joined with the result of the run that followed. Raises: ParameterError where it does not follow."""
        if abs(other.start - self.stop) > 1e-6 * self.dt or (self.dt, self.batch) != (other.dt, other.batch):
            expected = f"one that begins at {self.stop:g} ms, with dt = {self.dt:g} ms and {self.batch} run(s)"
            got = f"one from {other.start:g} ms, with dt = {other.dt:g} ms and {other.batch} run(s)"
            raise ParameterError("result to add", expected=expected, got=got)
        for what, mine, its in (
            ("populations", self.recordings, other.recordings),
            ("weights", self.weights, other.weights),
        ):
            if mine.keys() != its.keys():
                raise ParameterError(f"{what} of the result to add", expected=sorted(mine), got=sorted(its))
        recordings = {name: recording + other.recordings[name] for name, recording in self.recordings.items()}
        weights = {name: signal + other.weights[name] for name, signal in self.weights.items()}
        return replace(self, stop=other.stop, recordings=recordings, weights=weights)

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` of all spikes: time (ms), population, neuron, run. Raises: MissingPackageError."""
        pandas = optional("pandas")
        found = self.spikes
        names = pandas.Categorical(np.repeat(list(found), [len(s) for s in found.values()]), categories=list(found))
        columns = {
            name: np.concatenate([np.zeros(0, kind), *(getattr(s, field) for s in found.values())])
            for name, field, kind in (
                ("time", "times", float),
                ("neuron", "neurons", np.int32),
                ("run", "runs", np.int32),
            )
        }
        table = pandas.DataFrame({"time": columns["time"], "population": names, **columns})
        return table.sort_values("time", kind="stable", ignore_index=True)

    def to_neo(self, run: int = 0) -> Any:
        """A `neo.Segment` of one of the independent runs, with a SpikeTrain for each recorded neuron and an
        AnalogSignal for each signal, in their units. Raises: MissingPackageError.
        """
        from ._neo import segment_of

        return segment_of(self, run)

    def save(self, path: str | Path) -> Path:
        """Write it to a new HDF5 file, which `load` reads. Raises: ParameterError, RecordingError."""
        from ._recording_save import save

        return save(self, Path(path))

    @classmethod
    def load(cls, path: str | Path, *, start: float | None = None, stop: float | None = None) -> Self:
        """Read what `save` or `record(..., to=path)` wrote, or what of it happened at start < t <= stop (ms).

        Raises: DataError where it is missing, damaged or of another version.
        """
        from ._recording_load import load

        return load(cls, Path(path), start, stop)

    def plot(self, **options: Any) -> Any:
        """A figure: raster, rates, and traces where states were recorded; options as `sl.plot.network`."""
        return _pictures.draw(self, **options)

    def __repr__(self) -> str:
        parts = [*map(repr, self.recordings.values()), *(f"{n} in {f}" for n, f in self.files.items())]
        return f"Result({self.start:g} to {self.stop:g} ms: {', '.join(parts) or 'nothing recorded'})"
