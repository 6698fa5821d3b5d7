"""Neurons without reset or with their memory elsewhere: sliding parallel neuron, threshold unit, decaying reset."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import spikeloom as sl
from spikeloom.neurons import DecayingReset, GRUUnit, LSTMUnit, SlidingPSN


def drive(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class TestSlidingPSN:
    @pytest.mark.parametrize("order", [1, 2, 5])
    def test_it_is_a_convolution_over_time(self, order: int) -> None:
        """Spikes, and gradients of input, weights and threshold: those of conv1d with zeros before the first step."""
        x = drive(30, 2, 4).requires_grad_()
        weight = drive(order, seed=1)
        neuron = SlidingPSN(weight, learn=("weight", "v_th"), v_th=0.5).double()
        y = neuron(x)
        taps = weight.clone().requires_grad_()
        v_th = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
        rows = F.pad(x.permute(1, 2, 0).reshape(8, 1, 30), (order - 1, 0))
        v = F.conv1d(rows, taps.flip(0).view(1, 1, -1)).view(2, 4, 30).permute(2, 0, 1)
        wanted = sl.surrogate.ATan()(v - v_th)
        assert torch.equal(y, wanted)
        scale = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
        found = torch.autograd.grad((y * scale).sum(), [x, neuron.get_parameter("weight"), neuron.raw_v_th])
        for given, gradient in zip(found, torch.autograd.grad((wanted * scale).sum(), [x, taps, v_th]), strict=True):
            torch.testing.assert_close(given, gradient, rtol=1e-9, atol=1e-12)

    def test_initial_weights_halve(self) -> None:
        assert SlidingPSN(4).weight.tolist() == [1, 0.5, 0.25, 0.125]

    def test_a_kernel_per_channel(self) -> None:
        weight = drive(3, 4)
        x = drive(10, 1, 4)
        y = SlidingPSN(weight).double()(x)
        for c in range(4):
            assert torch.equal(y[..., c], SlidingPSN(weight[:, c]).double()(x[..., c]))

    def test_it_streams(self) -> None:
        neuron, x = SlidingPSN(3), drive(12, 1, 4).float()
        first, state = sl.unroll(neuron, x[:5])
        second, _ = sl.unroll(neuron, x[5:], state)
        assert torch.equal(torch.cat([first, second]), neuron(x))

    def test_order_zero_is_refused(self) -> None:
        with pytest.raises(sl.errors.ParameterError, match="at least 1"):
            SlidingPSN(0)


class TestDecayingReset:
    def test_recursion_with_filtered_synapses(self) -> None:
        """V = W f - r and r <- exp(-1/tau) r + s, with f the published filter of the input spikes."""
        tau_m, tau_s = 4.0, 1.0
        spikes = (torch.rand(80, 1, 5, generator=torch.Generator().manual_seed(2)) < 0.3).double()
        torch.manual_seed(0)
        linear = torch.nn.Linear(5, 8).double()
        synapses = sl.synapses.IIRFilter.double_exponential(tau_decay=tau_m, tau_rise=tau_s)
        net = sl.nn.Sequential(synapses, linear, DecayingReset())
        with torch.no_grad():
            linear.weight.mul_(6)
            y = net(spikes)
        a1 = math.exp(-1 / tau_m) + math.exp(-1 / tau_s)
        a2 = -math.exp(-(tau_m + tau_s) / (tau_m * tau_s))
        b1 = math.exp(-1 / tau_m) - math.exp(-1 / tau_s)
        f, before, r, rows = torch.zeros(1, 5).double(), torch.zeros(1, 5).double(), torch.zeros(1, 8).double(), []
        for x in spikes:
            f, before = a1 * f + a2 * before + b1 * x, f
            rows.append((linear(f) - r >= 1).double())
            r = math.exp(-1 / tau_m) * r + rows[-1]
        assert torch.equal(y, torch.stack(rows))
        assert 0.05 < y.mean() < 0.6

    def test_impulse_response_of_the_synapse(self) -> None:
        x = torch.zeros(60, 1, 1, dtype=torch.float64)
        x[0] = 1
        f = sl.synapses.IIRFilter.double_exponential(tau_decay=4.0, tau_rise=1.0)(x).flatten()
        t = torch.arange(1, 61, dtype=torch.float64)
        assert (f - (torch.exp(-t / 4) - torch.exp(-t))).abs().max() <= 1e-6

    def test_slope_is_a_normal_density(self) -> None:
        x = torch.tensor([0.5, 1.0, 1.3], dtype=torch.float64).view(1, 1, 3).requires_grad_()
        (slope,) = torch.autograd.grad(DecayingReset()(x).sum(), x)
        density = torch.distributions.Normal(1.0, 0.4).log_prob(x.detach()).exp()
        torch.testing.assert_close(slope, density, rtol=1e-4, atol=0)


class TestGatedUnits:
    def test_lstm_truth_table(self) -> None:
        """c <- H(f c + i g): kept and not admitted, admitted, both; h = o c. Every combination, in a stream."""
        x = (torch.rand(200, 1, 4, 3, generator=torch.Generator().manual_seed(0)) < 0.5).float()
        f, i, o, g = x.unbind(2)
        with sl.record(unit := LSTMUnit(), "c") as trace:
            h = unit(f, i, o, g)
        c = torch.zeros(1, 3)
        for t in range(200):
            c = ((f[t] * c + i[t] * g[t]) > 0).float()
            assert torch.equal(trace["c"][t], c)
            assert torch.equal(h[t], o[t] * c)

    def test_gru_truth_table(self) -> None:
        x = (torch.rand(200, 1, 4, 3, generator=torch.Generator().manual_seed(0)) < 0.5).float()
        r, z, below, returned = x.unbind(2)
        y, h = GRUUnit()(r, z, below, returned), torch.zeros(1, 3)
        for t in range(200):
            n = ((below[t] + r[t] * returned[t]) > 0).float()
            h = (1 - z[t]) * n + z[t] * h
            assert torch.equal(y[t], h)

    def test_slopes_are_published(self) -> None:
        """exp(-x^2 / 0.3) / sqrt(0.3 pi) of a gate at distance x from 0.1; here of o, where c is 1."""
        distance = torch.tensor([-0.3, 0.0, 0.5], dtype=torch.float64)
        one = torch.ones(1, 1, 3, dtype=torch.float64)
        emit = (0.1 + distance).view(1, 1, 3).requires_grad_()
        candidate = (0.1 + distance).view(1, 1, 3).requires_grad_()
        (slope,) = torch.autograd.grad(LSTMUnit()(one, one, emit, one).sum(), emit)
        wanted = torch.exp(-(distance**2) / 0.3) / math.sqrt(0.3 * math.pi)
        torch.testing.assert_close(slope.flatten(), wanted)
        (slope,) = torch.autograd.grad(LSTMUnit()(one, one, one, candidate).sum(), candidate)
        own = torch.exp(-(distance**2)) / math.sqrt(0.3 * math.pi)
        # c = H(g - 0.1) too, whose own distance is 0.9 or -0.1.
        of_c = torch.where(distance >= 0, math.exp(-(0.9**2)), math.exp(-0.01)) / math.sqrt(0.3 * math.pi)
        torch.testing.assert_close(slope.flatten(), own * of_c)
