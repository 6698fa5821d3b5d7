"""The whole-number neuron of Loihi: golden traces, and the same computed with Python's integers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import ParameterError
from spikeloom.neurons import Loihi


def run(neuron: Loihi, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    with torch.no_grad(), sl.record(neuron, "u", "v") as trace:
        return neuron(x), trace["u"], trace["v"]


def oracle(x: list[int], *, v_th: int, decay_i: int, decay_v: int, bias: int, soft: bool) -> list[tuple[int, int, int]]:
    """Spike, current and potential after each step, in whole numbers of any size."""

    def decayed(value: int, decay: int) -> int:
        away = -(-abs(value) * decay // 4096)
        return value - away if value > 0 else value + away

    u = v = 0
    found = []
    for i in x:
        u = decayed(u, decay_i) + i
        v = decayed(v, decay_v) + u + bias
        s = int(v > v_th)
        v = (v - v_th if soft else 0) if s else v
        found.append((s, u, v))
    return found


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize(("decay_i", "decay_v", "bias"), [(4096, 0, 0), (1024, 128, 77), (3, 4095, -5), (0, 1, 0)])
def test_equals_whole_numbers(decay_i: int, decay_v: int, bias: int, soft: bool) -> None:
    generator = torch.Generator().manual_seed(decay_i + decay_v)
    # Up to 2^23 in float32, where the product with a decay has 35 bits.
    x = 128 * torch.randint(-800, 1000, (200,), generator=generator)
    if decay_i == 0:
        x = x.sign() * 64
    neuron = Loihi(v_th=64 * 9000, decay_i=decay_i, decay_v=decay_v, bias=bias, soft_reset=soft)
    s, u, v = run(neuron, x.float().view(-1, 1, 1))
    wanted = oracle(x.tolist(), v_th=64 * 9000, decay_i=decay_i, decay_v=decay_v, bias=bias, soft=soft)
    found = torch.stack([s, u, v], 1).flatten(1).long().tolist()
    assert [tuple(each) for each in found] == wanted


def test_a_decay_rounds_away_from_zero_and_ends_there() -> None:
    # 1000, then minus ceil(x / 4): 750, 562, 421, 315, 236, 177, 132, 99, 74, 55, 41, 30, 22, 16, 12, 9, 6, 4, 3, 2, 1.
    x = torch.zeros(24, 1, 1)
    x[0] = 1000.0
    _, _, v = run(Loihi(v_th=64000, decay_v=1024), x)
    golden = [1000, 750, 562, 421, 315, 236, 177, 132, 99, 74, 55, 41, 30, 22, 16, 12, 9, 6, 4, 3, 2, 1, 0, 0]
    assert v.flatten().tolist() == golden
    _, _, below = run(Loihi(v_th=64000, decay_v=1024), -x)
    assert below.flatten().tolist() == [-value for value in golden]


def test_a_spike_is_strictly_above_threshold() -> None:
    x = torch.tensor([640.0, 1.0, 640.0]).view(3, 1, 1)
    s, _, v = run(Loihi(v_th=640), x)
    assert s.flatten().tolist() == [0, 1, 0]
    assert v.flatten().tolist() == [640, 0, 640]


def test_rates_of_a_soft_reset_are_exact() -> None:
    # Without decay, n steps of i bring floor((n i - 1) / v_th) spikes if i <= v_th: each takes v_th, strictly above.
    i = torch.arange(1, 641, 13).float()
    s, _, _ = run(Loihi(v_th=640, soft_reset=True), i.expand(100, 1, -1))
    assert torch.equal(s.sum(0)[0], ((100 * i - 1) / 640).floor())


@pytest.mark.parametrize("given", [{"v_th": 100.5}, {"decay_v": 0.5}, {"bias": 0.1}])
def test_numbers_that_are_not_whole_are_refused(given: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match="whole"):
        Loihi(**given)
