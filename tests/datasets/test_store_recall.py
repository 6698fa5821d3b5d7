"""Order of commands, what is stored, rates of the groups, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch

from spikeloom.datasets import store_recall
from spikeloom.errors import ParameterError


def _read(spikes: torch.Tensor, length: int, group: int) -> torch.Tensor:
    """Which groups are active in which symbol, from the spikes alone, [length, n, 4]."""
    return spikes.view(length, -1, spikes.shape[1], 4, group).sum((1, 4)) > 0


@pytest.mark.parametrize("delay", [1.0, 6.0])
def test_what_is_to_be_recalled_is_in_the_spikes(delay: float) -> None:
    n, length, group = 200, 12, 25
    g = torch.Generator().manual_seed(3)
    # So many spikes that a group that is shown is never silent.
    spikes, recall, value = store_recall(
        n, length=length, delay=delay, duration=4, group=group, rate=800.0, generator=g
    )
    active = _read(spikes, length, group)
    for k in range(n):
        kept = None
        stores = 0
        for t in range(length):
            zero, one, store, asked = active[t, k].tolist()
            assert asked == bool(recall[t, k])
            assert zero + one == (not asked)
            if store:
                assert not asked
                assert kept is None, "a store follows a recall"
                kept, stores = int(one), stores + 1
            if asked:
                assert kept is not None, "a recall follows a store"
                assert int(value[t, k]) == kept
                kept = None
        assert stores > 0
        assert kept is None


def test_rates_and_values() -> None:
    n, length, duration = 100, 12, 50
    g = torch.Generator().manual_seed(1)
    spikes, recall, value = store_recall(n, length=length, duration=duration, rate=50.0, dt=2.0, generator=g)
    # One group a symbol, a value or a recall, and one more where there is a store.
    shown = recall.numel() + int(recall.sum())
    count, expected = float(spikes.sum()), shown * duration * 25 * 0.1
    assert abs(count - expected) < 5 * math.sqrt(expected)
    share = float(value[recall].float().mean())
    assert abs(share - 0.5) < 5 * 0.5 / math.sqrt(int(recall.sum()))


def test_the_generator_decides() -> None:
    one, same, other = (store_recall(4, duration=5, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(one[0], same[0])
    assert torch.equal(one[2], same[2])
    assert not torch.equal(one[0], other[0])


@pytest.mark.parametrize(
    "given", [{"n": 0}, {"length": 1}, {"duration": 0}, {"group": 0}, {"rate": -1.0}, {"rate": 2000.0}, {"delay": -1.0}]
)
def test_refusals(given: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match="store_recall"):
        store_recall(**{"n": 4, **given})  # type: ignore[arg-type]
