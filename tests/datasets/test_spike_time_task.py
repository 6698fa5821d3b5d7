"""Input and desired times: rates, distances, seeds, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch

from spikeloom.datasets import spike_time_task
from spikeloom.errors import ParameterError


@pytest.mark.parametrize("seed", range(5))
def test_rate_of_input_and_distance_of_desired_times(seed: int) -> None:
    x, target = spike_time_task(rate=20.0, dt=0.5, apart=20, generator=torch.Generator().manual_seed(seed))
    expected, n = 0.01, x.numel()
    assert abs(float(x.mean()) - expected) < 5 * math.sqrt(expected * (1 - expected) / n)
    times = target.flatten().nonzero().flatten()
    assert len(times) == 5
    assert int(times.diff().min()) > 20
    assert int(times[0]) >= 40
    assert int(times[-1]) < 390


def test_the_generator_decides() -> None:
    one, same, other = (spike_time_task(generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(one[0], same[0])
    assert torch.equal(one[1], same[1])
    assert not torch.equal(one[0], other[0])


@pytest.mark.parametrize("given", [{"rate": -1.0}, {"rate": 2000.0}, {"spikes": 0}, {"spikes": 10}, {"apart": -1}])
def test_refusals(given: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match="spike_time_task"):
        spike_time_task(**given)  # type: ignore[arg-type]
