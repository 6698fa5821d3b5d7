"""What terminals release: depression, facilitation, release by chance, and filters that learn."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import ParameterError
from spikeloom.synapses import Exponential, IIRFilter, Receptors, StochasticRelease, TsodyksMarkram


def regular(every: int, count: int) -> Tensor:
    x = torch.zeros(every * count, 1, 1, dtype=torch.float64)
    x[::every] = 1.0
    return x


def released(neuron: sl.Neuron, every: int, count: int) -> Tensor:
    """The release of each spike of a regular train."""
    with torch.no_grad():
        return neuron(regular(every, count))[::every, 0]


PARAMETERS = [(0.5, 800.0, 0.0, 3.0), (0.03, 130.0, 530.0, 1.5), (0.2, 300.0, 300.0, 20.0), (1.0, 50.0, 10.0, 49.0)]


@pytest.mark.parametrize(("u_se", "tau_rec", "tau_facil", "tau_inact"), PARAMETERS)
@pytest.mark.parametrize("interval", [5, 20, 100])
def test_a_regular_train_settles_at_the_closed_form(
    u_se: float, tau_rec: float, tau_facil: float, tau_inact: float, interval: int
) -> None:
    """The fixed point of one interval T, with what is still active or inactive at the next spike counted.

    y decays by EI = exp(-T/tau_inact); of what was active, K = tau_rec/(tau_rec - tau_inact) (ER - EI) is inactive at
    the end, ER = exp(-T/tau_rec). With release rho = u x: y = EI rho / (1 - EI), z = K (y + rho) / (1 - ER).
    """
    neuron = TsodyksMarkram(u_se=u_se, tau_rec=tau_rec, tau_facil=tau_facil, tau_inact=tau_inact, dt=0.5)
    kept = math.exp(-interval / tau_facil) if tau_facil else 0.0
    u = u_se / (1 - (1 - u_se) * kept)
    active, rested = math.exp(-interval / tau_inact), math.exp(-interval / tau_rec)
    moved = tau_rec / (tau_rec - tau_inact) * (rested - active)
    x = 1 / (1 + u / (1 - active) * (active + moved / (1 - rested)))
    found = released(neuron, 2 * interval, 800)
    assert float(found[-1]) == pytest.approx(u * x, rel=1e-11)
    assert float(found[0]) == pytest.approx(u_se, rel=1e-12)


@pytest.mark.parametrize("interval", [5.0, 20.0, 100.0])
def test_two_variables_are_the_limit_of_fast_inactivation(interval: float) -> None:
    """u = U / (1 - (1 - U) EF), x = (1 - ER) / (1 - (1 - u) ER), as in the docstring."""
    neuron = TsodyksMarkram(u_se=0.2, tau_rec=300.0, tau_facil=100.0, tau_inact=0.01)
    facilitated, rested = math.exp(-interval / 100), math.exp(-interval / 300)
    u = 0.2 / (1 - 0.8 * facilitated)
    x = (1 - rested) / (1 - (1 - u) * rested)
    assert float(released(neuron, round(interval), 300)[-1]) == pytest.approx(u * x, rel=2e-4)


def test_the_published_synapses_depress_and_facilitate() -> None:
    """As in figure 1 of Tsodyks, Pawelzik and Markram 1998.

    At 20 Hz one falls to an eighth and the other grows threefold; at 70 Hz that one rises first and then depresses.
    """
    depressing = released(TsodyksMarkram.preset("depressing"), 50, 20)
    assert (depressing.diff() < 1e-12).all()
    assert 0.1 < float(depressing[-1] / depressing[0]) < 0.15
    facilitating = released(TsodyksMarkram.preset("facilitating"), 50, 20)
    assert (facilitating[:10].diff() > 0).all()
    assert 3 < float(facilitating[-1] / facilitating[0]) < 6
    fast = released(TsodyksMarkram.preset("facilitating"), 14, 60)
    assert 0 < int(fast.argmax()) < 59
    assert float(fast[-1]) < float(fast.max())


def test_a_depressing_synapse_reports_rate_changes_not_rates() -> None:
    """At high rates, release times rate tends to 1 / tau_rec (Tsodyks and Markram 1997).

    Above some 1 / (u tau_rec) the postsynaptic current hardly depends on the rate any more.
    """
    drive = {}
    for interval in (10, 20, 40):
        neuron = TsodyksMarkram.preset("depressing", tau_inact=0.01)
        drive[interval] = float(released(neuron, interval, 400)[-1]) / interval
    assert drive[10] < 1 / 800 * 1.02 and drive[40] > 0.9 / 800
    assert drive[10] / drive[40] < 1.1


def test_the_active_fraction_is_an_exponential_synapse_behind_the_release() -> None:
    neuron = TsodyksMarkram(u_se=0.4, tau_rec=100.0, tau_facil=50.0, tau_inact=4.0)
    x = regular(7, 30)
    with torch.no_grad(), sl.record(neuron, "y") as trace:
        y = neuron(x)
    behind = Receptors(sl.LIF(v_th=math.inf), syn=Exponential(tau_syn=4.0))
    with torch.no_grad(), sl.record(behind, "syn_g") as current:
        behind(y)
    assert (trace["y"] - current["syn_g"]).abs().max() < 1e-13


def test_resources_are_conserved_and_parameters_learn() -> None:
    neuron = TsodyksMarkram(learn=("u_se", "tau_rec", "tau_facil"), tau_facil=20.0)
    x = (torch.rand(100, 2, 3, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    with sl.record(neuron, "x", "y", "u") as trace:
        neuron(x).sum().backward()
    for name in ("x", "y", "u"):
        assert (trace[name] >= 0).all() and (trace[name] <= 1).all()
    assert (trace["x"] + trace["y"] <= 1 + 1e-6).all()
    assert all(p.grad is not None and p.grad.abs() > 0 for p in neuron.parameters())


@pytest.mark.parametrize("tau_facil", [0.0, 200.0])
def test_release_by_chance_has_the_mean_of_the_deterministic_model(tau_facil: float) -> None:
    """E(u x) follows the same equations, since u does not depend on chance: within 4.5 standard errors, 40 spikes."""
    sites, given = 20_000, {"u_se": 0.3, "tau_rec": 100.0, "tau_facil": tau_facil}
    torch.manual_seed(0)
    x = regular(15, 40).float()
    with torch.no_grad():
        s = StochasticRelease(**given)(x.expand(-1, 1, sites))[::15, 0]  # type: ignore[arg-type]
    mean = released(TsodyksMarkram(tau_inact=1e-2, **given), 15, 40)[:, 0]  # type: ignore[arg-type]
    assert ((s == 0) | (s == 1)).all()
    error = (s.double().mean(1) - mean).abs() / torch.sqrt(mean * (1 - mean) / sites)
    assert float(error.max()) < 4.5


def test_a_site_that_always_releases_needs_its_vesicle_back() -> None:
    torch.manual_seed(0)
    neuron = StochasticRelease(u_se=1.0, tau_rec=50.0)
    with torch.no_grad():
        s = neuron(regular(20, 2).float().expand(-1, 1, 10_000))[::20, 0]
    assert (s[0] == 1).all()
    assert float(s[1].mean()) == pytest.approx(1 - math.exp(-20 / 50), abs=0.02)


def test_the_filter_is_the_dual_exponential() -> None:
    t = torch.arange(60, dtype=torch.float64)
    for tau_decay, tau_rise in ((4.0, 1.0), (8.0, 2.0)):
        filtered = IIRFilter.double_exponential(tau_decay=tau_decay, tau_rise=tau_rise)
        f = filtered(torch.eye(60, dtype=torch.float64)[0].view(-1, 1, 1)).flatten()
        assert (f - (torch.exp(-(t + 1) / tau_decay) - torch.exp(-(t + 1) / tau_rise))).abs().max() < 1e-14
    f = IIRFilter.low_pass(tau=4.0)(torch.eye(60, dtype=torch.float64)[0].view(-1, 1, 1)).flatten()
    assert (f - torch.exp(-t / 4)).abs().max() < 1e-14


@pytest.mark.parametrize("seed", range(3))
def test_poles_stay_inside_the_unit_circle_whatever_is_learned(seed: int) -> None:
    """Adam with a rate far too large, on a target that asks for an unstable filter."""
    generator = torch.Generator().manual_seed(seed)
    neuron = IIRFilter.double_exponential(learn=("k1", "k2", "gain")).double()
    optimiser = torch.optim.Adam(neuron.parameters(), lr=0.5)
    x = torch.randn(30, 1, 1, dtype=torch.float64, generator=generator)
    target = torch.exp(0.2 * torch.arange(30, dtype=torch.float64)).view(-1, 1, 1) * (-1) ** seed
    for _ in range(60):
        optimiser.zero_grad()
        (neuron(x) - target).pow(2).mean().backward()
        optimiser.step()
        a1, a2 = (float(a.detach()) for a in neuron.coefficients())
        poles = torch.linalg.eigvals(torch.tensor([[a1, a2], [1.0, 0.0]], dtype=torch.float64))
        assert float(poles.abs().max()) < 1 + 1e-12
    assert abs(a1) + abs(a2) > 0


def test_an_oscillating_filter_can_be_learned() -> None:
    """Complex poles are reached from real ones: the impulse response of 0.9 exp(+- 0.5 i)."""
    t = torch.arange(40, dtype=torch.float64)
    target = (0.9**t * torch.sin(0.5 * (t + 1)) / math.sin(0.5)).view(-1, 1, 1)
    neuron = IIRFilter.double_exponential(learn=("k1", "k2", "gain")).double()
    optimiser = torch.optim.Adam(neuron.parameters(), lr=0.05)
    impulse = torch.eye(40, dtype=torch.float64)[0].view(-1, 1, 1)
    for _ in range(600):
        optimiser.zero_grad()
        loss = (neuron(impulse) - target).pow(2).mean()
        loss.backward()
        optimiser.step()
    assert loss.item() < 1e-4
    a1, a2 = (float(a.detach()) for a in neuron.coefficients())
    assert a1 == pytest.approx(1.8 * math.cos(0.5), abs=0.03)
    assert a2 == pytest.approx(-0.81, abs=0.03)


@pytest.mark.parametrize("name", ["k1", "k2"])
@pytest.mark.parametrize("value", [-1.0, 1.0, 1.3, math.nan])
def test_an_unstable_filter_is_refused(name: str, value: float) -> None:
    with pytest.raises(ParameterError, match=f"IIRFilter.{name}"):
        IIRFilter(**{name: value})
