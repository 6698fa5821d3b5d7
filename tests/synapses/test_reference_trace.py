"""Neurons with synapses in physical units: NEST's reference trace, step sizes, rates, the cycle of a spike."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.synapses import Alpha, Exponential, Receptors

# NEST's test suite, test_iaf_psc_alpha.py: potential in mV, as printed, at times in ms, with 1000 pA from the start.
PRINTED = {
    0.1: "-69.602", 0.2: "-69.2079", 0.3: "-68.8178", 0.4: "-68.4316", 0.5: "-68.0492",
    4.3: "-56.0204", 4.4: "-55.7615", 4.5: "-55.5051", 4.6: "-55.2513", 4.7: "-55.0001", 4.8: "-70",
}  # fmt: skip


def iaf_psc_alpha() -> sl.Neuron:
    """The model with its default values: two alpha synapses of 2 ms, 2 ms refractory, and a current."""
    alpha = Alpha(tau_syn=2.0)
    return sl.Refractory(Receptors(sl.LIF.preset("iaf"), exc=alpha, inh=alpha, keep_input=True), t_ref=2.0)


def traced(neuron: sl.Neuron, *inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Spikes and potential."""
    with torch.no_grad(), sl.record(neuron, "v") as trace:
        s = neuron(*inputs)
    return s.flatten(), trace["v"].flatten()


@pytest.mark.parametrize("late", [0, 2], ids=["direct", "by a generator"])
def test_the_reference_trace_to_all_printed_digits(late: int) -> None:
    """A generator's current arrives 0.2 ms later, and everything with it: first spike at 5.0 ms.

    In float64; in float32, -70 has seven digits, of which 47 steps of rounding take two.
    """
    none = torch.zeros(100, 1, 1, dtype=torch.float64)
    current = none.clone()
    current[late:] = 1000.0
    s, v = traced(iaf_psc_alpha(), none, none, current)
    found = {time: f"{float(v[round(time / 0.1) - 1 + late]):.6g}" for time in PRINTED}
    assert found == PRINTED
    assert (round(float(s.nonzero()[0]) + 1) - late) * 0.1 == pytest.approx(4.8)
    # 2 ms refractory at the reset potential, then the same charge again.
    assert s.nonzero().flatten().tolist() == [47 + late]
    assert (v[47 + late : 68 + late] == -70).all() and v[68 + late] == v[late]


@pytest.mark.parametrize("exponent", range(14))
def test_a_constant_current_at_14_step_sizes(exponent: int) -> None:
    """dt = 2^-0 to 2^-13 ms, 5 ms of 375 pA: the closed form to 1e-12 of the potential."""
    dt = 2.0**-exponent
    steps = round(5 / dt)
    lif = sl.LIF(tau_mem=10.0, r=0.04, v_th=math.inf, dt=dt)
    _, v = traced(lif, torch.full((steps, 1, 1), 375.0, dtype=torch.float64))
    t = torch.arange(1, steps + 1, dtype=torch.float64) * dt
    assert ((v / (-15.0 * torch.expm1(-t / 10.0)) - 1).abs().max()) < 1e-12


@pytest.mark.parametrize(("drive", "rate"), [(0.99, 0.0), (1.05, 15.9), (1.5, 41.72), (3.0, 98.91)])
def test_rates_of_lif(drive: float, rate: float) -> None:
    """f = 1 / (t_ref + tau ln(RI / (RI - theta))), tau = 20 ms, t_ref = 2 ms."""
    neuron = sl.Refractory(sl.LIF(tau_mem=20.0, dt=0.01), t_ref=2.0)
    s, _ = traced(neuron, torch.full((1_000_000, 1, 1), drive, dtype=torch.float64))
    theory = 1000 / (2.0 + 20.0 * math.log(drive / (drive - 1))) if drive > 1 else 0.0
    # The grid makes each interval at most one dt longer; a count over 10 s is off by one at most.
    assert float(s.sum()) / 10 == pytest.approx(theory, abs=0.1 + theory**2 * 0.01e-3)
    assert theory == pytest.approx(rate, abs=0.05)


def test_millivolts_are_an_affine_map_of_the_normalised_neuron() -> None:
    """v = -70 + 20 u: weights scale by the distance from rest to threshold."""
    x = torch.rand(400, 1, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 0.2
    unit = Receptors(sl.LIF(tau_mem=10.0), exc=Alpha(tau_syn=2.0))
    cell = Receptors(sl.LIF(tau_mem=10.0, v_rest=-70.0, v_th=-50.0, v_reset=-70.0), exc=Alpha(tau_syn=2.0))
    s, u = traced(unit, x)
    spikes, v = traced(cell, 20 * x)
    assert torch.equal(s, spikes) and s.sum() > 10
    assert (v - (-70 + 20 * u)).abs().max() < 1e-12


def test_the_four_steps_of_a_spike() -> None:
    """Potentials add up, the threshold is reached, reset and refractory period, return to rest."""
    tau_mem, tau_syn, weight = 10.0, 2.0, 50.0
    cell = sl.LIF(tau_mem=tau_mem, v_rest=-70.0, v_th=-50.0, v_reset=-75.0)
    neuron = sl.Refractory(Receptors(cell, exc=Exponential(tau_syn=tau_syn)), t_ref=3.0)
    x = torch.zeros(200, 1, 1, dtype=torch.float64)
    x[[5, 12, 13, 14, 15]] = weight
    s, v = traced(neuron, x)
    (at,) = s.nonzero().flatten().tolist()

    def psp(steps: Tensor) -> Tensor:
        t = torch.clamp(steps, min=0.0)
        return weight * tau_syn / (tau_mem - tau_syn) * (torch.exp(-t / tau_mem) - torch.exp(-t / tau_syn))

    ends = torch.arange(1, 201, dtype=torch.float64)
    sums = -70 + sum(psp(ends - arrival) for arrival in (5, 12, 13, 14, 15))
    assert (v[:at] - sums[:at]).abs().max() < 1e-12
    assert sums[at - 1] < -50 <= sums[at]
    assert (v[at : at + 4] == -75).all() and v[at + 4] != -75
    assert float(v[-1]) == pytest.approx(-70, abs=1e-5)
