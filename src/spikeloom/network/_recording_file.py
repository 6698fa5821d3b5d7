"""Recordings in an HDF5 file that grows slice by slice, and is whole after each of them.

Layout, version 1. Attributes of the file: `format`, `version`, `dt` (ms), `batch`, `start` (step). For each population
`populations/<name>` with its `number` and `size`; in it `spikes/time` (ms), `spikes/neuron` and `spikes/run`, a row per
spike in the order in which they happened, `spikes/recorded`, and `signals/<variable>` [batch, time, neurons] with
`unit` and `every` (steps), samples at multiples of `every`, of the neurons in `columns/<variable>`.
`projections/<name>/signals/weight` is a signal with a column per synapse. `committed` says up to which step the file is
complete, and how many rows count of the dataset with attribute `track` 0, 1, ...: rows beyond are from a slice that was
being written when the process died.

Between slices the file is closed. While it is written, HDF5's single-writer mode keeps what is on the disk consistent,
and room on the disk is reserved beforehand, so that a full disk is noticed before anything is changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ParameterError, RecordingError
from ._recording_tracks import Track
from ._superblock import Unflagged, unflag

FORMAT, VERSION = "spikeloom recording", 1
# Bytes that HDF5 needs in any case, and that are written at once where room cannot be reserved.
_PIECE = 1 << 16


class RecordingFile:
    """One file. Data is handed over with `put` and reaches the disk with `write`; what could not be written is kept."""

    def __init__(self, path: Path, dt: float, batch: int, start: int) -> None:
        self.path, self.dt, self.batch, self.start = path, dt, batch, start
        self.tracks: list[Track] = []
        # By track: rows in the file, and what is still to be written.
        self.counts: list[int] = []
        self.waiting: list[list[NDArray[Any]]] = []
        # Whether there is a file, and how many of the datasets are in it.
        self.made, self.created = False, 0
        # Complete in the file, and handed over, up to these steps.
        self.until = self.taken = start
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
        back = self.made and now < self.taken
        if self.made and now > self.taken:
            expected, got = f"recordings up to {now * self.dt:g} ms", f"up to {self.taken * self.dt:g} ms"
            raise ParameterError(f"recording {self.path}", expected=expected, got=got, do="name another file")
        if self.made and self.created == len(self.tracks) and not back:
            return
        new = not self.path.exists()
        if self.made or not new:
            if self.taken > self.until:
                self.write(self.taken)
            self._continue(now)
        else:
            self.start = self.until = self.taken = now
        self._guarded(lambda: self._create(new), sum(track.room for track in self.tracks))
        self.made, self.created = True, len(self.tracks)

    def _create(self, new: bool) -> None:
        try:
            with h5py.File(self.path, "w-" if new else "r+", libver="latest", locking="best-effort") as file:
                if new:
                    file.attrs.update(format=FORMAT, version=VERSION, dt=self.dt, batch=self.batch, start=self.start)
                    file.create_dataset("committed", (1,), maxshape=(None,), chunks=(128,), dtype=np.int64)
                file["committed"].resize(1 + len(self.tracks), 0)
                for number, track in enumerate(self.tracks):
                    if track.place in file:
                        # Without rows of a slice that was not completed, or that is simulated again.
                        file[track.place].resize(self.counts[number], track.axis)
                        file[track.place].attrs["track"] = number
                    else:
                        track.create(file, number)
                file["committed"][:] = [self.until, *self.counts]
        except OSError:
            if new:
                self.path.unlink(missing_ok=True)
            raise

    def _continue(self, now: int) -> None:
        """Take up a file of the same network, of a former run or before a restore; what is later than now goes."""
        do = "name another file, or delete it"
        if now == 0 and not self.made:
            raise ParameterError("to", expected="a file that does not exist yet", got=str(self.path), do=do)
        with opened(self.path) as file:
            begun, until = int(file.attrs["start"]), int(file["committed"][0])
            same = (float(file.attrs["dt"]), int(file.attrs["batch"])) == (self.dt, self.batch)
            known = self.tracks[: self.created] or self.tracks
            if not same or not begun <= now <= until or not all(track.fits(file) for track in known):
                expected = f"a file that does not exist yet, or recordings of this network up to {now * self.dt:g} ms"
                raise ParameterError("to", expected=expected, got=f"{self.path}, which has others", do=do)
            counts = [rows_until(file, track.place, now) for track in known]
        self.counts[: len(known)] = counts
        self.start, self.until, self.taken = begun, now, now
        unflag(self.path)

    def write(self, until: int) -> None:
        """Append what waits: the file is complete up to step `until`. Raises: RecordingError, and keeps what waits."""
        self.taken = until
        needed = sum(_bytes(rows) + track.room for track, rows in zip(self.tracks, self.waiting, strict=True) if rows)
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
            _reserve(self.path, needed + _PIECE)
            change()
        except OSError as error:
            kept = f"it has everything up to {self.until * self.dt:g} ms"
            do = f"{kept}, what came later is kept in memory and written by the next run: make room, then run on"
            raise RecordingError(f"recording to {self.path}", expected="to write it", got=error, do=do) from error


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
                for _ in range(-(-needed // _PIECE)):
                    file.write(bytes(_PIECE))
                file.flush()
        except OSError:
            file.truncate(size)
            raise
        finally:
            if new:
                path.unlink()


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The file for reading, also while it is written or after its writer has died. Raises: DataError."""
    if not path.is_file():
        raise DataError(f"recording {path}", expected="a file", got="none")
    with ExitStack() as stack:
        file = _open(path, stack)
        if file.attrs.get("format") != FORMAT or "committed" not in file:
            raise DataError(f"recording {path}", expected=f"a {FORMAT}", got="another HDF5 file")
        if file.attrs["version"] > VERSION:
            do = "use the version of Spikeloom that wrote it, or a later one"
            raise DataError(f"version of {path}", expected=f"at most {VERSION}", got=file.attrs["version"], do=do)
        yield file


def _open(path: Path, stack: ExitStack) -> Any:
    for options in ({"locking": "best-effort"}, {"libver": "latest", "swmr": True, "locking": "best-effort"}):
        with suppress(OSError):
            return stack.enter_context(h5py.File(path, "r", **options))
    try:
        return stack.enter_context(h5py.File(stack.enter_context(Unflagged(path)), "r"))
    except OSError as error:
        raise DataError(f"recording {path}", expected="an HDF5 file", got=error) from error


def rows_until(file: Any, place: str, step: int) -> int:
    """How many rows of a dataset count, of steps before this one."""
    data = file[place]
    count = int(file["committed"][1 + int(data.attrs["track"])])
    if "every" in data.attrs:
        every, last = int(data.attrs["every"]), int(file["committed"][0])
        return max(0, count - max(0, last // every - step // every))
    times, dt = file[f"{place.rpartition('/')[0]}/time"], float(file.attrs["dt"])
    return int(np.searchsorted(times[:count], (step + 1e-3) * dt, "right"))
