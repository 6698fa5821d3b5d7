"""Neurons of deep spiking networks against their published equations, written down once more as plain recursions."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import spikeloom as sl
from spikeloom.neurons import CLIF, KLIF, PLIF, DifferenceIF, GatedLIF, LateResetLIF
from spikeloom.surrogate import Smoothed

STEPS, NEURONS = 60, 40


def drive(low: float = -0.5, high: float = 1.5, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(STEPS, 1, NEURONS, dtype=torch.float64, generator=generator)


def run(neuron: sl.Neuron, x: Tensor) -> tuple[Tensor, Tensor]:
    """Spikes and potentials after the reset."""
    with torch.no_grad(), sl.record(neuron, "v") as trace:
        return neuron(x), trace["v"]


Step = Callable[..., tuple[Tensor, ...]]


def recursion(step: Step, x: Tensor, states: int) -> list[Tensor]:
    """A model whose step maps input and states to spikes and states: spikes, and each state after every step."""
    now = [torch.zeros_like(x[0]) for _ in range(states)]
    rows = []
    for i in x:
        s, *now = step(i, *now)
        rows.append((s, *now))
    return [torch.stack(column) for column in zip(*rows, strict=True)]


def agree(neuron: sl.Neuron, step: Step, x: Tensor, states: int = 1) -> None:
    """The same spikes, some but not always, and the same potential up to rounding."""
    s, v = run(neuron, x)
    wanted = recursion(step, x, states)
    assert torch.equal(s, wanted[0])
    assert 0.05 < s.mean() < 0.95
    torch.testing.assert_close(v, wanted[1], rtol=0, atol=1e-12)


def spikes_of(v: Tensor, v_th: float) -> Tensor:
    return (v >= v_th).to(v.dtype)


class TestPerfect:
    @pytest.mark.parametrize("current", [0.0031, 0.037, 0.25, 0.5, 0.77, 1.0])
    def test_rate_is_that_of_the_capacitor(self, current: float) -> None:
        """f = I / (C (v_th - v_reset)) to one spike in 10 000 steps; a hard reset loses what is above threshold."""
        x = torch.full((10_000, 1, 1), current, dtype=torch.float64)
        soft = run(sl.IF(c_mem=2.0, v_th=0.5, v_reset=-0.25, soft_reset=True), x)[0].sum()
        # The first spike comes from rest at 0 instead of -0.25, a third of an interval earlier.
        assert abs(soft - 10_000 * current / (2.0 * 0.75)) <= 1
        hard = run(sl.IF(), x)[0].sum()
        assert abs(hard - 10_000 // math.ceil(1 / current)) <= 1

    def test_soft_reset_keeps_the_rate_and_hard_reset_does_not(self) -> None:
        """Largest difference of rate and ReLU on [-1, 1] in 200 steps: 1/200 with soft reset, 0.49 just below 1."""
        x = torch.linspace(-1, 1, 401, dtype=torch.float64)
        over_time = x.expand(200, 1, -1)
        hard, soft = ((run(sl.IF(soft_reset=soft), over_time)[0].mean(0)[0] - x.relu()).abs() for soft in (False, True))
        assert soft.max() <= 1 / 200 + 1e-12
        # Two steps per spike for all currents from 1/2 to 1: the rate is 1/2.
        assert float(hard.max()) == pytest.approx(0.995 - 0.5, abs=1e-12)
        assert float(x[hard.argmax()]) == pytest.approx(0.995)

    @pytest.mark.parametrize("soft", [False, True])
    @pytest.mark.parametrize("v_reset", [0.0, -0.3])
    def test_charge_fire_reset(self, soft: bool, v_reset: float) -> None:
        def after(h: Tensor) -> tuple[Tensor, ...]:
            s = spikes_of(h, 1.0)
            return s, h - (1.0 - v_reset) * s if soft else h * (1 - s) + v_reset * s

        chosen = {"soft_reset": soft, "v_reset": v_reset}
        agree(sl.IF(**chosen), lambda i, v: after(v + i), drive())
        agree(sl.LIF(tau_mem=2.0, **chosen), lambda i, v: after(v + (1 - math.exp(-0.5)) * (i - v)), drive(0, 3))
        agree(PLIF(rate=0.3, **chosen), lambda i, v: after(v + 0.3 * (i - v)), drive(0, 3))
        agree(PLIF(rate=0.3, decay_input=False, **chosen), lambda i, v: after(v - 0.3 * v + i), drive())


class TestDifferenceEquation:
    def test_trace_by_hand(self) -> None:
        """theta = 1, leak -0.1, floor 0; the spike of step 9 resets from 1.2."""
        x = torch.tensor([0.5, 0.5, 0, 0, -1, 0.4, 0.4, 0.4, 0.4, 0], dtype=torch.float64).view(-1, 1, 1)
        s, v = run(DifferenceIF(leak=-0.1), x)
        wanted = torch.tensor([0.4, 0.8, 0.7, 0.6, 0, 0.3, 0.6, 0.9, 0, 0], dtype=torch.float64)
        torch.testing.assert_close(v.flatten(), wanted, rtol=0, atol=1e-12)
        assert s.flatten().nonzero().flatten().tolist() == [8]

    @given(st.floats(-0.5, 0.2), st.floats(-2.0, 0.5), st.booleans(), st.integers(0, 99))
    def test_floor_and_order(self, leak: float, floor: float, soft: bool, seed: int) -> None:
        """The paper's order: first the test for a spike, then that for the floor."""

        def step(i: Tensor, v: Tensor) -> tuple[Tensor, ...]:
            h = v + leak + i
            s = spikes_of(h, 1.0)
            h = h - s if soft else h * (1 - s)
            return s, torch.where(h < floor, floor, h)

        x = drive(-1.5, 1.5, seed)
        s, v = run(DifferenceIF(leak=leak, v_floor=floor, soft_reset=soft), x)
        wanted = recursion(step, x, 1)
        # The model starts at rest, 0, which a floor above 0 lifts in the first step, in both.
        assert torch.equal(s, wanted[0])
        torch.testing.assert_close(v, wanted[1], rtol=0, atol=1e-12)
        assert (v >= floor).all()

    def test_a_floor_above_the_threshold_is_refused(self) -> None:
        with pytest.raises(sl.errors.ParameterError, match="v_floor < v_th"):
            DifferenceIF(v_floor=1.5)


def finite_difference(neuron: sl.Neuron, name: str, x: Tensor) -> tuple[float, float]:
    """Gradient of a weighted sum of outputs by a raw parameter, by autograd and by central differences."""
    weights = torch.linspace(-1, 1, x.numel(), dtype=x.dtype).view_as(x)
    parameter = dict(neuron.named_parameters())[name]
    (gradient,) = torch.autograd.grad((neuron(x) * weights).sum(), parameter)
    sides = []
    for sign in (1, -1):
        with torch.no_grad():
            parameter += sign * 1e-5
            sides.append(float((neuron(x) * weights).sum()))
            parameter -= sign * 1e-5
    return float(gradient), (sides[0] - sides[1]) / 2e-5


def smooth(kind: type[sl.Neuron], **given: object) -> sl.Neuron:
    """The model with the primitive of its surrogate in the place of the step."""
    surrogate = Smoothed(of=kind(**given).surrogate)
    return kind(**{**given, "surrogate": surrogate, "detach_reset": False}).double()


class TestParametric:
    def test_the_rate_is_the_sigmoid_of_what_learns(self) -> None:
        neuron = PLIF(rate=1 / 2.5, learn=("rate",))
        assert neuron.raw_rate.item() == pytest.approx(-math.log(2.5 - 1), abs=1e-6)
        for w in (-30.0, -3.0, 0.0, 5.0, 15.0):
            with torch.no_grad():
                neuron.raw_rate.fill_(w)
            assert 1 / neuron.rate.item() > 1

    @pytest.mark.parametrize("decay_input", [True, False])
    def test_gradient_of_the_rate(self, decay_input: bool) -> None:
        neuron = smooth(PLIF, rate=0.4, decay_input=decay_input, learn=("rate",))
        found, wanted = finite_difference(neuron, "raw_rate", drive(0, 2))
        assert found == pytest.approx(wanted, rel=1e-6)

    def test_it_is_lif_in_euler_steps(self) -> None:
        x = drive(0, 3)
        euler = sl.LIF(tau_mem=4.0, integrator=sl.neurons.Euler())
        assert torch.equal(run(PLIF(rate=0.25), x)[0], run(euler, x)[0])

    @pytest.mark.parametrize("beta", [0.0, 0.2, 0.5, 0.8, 0.95])
    def test_generic_neuron(self, beta: float) -> None:
        """V <- beta V + x with subtraction of the threshold, also without memory; exp(-1000) is 0 as a number."""

        def step(i: Tensor, v: Tensor) -> tuple[Tensor, ...]:
            h = beta * v + i
            return spikes_of(h, 1.0), h - spikes_of(h, 1.0)

        x = drive(-0.5, 1.2 if beta > 0.9 else 2.0)
        agree(PLIF(rate=1 - beta, decay_input=False, soft_reset=True), step, x)
        tau = -1 / math.log(beta) if beta else 1e-3
        agree(sl.LIF(tau_mem=tau, decay_input=False, soft_reset=True), step, x)


class TestKLIF:
    @pytest.mark.parametrize("scaled", [False, True])
    @pytest.mark.parametrize("soft", [False, True])
    def test_recursion(self, soft: bool, scaled: bool) -> None:
        k, tau, v_th = 1.3, 2.5, 1.0

        def step(i: Tensor, v: Tensor) -> tuple[Tensor, ...]:
            f = torch.relu(k * (v + (i - v) / tau))
            s = spikes_of(f, v_th)
            kept = f - v_th * s if soft else f * (1 - s)
            return s, kept / k if scaled else kept

        agree(KLIF(k=k, rate=1 / tau, soft_reset=soft, scale_reset=scaled), step, drive(-1, 3))

    def test_limits_of_k(self) -> None:
        x = drive(0, 3)
        assert torch.equal(run(KLIF(k=1.0), x)[0], run(PLIF(), x)[0])
        mixed = drive(-1, 1)
        # From rest and reset to 0 the charged potential has the sign of the input, and any positive one fires.
        positive = run(KLIF(k=1e9, scale_reset=True), mixed)[0]
        assert torch.equal(positive[:1], (mixed[:1] > 0).double())
        assert torch.equal(run(KLIF(k=1e-9), x)[0], torch.zeros_like(x))

    def test_gradient_of_k(self) -> None:
        neuron = smooth(KLIF, k=1.3, learn=("k",))
        found, wanted = finite_difference(neuron, "raw_k", drive(0.1, 2))
        assert found == pytest.approx(wanted, rel=1e-6)


class TestCLIF:
    def test_recursion(self) -> None:
        tau = 2.5

        def step(i: Tensor, v: Tensor, m: Tensor) -> tuple[Tensor, ...]:
            h = (1 - 1 / tau) * v + i
            s = spikes_of(h, 1.0)
            m = m * torch.sigmoid(h / tau) + s
            return s, h - s * (1.0 + torch.sigmoid(m)), m

        agree(CLIF(rate=1 / tau), step, drive(0, 2), states=2)

    def test_gradient_is_that_of_the_published_step(self) -> None:
        """Autograd through the equations with the same surrogate: the complementary potential sees its own spike."""
        neuron, x = CLIF(rate=0.4), drive(0, 2)[:12].requires_grad_()
        weights = torch.linspace(-1, 1, x.numel(), dtype=x.dtype).view_as(x)
        (found,) = torch.autograd.grad((neuron(x) * weights).sum(), x)

        def step(i: Tensor, v: Tensor, m: Tensor) -> tuple[Tensor, ...]:
            h = 0.6 * v + i
            s = sl.surrogate.Rectangle()(h - 1)
            m = m * torch.sigmoid(0.4 * h) + s
            return s, h - s * (1.0 + torch.sigmoid(m)), m

        (wanted,) = torch.autograd.grad((recursion(step, x, 2)[0] * weights).sum(), x)
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)

    def test_more_spikes_before_deeper_reset(self) -> None:
        x = torch.full((2, 1, 1), 5.0, dtype=torch.float64)
        _, v = run(CLIF(rate=0.5), x)
        first = 5 - 1 - 1 / (1 + math.exp(-1))
        assert float(v[0]) == pytest.approx(first, abs=1e-12)
        h = first / 2 + 5
        m = 1 / (1 + math.exp(-h / 2)) + 1
        assert float(v[1]) == pytest.approx(h - 1 - 1 / (1 + math.exp(-m)), abs=1e-12)


class TestGatedLIF:
    @pytest.mark.parametrize("gates", [(0.3, 0.7, 0.4), (1, 1, 1), (0, 0, 0), (1, 0, 0.5), (0, 1, 1)], ids=str)
    def test_recursion(self, gates: tuple[float, float, float]) -> None:
        alpha, beta, gamma = gates
        decay, leak, g, v_sub, v_th = 0.6, 0.05, 0.7, 0.4, 0.5

        def step(i: Tensor, v: Tensor, s: Tensor) -> tuple[Tensor, ...]:
            u = (1 - alpha * (1 - decay)) * v - (1 - alpha) * leak + (1 - beta * (1 - g)) * i
            u = u - (1 - alpha * (1 - decay)) * v * gamma * s - (1 - gamma) * v_sub * s
            return spikes_of(u, v_th), u, spikes_of(u, v_th)

        given = {"decay": decay, "leak": leak, "conductance": g, "v_sub": v_sub, "v_th": v_th}
        agree(GatedLIF(alpha=alpha, beta=beta, gamma=gamma, **given), step, drive(-0.5, 1), states=2)

    def test_extremes_are_the_usual_neurons(self) -> None:
        x = drive(-0.5, 1)
        hard = GatedLIF(alpha=1.0, beta=0.0, gamma=1.0, decay=0.7)
        assert torch.equal(run(hard, x)[0], run(PLIF(rate=1 - 0.7, decay_input=False, v_th=0.5), x)[0])
        soft = GatedLIF(alpha=0.0, beta=0.0, gamma=0.0, leak=0.05, v_sub=0.5)
        constant = DifferenceIF(leak=-0.05, v_floor=-1e9, v_th=0.5, soft_reset=True)
        assert torch.equal(run(soft, x)[0], run(constant, x)[0])

    def test_conductance_of_every_step_and_channel(self) -> None:
        x = drive(-0.5, 1)
        g = torch.rand(STEPS, 1, NEURONS, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        neuron = GatedLIF(beta=1.0)
        assert torch.equal(neuron(x, conductance=g), GatedLIF(beta=0.0)(x * g))

    def test_all_parameters_learn_per_channel(self) -> None:
        names = ("alpha", "beta", "gamma", "decay", "leak", "conductance", "v_sub", "v_th")
        given = {name: torch.full((NEURONS,), 0.4) for name in names}
        neuron = GatedLIF(**given, learn=names, detach_reset=False).double()
        neuron(drive(-0.5, 1)).sum().backward()
        for name, parameter in neuron.named_parameters():
            assert parameter.shape == (NEURONS,)
            assert (parameter.grad != 0).any(), name


class TestLateReset:
    def test_recursion(self) -> None:
        """The published order: the spike is that of the potential before, and lowers the next one by the threshold."""
        leak, v_th = 0.8, 0.7

        def step(i: Tensor, v: Tensor, s: Tensor) -> tuple[Tensor, ...]:
            u = leak * v + i - v_th * s
            return spikes_of(u / v_th - 1, 0.0), u, spikes_of(u / v_th - 1, 0.0)

        agree(LateResetLIF(leak=leak, v_th=v_th), step, drive(), states=2)

    def test_it_is_a_soft_reset_of_another_depth(self) -> None:
        x, leak, v_th = drive(), 0.8, 0.7
        same = PLIF(rate=1 - leak, decay_input=False, soft_reset=True, v_th=v_th, v_reset=v_th * (1 - 1 / leak))
        assert torch.equal(run(LateResetLIF(leak=leak, v_th=v_th), x)[0], run(same, x)[0])

    @pytest.mark.parametrize("name", ["raw_leak", "raw_v_th"])
    def test_gradients_of_leak_and_threshold(self, name: str) -> None:
        neuron = smooth(LateResetLIF, leak=0.8, v_th=0.7, learn=("leak", "v_th"))
        found, wanted = finite_difference(neuron, name, drive()[:12])
        assert found == pytest.approx(wanted, rel=1e-5)

    def test_slope_is_in_units_of_the_threshold(self) -> None:
        """0.3 max(0, 1 - |z|) dz/dv, z = v / v_th - 1: at v = 1.5 of threshold 2, z = -1/4."""
        x = torch.full((1, 1, 1), 1.5, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(LateResetLIF(v_th=2.0)(x).sum(), x)
        assert float(slope) == pytest.approx(0.3 * 0.75 / 2, abs=1e-12)
