"""Spike trains: the spikes of some neurons between two times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from .. import _pictures
from ..errors import ParameterError, ShapeError


@dataclass(frozen=True, eq=False)
class SpikeTrains:
    """Spikes in the order in which they happened: when (ms), of which neuron, in which of the independent runs.

    `recorded` are the neurons that were watched, those without spikes too. A spike of the step from t - dt to t has the
    time t, so that all times lie in (start, stop]. Trains are made from arrays with `of`.
    """

    times: NDArray[np.float64]
    neurons: NDArray[np.int32]
    runs: NDArray[np.int32]
    recorded: NDArray[np.int64]
    start: float
    stop: float
    batch: int = 1
    name: str = ""

    @classmethod
    def of(cls, trains: Sequence[ArrayLike], *, stop: float, start: float = 0.0, name: str = "") -> Self:
        """From the spike times (ms) of each neuron, in any order.

        Raises: ParameterError where a time is not between start and stop.

        >>> SpikeTrains.of([[1.0, 5.0], [], [2.0]], stop=10.0).neurons
        array([0, 2, 0], dtype=int32)
        """
        arrays = [np.asarray(train, dtype=np.float64).ravel() for train in trains]
        times = np.concatenate([np.zeros(0), *arrays])
        neurons = np.repeat(np.arange(len(arrays), dtype=np.int32), [len(train) for train in arrays])
        if not start < stop < np.inf:
            raise ParameterError("stop of spike trains", expected=f"a time > {start:g} (ms)", got=stop)
        if len(times) and not (start <= times.min() and times.max() <= stop):
            wrong = times[~((times >= start) & (times <= stop))][0]
            raise ParameterError("time of a spike", expected=f"{start:g} to {stop:g} (ms)", got=wrong)
        order = np.argsort(times, kind="stable")
        return cls(times[order], neurons[order], no_runs(len(times)), np.arange(len(arrays)), start, stop, 1, name)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def senders(self) -> NDArray[np.int32]:
        """Which neuron each spike is of; another name for `neurons`."""
        return self.neurons

    @property
    def duration(self) -> float:
        """From start to stop, in ms."""
        return self.stop - self.start

    @property
    def rate(self) -> float:
        """Mean rate, in spikes/s per neuron."""
        watched = len(self.recorded) * self.batch * self.duration
        return len(self) / watched * 1e3 if watched else 0.0

    def __getitem__(self, index: Any) -> SpikeTrains:
        """The spikes of some of the recorded neurons; indexes as NumPy does."""
        try:
            chosen = np.atleast_1d(self.recorded[index]).ravel()
        except IndexError as error:
            expected = f"neurons 0 to {len(self.recorded) - 1}"
            raise ShapeError(f"index into spikes of {self.name or 'neurons'}", expected=expected, got=index) from error
        return self._where(np.isin(self.neurons, chosen), recorded=np.unique(chosen))

    def in_run(self, run: int) -> SpikeTrains:
        """The spikes of one of the independent runs."""
        if not 0 <= run < self.batch:
            raise ParameterError("run", expected=f"0 to {self.batch - 1}", got=run)
        found = self._where(self.runs == run, batch=1)
        return replace(found, runs=no_runs(len(found)))

    def between(self, start: float, stop: float) -> SpikeTrains:
        """The spikes at start < t <= stop (ms)."""
        if not self.start <= start < stop <= self.stop:
            raise ParameterError("times", expected=f"within {self.start:g} to {self.stop:g} ms", got=(start, stop))
        first, last = np.searchsorted(self.times, [start + 1e-9, stop + 1e-9])
        kept = slice(int(first) if start > self.start else 0, int(last))
        chosen = replace(self, times=self.times[kept], neurons=self.neurons[kept], runs=self.runs[kept])
        return replace(chosen, start=start, stop=stop)

    def _where(self, mask: NDArray[np.bool_], **changed: Any) -> SpikeTrains:
        columns: dict[str, Any] = {"times": self.times[mask], "neurons": self.neurons[mask], "runs": self.runs[mask]}
        return replace(self, **(columns | changed))

    def trains(self, run: int = 0) -> list[NDArray[np.float64]]:
        """The spike times of each recorded neuron in one run. Raises: ParameterError."""
        if not 0 <= run < self.batch:
            raise ParameterError("run", expected=f"0 to {self.batch - 1}", got=run)
        places, times = self.grouped
        first = run * len(self.recorded)
        return [times[places[k] : places[k + 1]] for k in range(first, first + len(self.recorded))]

    @property
    def index(self) -> NDArray[np.int32]:
        """Of each spike, which of the recorded neurons it is of."""
        count = len(self.recorded)
        if count and self.recorded[0] == 0 and self.recorded[-1] == count - 1:
            return self.neurons
        place = np.zeros(int(self.recorded.max(initial=0)) + 1, dtype=np.int32)
        place[self.recorded] = np.arange(count, dtype=np.int32)
        return place[self.neurons]

    @cached_property
    def grouped(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """All times, train after train (runs, and the neurons of each), and where each train begins."""
        count = len(self.recorded) * self.batch
        rows = self.index if self.batch == 1 else self.runs * np.int32(len(self.recorded)) + self.index
        # A sort by counting, in time proportional to the number of spikes.
        order = np.arange(len(self), dtype=np.int32 if len(self) < 1 << 31 else np.int64)
        table = sparse.coo_array((self.times, (rows, order)), shape=(max(count, 1), max(len(self), 1))).tocsr()
        return table.indptr.astype(np.int64)[: count + 1], table.data

    def __add__(self, other: SpikeTrains) -> SpikeTrains:
        """These and the same neurons' that follow."""
        if not np.array_equal(self.recorded, other.recorded) or self.batch != other.batch:
            raise ShapeError(f"spikes of {self.name}", expected="the same neurons and runs", got="others")
        pairs = [(getattr(self, name), getattr(other, name)) for name in ("times", "neurons", "runs")]
        times, neurons, runs = (np.concatenate(pair) for pair in pairs)
        runs = runs if self.batch > 1 else no_runs(len(times))
        return replace(self, times=times, neurons=neurons, runs=runs, stop=other.stop)

    def plot(self, **options: Any) -> Any:
        """A figure of the spikes and the rate; options as `sl.plot.raster`."""
        return _pictures.draw(self, **options)

    def __repr__(self) -> str:
        what = f"{len(self)} spikes of {len(self.recorded)} neurons"
        return f"SpikeTrains({self.name}: {what}, {self.start:g} to {self.stop:g} ms)"


def no_runs(count: int) -> NDArray[np.int32]:
    """The run of each spike where there is one only, without memory for it."""
    return np.broadcast_to(np.int32(0), (count,))
