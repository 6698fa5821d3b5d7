"""Latency codes against their closed forms, and against a membrane."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import spikeloom as sl
from spikeloom.coding import (
    LinearLatency,
    LogLatency,
    direct,
    first_spike_time,
    linear_latency,
    log_latency,
    spike_count,
)
from spikeloom.errors import ParameterError

unit = st.floats(0.0, 1.0, width=32)
steps = st.integers(1, 300)


@given(x=unit, steps=steps)
def test_linear_latency_decodes_to_the_value(x: float, steps: int) -> None:
    spikes = linear_latency(torch.tensor([[x]], dtype=torch.float64), steps)
    error = 1.0 - first_spike_time(spikes).item() / steps - x
    # floor() makes the spike early by less than one step; 1e-12 is rounding of T (1 - x) and of this line.
    assert -1e-12 <= error < 1.0 / steps + 1e-12
    assert spikes.sum().item() == (0.0 if steps * (1.0 - x) >= steps else 1.0)


@pytest.mark.parametrize(("x", "step"), [(1.0, 0), (0.76, 0), (0.75, 1), (0.5, 2), (0.25, 3), (0.01, 3)])
def test_linear_latency_by_hand(x: float, step: int) -> None:
    assert linear_latency(torch.tensor([[x]]), 4).squeeze().tolist() == [float(t == step) for t in range(4)]


def test_zero_is_silent() -> None:
    assert not linear_latency(torch.zeros(1, 1), 10).any()


@given(x=st.lists(unit, min_size=2, max_size=2), steps=steps)
def test_larger_values_are_never_later(x: list[float], steps: int) -> None:
    small, large = sorted(x)
    values = torch.tensor([[small, large]])
    for spikes in (linear_latency(values, steps), log_latency(values, steps, tau=7.0, threshold=0.1)):
        late, early = first_spike_time(spikes)[0].tolist()
        assert early <= late
        assert spike_count(spikes).max().item() <= 1.0


@given(
    x=st.floats(0.0, 10.0),
    tau=st.floats(0.5, 50.0),
    threshold=st.floats(0.01, 2.0),
    dt=st.floats(0.1, 2.0),
)
def test_log_latency_is_the_charging_time_of_a_membrane(x: float, tau: float, threshold: float, dt: float) -> None:
    steps = 60
    # Where the crossing falls on the end of a step, or the threshold is where the membrane ends up, rounding decides.
    assume(abs(x - threshold) > 1e-6 * threshold)
    if x > threshold:
        crossing = tau * math.log(x / (x - threshold)) / dt
        assume(abs(crossing - round(crossing)) > 1e-6)
    v, fired = 0.0, []
    for _ in range(steps):
        v = v * math.exp(-dt / tau) + x * -math.expm1(-dt / tau)
        fired.append(v >= threshold)
    expected = fired.index(True) if any(fired) else steps
    spikes = log_latency(torch.tensor([[x]], dtype=torch.float64), steps, tau=tau, threshold=threshold, dt=dt)
    assert first_spike_time(spikes).item() == expected


def test_log_latency_is_the_first_spike_of_the_neuron() -> None:
    x = torch.rand(1, 500, generator=torch.Generator().manual_seed(0)) * 2.0
    neuron = sl.LIF(tau_mem=6.0, v_th=0.3, integrator=sl.neurons.Exact())
    with torch.no_grad():
        fired = first_spike_time(neuron(direct(x, 40)))
    assert torch.equal(fired, first_spike_time(log_latency(x, 40, tau=6.0, threshold=0.3)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_log_latency_in_the_closed_form(dtype: torch.dtype) -> None:
    values = torch.tensor([0.26, 0.3, 0.5, 0.75, 1.0, 3.0, 100.0], dtype=dtype)
    spikes = log_latency(values.unsqueeze(0), 500, tau=20.0, threshold=0.25)
    expected = [math.ceil(20.0 * math.log(x / (x - 0.25))) - 1 for x in values.tolist()]
    assert first_spike_time(spikes)[0].tolist() == expected


def test_at_and_below_the_threshold_nothing_fires() -> None:
    values = torch.tensor([[0.0, 0.1, 0.2]])
    assert not log_latency(values, 10_000, tau=5.0, threshold=0.2).any()


def test_what_would_fire_after_the_end_is_silent() -> None:
    steps, tau, threshold = 10, 5.0, 0.2
    last = threshold / -math.expm1(-steps / tau)  # reaches the threshold exactly at the end
    values = torch.tensor([[last * (1 - 1e-9), last * (1 + 1e-9)]], dtype=torch.float64)
    spikes = log_latency(values, steps, tau=tau, threshold=threshold)
    assert spike_count(spikes).tolist() == [[0.0, 1.0]]
    assert spikes[-1, 0, 1] == 1.0


def test_modules_are_the_functions() -> None:
    x = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(LinearLatency(8)(x), linear_latency(x, 8))
    module = LogLatency(8, tau=4.0, threshold=0.3, dt=0.5)
    assert torch.equal(module(x), log_latency(x, 8, tau=4.0, threshold=0.3, dt=0.5))


@pytest.mark.parametrize("name", ["tau", "threshold", "dt"])
@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_membrane_that_is_none_is_refused(name: str, bad: float) -> None:
    good = {"tau": 5.0, "threshold": 0.2, "dt": 1.0}
    with pytest.raises(ParameterError, match=f"{name} of LogLatency"):
        LogLatency(8, **(good | {name: bad}))


def test_values_out_of_bounds_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"values in \[0, 1\]"):
        linear_latency(torch.tensor([[1.1]]), 8)
    with pytest.raises(ParameterError, match="at least 0"):
        log_latency(torch.tensor([[-0.1]]), 8, tau=5.0, threshold=0.2)
