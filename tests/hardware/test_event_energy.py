"""Energies that are linear in events: costs are found again, and what tells them not apart is refused."""

from __future__ import annotations

import pytest

from spikeloom.errors import ParameterError, ShapeError, UnknownNameError
from spikeloom.hardware import EventEnergy

COSTS = {"seconds": 2.5, "spikes": 1e-8, "synaptic events": 7e-9}
RUNS = [
    {"seconds": 10.0},
    {"seconds": 10.0, "spikes": 3e7},
    {"seconds": 20.0, "spikes": 1e5, "synaptic events": 4e9},
    {"seconds": 5.0, "spikes": 1e8, "synaptic events": 1e6},
]


def test_costs_are_found_again() -> None:
    chip = EventEnergy(COSTS)
    found = EventEnergy.fit(RUNS, [chip(run) for run in RUNS])
    assert dict(found.costs) == pytest.approx(COSTS, rel=1e-6)


def test_the_sum_by_hand() -> None:
    chip = EventEnergy(COSTS)
    assert chip({}) == 0.0
    assert chip({"spikes": 1e8, "seconds": 2.0}) == pytest.approx(6.0)


def test_relative_errors_count_and_costs_are_not_negative() -> None:
    # One kind: sum (c n / E - 1)^2 is least at sum (n / E) / sum (n / E)^2.
    found = EventEnergy.fit([{"seconds": 1.0}, {"seconds": 100.0}], [1.0, 200.0])
    assert found.costs["seconds"] == pytest.approx((1.0 + 0.5) / (1.0 + 0.25))
    # Spikes that seem to save energy cost nothing.
    less = EventEnergy.fit([{"seconds": 1.0}, {"seconds": 1.0, "spikes": 5.0}], [1.0, 0.9])
    assert less.costs["spikes"] == 0.0


def test_refusals() -> None:
    with pytest.raises(ParameterError, match="tell seconds, spikes apart"):
        EventEnergy.fit([{"seconds": 1.0, "spikes": 2.0}, {"seconds": 2.0, "spikes": 4.0}], [1.0, 2.0])
    with pytest.raises(ParameterError, match="tell seconds apart"):
        EventEnergy.fit([{"seconds": 0.0}], [1.0])
    with pytest.raises(ShapeError, match="energies"):
        EventEnergy.fit(RUNS, [1.0])
    with pytest.raises(ParameterError, match="energies"):
        EventEnergy.fit([{"seconds": 1.0}], [0.0])
    with pytest.raises(ParameterError, match="'spikes'"):
        EventEnergy({"spikes": -1.0})
    with pytest.raises(UnknownNameError, match="spike"):
        EventEnergy(COSTS)({"spike": 1.0})
