"""Neural sampling against exact enumeration."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.neurons import SamplingNeuron


def frequencies(z: Tensor) -> Tensor:
    n = z.shape[-1]
    place = (z.reshape(-1, n).double() @ 2.0 ** torch.arange(n - 1, -1, -1).double()).long()
    return torch.bincount(place, minlength=2**n).double() / len(place)


def boltzmann(w: Tensor, b: Tensor) -> Tensor:
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=len(b)))).double()
    return torch.softmax(((every @ w.double()) * every).sum(1) / 2 + every @ b.double(), 0)


@pytest.mark.parametrize("tau", [1.0, 4.0, 10.0])
def test_alone_it_is_on_for_the_share_of_its_odds(tau: float) -> None:
    torch.manual_seed(0)
    odds = torch.tensor([-2.0, 0.0, 1.5])
    z = SamplingNeuron(tau=tau)(odds.expand(500, 400, 3).contiguous())
    # 400 runs of 450 / tau independent stretches or more.
    error = 3 * 0.5 * math.sqrt(2 * tau / (400 * 450))
    assert (z[50:].mean((0, 1)) - odds.sigmoid()).abs().max() < error


def test_a_spike_holds_for_tau_updates() -> None:
    torch.manual_seed(1)
    x = torch.full((9, 1, 1), -1e3)
    x[2] = 1e3
    assert SamplingNeuron(tau=4.0)(x).flatten().tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 0]
    turn = torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]).view(-1, 1, 1)
    assert SamplingNeuron(tau=4.0)(x, turn=turn).flatten().tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("tau", [1.0, 5.0])
def test_one_after_another_they_sample_the_boltzmann_distribution(tau: float) -> None:
    n, runs, sweeps = 4, 400, 600
    generator = torch.Generator().manual_seed(2)
    w = torch.randn(n, n, generator=generator)
    w, b = (w + w.T).fill_diagonal_(0.0) / 2, torch.randn(n, generator=generator) / 2
    torch.manual_seed(3)
    net = sl.nn.Recurrent(SamplingNeuron(tau=tau), w.clone()).requires_grad_(False)
    turn = torch.eye(n).repeat(sweeps, 1)[:, None]
    z = net(b.expand(sweeps * n, runs, n).contiguous(), turn=turn)[n - 1 :: n]
    distance = (frequencies(z[100:]) - boltzmann(w, b)).abs().sum() / 2
    # 16 states, 2e5 samples of which one in 2 tau or so is independent: 0.006 is expected for tau = 5.
    assert float(distance) < 0.015
