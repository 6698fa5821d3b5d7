"""The energy of a run, as a sum over events of a fixed cost each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ParameterError, ShapeError, UnknownNameError


@dataclass(frozen=True)
class EventEnergy:
    """A machine's energy is linear in what it does: called with counts by kind, it tells the energy of a run.

    Equation: E = sum_k cost_k n_k, over kinds such as seconds of the board, seconds of a neuron, spikes and synaptic
    events. Units: costs in joules, or in any unit of energy that is wanted back. Costs are yours, or fitted by `fit`;
    nothing is known here about any machine.
    Raises: ParameterError, UnknownNameError.

    >>> chip = EventEnergy({"seconds": 0.1, "synaptic events": 2e-9})
    >>> chip({"seconds": 2.0, "synaptic events": 1e7})
    0.22

    Source: Ostrau, Homburg, Klarhorst, Thies and Rueckert 2020, "Benchmarking deep spiking neural networks on
    neuromorphic hardware", ICANN. They derive one cost after another; the least squares are not from the paper.
    """

    costs: Mapping[str, float]

    def __post_init__(self) -> None:
        for kind, cost in self.costs.items():
            if not 0.0 <= cost < math.inf:
                raise ParameterError(f"cost of {kind!r}", expected="a finite number >= 0", got=cost)

    def __call__(self, counts: Mapping[str, float]) -> float:
        """The energy of a run with so many events; kinds that are not named did not happen."""
        for kind in counts:
            if kind not in self.costs:
                raise UnknownNameError("kind of event", kind, self.costs)
        return math.fsum(self.costs[kind] * number for kind, number in counts.items())

    @classmethod
    def fit(cls, runs: Sequence[Mapping[str, float]], energies: Sequence[float]) -> EventEnergy:
        """Costs, none below 0, for which measured runs differ least: the sum of squares of relative errors.

        Raises: ShapeError; ParameterError for energies that are none, and for runs that do not tell all kinds apart.
        """
        # Takes long to import.
        from scipy.optimize import nnls

        if len(runs) != len(energies):
            raise ShapeError("energies of EventEnergy.fit", expected=[len(runs)], got=[len(energies)])
        if not all(0.0 < energy < math.inf for energy in energies):
            raise ParameterError("energies of EventEnergy.fit", expected="finite numbers > 0", got=list(energies))
        kinds = list(dict.fromkeys(kind for run in runs for kind in run))
        counts = np.array([[run.get(kind, 0.0) for kind in kinds] for run in runs]).reshape(len(runs), len(kinds))
        counts /= np.asarray(energies, dtype=float)[:, None]
        # Kinds differ by ten orders of magnitude.
        size = np.abs(counts).max(0, initial=0.0)
        if np.linalg.matrix_rank(counts / np.where(size > 0, size, 1.0)) < len(kinds):
            expected = f"runs that tell {', '.join(kinds)} apart"
            do = "measure runs that differ in one kind of event at a time"
            raise ParameterError("runs of EventEnergy.fit", expected=expected, got=f"{len(runs)} that do not", do=do)
        costs, _ = nnls(counts / size, np.ones(len(runs)))
        return cls(dict(zip(kinds, (costs / size).tolist(), strict=True)))
