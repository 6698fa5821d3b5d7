"""Images as spike trains: what is kept, with how many spikes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

import spikeloom as sl
from spikeloom.coding import Bernoulli, LinearLatency, Poisson, Regular, first_spike_time, spike_count


@cache
def images() -> Tensor:
    return torch.from_numpy(load_digits().data) / 16.0


Probe = Callable[[Tensor], float]


def bernoulli_values(steps: int) -> Tensor:
    encoder = Bernoulli(steps)
    return encoder.decode(encoder(images(), torch.Generator().manual_seed(0)))


def reconstruct(x: Tensor) -> Tensor:
    encoder = Poisson.example()  # 350 ms, intensity 255 at 63.75 spikes per second
    spikes = encoder(x, torch.Generator().manual_seed(0))
    assert not spikes[:, x == 0].any()
    return encoder.decode(spikes)


def test_digits_come_back_from_350_ms_of_spikes() -> None:
    pair = torch.stack((reconstruct(images()[:500]).flatten(), images()[:500].flatten()))
    assert torch.corrcoef(pair)[0, 1].item() > 0.9


@pytest.mark.data
def test_mnist_comes_back_from_350_ms_of_spikes() -> None:
    try:
        data = sl.datasets.mnist(download=False)
    except sl.errors.DataError as error:
        pytest.skip(f"needs MNIST under SPIKELOOM_DATA: {error}")
    x = data.test.images[:200].double() / 255.0
    pair = torch.stack((reconstruct(x).flatten(), x.flatten()))
    assert torch.corrcoef(pair)[0, 1].item() > 0.9


def test_more_steps_keep_more_of_the_image(probe: Probe) -> None:
    accuracies = [probe(bernoulli_values(steps)) for steps in (1, 4, 16, 64)]
    raw = probe(images())
    assert raw == pytest.approx(0.970, abs=0.006)
    # The standard error of an accuracy near 0.9 of 450 images is 1.4 %; the steps are larger, but for the last.
    assert accuracies[0] < accuracies[1] - 0.01 and accuracies[1] < accuracies[2] - 0.01
    assert accuracies[2] < accuracies[3] + 0.005
    assert raw - 0.01 < accuracies[3] <= raw + 0.01


def test_single_spikes_keep_as_much_as_rates_with_a_fifth_of_the_spikes(probe: Probe) -> None:
    steps = 16
    rate, latency = Regular(steps)(images()), LinearLatency(steps)(images())
    assert latency.sum(0).max().item() == 1.0
    assert spike_count(rate).mean().item() == pytest.approx((images() * steps).mean().item(), abs=1e-9)
    assert rate.sum() >= 5 * latency.sum()
    by_rate, by_time = probe(spike_count(rate)), probe(first_spike_time(latency) / steps)
    assert abs(by_rate - by_time) <= 0.02
