"""Latency codes back to values, with the error that each states; the power and the kernel form."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import spikeloom as sl
from spikeloom.coding import (
    KernelLatency,
    NeuronCode,
    PowerLatency,
    direct,
    first_spike_time,
    kernel_latency,
    kernel_latency_decode,
    linear_latency,
    linear_latency_decode,
    log_latency,
    log_latency_decode,
    power_latency,
    power_latency_decode,
)
from spikeloom.errors import DTypeError, ParameterError

GRID = torch.linspace(0.0, 1.0, 2001, dtype=torch.float64).view(1, -1)


@pytest.mark.parametrize("steps", [1, 7, 16, 100])
def test_linear_latency_is_at_most_one_step_too_large(steps: int) -> None:
    error = linear_latency_decode(linear_latency(GRID, steps)) - GRID
    assert error.min().item() >= -1e-12
    assert error.max().item() <= 1.0 / steps + 1e-12


@pytest.mark.parametrize("steps", [4, 16, 50])
@pytest.mark.parametrize("power", [0.25, 0.5, 1.0, 2.0, 3.0])
def test_power_latency_keeps_its_bound(steps: int, power: float) -> None:
    error = power_latency_decode(power_latency(GRID, steps, power=power), power=power) - GRID
    bound = max(steps ** (-1.0 / power), 1.0 - (1.0 - 1.0 / steps) ** (1.0 / power))
    assert error.min().item() >= -1e-12
    assert error.max().item() <= bound + 1e-12
    assert error.max().item() > 0.7 * bound  # the bound is not loose


def test_power_one_is_linear_and_small_powers_resolve_small_values() -> None:
    assert torch.equal(power_latency(GRID, 16, power=1.0), linear_latency(GRID, 16))
    small = torch.tensor([[0.01, 0.02]])
    assert first_spike_time(linear_latency(small, 16)).unique().numel() == 1
    assert first_spike_time(power_latency(small, 16, power=0.25)).unique().numel() == 2


@pytest.mark.parametrize(("tau", "delay", "threshold"), [(4.0, 0.0, 1.0), (10.0, 3.0, 1.0), (6.0, -2.0, 2.0)])
def test_kernel_latency_keeps_its_bound(tau: float, delay: float, threshold: float) -> None:
    steps = 40
    x = GRID[:, 1:] * threshold * math.exp(delay / tau)  # up to the first threshold
    spikes = kernel_latency(x, steps, tau=tau, delay=delay, threshold=threshold)
    decoded = kernel_latency_decode(spikes, tau=tau, delay=delay, threshold=threshold)
    fired = spikes.any(0)
    ratio = (decoded / x)[fired]
    assert ratio.max().item() <= 1.0  # compared and decoded with the same numbers: no rounding
    assert ratio.min().item() > math.exp(-1.0 / tau)
    last = threshold * math.exp((delay - steps + 1) / tau)
    assert bool((x[~fired] < last).all()) and bool((x[fired] >= last).all())
    assert not decoded[~fired].any()


def test_kernel_latency_in_the_closed_form() -> None:
    x = torch.tensor([[0.9, 0.5, 0.1]], dtype=torch.float64)
    expected = [math.ceil(5.0 * math.log(1.0 / value)) for value in x[0].tolist()]
    assert first_spike_time(kernel_latency(x, 30, tau=5.0))[0].tolist() == expected
    # A delay of the kernel delays every spike by as much.
    assert first_spike_time(kernel_latency(x, 30, tau=5.0, delay=4.0))[0].tolist() == [t + 4 for t in expected]


@given(x=st.floats(0.11, 5.0), tau=st.floats(1.0, 30.0))
def test_log_latency_decodes_to_the_smallest_value_of_its_step(x: float, tau: float) -> None:
    value = torch.tensor([[x]], dtype=torch.float64)
    spikes = log_latency(value, 400, tau=tau, threshold=0.1)
    decoded = log_latency_decode(spikes, tau=tau, threshold=0.1).item()
    time = first_spike_time(spikes).item()
    assert decoded <= x * (1 + 1e-9)
    if 0 < time < 400:
        assert x < 0.1 / -math.expm1(-time / tau) * (1 + 1e-9)  # what fires one step earlier


def test_a_driven_neuron_has_the_latency_of_the_closed_form() -> None:
    tau, r, theta, steps = 12.0, 3.0, 1.0, 200
    x = torch.linspace(0.36, 2.0, 50, dtype=torch.float64).view(1, -1)
    code = NeuronCode(sl.LIF(tau_mem=tau, r=r, v_th=theta, integrator=sl.neurons.Exact()))
    with torch.no_grad():
        time = first_spike_time(code(direct(x, steps)))
    closed = tau * torch.log(r * x / (r * x - theta))
    # The spike is seen at the end of the step in which the threshold is met, at most dt = 1 late.
    late = time + 1 - closed
    assert late.min().item() > -1e-9 and late.max().item() <= 1.0


def test_latencies_fall_as_values_rise() -> None:
    for spikes in (power_latency(GRID, 50, power=0.4), kernel_latency(GRID, 50, tau=9.0)):
        assert bool((first_spike_time(spikes)[0].diff() <= 0).all())
        assert spikes.sum(0).max().item() == 1.0


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_parameters_that_are_none_are_refused(bad: float) -> None:
    with pytest.raises(ParameterError, match="power of PowerLatency"):
        PowerLatency(8, power=bad)
    with pytest.raises(ParameterError, match="tau of KernelLatency"):
        KernelLatency(8, tau=bad)
    with pytest.raises(ParameterError, match="threshold of KernelLatency"):
        KernelLatency(8, tau=1.0, threshold=bad)


def test_a_delay_or_a_neuron_that_is_none_is_refused() -> None:
    with pytest.raises(ParameterError, match="delay of KernelLatency"):
        KernelLatency(8, tau=1.0, delay=math.inf)
    with pytest.raises(DTypeError, match="expected a Neuron, got Linear"):
        NeuronCode(torch.nn.Linear(1, 1))  # type: ignore[arg-type]
