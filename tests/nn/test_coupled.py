"""Layers whose neurons act on each other within a step: coupled potentials, lateral reset."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import spikeloom as sl


def drive(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def coupled(n: int = 5, seed: int = 1, **given: object) -> sl.nn.Coupled:
    layer = sl.nn.Coupled(n, **given).double()
    with torch.no_grad():
        layer.coupling.copy_(drive(n, n, seed=seed))
        layer.raw_leak.copy_(0.5 * drive(n, seed=seed + 1))
    return layer


class TestCoupled:
    def test_potential_follows_the_equation(self) -> None:
        """Below threshold, against Runge-Kutta steps of 1/1000: error h^4, far below 1e-10."""
        layer = coupled(tau_mem=3.0, neuron=sl.IF(v_th=1e9, dt=0.5))
        x = drive(20, 1, 5)
        with torch.no_grad(), sl.record(layer, "v") as trace:
            layer(x)
            rho, u, h = layer.matrix() / 3.0, torch.zeros(1, 5, dtype=torch.float64), 0.5 / 500

            def slope(u: Tensor, i: Tensor) -> Tensor:
                return u @ rho.t() + i / 3.0

            for t in range(20):
                for _ in range(500):
                    k1 = slope(u, x[t])
                    k2 = slope(u + h / 2 * k1, x[t])
                    k3 = slope(u + h / 2 * k2, x[t])
                    k4 = slope(u + h * k3, x[t])
                    u = u + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
                torch.testing.assert_close(trace["neuron.v"][t], u, rtol=0, atol=1e-10)

    @pytest.mark.parametrize("soft", [False, True])
    def test_without_coupling_it_is_lif(self, soft: bool) -> None:
        options = {"soft_reset": soft, "v_reset": -0.2, "v_rest": 0.1, "v_th": 0.8}
        layer, lif = sl.nn.Coupled(5, tau_mem=4.0, neuron=sl.IF(**options)).double(), sl.LIF(tau_mem=4.0, **options)
        with torch.no_grad():
            layer.coupling.zero_()
        x = 3 * drive(100, 2, 5)
        with torch.no_grad(), sl.record(layer, "v") as given, sl.record(lif, "v") as wanted:
            assert torch.equal(layer(x), lif(x))
        torch.testing.assert_close(given["neuron.v"], wanted["v"], rtol=0, atol=1e-12)

    def test_the_diagonal_outweighs_its_row(self) -> None:
        layer = coupled(tau_mem=1.0)
        rho, leak = layer.matrix().detach(), layer.raw_leak.detach().exp()
        others = rho - rho.diagonal().diag()
        assert torch.equal(others, layer.coupling.detach() * (1 - torch.eye(5)))
        torch.testing.assert_close(-rho.diagonal(), leak + others.abs().sum(1))

    @given(st.integers(0, 999), st.floats(0.1, 100.0))
    def test_eigenvalues_stay_stable(self, seed: int, size: float) -> None:
        layer = coupled(6, seed, tau_mem=1.0)
        with torch.no_grad():
            layer.coupling.mul_(size)
        bound = -float(layer.raw_leak.detach().exp().min())
        assert float(layer.eigenvalues().real.max().detach()) <= bound + 1e-9 * size

    def test_coupling_and_leak_learn(self) -> None:
        layer = coupled(tau_mem=3.0)
        layer(3 * drive(10, 1, 5)).sum().backward()
        assert (layer.raw_leak.grad != 0).any()
        off = ~torch.eye(5, dtype=torch.bool)
        assert (layer.coupling.grad[off] != 0).any()
        assert (layer.coupling.grad.diagonal() == 0).all()

    def test_state_goes_in_and_out(self) -> None:
        layer, x = coupled(tau_mem=3.0), 3 * drive(12, 2, 5)
        first, state = sl.unroll(layer, x[:5])
        second, _ = sl.unroll(layer, x[5:], state)
        assert torch.equal(torch.cat([first, second]), layer(x))

    def test_other_neurons_are_refused(self) -> None:
        with pytest.raises(sl.errors.DTypeError, match="the dynamics are the layer's"):
            sl.nn.Coupled(3, neuron=sl.LIF())  # type: ignore[arg-type]
        with pytest.raises(sl.errors.ParameterError, match="tau_mem > 0"):
            sl.nn.Coupled(3, tau_mem=0.0)


def lateral_by_hand(layer: sl.nn.Lateral, x: Tensor, beta: float, b: float) -> Tensor:
    """The published recursion: reset by s W W', threshold of the potential over the squared norm."""
    w = layer.weight.detach()
    gram = w @ w.t()
    v, s, rows = torch.zeros(x.shape[1], len(w), dtype=x.dtype), torch.zeros(x.shape[1], len(w), dtype=x.dtype), []
    for now in x:
        v = (v - s @ gram) * beta + (1 - beta) * (now @ w.t())
        s = (v / gram.diagonal() - b >= 0).to(x.dtype)
        rows.append(s)
    return torch.stack(rows)


class TestLateral:
    @pytest.mark.parametrize(("beta", "b"), [(0.7, 1.0), (0.9, 0.6)])
    def test_recursion(self, beta: float, b: float) -> None:
        torch.manual_seed(0)
        layer = sl.nn.Lateral(4, 7, beta=beta, b=b).double()
        x = 4 * drive(60, 3, 4).cumsum(0) / 5
        with torch.no_grad():
            y = layer(x)
        assert torch.equal(y, lateral_by_hand(layer, x, beta, b))
        assert 0.02 < y.mean() < 0.5

    def test_gradients_of_weights_decay_and_threshold(self) -> None:
        """Against finite differences with smooth spikes; the weights act through input, scale and lateral reset."""
        torch.manual_seed(0)
        layer = sl.nn.Lateral(3, 4).double()
        smooth = sl.surrogate.Smoothed(of=layer.neuron.surrogate)
        layer.recurrent.neuron = layer.neuron.with_options(surrogate=smooth, detach_reset=False)
        x = drive(8, 2, 3).cumsum(0)
        scale = torch.linspace(-1, 1, 8 * 2 * 4, dtype=x.dtype).view(8, 2, 4)
        parameters = [layer.weight, layer.neuron.raw_rate, layer.neuron.raw_v_th]
        gradients = torch.autograd.grad((layer(x) * scale).sum(), parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            index = (0,) * parameter.dim()
            sides = []
            for sign in (1, -1):
                with torch.no_grad():
                    parameter[index] += sign * 1e-6
                    sides.append(float((layer(x) * scale).sum()))
                    parameter[index] -= sign * 1e-6
            assert float(gradient[index]) == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-7)

    def test_filtered_spikes_decode_the_signal(self) -> None:
        """W' times the filtered spikes follows a signal of two dimensions: R^2 > 0.9, as delta coding promises."""
        torch.manual_seed(0)
        beta, units = 0.98, 6
        layer = sl.nn.Lateral(2, units, beta=beta, b=0.5).double()
        angles = torch.arange(units, dtype=torch.float64) * 2 * torch.pi / units
        with torch.no_grad():
            layer.weight.copy_(0.1 * torch.stack([angles.cos(), angles.sin()], dim=1))
            t = torch.arange(1500, dtype=torch.float64)
            signal = torch.stack([torch.sin(t / 120), torch.cos(t / 75)], dim=1).unsqueeze(1)
            spikes = layer(signal)
            filtered, rows = torch.zeros(1, units, dtype=torch.float64), []
            decayed, target = torch.zeros(1, 2, dtype=torch.float64), []
            for s, x in zip(spikes, signal, strict=True):
                # The membrane holds W (target - decoded): spikes bring the one to the other.
                filtered, decayed = beta * filtered + s, beta * decayed + (1 - beta) * x
                rows.append(filtered @ layer.weight)
                target.append(decayed)
            decoded, wanted = torch.cat(rows)[200:], torch.cat(target)[200:]
        r2 = 1 - (decoded - wanted).square().sum() / (wanted - wanted.mean(0)).square().sum()
        assert r2 > 0.9

    def test_bad_sizes_are_refused(self) -> None:
        with pytest.raises(sl.errors.ParameterError, match="0 < beta < 1"):
            sl.nn.Lateral(4, 3, beta=1.0)
        with pytest.raises(sl.errors.ShapeError, match=r"\[T, B, 4\]"):
            sl.nn.Lateral(4, 3)(torch.rand(5, 1, 3))
