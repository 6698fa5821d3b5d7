"""The Siegert curve against quadrature, closed forms and simulation."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from scipy import integrate, special

import spikeloom as sl
from spikeloom.errors import ParameterError
from spikeloom.network import EventDriven, Poisson
from spikeloom.neurons import siegert
from spikeloom.synapses import Delta, Receptors

MU, SIGMA = (-2.0, 0.0, 0.5, 0.9, 1.0, 1.2, 3.0, 300.0), (1e-3, 0.02, 0.1, 0.3, 1.0, 5.0, 20.0)


def by_quadrature(mu: float, sigma: float, *, tau_mem: float, t_ref: float, v_reset: float) -> float:
    """With a threshold of 1; 0 where exp(u^2) overflows."""
    low, high = (v_reset - mu) / sigma, (1.0 - mu) / sigma
    if high > 26.0:
        return 0.0
    # exp(u^2) (1 + erf(u)) = erfcx(-u). Split where it turns from 1/u to exp(u^2).
    ends = [low, *(edge for edge in (-5.0, 0.0) if low < edge < high), high]
    area = sum(integrate.quad(lambda u: special.erfcx(-u), a, b, limit=200)[0] for a, b in itertools.pairwise(ends))
    return float(1e3 / (t_ref + tau_mem * math.sqrt(math.pi) * area))


def test_is_the_integral() -> None:
    pairs = list(itertools.product(MU, SIGMA))
    found = siegert(*torch.tensor(pairs, dtype=torch.float64).T, tau_mem=20.0, t_ref=2.0, v_reset=-0.5)
    exact = [by_quadrature(*pair, tau_mem=20.0, t_ref=2.0, v_reset=-0.5) for pair in pairs]
    # The table is good to 1e-9 of the area; rates below 1e-12 are nothing.
    assert torch.allclose(found, torch.tensor(exact, dtype=torch.float64), rtol=1e-8, atol=1e-12)


def test_without_noise_the_period_is_that_of_the_closed_form() -> None:
    mu = torch.tensor([1.1, 2.0, 10.0], dtype=torch.float64)
    period = 2.0 + 20.0 * torch.log(mu / (mu - 1.0))
    found = siegert(mu, torch.zeros(3, dtype=torch.float64), tau_mem=20.0, t_ref=2.0)
    # Noise of 1e-5, which stands for none, changes the period by its square; near threshold by 100 times that.
    assert torch.allclose(found, 1e3 / period, rtol=1e-6)
    assert not siegert(torch.tensor([0.5, -3.0]), torch.zeros(2), tau_mem=20.0).any()


def test_gradients_are_those_of_finite_differences() -> None:
    mu = torch.linspace(-1.0, 3.0, 9, dtype=torch.float64).requires_grad_()
    sigma = torch.full((9,), 0.4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda m, s: siegert(m, s, tau_mem=20.0, t_ref=2.0), (mu, sigma), atol=1e-4)


def test_silent_neurons_have_a_gradient_of_0() -> None:
    mu = torch.tensor([-50.0, 0.0], requires_grad=True)
    siegert(mu, torch.full((2,), 1e-3), tau_mem=20.0).sum().backward()
    assert torch.equal(mu.grad, torch.zeros(2))


@pytest.mark.parametrize("inhibition", [0.0, 0.5])
@pytest.mark.parametrize("mu", [1.0, 1.5, 3.0, 8.0])
def test_is_the_rate_of_simulated_neurons_under_poisson_input(mu: float, inhibition: float) -> None:
    w, tau = 0.02, 20.0
    excitation = mu / (tau * w * (1 - inhibition))
    net = EventDriven(seed=3)
    neuron = sl.Refractory(Receptors(sl.LIF(tau_mem=tau), pulses=Delta()), t_ref=2.0)
    cells = net.population(30, neuron, name="cells", initial={"v": 0.0})
    net.connect(Poisson(1e3 * excitation), cells, weight=w)
    if inhibition:
        net.connect(Poisson(1e3 * excitation * inhibition), cells, weight=-w)
    net.record(cells)
    net.run(100.0)
    rate = len(net.run(1000.0)["cells"].times) / 30
    sigma = (tau * w**2 * excitation * (1 + inhibition)) ** 0.5
    # Of jumps of 0.02 the formula, which is that of infinitely small ones, is wrong by some percent.
    assert rate == pytest.approx(
        float(siegert(torch.tensor(mu), torch.tensor(sigma), tau_mem=tau, t_ref=2.0)), rel=0.05
    )


def test_refuses() -> None:
    one = torch.ones(1)
    for wrong in ({"tau_mem": 0.0}, {"tau_mem": 1.0, "t_ref": -1.0}, {"tau_mem": 1.0, "v_reset": 1.0}):
        with pytest.raises(ParameterError):
            siegert(one, one, **wrong)
