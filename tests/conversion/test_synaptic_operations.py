"""Synaptic operations as part of a loss, and activations that are numbers of spikes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import NeuromorphicReLU, RateCode, SynapticOperations
from spikeloom.errors import ConversionError, ParameterError


def counted_one_by_one(f: nn.Module, shape: tuple[int, ...]) -> Tensor:
    """Outputs that a spike at each place changes, for weights that are not 0."""
    eye = torch.eye(int(torch.tensor(shape).prod())).view(-1, *shape)
    return (f(eye) != 0).flatten(1).sum(1).float().view(shape)


class TestNeuromorphicReLU:
    def test_floor_forward_and_relu_backward(self) -> None:
        x = torch.tensor([-1.5, -0.1, 0.0, 0.9, 1.0, 3.7], requires_grad=True)
        y = NeuromorphicReLU()(x)
        y.sum().backward()
        assert y.tolist() == [0.0, 0.0, 0.0, 0.0, 1.0, 3.0]
        assert x.grad is not None and x.grad.tolist() == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]

    def test_stochastic_rounding_keeps_the_mean_in_training_alone(self) -> None:
        layer, x = NeuromorphicReLU(stochastic=True), torch.full((40_000,), 2.3)
        y = layer(x)
        assert set(y.unique().tolist()) == {2.0, 3.0}
        # Four standard errors.
        assert float(y.mean()) == pytest.approx(2.3, abs=4 * (0.3 * 0.7 / 40_000) ** 0.5)
        assert torch.equal(layer.eval()(x), torch.full_like(x, 2.0))

    @pytest.mark.parametrize("steps", [8, 32])
    def test_neurons_count_the_same(self, steps: int) -> None:
        """As many steps as spikes; inputs in eighths are exact in floating point."""
        x = torch.arange(-16, 8 * 8 + 1) / 8
        site = NeuromorphicReLU().as_site(steps)
        counts = site.spikes(x.expand(steps, 1, -1)).sum(0)[0]
        assert torch.equal(counts, NeuromorphicReLU()(x))

    def test_converted_layer_is_equal(self) -> None:
        torch.manual_seed(0)
        model, x = nn.Sequential(nn.Linear(6, 16), NeuromorphicReLU(), nn.Linear(16, 3)), 9 * torch.rand(64, 6)
        net = sl.convert(model, x, RateCode(), steps=16)
        assert model[:2](x).max() > 2
        torch.testing.assert_close(net(x), model(x).detach(), rtol=0, atol=1e-5)


class Branched(nn.Module):
    """Sums, concatenation, a functional rectifier and shapes between activation and weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.a, self.b = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Conv2d(3, 2, 1)
        self.norm, self.last = nn.BatchNorm2d(3), nn.Linear(6 * 9, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        y = torch.cat([self.a(self.norm(x)), self.b(x)[:, :, ::2, ::2]], 1)
        return self.last(F.relu(y).flatten(1))


class TestFanOut:
    @pytest.mark.parametrize(
        "behind",
        [
            nn.Conv2d(2, 5, 3),
            nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2),
            nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(2, 5, 2)),
            nn.Sequential(nn.MaxPool2d(3, 1), nn.Conv2d(2, 5, 3)),
            nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(), nn.Flatten(), nn.Linear(72, 7)),
            nn.ConvTranspose2d(2, 3, 3, stride=2),
        ],
    )
    def test_is_what_a_spike_reaches(self, behind: nn.Module) -> None:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), behind)
        found = SynapticOperations(model, torch.rand(2, 1, 8, 8)).fan_outs["_1"]
        weights = [m for m in behind.modules() if isinstance(m, nn.Linear | nn.modules.conv._ConvNd)]
        for layer in weights:
            layer.weight.data.abs_()
            layer.bias.data.zero_()
        layers = list(behind) if isinstance(behind, nn.Sequential) else [behind]
        assert torch.equal(found, self.reached(layers, (2, 6, 6)))

    @staticmethod
    def reached(layers: list[nn.Module], shape: tuple[int, ...]) -> Tensor:
        pooled = isinstance(layers[0], nn.MaxPool2d | nn.AvgPool2d)
        if not pooled:
            return counted_one_by_one(nn.Sequential(*layers[-2:] if len(layers) > 1 else layers), shape)
        # Every position of the pool that a spike reaches takes it on.
        eye = torch.eye(72).view(-1, *shape)
        after = (layers[0](eye) != 0).float()
        fans = counted_one_by_one(layers[1], tuple(after.shape[1:]))
        return (after * fans).flatten(1).sum(1).view(shape)

    def test_graph_with_branches(self) -> None:
        torch.manual_seed(0)
        found = SynapticOperations(Branched(), torch.rand(1, 1, 8, 8)).fan_outs
        first, second = found.values()
        assert (second == 5).all() and second.shape == (6, 3, 3)
        # The strided convolution reaches 4 maps from 1 to 4 places, the 1 x 1 convolution 2 maps at all places.
        twin = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        twin.weight.data.fill_(1.0)
        assert torch.equal(first, counted_one_by_one(twin, (3, 6, 6)) + 2)

    def test_sums_between_two_activations_cost_nothing(self) -> None:
        class Residual(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.a, self.b, self.c = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 3)

            def forward(self, x: Tensor) -> Tensor:
                x = F.relu(self.a(x))
                return self.c(F.relu(self.b(x) + x))  # type: ignore[no-any-return]

        first, second = SynapticOperations(Residual(), torch.rand(1, 4)).fan_outs.values()
        assert first.tolist() == [6.0] * 6 and second.tolist() == [3.0] * 6

    def test_agrees_with_spikes_that_are_counted(self) -> None:
        """The operations of a converted network, over all steps, are what the loss says."""
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 3, 3, bias=False), NeuromorphicReLU(), nn.Flatten(), nn.Linear(108, 4, bias=False)
        )
        x = 4 * torch.rand(10, 1, 8, 8)
        net = sl.convert(model, x, RateCode(), steps=16)
        told = sl.conversion.measure(net, model, x).synaptic
        assert float(SynapticOperations(model, x)(x).total.detach()) == pytest.approx(told, rel=1e-4) and told > 50

    def test_function_between_is_refused(self) -> None:
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Sigmoid(), nn.Linear(8, 3))
        with pytest.raises(ConversionError, match="Sigmoid"):
            SynapticOperations(model, torch.rand(1, 4))

    def test_network_without_activation_is_refused(self) -> None:
        with pytest.raises(ConversionError, match="rectifier"):
            SynapticOperations(nn.Linear(4, 3), torch.rand(1, 4))


class TestLoss:
    def test_gradient_reaches_the_model(self) -> None:
        torch.manual_seed(0)
        model, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), torch.rand(5, 4)
        found = SynapticOperations(model, x)(x)
        assert torch.equal(found.output, model(x))
        wanted = 3 * model[:2](x).sum(1)
        torch.testing.assert_close(found.layers["_1"], wanted)
        found.penalty(2.0).backward()
        slope = model[0].weight.grad.clone()
        model.zero_grad()
        (((wanted.mean() - 2.0) / 2.0) ** 2).backward()
        torch.testing.assert_close(slope, model[0].weight.grad)
        assert model[2].weight.grad is None

    def test_model_is_left_as_it_is(self) -> None:
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Linear(8, 3))
        before = {name: value.clone() for name, value in model.state_dict().items()}
        counted = SynapticOperations(model, torch.rand(9, 4))
        assert model[2].inplace and model.training and counted.training
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        counted(torch.rand(9, 4))
        assert not torch.equal(model[1].running_mean, before["1.running_mean"])

    def test_bad_target_is_refused(self) -> None:
        model, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), torch.rand(5, 4)
        with pytest.raises(ParameterError, match="target"):
            SynapticOperations(model, x)(x).penalty(0.0)
