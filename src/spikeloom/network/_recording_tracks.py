"""The datasets of a recording file: where they stand, and how they grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    def room(self) -> int:
        """Bytes that it may grow by beyond its data: a chunk that is not full, and HDF5's own."""
        chunk = int(np.prod(self.chunks)) * self.dtype.itemsize
        return chunk + _OVERHEAD + sum(array.nbytes for array in self.beside.values())

    def create(self, file: Any, number: int) -> None:
        """The dataset, empty, with its attributes and those of its groups."""
        maxshape = tuple(None if k == self.axis else size for k, size in enumerate(self.shape))
        data = file.create_dataset(self.place, self.shape, self.dtype, maxshape=maxshape, chunks=self.chunks)
        data.attrs["track"] = number
        for place, attributes in self.attributes.items():
            (data if place == self.place else file.require_group(place)).attrs.update(attributes)
        for place, array in self.beside.items():
            if place not in file:
                file[place] = array

    def fits(self, file: Any) -> bool:
        """Whether a file has it already, of the same neurons."""
        here = self.place in file and all(place in file for place in self.beside)
        return here and all(np.array_equal(file[place][:], array) for place, array in self.beside.items())

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
    """Times, neurons and runs of the spikes of a population."""
    group = f"populations/{escaped(name)}"
    attributes = {group: {"name": name, "number": number, "size": size}}
    beside = {f"{group}/spikes/recorded": recorded}
    kinds: dict[str, np.dtype[Any]] = {
        "time": np.dtype(np.float64),
        "neuron": np.dtype(np.int32),
        "run": np.dtype(np.int16),
    }
    return tuple(Track(f"{group}/spikes/{each}", (0,), kind, attributes, beside) for each, kind in kinds.items())


def signal_track(
    name: str, owner: Mapping[str, Any] | None, batch: int, columns: NDArray[np.int64], about: Mapping[str, Any]
) -> Track:
    """A signal of a population with attributes `owner`, or of a projection; `about` has name, unit, every, dtype."""
    group = f"{'projections' if owner is None else 'populations'}/{escaped(name)}"
    place = f"{group}/signals/{escaped(about['name'])}"
    own = {each: about[each] for each in ("name", "unit", "every")}
    attributes: dict[str, Mapping[str, Any]] = {group: {"name": name, **(owner or {})}, place: own}
    beside = {f"{group}/columns/{escaped(about['name'])}": columns}
    return Track(place, (batch, 0, len(columns)), np.dtype(about["dtype"]), attributes, beside)
