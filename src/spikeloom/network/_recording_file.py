"""Recordings in an HDF5 file that grows slice by slice, and is whole after each of them.

Layout, version 1. Attributes of the file: `format`, `version`, `dt` (ms), `batch`, `start` (step). For each population
`populations/<name>` with its `number` and `size`; in it `spikes/step`, `spikes/neuron` and `spikes/run`, a row per spike
in the order in which they happened (step n ends at (n + 1) dt), `spikes/recorded`, and `signals/<variable>` [batch,
time, neurons] with `unit` and `every` (steps), samples at multiples of `every`. `projections/<name>/signals/weight` is a
signal with a column per synapse. `committed` says up to which step the file is complete, and how many rows count of the
dataset with attribute `track` 0, 1, ...: rows beyond are from a slice that was being written when the process died.

Between slices the file is closed. While it is written, HDF5's single-writer mode keeps what is on the disk consistent,
and room on the disk is reserved beforehand, so that a full disk is noticed before anything is changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ParameterError, RecordingError
from ._superblock import Unflagged, unflag

if TYPE_CHECKING:
    from .result import Result
    from .signals import Signal
    from .spike_trains import SpikeTrains

FORMAT, VERSION = "spikeloom recording", 1
# Bytes of a chunk, and of what HDF5 adds to each dataset at most when it grows.
_CHUNK, _OVERHEAD = 1 << 18, 1 << 14


@dataclass(frozen=True)
class Track:
    """A dataset that grows: its place in the file, shape with 0 along the axis that grows, attributes of its groups."""

    place: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    attributes: Mapping[str, Mapping[str, Any]]
    # Datasets beside it that do not grow.
    beside: Mapping[str, NDArray[Any]]

    @property
    def axis(self) -> int:
        """Which one grows."""
        return self.shape.index(0)

    @property
    def chunks(self) -> tuple[int, ...]:
        """About the size of a chunk, whole rows where they fit."""
        entry, room = self.dtype.itemsize, list(self.shape)
        inner = self.shape[self.axis + 1 :]
        for k, size in enumerate(inner, start=self.axis + 1):
            room[k] = max(1, min(size, _CHUNK // entry))
            entry *= room[k]
        room[: self.axis] = [1] * self.axis
        room[self.axis] = max(1, _CHUNK // entry)
        return tuple(room)


def escaped(name: str) -> str:
    """As the name of a group."""
    quoted = name.replace("%", "%25").replace("/", "%2F")
    return quoted.replace(".", "%2E") if quoted.strip(".") == "" else quoted


def spike_tracks(name: str, number: int, size: int, recorded: NDArray[np.int64]) -> tuple[Track, ...]:
    """Steps, neurons and runs of the spikes of a population."""
    group = f"populations/{escaped(name)}"
    attributes = {group: {"name": name, "number": number, "size": size}}
    beside = {f"{group}/spikes/recorded": recorded}
    kinds = {"step": np.dtype(np.int32), "neuron": np.dtype(np.int32), "run": np.dtype(np.int16)}
    return tuple(Track(f"{group}/spikes/{each}", (0,), kind, attributes, beside) for each, kind in kinds.items())


def signal_track(
    name: str, owner: Mapping[str, Any] | None, batch: int, columns: NDArray[np.int64], about: Mapping[str, Any]
) -> Track:
    """A signal of a population, whose attributes are `owner`, or of a projection; `about` has name, unit, every, dtype."""
    group = f"{'projections' if owner is None else 'populations'}/{escaped(name)}"
    place = f"{group}/signals/{escaped(about['name'])}"
    own = {each: about[each] for each in ("name", "unit", "every")}
    attributes = {group: {"name": name, **(owner or {})}, place: own}
    beside = {f"{group}/columns/{escaped(about['name'])}": columns}
    return Track(place, (batch, 0, len(columns)), np.dtype(about["dtype"]), attributes, beside)


class RecordingFile:
    """One file. Data is handed over with `put` and reaches the disk with `write`; what could not be written is kept."""

    def __init__(self, path: Path, dt: float, batch: int, start: int) -> None:
        self.path, self.dt, self.batch, self.start = path, dt, batch, start
        self.tracks: list[Track] = []
        # By track: rows in the file, and what is still to be written.
        self.counts: list[int] = []
        self.waiting: list[list[NDArray[Any]]] = []
        self.created = 0
        self.until = start
        if not path.parent.is_dir():
            raise ParameterError("to", expected="a file in a folder that exists", got=str(path))

    def add(self, *tracks: Track) -> list[int]:
        """Make room for further datasets; returns their numbers."""
        numbers = list(range(len(self.tracks), len(self.tracks) + len(tracks)))
        self.tracks += tracks
        self.counts += [0] * len(tracks)
        self.waiting += [[] for _ in tracks]
        return numbers

    def put(self, track: int, rows: NDArray[Any]) -> None:
        """Rows to write next."""
        if rows.shape[self.tracks[track].axis]:
            self.waiting[track].append(rows)

    def prepare(self, now: int) -> None:
        """Create the file and the datasets that it has not got yet. Raises: ParameterError, RecordingError."""
        if self.created == len(self.tracks):
            return
        if self.created == 0 and self.path.exists():
            self._continue(now)
        self._guarded(self._create, sum(map(_room, self.tracks)))
        self.created = len(self.tracks)

    def _create(self) -> None:
        with h5py.File(self.path, "a", libver="latest", locking="best-effort") as file:
            if "committed" not in file:
                file.attrs.update(format=FORMAT, version=VERSION, dt=self.dt, batch=self.batch, start=self.start)
                file.create_dataset("committed", (1,), maxshape=(None,), chunks=(128,), dtype=np.int64)
                file["committed"][0] = self.until
            file["committed"].resize(1 + len(self.tracks), 0)
            for number, track in enumerate(self.tracks):
                if track.place in file:
                    # From a run that was interrupted, or that this one resumes.
                    file[track.place].resize(self.counts[number], track.axis)
                    file[track.place].attrs["track"] = number
                else:
                    _create_track(file, number, track)
                file["committed"][1 + number] = self.counts[number]

    def _continue(self, now: int) -> None:
        """Take up a file that a former run of the same network has written; what is later than now is dropped."""
        do = "name another file, or delete it"
        if now == 0:
            raise ParameterError("to", expected="a file that does not exist yet", got=str(self.path), do=do)
        with opened(self.path) as file:
            begun, until = int(file.attrs["start"]), int(file["committed"][0])
            same = (float(file.attrs["dt"]), int(file.attrs["batch"])) == (self.dt, self.batch)
            if not same or not begun <= now <= until or any(track.place not in file for track in self.tracks):
                expected = f"a file that does not exist yet, or recordings of this network up to {now * self.dt:g} ms"
                raise ParameterError("to", expected=expected, got=f"{self.path}, which has others", do=do)
            self.counts = [rows_until(file, track.place, now) for track in self.tracks]
            self.start, self.until = begun, now
        unflag(self.path)

    def write(self, until: int) -> None:
        """Append what waits: the file is complete up to step `until`. Raises: RecordingError, and keeps what waits."""
        needed = sum(_bytes(rows) + _room(track) for track, rows in zip(self.tracks, self.waiting, strict=True) if rows)
        self._guarded(lambda: self._append(until), needed)
        for number, (track, waiting) in enumerate(zip(self.tracks, self.waiting, strict=True)):
            self.counts[number] += sum(rows.shape[track.axis] for rows in waiting)
            waiting.clear()
        self.until = until

    def _append(self, until: int) -> None:
        with h5py.File(self.path, "r+", libver="latest", locking="best-effort") as file:
            file.swmr_mode = True
            committed = file["committed"][:]
            for number, (track, waiting) in enumerate(zip(self.tracks, self.waiting, strict=True)):
                at = self.counts[number]
                for rows in waiting:
                    stop = at + rows.shape[track.axis]
                    data = file[track.place]
                    data.resize(max(stop, data.shape[track.axis]), track.axis)
                    data[(slice(None),) * track.axis + (slice(at, stop),)] = rows
                    at = stop
                committed[1 + number] = at
            committed[0] = until
            file.flush()
            file["committed"][:] = committed

    def _guarded(self, change: Callable[[], None], needed: int) -> None:
        """Change the file with so many bytes reserved, or say why not."""
        try:
            _reserve(self.path, needed)
            change()
        except OSError as error:
            kept = f"it has everything up to {self.until * self.dt:g} ms"
            do = f"{kept}, what came later is kept in memory and written by the next run: make room, then run on"
            raise RecordingError(f"recording to {self.path}", expected="to write it", got=error, do=do) from error


def _room(track: Track) -> int:
    """What a dataset may grow by, beyond its data: a chunk that is not full, and HDF5's own."""
    return int(np.prod(track.chunks)) * track.dtype.itemsize + _OVERHEAD + sum(a.nbytes for a in track.beside.values())


def _bytes(rows: list[NDArray[Any]]) -> int:
    return sum(each.nbytes for each in rows)


def _reserve(path: Path, needed: int) -> None:
    """Make the file longer, which HDF5 undoes when it closes the file. Raises: OSError where there is no room."""
    new = not path.exists()
    with open(path, "w+b" if new else "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), size, needed)
            else:
                for _ in range(-(-needed // _CHUNK)):
                    file.write(bytes(_CHUNK))
                file.flush()
        except OSError:
            file.truncate(size)
            raise
        finally:
            if new:
                path.unlink()


def _create_track(file: Any, number: int, track: Track) -> None:
    maxshape = tuple(None if k == track.axis else size for k, size in enumerate(track.shape))
    data = file.create_dataset(track.place, track.shape, track.dtype, maxshape=maxshape, chunks=track.chunks)
    data.attrs["track"] = number
    for place, attributes in track.attributes.items():
        file.require_group(place).attrs.update(attributes) if place != track.place else data.attrs.update(attributes)
    for place, array in track.beside.items():
        if place not in file:
            file[place] = array


def opened(path: Path) -> Any:
    """The file for reading, also while it is written, and after the process that wrote it has died. Raises: DataError."""
    if not path.is_file():
        raise DataError(f"recording {path}", expected="a file", got="none")
    try:
        file = _open(path)
        if file.attrs.get("format") != FORMAT or "committed" not in file:
            raise DataError(f"recording {path}", expected=f"a {FORMAT}", got="another HDF5 file")
        if file.attrs["version"] > VERSION:
            do = "use the version of Spikeloom that wrote it, or a later one"
            raise DataError(f"version of {path}", expected=f"at most {VERSION}", got=file.attrs["version"], do=do)
    except OSError as error:
        raise DataError(f"recording {path}", expected="an HDF5 file", got=error) from error
    return file


def _open(path: Path) -> Any:
    try:
        return h5py.File(path, "r", locking="best-effort")
    except OSError:
        pass
    try:
        return h5py.File(path, "r", libver="latest", swmr=True, locking="best-effort")
    except OSError:
        return h5py.File(Unflagged(path), "r")


def rows_until(file: Any, place: str, step: int) -> int:
    """How many rows of a dataset count, of steps before this one."""
    data = file[place]
    count = int(file["committed"][1 + int(data.attrs["track"])])
    if "every" in data.attrs:
        every, last = int(data.attrs["every"]), int(file["committed"][0])
        return max(0, count - max(0, last // every - step // every))
    steps = file[f"{place.rpartition('/')[0]}/step"]
    return int(np.searchsorted(steps[:count], step))


def save(result: Result, path: Path) -> Path:
    """A result in a new file."""
    start, stop = round(result.start / result.dt), round(result.stop / result.dt)
    file = RecordingFile(path, result.dt, result.batch, start)
    for name, recording in result.recordings.items():
        owner = {"number": recording.number, "size": recording.size}
        if recording.trains is not None:
            put_spikes(
                file,
                file.add(*spike_tracks(name, recorded=recording.trains.recorded, **owner)),
                recording.trains,
                result.dt,
            )
        for signal in recording.signals.values():
            _put_signal(file, name, owner, signal)
    for name, signal in result.weights.items():
        _put_signal(file, name, None, signal)
    file.prepare(0)
    file.write(stop)
    return path


def put_spikes(file: RecordingFile, tracks: list[int], trains: SpikeTrains, dt: float) -> None:
    steps = np.rint(trains.times / dt).astype(np.int32) - 1
    for track, rows in zip(tracks, (steps, trains.neurons, trains.runs.astype(np.int16)), strict=True):
        file.put(track, rows)


def _put_signal(file: RecordingFile, name: str, owner: Mapping[str, Any] | None, signal: Signal) -> None:
    values = signal.values if signal.values.ndim == 3 else signal.values[None]
    about = {"name": signal.name, "unit": signal.unit, "every": round(signal.every / file.dt), "dtype": values.dtype}
    (track,) = file.add(signal_track(name, owner, len(values), signal.neurons, about))
    file.put(track, values)
