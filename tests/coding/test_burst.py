"""Burst code against its formulas, and what is left of it when spikes are lost."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from spikeloom.coding import (
    BurstCode,
    burst,
    burst_decode,
    burst_interval_decode,
    linear_latency,
    linear_latency_decode,
)
from spikeloom.errors import ParameterError

GRID = torch.linspace(0.0, 1.0, 1001, dtype=torch.float64).view(1, -1)


@pytest.mark.parametrize(("most", "shortest", "longest"), [(5, 2, 8), (1, 1, 1), (10, 1, 20), (4, 3, 3)])
def test_number_and_interval_follow_the_formulas(most: int, shortest: int, longest: int) -> None:
    steps = most * longest + 1
    spikes = burst(GRID, steps, max_spikes=most, min_interval=shortest, max_interval=longest)[:, 0]
    for x, train in zip(GRID[0].tolist(), spikes.T, strict=True):
        times = train.nonzero().flatten()
        assert len(times) == math.ceil(most * x)
        assert set(times.diff().tolist()) <= {math.ceil(longest - (longest - shortest) * x)}
        assert not len(times) or times[0] == 0


def test_the_count_decodes_to_one_spike() -> None:
    error = burst_decode(burst(GRID, 40, max_spikes=5)) - GRID
    assert error.min().item() >= -1e-12 and error.max().item() < 1 / 5


def test_the_interval_decodes_to_one_step() -> None:
    x = GRID[GRID > 0.2].view(1, -1)  # two spikes or more
    error = x - burst_interval_decode(burst(x, 40))
    assert error.min().item() >= -1e-12 and error.max().item() < 1 / 6 + 1e-12


def lose(spikes: Tensor, fraction: float, seed: int) -> Tensor:
    kept = torch.rand(spikes.shape, generator=torch.Generator().manual_seed(seed)) >= fraction
    return spikes * kept


def test_lost_spikes_harm_a_burst_less_than_a_single_spike() -> None:
    x = torch.rand(1, 20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    by_burst = burst_decode(lose(burst(x, 40, max_spikes=5), 0.1, seed=1)) - x
    by_latency = linear_latency_decode(lose(linear_latency(x, 40), 0.1, seed=2)) - x
    rmse = [error.square().mean().sqrt().item() for error in (by_burst, by_latency)]
    # A lost single spike leaves nothing: sqrt(0.1 mean(x^2)) = 0.183 alone. Of a burst a tenth is lost at a time.
    assert rmse[1] == pytest.approx(math.sqrt(0.1 / 3), rel=0.1)
    assert rmse[0] < 0.8 * rmse[1]
    assert by_burst.abs().max().item() < by_latency.abs().max().item()


def test_bursts_that_do_not_fit_are_refused() -> None:
    # Of five spikes the longest burst begins at x = 0.8, 4 * ceil(8 - 6 * 0.8) = 16; of four at 0.6: 3 * 5 = 15.
    BurstCode(17)
    with pytest.raises(ParameterError, match="at least 17 steps for bursts of 5 spikes, 2 to 8 steps apart, got 16"):
        BurstCode(16)
    with pytest.raises(ParameterError, match="max_interval of BurstCode: expected a whole number of at least 4"):
        BurstCode(40, min_interval=4, max_interval=3)
    with pytest.raises(ParameterError, match="above min_interval"):
        burst_interval_decode(torch.zeros(9, 1), min_interval=3, max_interval=3)


@pytest.mark.parametrize(("most", "shortest", "longest"), [(5, 2, 8), (7, 1, 3), (3, 4, 15)])
def test_the_fewest_steps_that_are_taken_lose_no_spike(most: int, shortest: int, longest: int) -> None:
    arguments = {"max_spikes": most, "min_interval": shortest, "max_interval": longest}
    fewest = next(n for n in range(1, 200) if _accepted(n, arguments))
    assert torch.equal(burst(GRID, fewest, **arguments).sum(0), burst(GRID, 200, **arguments).sum(0))
    if fewest > 1:
        lost = burst(GRID, 200, **arguments)[: fewest - 1].sum(0)
        assert not torch.equal(lost, burst(GRID, 200, **arguments).sum(0))


def _accepted(steps: int, arguments: dict[str, int]) -> bool:
    try:
        BurstCode(steps, **arguments)
    except ParameterError:
        return False
    return True
