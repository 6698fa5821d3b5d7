"""Recordings read from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..errors import ParameterError
from ._recording_file import opened, rows_until
from .signals import Signal
from .spike_trains import SpikeTrains, no_runs

if TYPE_CHECKING:
    from .result import Result

R = TypeVar("R", bound="Result")


class Window:
    """What of a file is read: samples and spikes of the steps first ... last - 1."""

    def __init__(self, path: Path, file: Any, start: float | None, stop: float | None) -> None:
        self.file, self.dt, self.batch = file, float(file.attrs["dt"]), int(file.attrs["batch"])
        self.begun, self.until = int(file.attrs["start"]), int(file["committed"][0])
        self.first = self.begun if start is None else round(start / self.dt)
        self.last = self.until if stop is None else round(stop / self.dt)
        if not self.begun <= self.first <= self.last <= self.until:
            expected = f"within {self.begun * self.dt:g} to {self.until * self.dt:g} ms"
            raise ParameterError(f"times of {path}", expected=expected, got=f"{start} to {stop}")

    def rows(self, place: str) -> slice:
        """Of a dataset."""
        return slice(rows_until(self.file, place, self.first), rows_until(self.file, place, self.last))

    def spikes(self, group: Any) -> SpikeTrains:
        """Of a population."""
        spikes = group["spikes"]
        rows = self.rows(spikes["time"].name)
        times = spikes["time"][rows]
        runs = spikes["run"][rows].astype(np.int32) if self.batch > 1 else no_runs(len(times))
        bounds = self.first * self.dt, self.last * self.dt
        neurons, recorded = spikes["neuron"][rows], spikes["recorded"][:]
        return SpikeTrains(times, neurons, runs, recorded, *bounds, self.batch, str(group.attrs["name"]))

    def signals(self, group: Any) -> dict[str, Signal]:
        """Of a population or a projection."""
        found = {}
        for key, data in group.get("signals", {}).items():
            about, rows = data.attrs, self.rows(data.name)
            values, every = data[:, rows], int(data.attrs["every"])
            # The last row of the file is the sample at the last multiple of `every`.
            count = int(self.file["committed"][1 + int(about["track"])])
            numbers = np.arange(rows.start, rows.stop) + (self.until // every - count + 1)
            times, columns = numbers * every * self.dt, group["columns"][key][:]
            values = values[0] if len(values) == 1 else values
            name, unit = str(about["name"]), str(about["unit"])
            found[name] = Signal(name, values, times, columns, unit, every * self.dt)
        return found


def load(kind: type[R], path: Path, start: float | None, stop: float | None) -> R:
    """What a file has recorded between two times."""
    from .result import Recording

    with opened(path) as file:
        window = Window(path, file, start, stop)
        recordings = dict[str, Recording]()
        groups = sorted(file.get("populations", {}).values(), key=lambda group: int(group.attrs["number"]))
        for group in groups:
            name, number, size = str(group.attrs["name"]), int(group.attrs["number"]), int(group.attrs["size"])
            trains = window.spikes(group) if "spikes" in group else None
            recordings[name] = Recording(name, number, size, trains, window.signals(group))
        projections = file.get("projections", {}).values()
        weights = {str(group.attrs["name"]): window.signals(group)["weight"] for group in projections}
        bounds = window.first * window.dt, window.last * window.dt
        return kind(*bounds, window.dt, window.batch, recordings, weights)
