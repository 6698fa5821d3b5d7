"""Networks of whole numbers and of populations: with a clock, from event to event, and as they were converted."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import RateCode, run_event_driven
from spikeloom.errors import ConversionError, DTypeError, ParameterError, ShapeError
from spikeloom.hardware import IntegerLayer, IntegerNetwork, cache_hits


def perceptron(*, bias: bool, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    layers = [
        nn.Linear(6, 16, bias=bias),
        nn.ReLU(),
        nn.Linear(16, 12, bias=bias),
        nn.ReLU(),
        nn.Linear(12, 3, bias=bias),
    ]
    return nn.Sequential(*layers).requires_grad_(False)


def data(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def spikes(steps: int, batch: int, features: int, *, seed: int = 2, rate: float = 0.4) -> Tensor:
    return (data(steps, batch, features, seed=seed) < rate).float()


def drawn_layers(seed: int, leak: int, hard: bool, floor: int | None) -> list[IntegerLayer]:
    generator = torch.Generator().manual_seed(seed)

    def whole(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high, shape, generator=generator)

    sizes, layers = (5, 7, 6, 3), []
    for before, n in pairwise(sizes):
        v_th, start = whole(2, 9, n), whole(0, 12, n)
        layers.append(IntegerLayer(whole(-4, 7, n, before), v_th, leak=leak, start=start, hard_reset=hard, floor=floor))
    return layers


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000), leak=st.integers(0, 3), hard=st.booleans(),
    floor=st.sampled_from([None, 0, -3]), rate=st.sampled_from([0.0, 0.05, 0.3, 1.0]),
)  # fmt: skip
def test_events_and_clock_give_the_same_bits(seed: int, leak: int, hard: bool, floor: int | None, rate: float) -> None:
    net = IntegerNetwork(drawn_layers(seed, leak, hard, floor))
    s = spikes(12, 3, 5, seed=seed, rate=rate)
    clocked, events = net.clocked(s), net.event_driven(s)
    assert torch.equal(clocked.v, events.v)
    assert all(torch.equal(a, b) for a, b in zip(clocked.spikes, events.spikes, strict=True))
    assert clocked.events == events.events
    assert clocked.operations == events.operations
    assert all(a >= b for a, b in zip(clocked.wakes, events.wakes, strict=True))
    assert clocked.wakes == [36, 36, 36]


def test_a_clocked_layer_is_a_plain_loop() -> None:
    layer = IntegerLayer(
        torch.tensor([[3, -2], [1, 1]]), torch.tensor([4, 2]), leak=1, drift=torch.tensor([0, 1]), floor=-1
    )
    s = spikes(20, 1, 2).long()
    found = IntegerNetwork([layer]).clocked(s)
    v = [0, 0]
    for step in range(20):
        a, b = s[step, 0].tolist()
        for n, (current, v_th) in enumerate(((3 * a - 2 * b, 4), (a + b + 1, 2))):
            leaked = max(abs(v[n]) - 1, 0) * (1 if v[n] > 0 else -1)
            v[n] = max(leaked + current, -1)
            assert int(found.spikes[0][step, 0, n]) == (v[n] >= v_th)
            v[n] -= v_th * (v[n] >= v_th)
    assert found.v[0].tolist() == v


def test_silence_wakes_nothing_and_counts_are_those_of_the_spikes() -> None:
    layer = IntegerLayer(torch.tensor([[1, 0, 2], [1, 1, 0]]), 100)
    net = IntegerNetwork([layer, IntegerLayer(torch.ones(2, 2, dtype=torch.int64), 5)])
    silent = net.event_driven(torch.zeros(30, 4, 3))
    assert silent.wakes == silent.events == silent.operations == silent.updates == [0, 0]
    s = spikes(30, 4, 3)
    run = net.event_driven(s)
    assert run.events == [int(s.sum()), 0]
    assert run.operations[0] == int((s.sum((0, 1)) * torch.tensor([2, 1, 1])).sum())
    assert run.wakes == [int(s.any(2).sum()), 0]
    assert run.updates[0] == 2 * run.wakes[0]


class TestConverted:
    @pytest.mark.parametrize("hard", [False, True])
    @pytest.mark.parametrize("bias", [False, True])
    def test_many_bits_are_the_converted_network(self, bias: bool, hard: bool) -> None:
        model = perceptron(bias=bias)
        net = sl.convert(model, data(64, 6), RateCode(hard_reset=hard, start=0.3), steps=20)
        s = spikes(20, 8, 6)
        found = IntegerNetwork.of(net, bits=24).clocked(s)
        scale = net.module.get_submodule("4").weight.double().abs().max() / (2**23 - 1)
        mean = net(s, encoded=True)
        assert torch.allclose(found.v.double() / 20 * scale, mean.double(), atol=1e-4)

    def test_few_bits_are_coarse_and_bounded(self) -> None:
        net = sl.convert(perceptron(bias=False), data(64, 6), RateCode(), steps=8)
        for layer in IntegerNetwork.of(net, bits=4).layers:
            assert int(layer.weight.abs().max()) == 7

    def test_channel_wise_thresholds_and_currents_are_kept(self) -> None:
        net = sl.convert(perceptron(bias=True), data(64, 6), "calibrated", steps=16)
        s = spikes(16, 8, 6)
        found = IntegerNetwork.of(net, bits=24).clocked(s)
        scale = net.module.get_submodule("4").weight.double().abs().max() / (2**23 - 1)
        assert torch.allclose(found.v.double() / 16 * scale, net(s, encoded=True).double(), atol=1e-4)

    def test_a_layer_used_twice_keeps_its_weights_and_takes_what_spikes_are_worth(self) -> None:
        torch.manual_seed(0)
        first, shared, last = (nn.Linear(a, b, bias=False) for a, b in ((6, 8), (8, 8), (8, 3)))
        model = nn.Sequential(first, nn.ReLU(), shared, nn.ReLU(), shared, nn.ReLU(), last).requires_grad_(False)
        net = sl.convert(model, data(64, 6), RateCode(), steps=40)
        s = spikes(40, 8, 6)
        found = IntegerNetwork.of(net, bits=24).clocked(s)
        assert len(net.absorbed) == 1 and all(y.any() for y in found.spikes[:-1])
        scale = net.module.get_submodule("6").weight.double().abs().max() / (2**23 - 1)
        assert torch.allclose(found.v.double() / 40 * scale, net(s, encoded=True).double(), atol=1e-4)

    @pytest.mark.parametrize("each", ["layer", "channel"])
    def test_a_quantised_network_keeps_its_whole_numbers(self, each: str) -> None:
        net = sl.convert(perceptron(bias=True), data(64, 6), RateCode(channelwise=each == "channel"), steps=20)
        coarse = sl.conversion.quantised(net, 3, each=each)  # type: ignore[arg-type]
        s = spikes(20, 8, 6)
        found = IntegerNetwork.of(coarse).clocked(s)
        sent: list[Tensor] = []
        y = coarse.sequence(s, encoded=True, watch=lambda node, site, i: sent.append(site.spikes(i)))
        assert all(torch.equal(a.float(), b) and b.any() for a, b in zip(found.spikes, sent, strict=False))
        step = coarse.module.get_submodule("4").step.flatten()
        assert torch.equal(found.v * step, y.sum(0))


class TestPopulations:
    @pytest.mark.parametrize("bias", [False, True])
    def test_event_by_event_as_with_a_clock(self, bias: bool) -> None:
        net = sl.convert(perceptron(bias=bias), data(64, 6), "hard-reset", steps=20)
        s = spikes(20, 5, 6)
        ran = run_event_driven(net, s)
        assert torch.allclose(ran.output, net(s, encoded=True).double(), atol=1e-5)
        sent = IntegerNetwork.of(net, bits=30).clocked(s).spikes
        assert all(torch.equal(a, b.float()) for a, b in zip(ran.spikes, sent[:-1], strict=True))
        assert float(ran.spikes[1].sum()) > 20

    def test_soft_resets_are_refused(self) -> None:
        net = sl.convert(perceptron(bias=False), data(64, 6), RateCode(), steps=4)
        with pytest.raises(ConversionError, match="hard resets"):
            run_event_driven(net, spikes(4, 1, 6))

    def test_refuses_other_shapes_and_graded_inputs(self) -> None:
        net = sl.convert(perceptron(bias=False), data(64, 6), "hard-reset", steps=4)
        with pytest.raises(ShapeError):
            run_event_driven(net, spikes(4, 1, 5))
        with pytest.raises(ParameterError, match="0 and 1"):
            run_event_driven(net, data(4, 1, 6))


class TestRefused:
    def test_other_networks(self) -> None:
        model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 36, 3)).requires_grad_(False)
        net = sl.convert(model, data(16, 1, 8, 8), "percentile", steps=4)
        with pytest.raises(ConversionError, match="linear layers"):
            IntegerNetwork.of(net)
        with pytest.raises(ConversionError, match="IF neurons"):
            IntegerNetwork.of(sl.convert(perceptron(bias=False), data(64, 6), "burst", steps=4))

    def test_drifts_event_by_event(self) -> None:
        net = IntegerNetwork([IntegerLayer(torch.ones(1, 1, dtype=torch.int64), 3, drift=1)])
        with pytest.raises(ParameterError, match="drift"):
            net.event_driven(torch.zeros(2, 1, 1))

    def test_wrong_layers(self) -> None:
        one = torch.ones(2, 2, dtype=torch.int64)
        with pytest.raises(DTypeError, match="whole"):
            IntegerLayer(torch.ones(2, 2), 3)
        with pytest.raises(ShapeError, match="v_th"):
            IntegerLayer(one, torch.tensor([1, 2, 3]))
        with pytest.raises(ParameterError, match="above 0"):
            IntegerLayer(one, 0)
        with pytest.raises(ParameterError, match="leak"):
            IntegerLayer(one, 1, leak=-1)
        with pytest.raises(ShapeError, match="layers"):
            IntegerNetwork([IntegerLayer(one, 1), IntegerLayer(torch.ones(2, 3, dtype=torch.int64), 1)])
        with pytest.raises(ShapeError, match="spikes"):
            IntegerNetwork([IntegerLayer(one, 1)]).clocked(torch.zeros(3, 2))
        with pytest.raises(ParameterError, match="0 and 1"):
            IntegerNetwork([IntegerLayer(one, 1)]).clocked(torch.full((3, 1, 2), 2.0))
        with pytest.raises(ParameterError, match="bits"):
            IntegerNetwork.of(sl.convert(perceptron(bias=False), data(64, 6), "percentile", steps=4), bits=1)


class TestCache:
    def test_is_the_stack_distance(self) -> None:
        """A hit is a spike before which fewer other rows than there is room for were used since the last of its own."""
        layers = [spikes(30, 3, 5, seed=seed, rate=0.2) for seed in (1, 2)]
        order = [
            (layer, n)
            for b in range(3)
            for t in range(30)
            for layer, s in enumerate(layers)
            for n in range(5)
            if s[t, b, n]
        ]
        for rows in (1, 3, 9, 10):
            hits = 0
            for place, row in enumerate(order):
                earlier = [k for k in range(place) if order[k] == row]
                hits += bool(earlier) and len(set(order[earlier[-1] + 1 : place])) < rows
            assert cache_hits(layers, rows) == pytest.approx(hits / len(order))

    def test_refuses(self) -> None:
        with pytest.raises(ParameterError, match="rows"):
            cache_hits([spikes(3, 1, 2)], 0)
        with pytest.raises(ShapeError):
            cache_hits([spikes(3, 1, 2), spikes(4, 1, 2)], 1)
