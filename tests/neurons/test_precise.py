"""Spike times between the points of the grid, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import ParameterError
from spikeloom.neurons import Precise, RungeKutta4


def times(neuron: sl.Neuron, drive: float, steps: int) -> Tensor:
    """Spike times in ms under a constant input."""
    x = torch.full((steps, 1, 1), drive, dtype=torch.float64)
    with torch.no_grad(), sl.record(neuron, "ahead") as trace:
        s = neuron(x)
    at = s.flatten().nonzero().flatten()
    return (at + 1).double() * float(neuron.dt) - trace["ahead"].flatten()[at]


@pytest.mark.parametrize("dt", [0.1, 0.37, 1.0, 3.3])
@pytest.mark.parametrize("drive", [1.05, 1.5, 3.0])
def test_lif_fires_at_the_times_of_its_closed_form(dt: float, drive: float) -> None:
    found = times(Precise(sl.LIF(dt=dt)), drive, math.ceil(400 / dt))
    period = 20 * math.log(drive / (drive - 1))
    expected = period * torch.arange(1, len(found) + 1, dtype=torch.float64)
    assert len(found) == int(math.ceil(400 / dt) * dt / period)
    # Each spike adds one rounding of its own, 1e-15 of a time of 400 ms.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


def test_refractory_periods_off_the_grid_are_exact() -> None:
    found = times(Precise(sl.LIF(dt=1.0), t_ref=2.7), 2.0, 300)
    period = 2.7 + 20 * math.log(2)
    wanted = torch.full((len(found) - 1,), period, dtype=torch.float64)
    torch.testing.assert_close(torch.diff(found), wanted, rtol=0, atol=1e-10)


def test_two_coupled_variables() -> None:
    """A charge w that decays into the potential: v(t) = w tau_s/(tau_m - tau_s) (e^-t/tau_m - e^-t/tau_s)."""
    tau_m, tau_s, w, v_th = 10.0, 5.0, 5.0, 1.0
    neuron = Precise(sl.CurrentLIF(tau_mem=tau_m, tau_syn=tau_s, v_th=v_th))
    x = torch.zeros(10, 1, 1, dtype=torch.float64)
    x[0] = w
    with sl.record(neuron, "ahead") as trace:
        s = neuron(x)
    n = int(s.flatten().argmax())
    found = n + 1 - trace["ahead"][n].item()
    # With tau_m = 2 tau_s it is a quadratic equation in e^(-t/tau_m).
    gain = w * tau_s / (tau_m - tau_s)
    root = (1 - math.sqrt(1 - 4 * v_th / gain)) / 2
    assert found == pytest.approx(-tau_m * math.log(1 - root), abs=1e-11)


def test_spike_times_converge_with_the_order_of_the_integrator() -> None:
    exact = 20 * math.log(1.5 / 0.5)
    errors = [
        abs(times(Precise(sl.LIF(dt=dt, integrator=RungeKutta4())), 1.5, math.ceil(25 / dt))[0].item() - exact)
        for dt in (4.0, 2.0)
    ]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(4, abs=0.3)


def test_the_spike_time_has_the_gradient_of_its_closed_form() -> None:
    """t = tau ln(x / (x - 1)): dt/dx = -tau / (x (x - 1)), summed over the steps until the spike."""
    x = torch.full((30, 1, 1), 1.5, dtype=torch.float64, requires_grad=True)
    neuron = Precise(sl.LIF())
    with sl.record(neuron, "ahead") as trace:
        s = neuron(x)
    n = int(s.flatten().argmax())
    (gradient,) = torch.autograd.grad(-trace["ahead"][n].sum(), x)
    assert gradient.sum().item() == pytest.approx(-20 / (1.5 * 0.5), rel=1e-9)


def test_on_the_grid_it_is_the_wrapped_neuron() -> None:
    """Where a spike falls on a grid point both agree."""
    tau = 8 / math.log(2)
    x = torch.full((64, 1, 1), 2.0, dtype=torch.float64)
    plain = sl.LIF(tau_mem=tau * (1 - 1e-12))(x)
    assert torch.equal(Precise(sl.LIF(tau_mem=tau * (1 - 1e-12)))(x), plain)


def test_what_it_cannot_divide_is_refused() -> None:
    for neuron in (sl.LIF(decay_input=False), sl.Noisy(sl.LIF()), sl.LeakyIntegrator()):
        with pytest.raises(ParameterError, match=r"Precise.*charged by its derivative alone"):
            Precise(neuron)
    with pytest.raises(ParameterError, match=r"t_ref.*which Refractory\(LIF\(\)\) has already"):
        Precise(sl.Refractory(sl.LIF()))
