"""A result written to a recording file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError
from ._recording_file import RecordingFile
from ._recording_tracks import signal_track, spike_tracks

if TYPE_CHECKING:
    from .result import Result
    from .signals import Signal
    from .spike_trains import SpikeTrains


def save(result: Result, path: Path) -> Path:
    """All that is in memory, in a new file."""
    if path.exists():
        do = "name another file, or delete it"
        raise ParameterError("path", expected="a file that does not exist yet", got=str(path), do=do)
    start, stop = round(result.start / result.dt), round(result.stop / result.dt)
    file = RecordingFile(path, result.dt, result.batch, start)
    for name, recording in result.recordings.items():
        owner = {"number": recording.number, "size": recording.size}
        if recording.trains is not None:
            _put_spikes(file, name, owner, recording.trains)
        for signal in recording.signals.values():
            _put_signal(file, name, owner, signal)
    for name, signal in result.weights.items():
        _put_signal(file, name, None, signal)
    file.prepare(start)
    file.write(stop)
    return path


def _put_spikes(file: RecordingFile, name: str, owner: Mapping[str, int], trains: SpikeTrains) -> None:
    tracks = file.add(*spike_tracks(name, owner["number"], owner["size"], trains.recorded))
    columns: tuple[NDArray[Any], ...] = (trains.times, trains.neurons, trains.runs.astype(np.int16))
    for track, rows in zip(tracks, columns, strict=True):
        file.put(track, rows)


def _put_signal(file: RecordingFile, name: str, owner: Mapping[str, Any] | None, signal: Signal) -> None:
    values = signal.values if signal.values.ndim == 3 else signal.values[None]
    about = {"name": signal.name, "unit": signal.unit, "every": round(signal.every / file.dt), "dtype": values.dtype}
    (track,) = file.add(signal_track(name, owner, len(values), signal.neurons, about))
    file.put(track, values)
