"""Few-spike neurons: an exact quantiser, and tables for other functions."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.neurons import FewSpikes, fit_few_spikes


def encoded(neuron: sl.Neuron, values: Tensor, steps: int) -> Tensor:
    """The spikes [steps, 1, n] of values [n] given in the first step."""
    x = torch.zeros(steps, 1, len(values), dtype=values.dtype)
    x[0, 0] = values
    with torch.no_grad():
        return neuron(x)


def floor_quantised(values: Tensor, bits: int, alpha: float) -> Tensor:
    levels = 2**bits
    return (values / alpha * levels).floor().clamp(0, levels - 1) * alpha / levels


class TestReLU:
    @pytest.mark.parametrize(("bits", "alpha"), [(3, 4.0), (6, 25.0), (10, 25.0), (12, 7.3)])
    def test_it_is_a_floor_quantiser(self, bits: int, alpha: float) -> None:
        generator = torch.Generator().manual_seed(0)
        values = alpha * (torch.rand(5000, generator=generator, dtype=torch.float64) * 1.6 - 0.3)
        sums = encoded(FewSpikes.relu(bits, alpha=alpha).double(), values, bits).sum(0)[0]
        # Tables were made in float32, so alpha is rounded; the quantiser is compared at that alpha.
        rounded = float(torch.tensor(alpha / 2)) * 2
        assert (sums - floor_quantised(values, bits, rounded)).abs().max() <= 1e-9
        inside = (values >= 0) & (values < alpha)
        assert ((values - sums)[inside] < alpha * 2.0**-bits + 1e-6).all()
        assert ((values - sums)[inside] >= -1e-6).all()

    def test_spikes_are_the_binary_digits(self) -> None:
        spikes = encoded(FewSpikes.relu(4, alpha=16.0), torch.arange(16.0), 4)[:, 0]
        digits = torch.tensor([[(k >> (3 - t)) & 1 for k in range(16)] for t in range(4)])
        assert torch.equal(spikes, digits * torch.tensor([8.0, 4.0, 2.0, 1.0]).unsqueeze(1))

    def test_cycles_do_not_know_each_other(self) -> None:
        neuron = FewSpikes.relu(3, alpha=8.0)
        x = torch.zeros(6, 1, 1)
        x[0], x[3] = 5.0, 2.0
        assert neuron(x).flatten().tolist() == [4, 0, 1, 0, 2, 0]
        first, state = sl.unroll(neuron, x[:2])
        second, _ = sl.unroll(neuron, x[2:], state)
        assert torch.equal(torch.cat([first, second]), neuron(x))

    def test_pipelined_layers_compute_the_quantised_network(self) -> None:
        """Each layer works one cycle behind the one before it; the sums are those of a network of quantised ReLUs."""
        bits, alpha = 8, 4.0
        torch.manual_seed(0)
        weights = [nn.Linear(n, m, bias=False).double() for n, m in ((5, 7), (7, 3))]
        net = sl.nn.Sequential(
            FewSpikes.relu(bits, alpha=alpha),
            weights[0],
            FewSpikes.relu(bits, alpha=alpha, pipelined=True),
            weights[1],
            FewSpikes.relu(bits, alpha=alpha, pipelined=True),
        ).double()
        values = torch.rand(5, dtype=torch.float64) * 3
        # A second sample follows in the cycle after the first.
        x = torch.zeros(4 * bits, 1, 5, dtype=torch.float64)
        x[0, 0], x[bits, 0] = values, values.flip(0)
        with torch.no_grad():
            y = net(x).view(4, bits, 3)[2:].sum(1)
        with torch.no_grad():
            hidden = floor_quantised(torch.stack([values, values.flip(0)]), bits, alpha)
            for linear in weights:
                hidden = floor_quantised(linear(hidden), bits, alpha)
        assert (y - hidden).abs().max() <= 1e-9
        assert (hidden > 0).any(1).all()


class TestGates:
    @pytest.mark.parametrize(
        ("name", "function", "bound"),
        [
            ("swish", F.silu, 0.05),
            ("sigmoid", torch.sigmoid, 0.02),
            ("tanh", torch.tanh, 2 * 0.02),
            ("gelu", F.gelu, 0.05),
        ],
    )
    def test_largest_error(self, name: str, function: object, bound: float) -> None:
        neuron = FewSpikes.gate(name)
        steps = len(neuron.v_th)
        values = torch.linspace(-8, 8, 40_001, dtype=torch.float64)
        spikes = encoded(neuron.double(), values, steps)
        error = (spikes.sum(0)[0] - function(values)).abs()  # type: ignore[operator]
        assert 12 <= steps <= 16
        assert error.max() <= bound

    def test_a_fit(self) -> None:
        """tanh in four steps; a staircase of four equal steps has an error of 1/4, no fit one of 1."""
        neuron = fit_few_spikes(torch.tanh, 4, low=-3.0, high=3.0, generations=40, points=121)
        values = torch.linspace(-3, 3, 121)
        error = (encoded(neuron, values, 4).sum(0)[0] - torch.tanh(values)).abs().max()
        assert error < 0.22

    def test_tables_learn(self) -> None:
        neuron = FewSpikes.gate("sigmoid", learn=("v_th", "h", "d"))
        x = torch.zeros(12, 1, 200)
        x[0, 0] = torch.linspace(-8, 8, 200)
        neuron(x).sum(0).square().sum().backward()
        for name in ("v_th", "h", "d"):
            assert (neuron.get_parameter(name).grad != 0).sum() >= 6, name

    def test_gradient_of_the_output_weights(self) -> None:
        """The output is linear in d: its gradient is the number of spikes of each step."""
        neuron = FewSpikes.relu(4, alpha=4.0, learn=("d",))
        x = torch.zeros(4, 1, 50)
        x[0, 0] = torch.linspace(0, 4, 50)
        y = neuron(x)
        y.sum().backward()
        assert torch.equal(neuron.get_parameter("d").grad, (y.detach() != 0).sum((1, 2)).float())

    def test_bad_tables_are_refused(self) -> None:
        with pytest.raises(sl.errors.ParameterError, match="one value per step"):
            FewSpikes([1.0, 0.5], [1.0])
        with pytest.raises(sl.errors.ParameterError, match="no 0"):
            FewSpikes([1.0, 0.5], [1.0, 0.5], [1.0, 0.0])
        with pytest.raises(sl.errors.UnknownNameError, match="swish"):
            FewSpikes.gate("swich")
        with pytest.raises(sl.errors.ParameterError, match="two steps"):
            fit_few_spikes(torch.tanh, 1)
