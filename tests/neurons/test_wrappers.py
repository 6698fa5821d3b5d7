"""Wrappers: an adaptive threshold equals the neuron that states it, noise has the variance of its closed form."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import ParameterError
from spikeloom.neurons import Neuron


def drive(dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return (4 * torch.rand(200, 2, 9, generator=generator) - 0.5).to(dtype)


def gradient(neuron: Neuron, x: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    y = neuron(leaf)
    return torch.autograd.grad((y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum(), leaf)[0]


@pytest.mark.parametrize("backend", ["reference", "numba"])
@pytest.mark.parametrize("soft_reset", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_adaptive_threshold_of_lif_is_adaptive_lif(backend: str, soft_reset: bool, dtype: torch.dtype) -> None:
    """Both are one program up to the last bit of the decay factor, which is computed in float64."""
    given: dict[str, Any] = {"tau_mem": 3.0, "v_reset": -0.25, "soft_reset": soft_reset}
    stated = sl.AdaptiveLIF(beta=0.3, tau_adapt=11.0, **given)
    wrapped = sl.AdaptiveThreshold(sl.LIF(**given), beta=0.3, tau_adapt=11.0)
    x = drive(dtype)
    with sl.backend(backend):
        with sl.record(stated, "v", "a", "s") as of_stated:
            spikes = stated(x)
        with sl.record(wrapped, "v", "a", "s") as of_wrapped:
            wrapped(x)
        assert 0 < float(spikes.mean()) < 1
        assert torch.equal(of_wrapped["s"], of_stated["s"])
        for name in ("v", "a"):
            torch.testing.assert_close(of_wrapped[name], of_stated[name])
        torch.testing.assert_close(gradient(wrapped, x), gradient(stated, x))


def test_refractory_of_adaptive_threshold() -> None:
    """Three statements are one kernel; the order of the two wrappers does not matter to spikes."""
    outer = sl.Refractory(sl.AdaptiveThreshold(sl.LIF(tau_mem=3.0), beta=0.3, tau_adapt=11.0), t_ref=2.0)
    inner = sl.AdaptiveThreshold(sl.Refractory(sl.LIF(tau_mem=3.0), t_ref=2.0), beta=0.3, tau_adapt=11.0)
    stated = sl.Refractory(sl.AdaptiveLIF(tau_mem=3.0, beta=0.3, tau_adapt=11.0), t_ref=2.0)
    x = drive(torch.float64)
    assert torch.equal(outer(x), stated(x))
    assert torch.equal(inner(x), stated(x))
    sl.check_neuron(outer)
    sl.check_neuron(inner)


def test_adaptation_that_does_not_raise_changes_nothing() -> None:
    assert torch.equal(sl.AdaptiveThreshold(sl.IF(), beta=0.0)(drive()), sl.IF()(drive()))


def test_adaptation_lowers_the_rate_to_its_closed_form() -> None:
    """Constant a between spikes of period p steps settles at 1 / (exp(p / tau) - 1) before the next spike adds one."""
    neuron = sl.AdaptiveThreshold(sl.IF(), beta=0.5, tau_adapt=40.0)
    with sl.record(neuron, "a", "s") as trace:
        neuron(torch.full((2000, 1, 1), 0.25, dtype=torch.float64))
    times = trace["s"].flatten().nonzero().flatten()
    period = int(times[-1] - times[-2])
    assert period == int(times[-2] - times[-3])
    settled = float(trace["a"].flatten()[times[-1]]) - 1
    assert settled == pytest.approx(1 / math.expm1(period / 40.0), rel=1e-9)
    # IF gains 0.25 a step from 0: the first whole number of steps to reach the threshold of that moment.
    assert 0.25 * period >= 1 + 0.5 * settled > 0.25 * (period - 1)


def test_a_neuron_without_threshold_is_refused() -> None:
    with pytest.raises(ParameterError, match="expected a neuron with a parameter v_th"):
        sl.AdaptiveThreshold(sl.LeakyIntegrator())
    with pytest.raises(ParameterError, match="declares"):
        sl.AdaptiveThreshold(sl.AdaptiveLIF())


def test_learned_parameters_of_the_wrapper() -> None:
    neuron = sl.AdaptiveThreshold(sl.LIF(tau_mem=3.0), learn=("beta", "tau_adapt"))
    neuron(drive()).sum().backward()
    assert all(p.grad is not None and float(p.grad.abs()) > 0 for p in neuron.parameters())


@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_noise_has_the_stated_variance(backend: str) -> None:
    """v' = E v + (1 - E) r sigma xi has variance (1 - E) / (1 + E) (r sigma)^2; within 5 standard errors."""
    dt, tau, r, sigma, count = 0.5, 4.0, 2.0, 0.3, 50_000
    neuron = sl.Noisy(sl.LIF(dt=dt, tau_mem=tau, r=r, v_th=math.inf), sigma=sigma)
    torch.manual_seed(0)
    with sl.backend(backend), sl.record(neuron, "v") as trace:
        neuron(torch.zeros(40, 1, count))
    v, decay = trace["v"][-1].double(), math.exp(-dt / tau)
    wanted = (1 - decay) / (1 + decay) * (r * sigma) ** 2
    assert float(v.var()) == pytest.approx(wanted, rel=5 * math.sqrt(2 / count))
    assert abs(float(v.mean())) < 5 * math.sqrt(wanted / count)
    # For small dt: r sigma sqrt(dt / (2 tau)), to first order in dt / tau.
    assert math.sqrt(wanted) == pytest.approx(r * sigma * math.sqrt(dt / (2 * tau)), rel=(dt / tau) ** 2)


def test_noise_follows_the_seed_and_is_new_at_every_call() -> None:
    neuron, x = sl.Noisy(sl.LIF(tau_mem=2.0), sigma=1.0), drive()
    torch.manual_seed(5)
    first, second = neuron(x), neuron(x)
    torch.manual_seed(5)
    assert torch.equal(neuron(x), first)
    assert not torch.equal(first, second)


def test_noise_is_the_same_on_both_back_ends() -> None:
    neuron, x = sl.Noisy(sl.CurrentLIF(tau_mem=2.0), sigma=0.5), drive(torch.float64)
    spikes = []
    for backend in ("reference", "numba"):
        torch.manual_seed(1)
        with sl.backend(backend):
            spikes.append(neuron(x))
    assert torch.equal(*spikes)


def test_no_noise_is_the_neuron_itself() -> None:
    assert torch.equal(sl.Noisy(sl.LIF(tau_mem=2.0), sigma=0.0)(drive()), sl.LIF(tau_mem=2.0)(drive()))


def test_noise_under_other_wrappers() -> None:
    sl.check_neuron(sl.Refractory(sl.AdaptiveThreshold(sl.Noisy(sl.LIF(tau_mem=2.0), sigma=0.5))))
    sl.check_neuron(sl.Noisy(sl.Refractory(sl.CurrentLIF(tau_mem=3.0, tau_syn=3.0)), sigma=0.5))


def test_sigma_is_differentiated() -> None:
    """Both draw the same numbers, so that the spikes of two seeds alike differ by sigma alone."""
    neuron = sl.Noisy(sl.LIF(tau_mem=2.0), sigma=0.5, learn="sigma")
    torch.manual_seed(2)
    neuron(drive()).sum().backward()
    gradients = [p.grad for p in neuron.parameters()]
    assert len(gradients) == 1 and gradients[0] is not None and float(gradients[0].abs()) > 0
