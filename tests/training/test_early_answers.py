"""Training for early answers: accuracy over time on handwritten digits, with and without the losses that ask for it.

`pytest -rP tests/training/test_early_answers.py` prints the figures.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.coding import direct, first_spike_time, last_decision, running_count
from spikeloom.training import anytime_cross_entropy, latency_penalty, rate_cross_entropy

STEPS = 12


def trained(loss: Callable[[Tensor, Tensor], Tensor], seed: int) -> tuple[float, float, float]:
    """Accuracy averaged over decisions after 1, ..., T steps; after T; mean first spike time of the labelled neuron."""
    data = sl.datasets.digits()
    x, test = (part.images.flatten(1) / 16.0 for part in (data.train, data.test))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = sl.nn.Sequential(nn.Linear(64, 64), sl.LIF(tau_mem=5.0), nn.Linear(64, 10), sl.LIF(tau_mem=5.0))
    with torch.no_grad():
        for name, weight in net.named_parameters():
            weight.mul_(2.0 if name.endswith("weight") else 1.0)
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(8):
        for batch in torch.randperm(len(x), generator=torch.Generator().manual_seed(epoch)).split(128):
            optimiser.zero_grad()
            loss(net(direct(x[batch], STEPS)), data.train.labels[batch]).backward()
            optimiser.step()
    with torch.no_grad():
        spikes = net(direct(test, STEPS))
    count, labels = running_count(spikes), data.test.labels
    right = [(last_decision(count[:t]).label == labels).double().mean().item() for t in range(1, STEPS + 1)]
    first = first_spike_time(spikes).gather(1, labels.unsqueeze(1)).mean().item()
    print("area, last, first spike of the right neuron:", *(f"{n:.3f}" for n in (sum(right) / STEPS, right[-1], first)))
    return sum(right) / STEPS, right[-1], first


def test_anytime_loss_raises_the_area_under_accuracy_over_time() -> None:
    plain = trained(rate_cross_entropy, 0)
    anytime = trained(lambda s, y: anytime_cross_entropy(running_count(s), y), 0)
    late = trained(lambda s, y: rate_cross_entropy(s, y) + 3.0 * latency_penalty(s, y), 0)
    assert anytime[0] > plain[0] + 0.03
    assert anytime[1] > plain[1] - 0.02
    # The penalty alone makes the right neuron early; it does not keep the others from being earlier.
    assert late[2] < plain[2] - 0.3
