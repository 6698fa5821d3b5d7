"""What sets spiking neurons apart from threshold gates on rates: one neuron with delays knows a pattern of times.

Every pattern has one spike of each input, so what depends on counts is the same for all of them.
Maass 1997, "Networks of spiking neurons: the third generation of neural network models", Neural Networks 10.
"""

from __future__ import annotations

import torch
from torch import Tensor

import spikeloom as sl

INPUTS, LONGEST, PATTERNS = 10, 20, 1000


def patterns() -> Tensor:
    """Spike times [patterns, inputs], one spike of each input; the first pattern is the one to know."""
    return torch.randint(LONGEST, (PATTERNS + 1, INPUTS), generator=torch.Generator().manual_seed(0))


def trains(times: Tensor) -> Tensor:
    """Spikes [time, patterns, inputs]."""
    clock = torch.arange(2 * LONGEST).view(-1, 1, 1)
    return (clock == times).float()


def test_one_neuron_with_delays_knows_one_pattern_of_times() -> None:
    times = patterns()
    # Each input is delayed until the last spike of the pattern.
    arrived = trains(times + (times[0].max() - times[0]))
    neuron = sl.LIF(tau_mem=1.0, v_th=INPUTS - 0.5, decay_input=False)
    fired = neuron(arrived.sum(2)).sum(0) > 0
    assert fired.nonzero().flatten().tolist() == [0]


def test_without_the_delays_it_does_not_fire_for_its_pattern() -> None:
    neuron = sl.LIF(tau_mem=1.0, v_th=INPUTS - 0.5, decay_input=False)
    assert not neuron(trains(patterns()).sum(2))[:, 0].any()
