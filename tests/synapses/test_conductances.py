"""Synapses that see the potential: conductances, NMDA, GABA_B and gap junctions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.neurons import ExponentialEuler, RungeKutta4
from spikeloom.synapses import GABAB, NMDA, Alpha, Conductance, Delta, Exponential, GapJunction, Receptors, Synapse

REST, TAU_MEM, R = -70.0, 10.0, 0.04


class Constant(Synapse):
    """What arrives is the conductance: a clamp."""

    arriving = sl.Input("nS", "conductance")

    def current(self) -> Tensor:
        return self.arriving


def cell(dt: float = 0.1, **given: object) -> sl.LIF:
    """A membrane of 250 pF and 25 nS that does not spike."""
    fixed = {"tau_mem": TAU_MEM, "r": R, "v_rest": REST, "v_reset": REST, "v_th": math.inf, "dt": dt}
    return sl.LIF(**{**fixed, "integrator": ExponentialEuler(), **given})  # type: ignore[arg-type]


def recorded(neuron: sl.Neuron, variable: str, *inputs: Tensor) -> Tensor:
    with torch.no_grad(), sl.record(neuron, variable) as trace:
        neuron(*inputs)
    return trace[variable][:, 0]


def constant(steps: int, *values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).expand(steps, 1, len(values))


@pytest.mark.parametrize("e_rev", [0.0, -80.0])
def test_a_conductance_pulls_to_its_reversal_potential_with_a_shorter_time_constant(e_rev: float) -> None:
    """v = v_inf + (rest - v_inf) exp(-t / tau), tau = tau_mem / (1 + r g), v_inf = (rest + r g e_rev) / (1 + r g)."""
    g, steps = (0.0, 5.0, 25.0, 250.0), 400
    v = recorded(Receptors(cell(), syn=Conductance(Constant(), e_rev=e_rev)), "v", constant(steps, *g))
    gain = 1 + R * torch.tensor(g, dtype=torch.float64)
    settled = (REST + (gain - 1) * e_rev) / gain
    t = 0.1 * torch.arange(1, steps + 1, dtype=torch.float64)[:, None]
    # Exponential Euler is exact while the conductance is constant.
    assert (v - (settled + (REST - settled) * torch.exp(-t * gain / TAU_MEM))).abs().max() < 1e-11


def test_excitation_and_inhibition_balance() -> None:
    """Steady state with two: the mean of rest and reversal potentials, weighted by conductances."""
    two = {"exc": Conductance(Constant(), e_rev=0.0), "inh": Conductance(Constant(), e_rev=-80.0)}
    v = recorded(Receptors(cell(), **two), "v", constant(3000, 10.0), constant(3000, 40.0))
    assert float(v[-1]) == pytest.approx((25 * REST + 10 * 0 + 40 * -80) / (25 + 10 + 40), abs=1e-10)


@pytest.mark.parametrize("dt", [0.1, 0.05])
def test_a_spike_through_a_conductance_converges_to_the_solution(dt: float) -> None:
    """First order with exponential Euler, against Runge and Kutta at a much smaller step."""

    def at_ten(dt: float, integrator: sl.neurons.Integrator) -> float:
        x = torch.zeros(round(10 / dt), 1, 1, dtype=torch.float64)
        x[0] = 20.0
        synapse = Conductance(Alpha(tau_syn=2.0), e_rev=0.0)
        return float(recorded(Receptors(cell(dt, integrator=integrator), syn=synapse), "v", x)[-1])

    exact = at_ten(0.01, RungeKutta4())
    errors = [abs(at_ten(dt / k, ExponentialEuler()) - exact) for k in (1, 2)]
    assert errors[0] < 4 * dt
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)


def test_a_delta_conductance_goes_a_part_of_the_way() -> None:
    """v <- e_rev + (v - e_rev) exp(-w): spikes of one step act as their sum."""
    x = torch.zeros(3, 1, 1, dtype=torch.float64)
    x[1] = 0.3
    jump = Conductance(Delta(), e_rev=0.0)
    v = recorded(Receptors(cell(), syn=jump), "v", x)
    assert v[0] == REST
    assert float(v[1]) == pytest.approx(REST * math.exp(-0.3), abs=1e-12)
    both = recorded(Receptors(cell(), a=jump, b=jump), "v", x, x)
    assert float(both[1]) == pytest.approx(REST * math.exp(-0.6), abs=1e-12)


# Jahr and Stevens 1990 at 1 mM: 1 / (1 + exp(-0.062 v) / 3.57), computed here by hand to four digits.
BLOCK = {-80.0: 0.0244, -60.0: 0.0796, -40.0: 0.2302, -20.0: 0.5081, 0.0: 0.7812, 20.0: 0.9250, 40.0: 0.9771}


@pytest.mark.parametrize("v", BLOCK)
def test_magnesium_blocks_nmda(v: float) -> None:
    def block(mg: float) -> float:
        return float(NMDA(mg=mg).bind({"v": torch.tensor(v, dtype=torch.float64)}).block())

    assert block(1.0) == pytest.approx(BLOCK[v], abs=5e-5)
    assert block(0.0) == 1.0
    assert block(2.0) < block(1.0)


def test_the_nmda_current_has_a_region_of_negative_slope() -> None:
    """In a cell clamped to v the current into it grows with depolarisation up to about -20 mV."""
    v = torch.linspace(-90, 20, 111, dtype=torch.float64)
    synapse = NMDA().bind({"v": v, "g": torch.ones(()), "mg": torch.ones(()), "e_rev": torch.zeros(())})
    i = synapse.current()
    assert -30 < float(v[i.argmax()]) < -15
    assert float(i[v == 0.0]) == 0.0 and (i[v > 0] < 0).all()


def test_nmda_rises_and_decays() -> None:
    """After a spike of weight w, g is a difference of exponentials with peak w."""
    x = torch.zeros(4000, 1, 1, dtype=torch.float64)
    x[0] = 3.0
    neuron = Receptors(cell(integrator=RungeKutta4()), syn=NMDA())
    g = recorded(neuron, "syn_g", x).flatten()
    peak = 2 * 100 / 98 * math.log(50)
    t = 0.1 * torch.arange(1, 4001, dtype=torch.float64)
    scale = 3 / (math.exp(-peak / 100) - math.exp(-peak / 2))
    assert (g - scale * (torch.exp(-t / 100) - torch.exp(-t / 2))).abs().max() < 1e-5
    assert 0.1 * (int(g.argmax()) + 1) == pytest.approx(peak, abs=0.1)


def test_a_train_makes_more_of_nmda_in_a_depolarised_cell() -> None:
    x = (torch.arange(1000) % 100 == 0).double().view(-1, 1, 1) * 5
    rises = []
    for rest in (-80.0, -50.0):
        lif = cell(v_rest=rest)
        rises.append(float(recorded(Receptors(lif, syn=NMDA()), "v", x).max()) - rest)
    assert rises[1] > 2 * rises[0]


def train(spikes: int, steps: int = 10_000, every: int = 50) -> Tensor:
    """So many spikes at 200 Hz, dt = 0.1 ms."""
    t = torch.arange(steps)
    return ((t % every == 0) & (t < spikes * every)).double().view(-1, 1, 1)


def opened(spikes: int) -> Tensor:
    """The conductance of a GABA_B receptor after a burst, of at most 1."""
    s = recorded(Receptors(cell(), syn=GABAB()), "syn_s", train(spikes)).flatten()
    return s**4 / (s**4 + 100)


def test_gaba_b_receptors_bind_as_the_pulse_says() -> None:
    """After one spike r decays from (1 - exp(-(k1 T + k2) c)) r_inf, and s is the difference of two exponentials."""
    neuron = Receptors(cell(integrator=RungeKutta4()), syn=GABAB())
    s = recorded(neuron, "syn_s", train(1)).flatten()
    rate = 0.52 * 0.5 + 0.0013
    bound = 0.26 / rate * (1 - math.exp(-rate * 0.3))
    t = 0.1 * torch.arange(1, 10_001, dtype=torch.float64)
    wanted = 0.098 * bound / (0.033 - 0.0013) * (torch.exp(-0.0013 * t) - torch.exp(-0.033 * t))
    assert (s - wanted).abs().max() < 1e-9


def test_gaba_b_opens_with_the_fourth_power() -> None:
    s = torch.tensor([0.0, 1.0, 100**0.25, 10.0], dtype=torch.float64)
    synapse = GABAB(g_max=3.0).bind({"s": s, "v": torch.tensor(-75.0)})
    wanted = 3.0 * torch.tensor([0.0, 1 / 101, 0.5, 10_000 / 10_100], dtype=torch.float64)
    assert (synapse.conductance() - wanted).abs().max() < 1e-14
    assert (synapse.current() + 20 * wanted).abs().max() < 1e-13


def test_gaba_b_answers_bursts_out_of_proportion() -> None:
    """Four G-proteins to a channel: twice the spikes open nearly 2^4 times as much while little is open."""
    peaks = {n: float(opened(n).max()) for n in (1, 2, 5, 10)}
    assert peaks[1] < 1e-4
    assert 8 < peaks[2] / peaks[1] < 16
    assert peaks[10] > 1000 * peaks[1]
    # It is slow: the peak comes about 100 ms after a spike.
    assert 50 < 0.1 * int(opened(1).argmax()) < 150


def test_gaba_b_pulls_towards_its_reversal_potential() -> None:
    v = recorded(Receptors(cell(), syn=GABAB(g_max=2000.0)), "v", train(10)).flatten()
    assert -95 < float(v.min()) < -85


@pytest.mark.parametrize("g", [0.1, 1.0, 5.0])
def test_the_coupling_coefficient_of_a_gap_junction(g: float) -> None:
    """Two passive cells in a loop: v2 / v1 = r g / (1 + r g), v1 = r I (1 + r g) / (1 + 2 r g)."""
    r, current = 2.0, 0.3
    cells = Receptors(sl.LeakyIntegrator(tau_mem=5.0, r=r), gap=GapJunction(g=g), keep_input=True)
    loop = sl.nn.Recurrent(cells, torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64), into="gap")
    x = torch.zeros(600, 1, 2, dtype=torch.float64)
    x[..., 0] = current
    with torch.no_grad():
        v1, v2 = loop(torch.zeros_like(x), x)[-1, 0].tolist()
    assert v2 / v1 == pytest.approx(r * g / (1 + r * g), rel=1e-9)
    assert v1 == pytest.approx(r * current * (1 + r * g) / (1 + 2 * r * g), rel=1e-9)


def test_a_gap_junction_is_exact_while_the_other_cell_is_constant() -> None:
    cell = Receptors(sl.LeakyIntegrator(tau_mem=5.0, r=2.0, dt=2.0), gap=GapJunction(g=0.5))
    v = recorded(cell, "v", constant(10, 3.0)).flatten()
    t = 2.0 * torch.arange(1, 11, dtype=torch.float64)
    assert (v - 1.5 * -torch.expm1(-t * 2 / 5)).abs().max() < 1e-14


def test_weights_may_be_conductances_of_a_cell_in_nanosiemens() -> None:
    """4 nS through an exponential synapse of 5 ms: the potential of the Brette et al. 2007 network's cell."""
    lif = sl.LIF(tau_mem=20.0, r=0.1, v_rest=-60.0, v_th=-50.0, v_reset=-60.0, dt=0.1, integrator=RungeKutta4())
    v = recorded(Receptors(lif, exc=Conductance(Exponential(tau_syn=5.0), e_rev=0.0)), "v", train(1, 300) * 4)
    # Without driving-force change: r w e_rev tau_syn / (tau_mem - tau_syn) times the peak of the difference.
    bound = 0.1 * 4 * 60 * 5 / 15 * (4 ** (-1 / 3) - 4 ** (-4 / 3))
    assert 0.9 * bound < float(v.max()) + 60 < bound
