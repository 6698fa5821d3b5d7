"""Neurons against the solutions of their equations, at the grid points t_k = k dt of many step sizes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl

STEP_SIZES = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
TAU_MEM = 20.0


def constant(steps: int, current: float, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.full((steps, 1, 1), current, dtype=dtype)


def times(steps: int, dt: float) -> Tensor:
    """End of each step: the output of step k is the state at (k + 1) dt."""
    return torch.arange(1, steps + 1, dtype=torch.float64) * dt


def recorded(neuron: sl.Neuron, x: Tensor, variable: str = "v") -> Tensor:
    with sl.record(neuron, variable) as trace:
        neuron(x)
    return trace[variable].flatten()


def relaxation_tolerance(dtype: torch.dtype, tau: float, dt: float, size: float) -> float:
    """Bound on the rounding error of v <- E v + F i, E = exp(-dt / tau), |v| and |r i| at most `size`.

    With u = eps / 2, a step adds at most 5 u size: the roundings of E, F, E v, F i and of the sum. Errors decay with E,
    so they sum to at most 5 u size / (1 - E).
    """
    return 5 * torch.finfo(dtype).eps / 2 * size / -math.expm1(-dt / tau)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("dt", STEP_SIZES)
def test_lif_relaxes_to_a_constant_current(dt: float, dtype: torch.dtype) -> None:
    r, current, steps = 2.0, 0.7, math.ceil(3 * TAU_MEM / dt)
    # The current as the neuron is given it, so that only the neuron's own rounding remains.
    x = constant(steps, current, dtype)
    wanted = r * float(x[0, 0, 0]) * -torch.expm1(-times(steps, dt) / TAU_MEM)
    v = recorded(sl.LIF(tau_mem=TAU_MEM, r=r, v_th=math.inf, dt=dt), x)
    assert (v - wanted).abs().max() <= relaxation_tolerance(dtype, TAU_MEM, dt, r * current)


@pytest.mark.parametrize("dt", STEP_SIZES)
def test_leaky_integrator_relaxes_from_its_rest(dt: float) -> None:
    v_rest, current, steps = -0.5, 0.8, 300
    wanted = v_rest + current * -torch.expm1(-times(steps, dt) / 10.0)
    y = sl.LeakyIntegrator(tau_mem=10.0, v_rest=v_rest, dt=dt)(constant(steps, current)).flatten()
    assert (y - wanted).abs().max() <= relaxation_tolerance(torch.float64, 10.0, dt, 2 * (current - v_rest))


def test_input_that_is_not_decayed_jumps_the_potential() -> None:
    x = torch.zeros(50, 1, 1, dtype=torch.float64)
    x[0], x[10] = 0.25, 0.5
    v = recorded(sl.LIF(tau_mem=5.0, decay_input=False, v_th=math.inf), x)
    t = torch.arange(50, dtype=torch.float64)
    wanted = 0.25 * torch.exp(-t / 5) + torch.where(t >= 10, 0.5 * torch.exp(-(t - 10) / 5), 0.0)
    assert (v - wanted).abs().max() <= relaxation_tolerance(torch.float64, 5.0, 1.0, 0.75)


def steps_to_threshold(dt: float, drive: float) -> int:
    """Steps after which v = drive (1 - exp(-t / tau)) from rest is at or above threshold 1."""
    exact = TAU_MEM * math.log(drive / (drive - 1)) / dt
    # Where the crossing falls on a grid point, rounding decides; the drives below keep away from that.
    assert abs(exact - round(exact)) > 1e-6
    return math.ceil(exact)


@pytest.mark.parametrize("drive", [1.03, 1.1, 1.7, 3.3])
@pytest.mark.parametrize("dt", STEP_SIZES)
def test_first_spike_and_intervals_of_lif(dt: float, drive: float) -> None:
    """The interval is tau ln(RI / (RI - theta)), rounded up to the grid: less than one dt late."""
    interval = steps_to_threshold(dt, drive)
    s = sl.LIF(tau_mem=TAU_MEM, dt=dt)(constant(3 * interval + 1, drive)).flatten()
    # The reset is to exactly the value at rest, so every interval is the first one again.
    assert s.nonzero().flatten().tolist() == [interval - 1, 2 * interval - 1, 3 * interval - 1]


@pytest.mark.parametrize("t_ref", [0.0, 2.0, 5.0])
@pytest.mark.parametrize("dt", [0.1, 0.5, 1.0])
def test_f_i_curve(dt: float, t_ref: float) -> None:
    """Rate 1 / (t_ref + tau ln(RI / (RI - theta))), each interval rounded up to the grid."""
    drives = torch.tensor([0.5, 0.999, 1.02, 1.3, 2.1, 4.7], dtype=torch.float64)
    steps = round(2000 / dt)
    neuron = sl.Refractory(sl.LIF(tau_mem=TAU_MEM, dt=dt), t_ref=t_ref)
    counts = neuron(drives.expand(steps, 1, -1)).sum(0).flatten()
    assert counts[:2].tolist() == [0, 0], "spikes below rheobase"
    for drive, count in zip(drives[2:].tolist(), counts[2:].tolist(), strict=True):
        first = steps_to_threshold(dt, drive)
        interval = round(t_ref / dt) + first
        assert count == 1 + (steps - first) // interval
        theory = t_ref + TAU_MEM * math.log(drive / (drive - 1))
        assert 0 <= interval * dt - theory < dt


@pytest.mark.parametrize("neuron", [sl.LIF(tau_mem=TAU_MEM), sl.Refractory(sl.LIF(tau_mem=TAU_MEM))], ids=repr)
def test_no_spike_below_rheobase(neuron: sl.Neuron) -> None:
    assert neuron(constant(5000, 0.9999)).sum() == 0


@pytest.mark.parametrize("soft_reset", [False, True])
def test_rate_of_if_over_ten_thousand_steps(soft_reset: bool) -> None:
    """Soft reset: one spike per unit of charge. Hard reset: one every ceil(theta / i) steps, what is above is lost."""
    # Multiples of 1 / 64 add up without rounding, so the counts are exact.
    currents = torch.tensor([1, 3, 10, 21, 63, 64], dtype=torch.float64) / 64
    steps = 10_000
    counts = sl.IF(soft_reset=soft_reset)(currents.expand(steps, 1, -1)).sum(0).flatten()
    wanted = torch.floor(steps * currents) if soft_reset else torch.floor(steps / torch.ceil(1 / currents))
    assert torch.equal(counts, wanted)


def test_rate_of_if_with_rounding() -> None:
    currents = torch.rand(1, 500, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    counts = sl.IF(soft_reset=True)(currents.expand(10_000, 1, 500)).sum(0)
    assert (counts - 10_000 * currents).abs().max() <= 1


def test_soft_reset_makes_a_rate_of_a_relu() -> None:
    """A spike count is the whole part of the summed input, so the rate is below relu(x) by less than one spike."""
    steps = 200
    x = torch.linspace(-1, 1, 401, dtype=torch.float64)
    rate = sl.IF(soft_reset=True)(x.expand(steps, 1, -1)).mean(0).flatten()
    assert (rate - x.relu()).abs().max() <= (1 + 1e-12) / steps


def test_soft_reset_keeps_the_remainder() -> None:
    x = torch.rand(300, 2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    neuron = sl.IF(soft_reset=True, v_th=0.75, v_reset=0.25)
    y, state = sl.unroll(neuron, x)
    # Per spike v is lowered by v_th - v_reset = 1/2, and the sum of 300 numbers below 1 rounds to within 300 eps.
    assert (state[""]["v"] + 0.5 * y.sum(0) - x.sum(0)).abs().max() <= 300 * 300 * torch.finfo(torch.float64).eps


@pytest.mark.parametrize("tau_syn", [1.0, 5.0, 19.999, 20.0, 20.001, 50.0])
@pytest.mark.parametrize("dt", [0.1, 0.5, 1.0, 5.0])
def test_one_input_to_current_lif(dt: float, tau_syn: float) -> None:
    """A difference of exponentials, and the alpha function where both time constants are equal."""
    w, r, steps = 0.6, 1.5, round(200 / dt)
    x = constant(steps, 0.0)
    x[0] = w
    t = times(steps, dt)
    if tau_syn == TAU_MEM:
        wanted = w * r * t / TAU_MEM * torch.exp(-t / TAU_MEM)
    else:
        # exp(-a) - exp(-b) = exp(-a) (1 - exp(a - b)) does not cancel for nearly equal time constants.
        difference = torch.exp(-t / TAU_MEM) * -torch.expm1(t / TAU_MEM - t / tau_syn)
        wanted = w * r * tau_syn / (TAU_MEM - tau_syn) * difference
    neuron = sl.CurrentLIF(tau_mem=TAU_MEM, tau_syn=tau_syn, r=r, v_th=math.inf, dt=dt)
    # 2000 steps of rounding at 1e-16 and a propagator exact to 1e-11 (docstring of Exact).
    assert (recorded(neuron, x) - wanted).abs().max() <= 1e-10
    current = recorded(neuron, x, "i_syn")
    assert (current - w * torch.exp(-t / tau_syn)).abs().max() <= 1e-10


@pytest.mark.parametrize("dt", [0.1, 1.0, 5.0])
def test_adaptation_decays_and_raises_the_threshold(dt: float) -> None:
    tau_adapt, beta, steps = 80.0, 0.5, 120
    neuron = sl.AdaptiveLIF(tau_mem=TAU_MEM, tau_adapt=tau_adapt, beta=beta, dt=dt)
    x = torch.zeros(steps, 1, 3, dtype=torch.float64)
    # Steps 0 and 60: the first spike needs v >= 1, the second v >= 1 + beta exp(-60 dt / tau_adapt).
    gain = -math.expm1(-dt / TAU_MEM)
    raised = 1 + beta * math.exp(-60 * dt / tau_adapt)
    x[0] = 1.001 / gain
    x[60] = torch.tensor([0.0, raised - 1e-9, raised + 1e-9], dtype=torch.float64) / gain
    y = neuron(x)
    assert y.sum(0).flatten().tolist() == [1, 1, 2]
    with sl.record(neuron, "a") as trace:
        neuron(x)
    k = torch.arange(steps, dtype=torch.float64)
    once = torch.exp(-k * dt / tau_adapt)
    twice = once + torch.where(k >= 60, torch.exp(-(k - 60) * dt / tau_adapt), 0.0)
    assert (trace["a"][:, 0] - torch.stack([once, once, twice], 1)).abs().max() <= 1e-13


@pytest.mark.parametrize(
    "neuron",
    [
        sl.LIF(tau_mem=3.0, v_th=math.inf),
        sl.CurrentLIF(tau_mem=7.0, tau_syn=3.0, v_th=math.inf),
        sl.LeakyIntegrator(tau_mem=4.0),
        sl.IF(v_th=math.inf),
    ],
    ids=repr,
)
def test_superposition_below_threshold(neuron: sl.Neuron) -> None:
    """Responses add up: to 1e-12 for 100 inputs of size one, whose sum is rounded a few hundred times at 1e-14."""
    a, b = torch.randn(2, 100, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    together = recorded(neuron, 2 * a - 3 * b)
    assert (together - (2 * recorded(neuron, a) - 3 * recorded(neuron, b))).abs().max() <= 1e-12


def test_refractory_holds_the_potential_and_lets_the_current_decay() -> None:
    x = constant(12, 0.0)
    x[0], x[2] = 40.0, 40.0
    neuron = sl.Refractory(sl.CurrentLIF(tau_mem=10.0, tau_syn=5.0, v_reset=-0.25), t_ref=4.0)
    s, v, i = neuron(x).flatten(), recorded(neuron, x), recorded(neuron, x, "i_syn")
    assert s.tolist()[:7] == [1, 0, 0, 0, 0, 1, 0]
    assert torch.equal(v[:5], torch.full((5,), -0.25, dtype=torch.float64))
    k = torch.arange(1, 13, dtype=torch.float64)
    wanted = 40 * torch.exp(-k / 5) + torch.where(k >= 3, 40 * torch.exp(-(k - 2) / 5), 0.0)
    assert (i - wanted).abs().max() <= 1e-9 * 80


def test_a_state_rests_at_exactly_its_number() -> None:
    """A number that float32 cannot hold stays what it is in float64."""

    class Resting(sl.Neuron):
        """Stands still."""

        i = sl.Input("1", "not used")
        v = sl.State(0.1, "1", "potential")
        output = "v"

        def derivative(self) -> dict[str, Tensor]:
            return {"v": 0 * self.i}

    assert Resting()(constant(1, 0.0)).item() == 0.1
