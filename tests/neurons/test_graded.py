"""Neurons whose spikes are other than 0 and 1: signed, several at once, sigma-delta."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import spikeloom as sl
from spikeloom.neurons import MultiSpike, SigmaDelta, Signed
from spikeloom.surrogate import Smoothed


def drive(low: float, high: float, steps: int = 60, neurons: int = 40, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(steps, 1, neurons, dtype=torch.float64, generator=generator)


def run(neuron: sl.Neuron, x: Tensor, variable: str = "v") -> tuple[Tensor, Tensor]:
    with torch.no_grad(), sl.record(neuron, variable) as trace:
        return neuron(x), trace[variable]


def matches_finite_differences(neuron: sl.Neuron, x: Tensor) -> None:
    """Spikes and final state of the smoothed neuron, with the reset in the gradient."""
    smooth = neuron.with_options(surrogate=Smoothed(of=neuron.option("surrogate")), detach_reset=False)
    weights = torch.linspace(-1, 1, x.numel(), dtype=x.dtype).view_as(x)

    def loss(x: Tensor) -> Tensor:
        y, state = sl.unroll(smooth, x)
        return (y * weights).sum() + sum(value.sum() for value in state[""].values())

    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(leaf), leaf)
    for index in ((0, 0, 0), (3, 0, 1), (len(x) - 1, 0, 2)):
        sides = []
        for sign in (1, -1):
            moved = x.clone()
            moved[index] += sign * 1e-6
            sides.append(loss(moved))
        assert float(gradient[index]) == pytest.approx(float(sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-7)


class TestSigned:
    def test_ternary_recursion(self) -> None:
        """LIF with thresholds at both sides and a hard reset."""
        x, v, rows = drive(-3, 3), torch.zeros(1, 40, dtype=torch.float64), []
        for i in x:
            v = v + 0.4 * (i - v)
            rows.append((v >= 1).double() - (v <= -0.8).double())
            v = torch.where(rows[-1] != 0, 0.0, v)
        s, after = run(Signed(sl.neurons.PLIF(rate=0.4), v_neg=0.8), x)
        assert torch.equal(s, torch.stack(rows))
        assert set(s.unique().tolist()) == {-1.0, 0.0, 1.0}
        assert torch.equal(after[-1], v)

    @pytest.mark.parametrize("slope", [1.0, 0.25, 0.1])
    def test_transfer_curve_is_a_leaky_relu(self, slope: float) -> None:
        """Thresholds 1 and 1 / slope, soft resets: rate = max(x, 0) + slope min(x, 0) to one spike in T steps."""
        steps = 400
        x = torch.linspace(-1, 1, 81, dtype=torch.float64)
        neuron = Signed(sl.IF(soft_reset=True), v_neg=1 / slope)
        rate = run(neuron, x.expand(steps, 1, -1))[0].mean(0)[0]
        assert (rate - torch.nn.functional.leaky_relu(x, slope)).abs().max() <= 1 / steps + 1e-12

    def test_both_slopes_add_up(self) -> None:
        x = torch.linspace(-2, 2, 9, dtype=torch.float64).view(1, 1, -1).requires_grad_()
        surrogate = sl.surrogate.SuperSpike(width=0.5)
        (slope,) = torch.autograd.grad(Signed(sl.IF(surrogate=surrogate), v_neg=0.5)(x).sum(), x)
        values = x.detach()
        wanted = 1 / (1 + (values - 1).abs() / 0.5) ** 2 + 1 / (1 + (values + 0.5).abs() / 0.5) ** 2
        torch.testing.assert_close(slope, wanted, rtol=1e-9, atol=1e-12)

    @pytest.mark.parametrize("soft", [False, True])
    def test_gradient(self, soft: bool) -> None:
        matches_finite_differences(Signed(sl.LIF(tau_mem=3.0, soft_reset=soft), v_neg=0.7), drive(-3, 3, 8, 3))

    def test_the_reset_is_differentiated_without_a_spike_too(self) -> None:
        """v' = v - s holds for s = 0 as well: dv'/dv = 1 - slope, the triangle's 1 - |v - 1| or 1 - |v + 1|."""
        x = torch.tensor([0.7, -0.6, 1.2, -1.3], dtype=torch.float64).view(1, 1, 4).requires_grad_()
        surrogate = sl.surrogate.Triangle(height=1.0)
        _, state = sl.unroll(Signed(sl.IF(soft_reset=True, surrogate=surrogate, detach_reset=False)), x)
        (found,) = torch.autograd.grad(state[""]["v"].sum(), x)
        torch.testing.assert_close(found.flatten(), torch.tensor([0.3, 0.4, 0.2, 0.3], dtype=torch.float64))

    def test_refractory_after_spikes_of_either_sign(self) -> None:
        neuron = sl.Refractory(Signed(sl.IF()), t_ref=2.0)
        x = torch.tensor([-1.0, -5.0, -5.0, 1.0, 5.0, 5.0, -1.0]).view(-1, 1, 1)
        assert neuron.graded
        assert neuron(x).flatten().tolist() == [-1, 0, 0, 1, 0, 0, -1]

    def test_a_neuron_without_reset_to_mirror_is_refused(self) -> None:
        for kind in (Signed, MultiSpike):
            with pytest.raises(sl.errors.ParameterError, match="v_th, v_reset and soft_reset"):
                kind(sl.LeakyIntegrator())


class TestMultiSpike:
    @given(st.sampled_from([1, 4]), st.booleans(), st.integers(0, 99))
    def test_recursion(self, levels: int, soft: bool, seed: int) -> None:
        """floor(v / v_th), at least 0 and at most so many."""
        x, v, rows = drive(-1, 6, seed=seed), torch.zeros(1, 40, dtype=torch.float64), []
        for i in x:
            v = v + 0.5 * (i - v)
            rows.append((v / 0.75).floor().clamp(0, levels))
            v = v - 0.75 * rows[-1] if soft else torch.where(rows[-1] > 0, 0.0, v)
        neuron = MultiSpike(sl.neurons.PLIF(rate=0.5, v_th=0.75, soft_reset=soft), levels=levels)
        s, after = run(neuron, x)
        assert torch.equal(s, torch.stack(rows))
        torch.testing.assert_close(after[-1], v, rtol=0, atol=1e-12)

    def test_one_level_is_the_neuron_itself(self) -> None:
        x = drive(-1, 4)
        assert torch.equal(run(MultiSpike(sl.LIF(tau_mem=2.0), levels=1), x)[0], run(sl.LIF(tau_mem=2.0), x)[0])

    def test_rate_beyond_one_spike_a_step(self) -> None:
        """A soft reset keeps the remainder: the count is floor(T x), up to `levels` a step."""
        x = torch.tensor([0.3, 1.7, 2.5, 3.9, 4.5], dtype=torch.float64)
        counts = run(MultiSpike(sl.IF(soft_reset=True), levels=4), x.expand(200, 1, -1))[0].sum(0)[0]
        assert (counts - torch.clamp(200 * x, max=800)).abs().max() <= 1

    @pytest.mark.parametrize("soft", [False, True])
    def test_gradient(self, soft: bool) -> None:
        matches_finite_differences(MultiSpike(sl.LIF(tau_mem=3.0, soft_reset=soft), levels=3), drive(0, 6, 8, 3))

    def test_slopes_at_every_level_add_up(self) -> None:
        x = torch.linspace(-1, 5, 13, dtype=torch.float64).view(1, 1, -1).requires_grad_()
        neuron = MultiSpike(sl.IF(surrogate=sl.surrogate.Triangle(width=0.5, height=1.0)), levels=3)
        (slope,) = torch.autograd.grad(neuron(x).sum(), x)
        levels = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64).view(3, 1, 1, 1)
        wanted = torch.relu(1 - (x.detach() - levels).abs() / 0.5).sum(0)
        torch.testing.assert_close(slope, wanted, rtol=1e-9, atol=1e-12)

    def test_without_level_it_is_refused(self) -> None:
        with pytest.raises(sl.errors.ParameterError, match="at least 1"):
            MultiSpike(sl.IF(), levels=0)


class TestSigmaDelta:
    @given(st.floats(0.05, 2.0), st.integers(0, 99))
    def test_the_receiver_is_closer_than_the_threshold(self, v_th: float, seed: int) -> None:
        values = drive(-0.3, 0.3, seed=seed).cumsum(0)
        s, _ = run(SigmaDelta(v_th=v_th, accumulate=False), values, "sent")
        rebuilt = s.cumsum(0)
        assert (rebuilt - values).abs().max() < v_th
        assert ((s == 0) | (s.abs() >= v_th * (1 - 1e-12))).all()
        assert torch.equal(run(SigmaDelta(v_th=v_th, accumulate=False), values, "sent")[1][-1] != 0, rebuilt[-1] != 0)

    def test_what_stands_still_is_sent_once(self) -> None:
        s, _ = run(SigmaDelta(v_th=0.1, accumulate=False), torch.full((50, 1, 1), 0.7), "sent")
        assert s.flatten().nonzero().flatten().tolist() == [0]
        assert s[0].item() == pytest.approx(0.7)

    def test_a_chain_computes_on_changes(self) -> None:
        """Encoder, weights, neuron, weights: the sum of what arrives is the network's output, within the thresholds."""
        torch.manual_seed(0)
        values = drive(-1.0, 1.0, neurons=6).cumsum(0)
        first, second = (torch.nn.Linear(6, 6, bias=False).double() for _ in range(2))
        encoder = SigmaDelta(v_th=0.02, accumulate=False)
        net = sl.nn.Sequential(encoder, first, SigmaDelta(v_th=0.02, rectify=True), second)
        with torch.no_grad():
            output, wanted = net(values).cumsum(0), second(torch.relu(first(values)))
            gain = first.weight.abs().sum(1).max() * second.weight.abs().sum(1).max()
            bound = 0.02 * (gain + second.weight.abs().sum(1).max())
        assert (output - wanted).abs().max() <= bound
        assert wanted.abs().max() > bound

    def test_gradient(self) -> None:
        matches_finite_differences(SigmaDelta(v_th=0.3), drive(-0.5, 0.7, 8, 3))

    def test_nan_does_not_pass(self) -> None:
        x = torch.zeros(9, 1, 1)
        x[4] = torch.nan
        for neuron in (SigmaDelta(accumulate=False), sl.neurons.ThresholdUnit(), sl.neurons.SlidingPSN(2)):
            with pytest.raises(sl.errors.NonFiniteError, match="step 4"):
                neuron(x)
