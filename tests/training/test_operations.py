"""Counts of operations by hand, and against one input at a time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.errors import ShapeError
from spikeloom.training.metrics import spikes_per_sample
from spikeloom.training.operations import EnergyCost, count_operations


class Fold(nn.Module):
    """Time folded into the batch and back, as a stack of layers does."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Fire(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x > 0).to(x.dtype)


def spikes(*shape: int, p: float = 0.3) -> Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(0)) < p).float()


def test_linear_is_spikes_times_fan_out() -> None:
    x = spikes(5, 3, 7)
    counts = count_operations(Fold(nn.Linear(7, 11)), x)
    (layer,) = counts.layers
    assert (layer.name, layer.macs, layer.spiking) == ("layers.0", 77.0, True)
    assert counts.synaptic == pytest.approx(11 * x.sum().item() / 3)
    assert (counts.dense, counts.uncounted) == (0.0, ())


def test_convolution_by_hand() -> None:
    # 3 x 3 pixels, a 3 x 3 kernel, padding 1: a corner reaches 4 outputs, an edge 6, the centre 9.
    fan_out = torch.tensor([[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]])
    model = Fold(nn.Conv2d(1, 1, 3, padding=1))
    for row in range(3):
        for column in range(3):
            x = torch.zeros(1, 1, 1, 3, 3)
            x[..., row, column] = 1.0
            counts = count_operations(model, x)
            assert counts.synaptic == fan_out[row, column].item()
            assert counts.macs == 49.0


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 2},
        {"stride": (1, 3), "padding": (2, 1)},
        {"padding": "same", "dilation": 2},
        {"padding": 1, "groups": 2},
        {"padding": 1, "padding_mode": "circular"},
        {"padding": 1, "padding_mode": "reflect", "bias": False},
    ],
    ids=str,
)
def test_convolution_against_one_input_at_a_time(options: dict[str, object]) -> None:
    layer = nn.Conv2d(2, 4, 3, **options)  # type: ignore[arg-type]
    x = spikes(3, 2, 2, 6, 5)
    twin = nn.Conv2d(2, 4, 3, **options | {"bias": False})  # type: ignore[arg-type]
    nn.init.ones_(twin.weight)
    expected = 0.0
    with torch.no_grad():
        for step, sample, channel, row, column in x.nonzero().tolist():
            single = torch.zeros_like(x[0, :1])
            single[0, channel, row, column] = x[step, sample, channel, row, column]
            expected += twin(single).sum().item()
        every = twin(torch.ones_like(x[0, :1])).sum().item()
    counts = count_operations(Fold(layer), x)
    assert counts.synaptic == pytest.approx(expected / 2)
    assert counts.macs == pytest.approx(every)


def test_when_all_fire_at_every_step_every_product_is_an_operation() -> None:
    counts = count_operations(
        Fold(nn.Conv2d(2, 3, 3, padding=1), Fire(), nn.Flatten(), nn.Linear(48, 5)), torch.ones(6, 2, 2, 4, 4)
    )
    conv, linear = counts.layers
    assert conv.synaptic == 6 * conv.macs
    assert linear.macs == 240.0


def test_what_is_not_spikes_multiplies_at_every_step() -> None:
    x = spikes(5, 3, 7) * 0.5
    counts = count_operations(Fold(nn.Linear(7, 11), Fire(), nn.Linear(11, 2)), x)
    first, second = counts.layers
    assert (first.spiking, first.synaptic, first.dense) == (False, 0.0, 5 * 77.0)
    assert second.spiking
    assert counts.macs == 77.0 + 22.0
    assert (counts.synaptic, counts.dense) == (second.synaptic, first.dense)


def test_a_constant_input_that_passes_once_is_counted_once() -> None:
    class Hoisted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(7, 11)

        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x[0]).expand(len(x), -1, -1)

    (layer,) = count_operations(Hoisted(), torch.full((5, 3, 7), 0.5)).layers
    assert (layer.macs, layer.dense) == (77.0, 77.0)


def test_step_by_step_and_by_name_is_the_same_as_folded() -> None:
    class Loop(nn.Module):
        def __init__(self, linear: nn.Linear) -> None:
            super().__init__()
            self.linear = linear

        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([self.linear(input=step) for step in x])

    linear, x = nn.Linear(7, 11), spikes(5, 3, 7)
    (stepped,) = count_operations(Loop(linear), x).layers
    (folded,) = count_operations(Fold(linear), x).layers
    assert (stepped.macs, stepped.synaptic, stepped.dense) == (folded.macs, folded.synaptic, folded.dense)


def test_the_model_is_left_as_it_was() -> None:
    model = Fold(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    model.layers[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    count_operations(model, spikes(4, 2, 1, 5, 5))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [layer.training for layer in model.layers] == [True, True, False]
    assert not model.layers[0]._forward_pre_hooks
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_model_is_left_as_it_was_by_an_error() -> None:
    model = Fold(nn.Linear(4, 2))
    with pytest.raises(RuntimeError):
        count_operations(model, spikes(4, 2, 3))
    assert model.training
    assert not model.layers[0]._forward_pre_hooks


def test_what_is_not_counted_is_named() -> None:
    class Partly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used = Fold(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3))
            self.unused = nn.Linear(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    counts = count_operations(Partly(), spikes(4, 2, 2, 9))
    assert counts.layers == ()
    assert counts.uncounted == ("used.layers.0", "unused")


def test_a_network_of_neurons() -> None:
    torch.manual_seed(0)
    neurons = sl.LIF(tau_mem=2.0), sl.LeakyIntegrator()
    model = sl.nn.Sequential(nn.Flatten(), nn.Linear(16, 12), neurons[0], nn.Linear(12, 3), neurons[1])
    x = spikes(1, 4, 1, 4, 4, p=0.5).expand(8, -1, -1, -1, -1) * 5.0
    with torch.no_grad(), sl.record(model, "s") as trace:
        model(x)
    fired = spikes_per_sample(trace["2.s"])
    assert fired.sum() > 0
    counts = count_operations(model, x)
    first, second = counts.layers
    assert (first.name, first.macs, first.spiking) == ("1", 192.0, False)
    assert (second.name, second.macs, second.spiking) == ("3", 36.0, True)
    assert second.synaptic == pytest.approx(3 * fired.mean().item())
    assert first.dense in (192.0, 8 * 192.0)  # a constant input may be done once for all steps
    assert counts.uncounted == ()


def test_energy_is_operations_times_their_cost() -> None:
    counts = count_operations(Fold(nn.Linear(7, 11), Fire(), nn.Linear(11, 2)), spikes(5, 3, 7) * 0.5)
    cost = EnergyCost()
    assert cost.mac == pytest.approx(3.7 + cost.accumulate)  # multiplication and addition
    assert cost.without_spikes(counts) == pytest.approx(4.6 * 99.0)
    assert cost.with_spikes(counts) == pytest.approx(4.6 * 385.0 + 0.9 * counts.synaptic)
    assert EnergyCost(mac=1.0, accumulate=0.0).with_spikes(counts) == 385.0


def test_input_without_time_is_refused() -> None:
    with pytest.raises(ShapeError, match="time"):
        count_operations(nn.Linear(3, 2), torch.zeros(3))
    with pytest.raises(ShapeError, match="none empty"):
        count_operations(nn.Linear(3, 2), torch.zeros(0, 2, 3))
