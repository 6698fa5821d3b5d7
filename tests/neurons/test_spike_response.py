"""Spike response models against the neurons that they are equal to, and against their sums written out."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import ParameterError
from spikeloom.neurons import SRM0, EscapeNoise, SpikeResponse
from spikeloom.surrogate import Smoothed


def drive(steps: int, neurons: int, high: float, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return high * torch.rand(steps, 1, neurons, generator=generator, dtype=torch.float64)


def recorded(neuron: sl.Neuron, x: Tensor, variable: str = "v") -> tuple[Tensor, Tensor]:
    with torch.no_grad(), sl.record(neuron, variable) as trace:
        s = neuron(x)
    return s, trace[variable]


def decay(tau: float, steps: int) -> Tensor:
    return torch.exp(-torch.arange(steps, dtype=torch.float64) / tau)


def double_exponential(tau_mem: float, tau_syn: float, steps: int) -> Tensor:
    """The potential k + 1 steps after a unit of current, for a step that delivers before it integrates."""
    rise = decay(tau_mem, steps + 1)[1:] - decay(tau_syn, steps + 1)[1:]
    return tau_syn / (tau_mem - tau_syn) * rise


def test_srm0_is_the_leaky_neuron_with_soft_reset() -> None:
    x = drive(20_000, 1, 0.5) * (drive(20_000, 1, 1.0, seed=1) < 0.9)
    values = {"tau_mem": 20.0, "tau_syn": 5.0}
    s, v = recorded(SRM0(**values, tau_eta=20.0, eta_0=1.0), x)
    wanted, potential = recorded(sl.CurrentLIF(soft_reset=True, **values), x)
    assert s.sum() > 300 and torch.equal(s, wanted)
    assert (v - potential).abs().max() < 1e-13


@pytest.mark.parametrize("v_reset", [0.0, -0.4])
def test_full_srm_is_the_leaky_neuron_with_hard_reset(v_reset: float) -> None:
    """kappa ends at the last own spike, eta is the decay from the reset potential."""
    steps, tau = 30, 4.0
    kappa = (1 - math.exp(-1 / tau)) * decay(tau, steps)
    neuron = SpikeResponse(kappa, v_reset * decay(tau, steps), cumulative=False, truncated=True)
    x = drive(2000, 3, 4.0)
    s, v = recorded(neuron, x)
    wanted, potential = recorded(sl.LIF(tau_mem=tau, v_reset=v_reset), x)
    assert torch.equal(s, wanted)
    # Kernels end after 30 steps, so no interval may be longer.
    assert all(torch.diff(s[:, 0, n].nonzero().flatten()).max() < steps for n in range(3))
    assert s.sum() > 300 and (v - potential).abs().max() < 1e-10


def test_full_srm_driven_by_a_synaptic_current_is_the_current_based_leaky_neuron() -> None:
    steps, tau = 30, 4.0
    x = drive(500, 2, 1.5)
    wanted, i_syn = recorded(sl.CurrentLIF(tau_mem=tau, tau_syn=6.0), x, "i_syn")
    # CurrentLIF integrates both together: its current decays within the step. Undecayed at the beginning of the step,
    # it adds tau_syn / (tau_mem - tau_syn) (exp(-1 / tau_mem) - exp(-1 / tau_syn)).
    jump = float(double_exponential(tau, 6.0, 1))
    neuron = SpikeResponse(jump * decay(tau, steps), (0.0,), cumulative=False, truncated=True)
    start = i_syn * math.exp(1 / 6.0)
    s, _ = recorded(neuron, start)
    assert s.sum() > 50 and torch.equal(s, wanted)


def test_kernels_of_any_length_are_the_recursion_as_long_as_they_last() -> None:
    steps = 25
    kappa, eta = double_exponential(6.0, 2.0, steps), -0.8 * decay(3.0, steps)
    recursive = SRM0(tau_mem=6.0, tau_syn=2.0, tau_eta=3.0, eta_0=0.8)
    x = drive(steps, 20, 2.0)
    for cumulative in (True, False):
        s, v = recorded(SpikeResponse(kappa, eta, cumulative=cumulative), x)
        wanted, potential = recorded(recursive.__class__(**settings(recursive), cumulative=cumulative), x)
        assert s.sum() > 50 and torch.equal(s, wanted)
        assert (v - potential).abs().max() < 1e-13


def settings(neuron: SRM0) -> dict[str, float]:
    return {name: float(neuron.param_values()[name]) for name in ("tau_mem", "tau_syn", "tau_eta", "eta_0")}


def written_out(
    x: list[float], kernels: tuple[list[float], list[float], list[float]], cumulative: bool, truncated: bool
) -> tuple[list[float], list[float]]:
    """Spikes and the potential before them, from the definition: sums over earlier inputs and own spikes."""
    kappa, eta, theta = kernels
    spikes: list[int] = []
    potential, s = [], []
    for t in range(len(x)):
        own = spikes if cumulative else spikes[-1:]
        first = spikes[-1] + 1 if truncated and spikes else 0
        v = sum(kappa[t - f] * x[f] for f in range(first, t + 1) if t - f < len(kappa))
        v += sum(eta[t - f] for f in own if t - f < len(eta))
        v_th = 1 + sum(theta[t - f] for f in own if t - f < len(theta))
        potential.append(v)
        s.append(float(v >= v_th))
        if s[-1]:
            spikes.append(t)
    return s, potential


@pytest.mark.parametrize(("cumulative", "truncated"), list(itertools.product((True, False), repeat=2)))
def test_all_forms_are_their_sums(cumulative: bool, truncated: bool) -> None:
    kappa, eta, theta = [0.3, 0.5, -0.2, 0.1], [-0.7, -0.9, 0.4], [0.0, 0.6, 0.3, 0.2, 0.1]
    x = drive(200, 1, 3.0)
    neuron = SpikeResponse(kappa, eta, theta, cumulative=cumulative, truncated=truncated)
    kernels = tuple(torch.tensor(k).double().tolist() for k in (kappa, eta, theta))  # as float32 has them
    wanted, potential = written_out(x.flatten().tolist(), kernels, cumulative, truncated)  # type: ignore[arg-type]
    s, v = recorded(neuron, x)
    assert s.flatten().tolist() == wanted and 20 < sum(wanted) < 180
    # What is recorded at a spike is the potential after its jump.
    silent = s.flatten() == 0
    assert (v.flatten() - torch.tensor(potential, dtype=torch.float64))[silent].abs().max() < 1e-12
    if not cumulative and not truncated:  # two lines of states; the default, in the catalogue, has one
        sl.check_neuron(neuron)


def test_a_kernel_for_each_neuron() -> None:
    kappa = torch.rand(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    eta, x = -torch.ones(2, 3, dtype=torch.float64), drive(50, 3, 1.5)
    together = SpikeResponse(kappa, eta)(x)
    assert 10 < together.sum() < 140
    for n in range(3):
        assert torch.equal(SpikeResponse(kappa[:, n], eta[:, n])(x[..., n : n + 1]), together[..., n : n + 1])


def test_learned_kernels_have_the_gradient_of_finite_differences() -> None:
    neuron = SpikeResponse(learn=("kappa", "eta", "theta", "v_th"), surrogate=Smoothed(), detach_reset=False).double()
    x = drive(20, 3, 1.5)
    weights = torch.linspace(-1, 1, x.numel(), dtype=torch.float64).view_as(x)
    (neuron(x) * weights).sum().backward()
    assert {name for name, _ in neuron.named_parameters()} == {"kappa", "eta", "theta", "raw_v_th"}
    for parameter in neuron.parameters():
        assert parameter.grad is not None
        flat = parameter.data.view(-1)
        for k in range(len(flat)):
            sides = []
            for step in (1e-6, -2e-6):
                flat[k] += step
                sides.append((neuron(x) * weights).sum().item())
            flat[k] += 1e-6
            assert parameter.grad.view(-1)[k].item() == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-8)


def test_streams_continue() -> None:
    neuron, x = SpikeResponse(), drive(40, 3, 2.0)
    first, state = sl.unroll(neuron, x[:17])
    second, _ = sl.unroll(neuron, x[17:], state)
    assert torch.equal(torch.cat([first, second]), neuron(x))
    assert state[""].keys() == {"v", "ahead_0", "ahead_1", "ahead_2", "ahead_3", "raised_0"}


def test_state_dict_holds_the_kernels() -> None:
    given = SpikeResponse((0.9, 0.1), (-1.0, -0.5), (0.2,))
    other = SpikeResponse((0.0, 0.0), (0.0, 0.0), (0.0,))
    x = drive(50, 2, 2.0)
    before = other(x)
    other.load_state_dict(given.state_dict())
    assert torch.equal(other(x), given(x)) and not torch.equal(other(x), before)


def test_stochastic_spike_response_neuron() -> None:
    """SRM0 with the escape rate rho exp((u - theta) / du): as many spikes as the probabilities add up to."""
    hazard = sl.neurons.ExponentialHazard(rho=0.1, width=0.2)
    neuron = EscapeNoise(SRM0(tau_mem=10.0, tau_syn=5.0, tau_eta=10.0), hazard=hazard)
    torch.manual_seed(0)
    s, v = recorded(neuron, drive(2000, 20, 0.5))
    before = v + s  # eta_0 = 1
    p = 1 - torch.exp(-0.1 * torch.exp((before - 1) / 0.2))
    # The differences are uncorrelated, with variance p (1 - p).
    assert abs((s - p).sum()) < 5 * (p * (1 - p)).sum().sqrt()
    assert s.sum() > 1000


@pytest.mark.parametrize("kernel", [(), (0.1, math.nan), torch.tensor(0.3), torch.tensor([1, 2])])
def test_kernels_that_are_none(kernel: object) -> None:
    with pytest.raises(ParameterError, match="kappa"):
        SpikeResponse(kernel)  # type: ignore[arg-type]
