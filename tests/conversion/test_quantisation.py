"""Quantised networks do what integers do, spike for spike."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import quantisation_step, quantised
from spikeloom.conversion.quantisation import rounded
from spikeloom.errors import ConversionError, DTypeError, ParameterError, UnknownNameError

STEPS, LEVELS = 40, 16


def perceptron() -> tuple[nn.Sequential, Tensor]:
    """With inputs in sixteenths."""
    layers = (nn.Linear(9, 30), nn.ReLU(), nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 4))
    return nn.Sequential(*layers).requires_grad_(False), torch.randint(LEVELS + 1, (50, 9)) / LEVELS


def spikes_of(net: sl.conversion.Converted, x: Tensor) -> list[Tensor]:
    seen: list[Tensor] = []
    net.sequence(x, steps=STEPS, watch=lambda node, site, i: seen.append(site.spikes(i)))  # type: ignore[operator]
    return seen


def integers(x: Tensor) -> Tensor:
    assert torch.equal(x, x.round())
    return x.long()


def simulated(net: sl.conversion.Converted, x: Tensor) -> tuple[list[Tensor], Tensor]:
    """The same network by integers alone: spikes of each layer, and outputs in steps of the last."""
    found = []
    s, unit = (x * LEVELS).long().expand(STEPS, *x.shape), LEVELS
    for number, site in zip(("0", "2"), net.sites.values(), strict=True):
        layer = net.module.get_submodule(number)
        step = layer.step.flatten()
        w, b = integers(layer.weight / layer.step), integers(layer.bias / step) * unit
        b = b if site.shift is None else b + integers(site.shift / step) * unit
        given = site.neuron.param_values()
        theta, v = (integers(torch.as_tensor(given[name]) / step) * unit for name in ("v_th", "v_rest"))
        assert int(theta.min()) >= 1
        v, spikes = v.expand(len(x), len(b)).clone(), []
        for t in range(STEPS):
            v += s[t] @ w.T + b
            spikes.append((v >= theta).long())
            v -= spikes[-1] * theta
        s, unit = torch.stack(spikes), 1
        found.append(s)
    layer = net.module.get_submodule("4")
    return found, s @ integers(layer.weight / layer.step).T + integers(layer.bias / layer.step.flatten())


@pytest.mark.parametrize("bits", [2, 5, 8, 12])
@pytest.mark.parametrize("each", ["layer", "channel"])
@pytest.mark.parametrize("method", ["percentile", "calibrated"])
def test_integers_give_the_same_spikes_and_outputs(bits: int, each: str, method: str) -> None:
    model, x = perceptron()
    net = quantised(sl.convert(model, x, method, steps=STEPS), bits, each=each)  # type: ignore[arg-type]
    wanted, output = simulated(net, x)
    for ours, theirs in zip(spikes_of(net, x), wanted, strict=True):
        assert torch.equal(ours.long(), theirs) and 0 < int(theirs.sum()) < theirs.numel()
    last = net.module.get_submodule("4")
    assert torch.equal(net.sequence(x, steps=STEPS), output * last.step.flatten())
    weights = net.module.get_submodule("0").weight / net.module.get_submodule("0").step
    assert int(weights.abs().max()) <= 2 ** (bits - 1) - 1


@pytest.mark.parametrize("each", ["layer", "channel"])
def test_with_many_bits_it_is_the_network_that_was_given(each: str) -> None:
    layers = (nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(4, 6, 2), nn.LeakyReLU(0.2))
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(24, 3)).eval().requires_grad_(False)
    x = torch.rand(30, 2, 8, 8)
    net = sl.convert(model, x, "percentile", steps=64)
    fine, coarse = (quantised(net, bits, each=each)(x) for bits in (16, 2))  # type: ignore[arg-type]
    scale = float(net(x).abs().max())
    # A spike that comes a step later at the end of a run moves an output by some per cent.
    assert float((fine - net(x)).abs().mean()) < 0.01 * scale
    assert float((coarse - net(x)).abs().mean()) > 5 * float((fine - net(x)).abs().mean())


def test_what_is_given_stays_as_it_is() -> None:
    model, x = perceptron()
    net = sl.convert(model, x, steps=STEPS)
    before = net(x)
    quantised(net, 3)
    assert torch.equal(net(x), before)


def test_exact_mode_and_report_know_the_new_worth_of_spikes() -> None:
    model, x = perceptron()
    net = quantised(sl.convert(model, x, "percentile", steps=200), 16)
    found = sl.conversion.measure(net, model, x)
    assert found.agreement[-1] > 0.95 and all(site.error < 0.05 for site in found.sites)


@pytest.mark.parametrize("each", ["layer", "channel"])
def test_weights_behind_take_up_what_spikes_have_become_worth(each: str) -> None:
    model, x = perceptron()
    net = sl.convert(model, x, "percentile", steps=STEPS)
    coarse = quantised(net, 3, each=each)  # type: ignore[arg-type]
    ratio = coarse.sites["_1"].scale / net.sites["_1"].scale  # type: ignore[operator]
    assert float((ratio - 1).abs().max()) > 0.01
    wanted = net.module.get_submodule("2").weight * ratio
    step = quantisation_step(wanted, 3, each=each)  # type: ignore[arg-type]
    assert torch.equal(coarse.module.get_submodule("2").weight, rounded(wanted, step, 3))


def test_negative_thresholds_are_whole_too() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(9, 30), nn.LeakyReLU(0.17), nn.Linear(30, 4)).requires_grad_(False)
    net = quantised(sl.convert(model, torch.rand(50, 9), "percentile", steps=STEPS), 4, each="layer")
    values, step = net.sites["_1"].neuron.param_values(), net.module.get_submodule("0").step  # type: ignore[union-attr, operator]
    theta, depth = (integers(torch.as_tensor(values[name]) / step) for name in ("v_th", "v_neg"))
    assert int(depth) == pytest.approx(int(theta) / 0.17, abs=4)


def test_a_layer_used_twice_leaves_thresholds_as_they_are() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(9, 9), nn.Linear(9, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.b(self.a(self.a(x).relu()).relu())  # type: ignore[no-any-return]

    torch.manual_seed(0)
    net = sl.convert(Twice().requires_grad_(False), torch.rand(50, 9), "percentile", steps=STEPS)
    coarse = quantised(net, 3)
    assert [float(site.scale) for site in coarse.sites.values()] == [float(site.scale) for site in net.sites.values()]


def test_steps_are_exact_where_they_can_be() -> None:
    weight = torch.tensor([[0.375, -0.125, 0.75], [6.0, -2.0, 12.0]])
    assert quantisation_step(weight, 4).flatten().tolist() == [0.125, 2.0]
    assert float(quantisation_step(weight[:1], 4, each="layer")) == 0.125


def test_no_other_step_has_a_smaller_error() -> None:
    weight = torch.randn(1, 200)
    step, top = float(quantisation_step(weight, 4)), 7

    def error(step: float) -> float:
        return float((step * (weight / step).round().clamp(-top, top) - weight).square().sum())

    highest = float(weight.abs().max()) / top
    assert error(step) <= min(error(step * f) for f in (15 / 16, 17 / 16, 7 / 8, 9 / 8)) * 1.1
    assert error(step) < error(highest)


def test_a_channel_without_weights_has_a_step() -> None:
    assert float(quantisation_step(torch.zeros(2, 3), 4).min()) > 0


def test_bad_input() -> None:
    model, x = perceptron()
    net = sl.convert(model, x)
    with pytest.raises(ParameterError, match="2 to 16"):
        quantised(net, 1)
    with pytest.raises(UnknownNameError, match="channel"):
        quantised(net, 8, each="column")  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match=r"sl\.convert"):
        quantised(model, 8)  # type: ignore[arg-type]
    other = nn.Sequential(nn.BatchNorm1d(9), model[0], nn.ReLU(), model[2]).eval()
    with pytest.raises(ConversionError, match=r"BatchNorm1d"):
        quantised(sl.convert(other, x), 8)


class Residual(nn.Module):
    """Convolutions whose spikes go on to a convolution, to an addition, and to a pool."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(k, 8, 3, padding=1) for k in (2, 8, 8))
        self.last = nn.Linear(8 * 16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x).relu()
        x = (self.c(self.b(x).relu()) + x).relu()
        return self.last(nn.functional.max_pool2d(x, 2).flatten(1))  # type: ignore[no-any-return]


@pytest.mark.parametrize("bits", [8, 9])
def test_bytes_give_the_same_spikes_as_floats(bits: int) -> None:
    model, x = Residual().requires_grad_(False), torch.rand(20, 2, 8, 8)
    net = quantised(sl.convert(model, x, steps=STEPS), bits)
    fast = net.sequence(x)
    taking = [node.name for node in net.module.graph.nodes if net.takes_bool(node)]
    assert taking == (["a", "relu", "b", "relu_1", "c"] if bits == 8 else [])
    for layer in (net.module.get_submodule(name) for name in "abc"):
        layer._buffers.pop("whole", None)
    assert not any(net.takes_bool(node) for node in net.module.graph.nodes)
    assert torch.equal(fast, net.sequence(x))


def test_bytes_are_added_up_as_the_layer_says() -> None:
    layers: list[nn.Module] = [nn.Conv2d(2, 8, 3), nn.ReLU(), nn.Conv2d(8, 12, 3, stride=2, padding=1, groups=4)]
    layers += [nn.ReLU(), nn.Conv2d(12, 6, 2, dilation=2), nn.ReLU(), nn.Flatten(), nn.Linear(96, 4)]
    model, x = nn.Sequential(*layers).requires_grad_(False), torch.rand(20, 2, 14, 14)
    net = quantised(sl.convert(model, x, steps=STEPS))
    fast = net.sequence(x)
    assert sum(net.takes_bool(node) for node in net.module.graph.nodes) == 5
    for layer in net.module.modules():
        layer._buffers.pop("whole", None)
    assert torch.equal(fast, net.sequence(x))


def test_recorded_spikes_are_numbers_where_bytes_are_sent() -> None:
    model, x = Residual().requires_grad_(False), torch.rand(20, 2, 8, 8)
    net = quantised(sl.convert(model, x, steps=8))
    wanted = net.sequence(x)
    neuron = net.sites["relu"].neuron  # type: ignore[union-attr]
    with sl.record(neuron, "v") as trace:
        assert torch.equal(net.sequence(x), wanted)
    assert trace["v"].dtype == torch.float32 and trace["v"].shape[0] == 8


class Sized(Residual):
    """The same, and asks for the size of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x).relu()
        return self.last(nn.functional.max_pool2d(x, 2).view(x.size(0), -1))  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", [Residual, Sized])
def test_batches_in_parts_are_what_they_are_at_once(kind: type[nn.Module], monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = kind().requires_grad_(False), torch.rand(20, 2, 8, 8)
    net = quantised(sl.convert(model, x, steps=8))
    whole = net.sequence(x)
    monkeypatch.setattr("spikeloom.conversion._network._CACHED", 3 * 8 * 8 * 64)
    assert len(net._parts([x[None]], 8)) == 7
    assert torch.equal(net.sequence(x), whole)
    moving = x.expand(8, *x.shape)
    assert torch.equal(net.sequence(moving, encoded=True), whole)
