"""Soft LIF activations and the leaky neurons that take their place."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import TCL, ActivationNoise, RateCode, SoftLIF, with_activations
from spikeloom.errors import ParameterError


def lif_rate(j: Tensor, tau: float, t_ref: float) -> Tensor:
    """In closed form, per ms, threshold 1."""
    above = (j - 1.0).clamp(min=1e-30)
    return torch.where(j > 1.0, 1 / (t_ref + tau * torch.log1p(1 / above)), 0.0)


class TestSoftLIF:
    @pytest.mark.parametrize(("tau", "t_ref"), [(20.0, 2.0), (10.0, 1.0), (50.0, 4.0)])
    def test_limit_is_the_rate_of_a_leaky_neuron(self, tau: float, t_ref: float) -> None:
        """At x < 0 what is left is about gamma / (tau |x|)."""
        x = torch.cat([torch.linspace(-3.0, -0.1, 30), torch.linspace(0.01, 9.0, 100)]).double()
        wanted = lif_rate(x + 1.0, tau, t_ref)
        errors = []
        for gamma in (1e-2, 1e-3, 1e-4):
            soft = SoftLIF(tau_mem=tau, t_ref=t_ref, gamma=gamma, amplitude=1.0)
            errors.append(float((soft(x) - wanted).abs().max()))
        assert errors[2] <= 1.01e-4 / (0.1 * tau)
        assert errors[0] > 5 * errors[1] > 25 * errors[2]

    def test_equation(self) -> None:
        x = torch.linspace(-0.2, 3.0, 50).double()
        rho = 0.05 * torch.log1p(torch.exp((x + 0.7 - 0.5) / 0.05))
        wanted = 7.0 / (3.0 + 15.0 * torch.log(1 + 0.5 / rho))
        soft = SoftLIF(tau_mem=15.0, t_ref=3.0, v_th=0.5, gamma=0.05, amplitude=7.0, current=0.7)
        torch.testing.assert_close(soft(x), wanted)

    def test_gradient_is_finite_everywhere_and_that_of_differences(self) -> None:
        x = torch.tensor([-1e4, -50.0, -1.0, -0.451, -0.449, -0.01, 0.0, 0.3, 5.0, 1e4]).double().requires_grad_()
        soft = SoftLIF()
        (slope,) = torch.autograd.grad(soft(x).sum(), x)
        h = 1e-6
        differences = (soft(x + h) - soft(x - h)) / (2 * h)
        assert torch.isfinite(slope).all() and (slope > 0).all()
        torch.testing.assert_close(slope, differences.detach(), rtol=1e-4, atol=1e-7)

    @pytest.mark.parametrize("steps", [50, 200])
    def test_neuron_has_the_rate_within_a_spike(self, steps: int) -> None:
        x = torch.linspace(0.05, 6.0, 60)
        rate = SoftLIF(amplitude=1.0).as_site(steps)(x.expand(steps, 1, -1)).mean(0)[0]
        assert (rate - lif_rate(x + 1.0, 20.0, 2.0)).abs().max() <= 1 / steps + 1e-6

    def test_converted_network_comes_to_the_same(self) -> None:
        """The second layer sees spikes, so that it has the rate only nearly: on average within a spike."""
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Linear(6, 40), SoftLIF(gamma=1e-3), nn.Linear(40, 12), SoftLIF(gamma=1e-3, tau_syn=5.0)
        )
        x = torch.rand(64, 6)
        net = sl.convert(model, x, RateCode(), steps=400)
        wanted = model(x).detach()
        assert (net(x) - wanted).abs().mean() < 20 / 400
        assert [type(site.neuron).__name__ for site in net.sites.values()] == ["Precise", "Precise"]

    def test_looking_at_inputs_does_not_change_what_is_sent(self) -> None:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 20), SoftLIF(), nn.Linear(20, 12), SoftLIF(tau_syn=5.0), nn.Linear(12, 3))
        x = torch.rand(16, 6)
        net = sl.convert(model, x, RateCode(), steps=40)
        watched = net.sequence(x, watch=lambda node, site, i: None)
        torch.testing.assert_close(net.sequence(x), watched, rtol=1e-4, atol=1e-3)

    @pytest.mark.parametrize("method", ["calibrated", "sequential", "channel-wise"])
    def test_no_method_changes_the_neuron(self, method: str) -> None:
        torch.manual_seed(0)
        model, x = nn.Sequential(nn.Linear(6, 8), SoftLIF(), nn.Linear(8, 3)), torch.rand(64, 6)
        (site,) = sl.convert(model, x, method, steps=20).sites.values()
        values = site.neuron.param_values()
        assert (values["tau_mem"], values["v_th"], values["t_ref"], values["v_rest"]) == (20.0, 1.0, 2.0, 0.0)
        assert site.shift == 1.0

    def test_other_activations_leave_it(self) -> None:
        model = nn.Sequential(nn.Linear(6, 8), SoftLIF(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
        changed = with_activations(model, torch.rand(64, 6), TCL())
        assert [type(m) for m in changed.modules() if isinstance(m, SoftLIF | TCL)] == [SoftLIF, TCL]

    def test_alpha_filter_has_area_1_and_its_peak_at_the_time_constant(self) -> None:
        site = SoftLIF(tau_syn=6.0).as_site(100)
        impulse = torch.zeros(100, 1, 1)
        impulse[0] = 1.0
        seen = site.synapse(impulse).flatten()
        n = torch.arange(100.0)
        torch.testing.assert_close(
            seen, (1 - math.exp(-1 / 6)) ** 2 * (n + 1) * torch.exp(-n / 6), rtol=1e-4, atol=1e-6
        )
        assert float(seen.sum()) == pytest.approx(1.0, abs=1e-4) and int(seen.argmax()) in (5, 6)

    @pytest.mark.parametrize(
        "given", [{"tau_mem": 0.0}, {"t_ref": 0.5}, {"gamma": -1.0}, {"tau_syn": -1.0}, {"current": math.nan}]
    )
    def test_bad_values_are_refused(self, given: dict[str, float]) -> None:
        with pytest.raises(ParameterError, match="SoftLIF"):
            SoftLIF(**given)


class TestNoise:
    def test_standard_deviation_in_training_alone(self) -> None:
        layer, x = ActivationNoise(0.3), torch.ones(20_000)
        assert float((layer(x) - x).std()) == pytest.approx(0.3, rel=0.03)
        assert torch.equal(layer.eval()(x), x)

    def test_silent_units_stay_silent_if_asked(self) -> None:
        x = torch.tensor([0.0, 1.0]).repeat(50)
        y = ActivationNoise(0.3, active=True)(x)
        assert (y[::2] == 0).all() and (y[1::2] != 1).all()

    def test_conversion_knows_it(self) -> None:
        torch.manual_seed(0)
        model, x = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), ActivationNoise(0.5), nn.Linear(8, 3)), torch.rand(64, 6)
        net = sl.convert(model, x, RateCode(), steps=256)
        assert (net(x) - model.eval()(x)).abs().max() < 0.05
        assert {name for name, _ in net.absorbed} == set(net.sites)

    def test_bad_sigma_is_refused(self) -> None:
        with pytest.raises(ParameterError, match="sigma"):
            ActivationNoise(-0.1)
