"""Stochastic neurons against the distributions and expectations that they state."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import DTypeError, ParameterError, ShapeError
from spikeloom.neurons import (
    GLM,
    EscapeNoise,
    ExponentialHazard,
    Hazard,
    LinearHazard,
    LinearNonlinearPoisson,
    NoisyThreshold,
    SigmoidHazard,
    raised_cosines,
)

HAZARDS = [ExponentialHazard(rho=0.3, width=0.4), SigmoidHazard(rho=0.8, width=0.3), LinearHazard(rho=0.5, width=0.5)]


def constant(values: list[float], steps: int, trials: int) -> Tensor:
    """One neuron for each value, as many batches as trials."""
    return torch.tensor(values, dtype=torch.float64).expand(steps, trials, -1)


def draw(neuron: sl.Neuron, x: Tensor, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    with torch.no_grad():
        return neuron(x)  # type: ignore[no-any-return]


def follower(**given: float) -> sl.LIF:
    """A membrane so fast that v is the input of the same step, whatever was before."""
    return sl.LIF(tau_mem=1e-3, **given)


def rates(distance: Tensor) -> list[Tensor]:
    return [
        0.3 * torch.exp(distance / 0.4),
        0.8 / (1 + torch.exp(-distance / 0.3)),
        0.5 * torch.relu(distance / 0.5),
    ]


@pytest.mark.parametrize("k", range(3), ids=["exponential", "sigmoid", "linear"])
@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_a_spike_has_the_probability_of_the_hazard(k: int, dt: float) -> None:
    distances = torch.tensor([-1.5, -0.5, 0.0, 0.2, 0.7], dtype=torch.float64)
    p = 1 - torch.exp(-rates(distances)[k] * dt)
    neuron = EscapeNoise(follower(dt=dt), hazard=HAZARDS[k])
    count = draw(neuron, constant((1 + distances).tolist(), 1000, 100)).sum((0, 1))
    # Five standard deviations of the binomial; exactly none where the rate is 0.
    assert ((count - 1e5 * p).abs() <= 5 * (1e5 * p * (1 - p)).sqrt()).all()


def test_certain_and_impossible_spikes() -> None:
    neuron = EscapeNoise(follower(), hazard=LinearHazard(rho=1e3))
    s = draw(neuron, constant([0.999, 2.0], 1000, 100)).mean((0, 1))
    assert s.tolist() == [0.0, 1.0]
    huge = torch.full((3, 1, 1), 1e6, requires_grad=True)
    y = EscapeNoise(follower())(huge)
    y.sum().backward()
    assert y.all() and huge.grad is not None and not huge.grad.any()


def survival(drive: float, tau: float, hazard: Hazard, dt: float, steps: int) -> NDArray[np.float64]:
    """Probability that a LIF reset to 0 has not spiked after 0, 1, 2, ... steps."""
    t = dt * torch.arange(1, steps, dtype=torch.float64)
    v = drive * (1 - torch.exp(-t / tau))
    hazards = hazard.rate(v - 1) * dt
    return np.concatenate([[1.0], np.exp(-np.cumsum(hazards.numpy()))])


@pytest.mark.parametrize("hazard", HAZARDS, ids=repr)
def test_intervals_have_the_distribution_of_the_hazard(hazard: Hazard) -> None:
    drive, tau, dt, first = 1.3, 10.0, 0.5, 30
    s = draw(EscapeNoise(sl.LIF(tau_mem=tau, dt=dt), hazard=hazard), constant([drive], 4000, 100))[..., 0].numpy()
    # The first so many of each neuron, lest long intervals be missing at the end.
    intervals = np.concatenate([np.diff(np.flatnonzero(train), prepend=-1)[:first] for train in s.T])
    assert len(intervals) == 100 * first
    wanted = survival(drive, tau, hazard, dt, 2000)
    found = np.array([(intervals > n).mean() for n in range(2000)])
    # Kolmogorov-Smirnov: beyond d with probability 2 exp(-2 n d^2), here 2e-9 (Dvoretzky, Kiefer and Wolfowitz).
    assert np.abs(found - wanted).max() < math.sqrt(10 / len(intervals))
    # The mean interval is the sum of the survival function.
    deviation = intervals.std() / math.sqrt(len(intervals))
    assert intervals.mean() == pytest.approx(wanted.sum(), abs=5 * deviation)


def test_a_threshold_with_noise_is_crossed_with_the_probability_of_the_normal_distribution() -> None:
    values = [0.5, 0.9, 1.0, 1.3]
    count = draw(NoisyThreshold(follower(), sigma=0.25), constant(values, 1000, 100)).sum((0, 1))
    p = torch.tensor([0.5 * (1 + math.erf((v - 1) / 0.25 / math.sqrt(2))) for v in values], dtype=torch.float64)
    assert ((count - 1e5 * p).abs() < 5 * (1e5 * p * (1 - p)).sqrt()).all()
    x = constant(values, 50, 2)
    assert torch.equal(NoisyThreshold(sl.LIF(tau_mem=2.0), sigma=0.0)(x), sl.LIF(tau_mem=2.0)(x))


# Linear-nonlinear-Poisson


def test_spikes_of_the_linear_nonlinear_neuron_are_poisson() -> None:
    neuron = LinearNonlinearPoisson(tau_mem=1.0, dt=0.5, hazard=ExponentialHazard(rho=0.1, width=0.5))
    s = draw(neuron, constant([0.6], 20_000, 200))[100:, :, 0]
    p = 1 - math.exp(-0.1 * math.exp(-0.4 / 0.5) * 0.5)
    assert s.mean().item() == pytest.approx(p, abs=5 * math.sqrt(p * (1 - p) / s.numel()))
    counts = s.view(-1, 100, 200).sum(1)
    # Binomial: variance over mean is 1 - p; its standard error is sqrt(2 / n).
    assert (counts.var() / counts.mean()).item() == pytest.approx(1 - p, rel=5 * math.sqrt(2 / counts.numel()))
    intervals = np.concatenate([np.diff(np.flatnonzero(train)) for train in s.T.numpy()])
    # Geometric: the standard deviation is sqrt(1 - p) of the mean; its standard error is about sqrt(2 / n).
    variation = intervals.std() / intervals.mean()
    assert variation == pytest.approx(math.sqrt(1 - p), rel=5 * math.sqrt(2 / len(intervals)))
    neighbours = torch.corrcoef(torch.stack([s[1:].flatten(), s[:-1].flatten()]))[0, 1]
    assert neighbours.abs() < 5 / math.sqrt(s.numel())


def test_the_linear_stage_is_the_exponential_filter() -> None:
    x = torch.rand(100, 1, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    neuron = LinearNonlinearPoisson(tau_mem=7.0, r=2.0)
    with sl.record(neuron, "v") as trace:
        draw(neuron, x)
    leaky = sl.LeakyIntegrator(tau_mem=7.0, r=2.0)(x)
    assert (trace["v"] - leaky).abs().max() < 1e-12


def test_gradient_of_the_spike_count_is_that_of_its_expectation() -> None:
    """Without a reset the expected count is a sum of probabilities, whose slope each spike carries."""
    neuron = LinearNonlinearPoisson(tau_mem=5.0, hazard=ExponentialHazard(rho=0.2, width=0.5), learn=("r",))
    x = 2 * torch.rand(40, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def expected(stimulus: Tensor) -> Tensor:
        v = sl.LeakyIntegrator(tau_mem=5.0)(stimulus)
        return (1 - torch.exp(-0.2 * torch.exp((v - 1) / 0.5))).sum()

    leaf = x.clone().requires_grad_()
    neuron(leaf).sum().backward()
    for index in ((0, 0, 0), (20, 1, 2), (39, 0, 1)):
        eps = torch.zeros_like(x)
        eps[index] = 1e-6
        slope = ((expected(x + eps) - expected(x - eps)) / 2e-6).item()
        assert leaf.grad is not None and leaf.grad[index].item() == pytest.approx(slope, rel=1e-6)


def expected_count(drive: float, steps: int, tau: float, hazard: Hazard) -> float:
    """Of a LIF with escape noise: the probabilities of its ages, carried from step to step."""
    v = drive * (1 - torch.exp(-torch.arange(1, steps + 1, dtype=torch.float64) / tau))
    p = 1 - torch.exp(-hazard.rate(v - 1))
    ages = torch.zeros(steps + 1, dtype=torch.float64)
    ages[0], total = 1.0, 0.0
    for _ in range(steps):
        spikes = (ages[:-1] * p).sum()
        total += spikes.item()
        ages = torch.cat([spikes.view(1), ages[:-1] * (1 - p)])
    return total


def test_gradient_through_escape_noise_and_reset() -> None:
    """The mean gradient is near the slope of the expected count; a reset that counts makes it biased, not wrong."""
    tau, steps, drive, hazard = 10.0, 30, 1.2, ExponentialHazard(rho=0.1, width=0.3)
    neuron = EscapeNoise(sl.LIF(tau_mem=tau, detach_reset=False), hazard=hazard)
    i = torch.tensor(drive, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(0)
    count = neuron(i.expand(steps, 20_000, 1)).sum() / 20_000
    count.backward()
    assert count.item() == pytest.approx(expected_count(drive, steps, tau, hazard), rel=0.02)
    slope = (expected_count(drive + 1e-4, steps, tau, hazard) - expected_count(drive - 1e-4, steps, tau, hazard)) / 2e-4
    # Measured: 1.55 for 1.73.
    assert i.grad is not None and i.grad.item() == pytest.approx(slope, rel=0.15)


# Generalised linear model


def test_raised_cosines() -> None:
    basis = raised_cosines(5, 60, first=1.0, last=40.0, offset=2.0).double()
    assert basis.shape == (60, 5) and basis.min() >= 0 and basis.max() <= 1
    assert basis[1, 0] == pytest.approx(1.0) and basis[40, 4] == pytest.approx(1.0)
    # Half-overlapping squared cosines: any two neighbours and theirs add up to 2 between the outer peaks.
    inner = raised_cosines(7, 60, first=1.0, last=40.0, offset=2.0).double().sum(1)
    low, high = (math.ceil((1 + 2) * (42 / 3) ** (k / 6) - 2) for k in (1, 5))
    assert (inner[low : high - 1] - 2).abs().max() < 1e-5
    widths = (basis > 0.5).sum(0)
    assert (torch.diff(widths[:4]) > 0).all()
    with pytest.raises(ParameterError, match="raised_cosines"):
        raised_cosines(1, 60)


def glm(**given: object) -> GLM:
    return GLM(
        torch.tensor([0.9, 0.5, -0.4, 0.2]), torch.tensor([-3.0, -1.0, 0.6]),
        stimulus_basis=raised_cosines(4, 15), history_basis=raised_cosines(3, 12), bias=-2.5, **given,
    )  # fmt: skip


def test_the_drawn_potential_is_the_filtered_stimulus_and_history() -> None:
    neuron = glm()
    x = torch.randn(60, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with sl.record(neuron, "v") as trace:
        y = draw(neuron, x)
    k, h = (neuron.kernels()[name].double().tolist() for name in "kh")
    v = torch.full_like(x, -2.5)
    for t in range(60):
        for lag in range(min(t + 1, 15)):
            v[t] += k[lag] * x[t - lag]
        for lag in range(1, min(t + 1, 13)):
            v[t] += h[lag] * y[t - lag]
    assert y.sum() > 10
    assert (trace["v"] - v).abs().max() < 1e-6  # the basis is of float32
    p = 1 - torch.exp(-torch.exp(v))
    wanted = torch.where(y > 0, p, 1 - p).log().sum()
    assert neuron.log_likelihood(x, y).item() == pytest.approx(wanted.item(), rel=1e-6)


def test_the_likelihood_follows_the_nonlinearity_and_the_step() -> None:
    x = torch.randn(40, 1, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    neuron = glm(dt=0.5, hazard=SigmoidHazard(rho=0.8, width=1.0))
    with sl.record(neuron, "v") as trace:
        y = draw(neuron, x)
    p = 1 - torch.exp(-0.8 * torch.sigmoid(trace["v"]) * 0.5)
    wanted = torch.where(y > 0, p, 1 - p).log().sum()
    assert neuron.log_likelihood(x, y).item() == pytest.approx(wanted.item(), rel=1e-6)


def test_an_optimiser_recovers_the_filters() -> None:
    true = glm()
    x = torch.randn(4000, 20, 1, generator=torch.Generator().manual_seed(0))
    y = draw(true, x)
    assert 2000 < y.sum() < 40_000
    names = ("stimulus", "history", "bias")
    fitted = GLM(
        [0.0] * 4, [0.0] * 3, stimulus_basis=raised_cosines(4, 15), history_basis=raised_cosines(3, 12), learn=names
    )
    optimiser = torch.optim.LBFGS(fitted.parameters(), max_iter=30, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = -fitted.log_likelihood(x, y) / y.sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    # At the maximum likelier than the truth by half a chi-squared of as many degrees of freedom as weights, 8.
    gain = (fitted.log_likelihood(x, y) - true.log_likelihood(x, y)).item()
    assert 0 < gain < 4 + 5 * 2
    for name, tolerance in (("k", 0.06), ("h", 0.25)):
        error = (fitted.kernels()[name] - true.kernels()[name]).abs().max()
        assert error < tolerance, name
    assert fitted.bias.item() == pytest.approx(-2.5, abs=0.06)


def test_a_filter_for_each_neuron() -> None:
    stimulus = torch.tensor([[0.5, -0.5], [1.0, 0.0]])
    both = GLM(stimulus, (-1.0, -1.0), bias=torch.tensor([-1.0, -2.0]), stimulus_basis=raised_cosines(2, 5))
    x = torch.randn(50, 3, 2, generator=torch.Generator().manual_seed(0))
    y = draw(both, x)
    parts = [
        GLM(stimulus[:, n], (-1.0, -1.0), bias=bias, stimulus_basis=raised_cosines(2, 5)).log_likelihood(
            x[..., n : n + 1], y[..., n : n + 1]
        )
        for n, bias in enumerate((-1.0, -2.0))
    ]
    assert both.log_likelihood(x, y).item() == pytest.approx(sum(parts).item(), rel=1e-5)  # type: ignore[union-attr]


def test_arguments_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="a column for each weight"):
        GLM((0.1, 0.2, 0.3), stimulus_basis=raised_cosines(2, 5))
    with pytest.raises(ShapeError, match="log_likelihood"):
        GLM().log_likelihood(torch.zeros(5, 1, 2), torch.zeros(5, 1, 1))
    with pytest.raises(DTypeError, match="hazard"):
        EscapeNoise(sl.LIF(), hazard=sl.surrogate.Sigmoid())
    with pytest.raises(ParameterError, match="width"):
        ExponentialHazard(width=0.0)


@pytest.mark.parametrize(
    "wrap",
    [lambda n: EscapeNoise(n, hazard=sl.neurons.LinearHazard()), lambda n: sl.neurons.NoisyThreshold(n, sigma=0.5)],
    ids=["escape", "threshold"],
)
def test_a_refractory_period_inside_holds(wrap: Callable[[sl.Neuron], sl.Neuron]) -> None:
    torch.manual_seed(0)
    spikes = wrap(sl.Refractory(sl.LIF(tau_mem=2.0), t_ref=4.0))(torch.full((400, 1, 50), 20.0))
    at = spikes.squeeze(1).T.nonzero()
    intervals = torch.diff(at[:, 1])[torch.diff(at[:, 0]) == 0]
    assert intervals.min() == 5
