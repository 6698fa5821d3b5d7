"""Signals: values of neurons at regular times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _pictures
from ..errors import ParameterError
from ._optional import optional


@dataclass(frozen=True, eq=False)
class Signal:
    """A variable of some neurons over time: `values` [time, neurons], or [batch, time, neurons] with independent runs.

    The value at `times[k]` (ms) is that at the end of the step which ends then. A population's rate has one column,
    weights have one for each synapse.
    """

    name: str
    values: NDArray[Any]
    times: NDArray[np.float64]
    neurons: NDArray[np.int64]
    unit: str
    # Milliseconds between two samples.
    every: float

    def run(self, run: int = 0) -> NDArray[Any]:
        """The values of one of the independent runs, [time, neurons]."""
        return self.values if self.values.ndim == 2 else self.values[run]

    @property
    def batch(self) -> int:
        """Number of independent runs."""
        return 1 if self.values.ndim == 2 else len(self.values)

    def to_pandas(self, run: int = 0) -> Any:
        """A `pandas.DataFrame` with a row for each time and a column for each neuron. Raises: MissingPackageError."""
        pandas = optional("pandas")
        index = pandas.Index(self.times, name="time")
        columns = pandas.Index(self.neurons, name="neuron")
        return pandas.DataFrame(self.run(run), index=index, columns=columns)

    def __add__(self, other: Signal) -> Signal:
        """Joined with what follows of it."""
        mine, its = (self.name, self.unit, self.every, self.batch), (other.name, other.unit, other.every, other.batch)
        if mine != its or not np.array_equal(self.neurons, other.neurons):
            raise ParameterError(f"what follows {self.name}", expected=f"the same signal {mine}", got=its)
        values = np.concatenate([self.values, other.values], axis=-2)
        return replace(self, values=values, times=np.concatenate([self.times, other.times]))

    def plot(self, **options: Any) -> Any:
        """A figure of the traces; options as `sl.plot.traces`."""
        return _pictures.draw(self, **options)

    def __repr__(self) -> str:
        return f"Signal({self.name} in {self.unit}, {list(self.values.shape)}, every {self.every:g} ms)"
