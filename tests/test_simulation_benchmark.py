"""The simulation benchmark's own arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import simulation
from benchmarks.agreement import DisagreementError
from benchmarks.contenders import OURS
from benchmarks.simulation import NEST, Case, cases, full_cases, measure, microcircuit_shape


def answer(run: float, rate: float) -> dict[str, Any]:
    return {"run": run, "rate": rate, "build": 1.0, "peak": 1 << 30}


def alternating(monkeypatch: pytest.MonkeyPatch, ours: list[float], theirs: list[float], rate: float) -> None:
    """In place of processes: seconds for each round, and the peer's rate; ours is 10."""
    seconds = {OURS: iter(ours), NEST: iter(theirs)}
    monkeypatch.setattr(simulation, "simulators", lambda: "python")
    monkeypatch.setattr(
        simulation, "simulated", lambda name, case: answer(next(seconds[name]), 10.0 if name == OURS else rate)
    )


def test_ratio_is_that_within_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    alternating(monkeypatch, [1.0, 2.0, 5.0], [10.0, 40.0, 50.0], 10.5)
    row = measure(Case("a", "brunel", NEST, {}, duration=500.0), 9)
    assert row["times faster"] == 10.0
    assert row["ours, s/s"] == 4.0
    assert row["peer, s/s"] == 80.0


def test_different_rates_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    alternating(monkeypatch, [1.0], [10.0], 12.0)
    with pytest.raises(DisagreementError, match=r"rates within 10% of NEST's, got 10 and 12 spikes/s"):
        measure(Case("a", "brunel", NEST, {}), 1)


def test_microcircuit_of_the_peer_is_ours() -> None:
    """The paper's values at full scale: 299 million synapses, weights of 87.8 pA, a tenth at a tenth."""
    full, tenth = microcircuit_shape(1.0), microcircuit_shape(0.1)
    assert sum(full["sizes"]) == 77_169
    assert sum(map(sum, full["synapses"])) == pytest.approx(298_880_968, abs=10)
    assert full["external_weight"] == pytest.approx(87.8, abs=0.05)
    assert full["external"][:2] == [12_800.0, 12_000.0]
    assert full["currents"] == [0.0] * 8
    assert sum(tenth["sizes"]) == pytest.approx(7717, abs=4)


def test_cases_have_a_script_each() -> None:
    for case in [*cases(), *full_cases()]:
        assert (simulation.SCRIPTS / f"with_{case.peer.lower()}.py").exists()
