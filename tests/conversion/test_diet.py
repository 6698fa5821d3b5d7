"""Dropout that is fixed in time, and what passes with it leave behind."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import BySurrogate, RateCode, tune_spiking
from spikeloom.conversion._sites import Site
from spikeloom.errors import ParameterError


def site(dropout: float) -> Site:
    return BySurrogate(dropout=dropout).site(Site(sl.IF(soft_reset=True), torch.tensor(1.0)))


def sent(dropout: float, *, training: bool = True) -> Tensor:
    return site(dropout).train(training)(torch.full((6, 50, 400), 0.5))


def test_a_neuron_is_silent_in_all_steps_or_in_none() -> None:
    plain, some = sent(0.0), sent(0.25)
    active = (some != 0).any(0)
    assert torch.allclose(some[:, active], plain[:, active] / 0.75)
    assert (some[:, ~active] == 0).all()
    # Of 20 000 neurons, each with a draw of its own; five standard errors.
    assert float(active.double().mean()) == pytest.approx(0.75, abs=5 * (0.25 * 0.75 / 20_000) ** 0.5)
    assert (active.double().mean(0) < 1).any() and (active.double().mean(1) < 1).all()


def test_nothing_drops_out_afterwards() -> None:
    assert torch.equal(sent(0.5, training=False), sent(0.0))
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3)), torch.rand(64, 6)
    net = sl.convert(model, x, RateCode(), steps=4)
    tuned = tune_spiking(net, x, model(x).argmax(1), gradient=BySurrogate(dropout=0.5), epochs=1)
    assert not any(module.training for module in tuned.modules())
    assert torch.equal(tuned(x), tuned(x))


def test_it_changes_what_is_learnt() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3)), torch.rand(64, 6)
    net, y = sl.convert(model, x, RateCode(), steps=4), model(x).argmax(1)
    outputs = [tune_spiking(net, x, y, gradient=BySurrogate(dropout=p), epochs=3, lr=0.05)(x) for p in (0.0, 0.5, 0.5)]
    assert not torch.equal(outputs[0], outputs[1]) and torch.equal(outputs[1], outputs[2])


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_bad_share_is_refused(dropout: float) -> None:
    with pytest.raises(ParameterError, match="dropout"):
        BySurrogate(dropout=dropout)
