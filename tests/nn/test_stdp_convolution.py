"""Convolutions that learn by STDP with one spike per neuron, against loops over neurons, winners and synapses."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import DTypeError, ParameterError, ShapeError

STEPS = 9
# Rules of the catalogue that act on postsynaptic spikes alone.
SUITABLE = sorted(
    name
    for name, kind in sl.plasticity.catalogue().items()
    if kind.example().handlers() == ("on_post",)
    and not (kind.example().synapse_states or kind.example().noises or kind.example().inputs)
    and not kind.example().post_states
    and math.isfinite(float(kind.example().w_max))
)


def spikes(*shape: int, seed: int = 0, silent: float = 0.3) -> Tensor:
    """One spike of each neuron, none of a share of them: [T, *shape]."""
    x = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    return sl.coding.linear_latency(torch.where(x < silent, 0.0, x), STEPS)


def layer(**given: object) -> sl.nn.STDPConvolution:
    chosen = {"v_th": 5.0, "winners": 3, "std": 0.2, "mean": 0.5, "seed": 3} | given
    return sl.nn.STDPConvolution(2, 4, 3, **chosen)


def first(train: Tensor) -> int:
    """Step of the first spike of a train [T], T where there is none."""
    return next((t for t in range(len(train)) if train[t]), len(train))


def crossing(w: Tensor, patch: Tensor, v_th: float) -> tuple[int, float]:
    """When a neuron with this patch [T, in] spikes, and its potential then."""
    v = 0.0
    for t in range(len(patch)):
        v += float((w.double() * patch[t].double()).sum())
        if v >= v_th:
            return t, v
    return len(patch), 0.0


def crossings(net: sl.nn.STDPConvolution, x: Tensor) -> dict[tuple[int, int, int], tuple[int, float]]:
    """Of one image [T, C, H, W]: (map, row, column) -> step and potential."""
    x = torch.nn.functional.pad(x, [net.padding] * 4)
    size = net.weight.shape[2]
    places = itertools.product(range(len(net.weight)), range(x.shape[2] - size + 1), range(x.shape[3] - size + 1))
    return {
        (m, r, c): crossing(net.weight[m], x[:, :, r : r + size, c : c + size], float(net.v_th[m]))
        for m, r, c in places
    }


def competition(found: dict[tuple[int, int, int], tuple[int, float]], count: int, radius: int) -> list[tuple[int, ...]]:
    """Winners (map, row, column, step), one after the other."""
    left = {place: (t, -v) for place, (t, v) in found.items() if t < STEPS}
    won: list[tuple[int, ...]] = []
    while left and len(won) < count:
        m, r, c = min(left, key=lambda place: left[place])
        won.append((m, r, c, left[m, r, c][0]))
        left = {p: value for p, value in left.items() if p[0] != m and max(abs(p[1] - r), abs(p[2] - c)) > radius}
    return won


class TestSpikes:
    def test_by_hand(self) -> None:
        """Two inputs of weight 0.6 and 0.5 reach 1.0 with the second one, in step 2; the third is beyond the square."""
        net = sl.nn.STDPConvolution(1, 1, 1, v_th=1.0)
        net.weight = torch.tensor([[[[0.6, 0.5]]]])
        x = torch.zeros(4, 1, 1, 1, 3)
        x[0, 0, 0, 0, 0] = x[2, 0, 0, 0, 1] = x[1, 0, 0, 0, 2] = 1.0
        assert net(x)[:, 0, 0, 0].T.tolist() == [[0, 0, 1, 0], [0, 0, 1, 0]]
        assert net.potential(x).flatten().tolist() == pytest.approx([1.1, 1.1])

    @pytest.mark.parametrize("padding", [0, 1])
    def test_each_neuron_against_its_own_sum(self, padding: int) -> None:
        x, net = spikes(3, 2, 6, 5), layer(padding=padding, inhibits=False)
        y = net(x)
        assert 0 < y.sum() < y[0].numel()
        for image in range(3):
            for (m, r, c), (t, _) in crossings(net, x[:, image]).items():
                assert first(y[:, image, m, r, c]) == t

    def test_the_first_one_of_a_place_inhibits_the_others(self) -> None:
        x, net = spikes(2, 2, 6, 6, seed=1), layer()
        y = net(x)
        for image in range(2):
            found = crossings(net, x[:, image])
            for r, c in itertools.product(range(4), range(4)):
                t, _, m = min((found[m, r, c][0], -found[m, r, c][1], m) for m in range(4))
                expected = torch.zeros(STEPS, 4)
                if t < STEPS:
                    expected[t, m] = 1.0
                assert torch.equal(y[:, image, :, r, c], expected)

    def test_potential_counts_all_spikes(self) -> None:
        x, net = spikes(2, 2, 5, 5), layer(v_th=0.1)
        whole = layer(v_th=0.1)._charge(x.sum(0))
        assert torch.equal(net.potential(x), whole)

    def test_pool_hands_on_the_first_spike(self) -> None:
        x = spikes(2, 3, 5, 4, silent=0.6)
        y = sl.nn.FirstSpikePool(2)(x)
        assert y.shape == (STEPS, 2, 3, 2, 2)
        for b, c, i, j in itertools.product(range(2), range(3), range(2), range(2)):
            square = x[:, b, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].flatten(1)
            assert first(y[:, b, c, i, j]) == min(first(square[:, n]) for n in range(4))
            assert y[:, b, c, i, j].sum() == min(1, square.sum())


class TestWinners:
    @pytest.mark.parametrize(("count", "radius"), [(1, 0), (3, 0), (3, 1), (4, 2), (9, 1)])
    def test_against_a_loop(self, count: int, radius: int) -> None:
        x, net = spikes(3, 2, 8, 8, seed=5), layer(winners=count, radius=radius)
        expected = [
            (image, *place) for image in range(3) for place in competition(crossings(net, x[:, image]), count, radius)
        ]
        won = net.learn(x)
        assert list(zip(*(part.tolist() for part in won), strict=True)) == expected
        assert len(won.map) == len(expected) > 0

    def test_no_spike_no_winner(self) -> None:
        net = layer(v_th=1e6)
        before = net.weight.clone()
        assert len(net.learn(spikes(2, 2, 5, 5)).map) == 0
        assert torch.equal(net.weight, before)


class TestLearning:
    def test_by_hand(self) -> None:
        """a_plus w (1 - w) where the input had come, -a_minus w (1 - w) where it came later or not at all."""
        net = sl.nn.STDPConvolution(1, 1, 2, v_th=1.0, winners=1)
        net.weight = torch.tensor([[[[0.5, 0.6], [0.8, 0.2]]]])
        x = torch.zeros(5, 1, 1, 2, 2)
        x[0, ..., 0, 0] = x[1, ..., 0, 1] = x[2, ..., 1, 0] = 1.0
        won = net.learn(x)
        assert [part.tolist() for part in won] == [[0], [0], [0], [0], [1]]
        w = [0.5 + 0.004 * 0.25, 0.6 + 0.004 * 0.24, 0.8 - 0.003 * 0.16, 0.2 - 0.003 * 0.16]
        assert net.weight.flatten().tolist() == pytest.approx(w, abs=1e-7)

    def test_there_are_suitable_rules(self) -> None:
        assert {"SimplifiedSTDP"} <= set(SUITABLE)

    @pytest.mark.parametrize("name", SUITABLE)
    def test_every_suitable_rule_as_in_learn(self, name: str) -> None:
        """Image after image, each winner's synapses by the definition on its own spike trains."""
        self.compare(sl.plasticity.catalogue()[name].example())

    @pytest.mark.parametrize("window", [2.0, 4.0, math.inf])
    @pytest.mark.parametrize("preset", sl.plasticity.SimplifiedSTDP.presets)
    def test_presets_and_windows(self, preset: str, window: float) -> None:
        self.compare(sl.plasticity.SimplifiedSTDP.preset(preset, window=window))

    @staticmethod
    def compare(rule: sl.plasticity.Rule) -> None:
        x, net = spikes(4, 2, 7, 7, seed=7), layer(rule=rule, padding=1, v_th=4.0)
        padded, w = torch.nn.functional.pad(x, [1] * 4), net.weight.clone()
        won = net.learn(x)
        assert len(won.map) > 6 and len(set(won.map.tolist())) < len(won.map)
        for image, m, r, c, t in zip(*(part.tolist() for part in won), strict=True):
            pre = padded[:, image, :, r : r + 3, c : c + 3].reshape(STEPS, 1, -1)
            post = torch.zeros(STEPS, 1, 1)
            post[t] = 1.0
            w[m] = sl.plasticity.learn(rule, w[m].reshape(1, -1), pre, post).w.view_as(w[m])
        # The threshold of BCM is 0 before the first spike, so that one spike changes nothing.
        assert torch.equal(net.weight, layer(rule=rule).weight) == isinstance(rule, sl.plasticity.BCM)
        assert torch.allclose(net.weight, w, atol=1e-6)

    def test_rules_are_not_shared(self) -> None:
        rule = sl.plasticity.SimplifiedSTDP()
        nets = [layer(rule=rule), layer(rule=rule)]
        nets[0].rule.assign("a_plus", 0.1)
        assert float(nets[1].rule.a_plus) == float(rule.a_plus) == 0.004

    def test_convergence(self) -> None:
        net = layer(rule=sl.plasticity.SimplifiedSTDP(w_min=-1.0, w_max=3.0))
        for w, index in ((1.0, 0.25), (-1.0, 0.0), (3.0, 0.0), (0.0, 3 / 16)):
            net.weight = torch.full_like(net.weight, w)
            assert net.convergence == pytest.approx(index)

    def test_shuffle_keeps_the_weights_of_each_map(self) -> None:
        net, other = layer(), layer()
        other.shuffle(0)
        assert not torch.equal(net.weight, other.weight)
        assert torch.equal(net.weight.flatten(1).sort().values, other.weight.flatten(1).sort().values)

    def test_homeostasis_of_thresholds(self) -> None:
        target = sl.plasticity.TargetTime(lr=0.1, target=0.5, v_min=4.5)
        x, net = spikes(4, 2, 7, 7, seed=7), layer(homeostasis=target)
        won = net.learn(x)
        v_th = [5.0] * 4
        for m, t in zip(won.map.tolist(), won.step.tolist(), strict=True):
            v_th = [max(4.5, v - 0.1 * (t / STEPS - 0.5) + (0.1 if k == m else -0.1 / 3)) for k, v in enumerate(v_th)]
        assert net.v_th.tolist() == pytest.approx(v_th, abs=1e-5)
        assert net.v_th.std() > 0


class TestGreedy:
    @staticmethod
    def stack() -> torch.nn.Sequential:
        below = sl.nn.STDPConvolution(1, 4, 3, v_th=3.0, std=0.1)
        return torch.nn.Sequential(
            sl.coding.LinearLatency(10), below, sl.nn.FirstSpikePool(2), sl.nn.STDPConvolution(4, 5, 2, v_th=2.0)
        )

    def test_layers_learn_from_the_finished_ones_below(self) -> None:
        images, stack, order = torch.rand(12, 1, 9, 9, generator=torch.Generator().manual_seed(0)), self.stack(), []

        def told(layer: sl.nn.STDPConvolution, seen: int) -> None:
            order.append((layer is stack[3], seen, stack[1].weight.clone()))

        sl.nn.learn_greedily(stack, lambda number: images.split(4), passes=2, schedule=told)
        assert [(upper, seen) for upper, seen, _ in order] == [(u, s) for u in (False, True) for s in range(0, 24, 4)]
        assert all(torch.equal(w, stack[1].weight) for upper, _, w in order if upper)
        assert not torch.equal(order[0][2], stack[1].weight)

    def test_one_layer_alone(self) -> None:
        stack, images = self.stack(), torch.rand(8, 1, 9, 9)
        before = [stack[1].weight.clone(), stack[3].weight.clone()]
        sl.nn.learn_greedily(stack, lambda number: [images], only=3)
        assert torch.equal(stack[1].weight, before[0]) and not torch.equal(stack[3].weight, before[1])

    def test_features_are_the_greatest_potentials(self) -> None:
        stack, images = self.stack(), torch.rand(5, 1, 10, 10, generator=torch.Generator().manual_seed(0))
        v = stack[3].potential(stack[:3](images))
        assert v.shape == (5, 5, 3, 3)
        assert torch.allclose(sl.nn.pooled_potentials(stack, images, batch=2), v.amax((2, 3)))
        corner = sl.nn.pooled_potentials(stack, images, grid=3).view_as(v)
        assert torch.allclose(corner, v)
        with pytest.raises(ParameterError, match="FirstSpikePool"):
            sl.nn.pooled_potentials(stack[:3], images)

    def test_doubling_up_to_the_most(self) -> None:
        net, schedule, found = layer(), sl.nn.Doubling(every=10, most=0.01), []
        for seen in (0, 9, 10, 20, 30):
            schedule(net, seen)
            found.append((float(net.rule.a_plus), float(net.rule.a_minus)))
        expected = [(0.004, 0.003), (0.004, 0.003), (0.008, 0.006), (0.01, 0.0075), (0.01, 0.0075)]
        assert found == [pytest.approx(pair) for pair in expected]


class TestRefused:
    @pytest.mark.parametrize("rule", [sl.plasticity.STDP(), sl.plasticity.Hebb(), sl.plasticity.BinarySTDP()])
    def test_rules_that_need_more(self, rule: sl.plasticity.Rule) -> None:
        with pytest.raises(ParameterError, match="postsynaptic spikes alone"):
            layer(rule=rule)

    def test_what_is_no_rule(self) -> None:
        with pytest.raises(DTypeError, match="a rule of"):
            layer(rule="STDP")

    def test_unbounded_weights(self) -> None:
        with pytest.raises(ParameterError, match="finite"):
            layer(rule=sl.plasticity.SimplifiedSTDP(w_max=math.inf))

    def test_sizes(self) -> None:
        with pytest.raises(ParameterError, match="sizes >= 1"):
            layer(winners=0)
        with pytest.raises(ParameterError, match=">= 1"):
            sl.nn.FirstSpikePool(0)

    def test_shapes(self) -> None:
        with pytest.raises(ShapeError, match=r"T, B, 2, H, W"):
            layer()(spikes(2, 3, 6, 6))
        with pytest.raises(ShapeError, match="Put time first"):
            sl.nn.FirstSpikePool(2)(torch.zeros(3, 2, 4, 4))
        with pytest.raises(ShapeError, match="square of 3"):
            layer()(spikes(2, 2, 2, 6))

    def test_several_spikes_of_a_neuron(self) -> None:
        with pytest.raises(ParameterError, match="one spike of a neuron"):
            layer()(torch.ones(3, 1, 2, 6, 6))

    def test_target_time(self) -> None:
        rule = sl.plasticity.TargetTime()
        with pytest.raises(ShapeError):
            rule.update(torch.ones(2, 2), winner=0, t=0.1)
        with pytest.raises(ParameterError, match="0 to 2"):
            rule.update(torch.ones(3), winner=3, t=0.1)

    def test_nothing_that_learns(self) -> None:
        with pytest.raises(ParameterError, match="that learns"):
            sl.nn.learn_greedily(torch.nn.Sequential(sl.nn.FirstSpikePool(2)), lambda number: [])
