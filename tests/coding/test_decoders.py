"""Decoders by hand, and the gradient of the first spike time as a difference."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeloom.coding import (
    first_spike_time,
    last_potential,
    max_potential,
    mean_potential,
    spike_count,
    spike_rate,
)
from spikeloom.errors import DTypeError, ParameterError, ShapeError

DECODERS = (first_spike_time, last_potential, max_potential, mean_potential, spike_count, spike_rate)
trains = st.lists(st.booleans(), min_size=1, max_size=12)


def column(values: list[float] | list[bool]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1)


@given(train=trains)
def test_spike_decoders_against_plain_python(train: list[bool]) -> None:
    spikes = column(train)
    assert spike_count(spikes).item() == sum(train)
    assert spike_rate(spikes).item() == pytest.approx(sum(train) / len(train))
    assert first_spike_time(spikes).item() == (train.index(True) if any(train) else len(train))


@given(v=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12))
def test_potential_decoders_against_plain_python(v: list[float]) -> None:
    potentials = column(v)
    assert last_potential(potentials).item() == v[-1]
    assert max_potential(potentials).item() == max(v)
    assert mean_potential(potentials).item() == pytest.approx(math.fsum(v) / len(v), abs=1e-8)


@given(train=trains, data=st.data())
def test_gradient_of_the_first_spike_time_is_what_one_spike_changes(train: list[bool], data: st.DataObject) -> None:
    step = data.draw(st.integers(0, len(train) - 1))
    spikes = column(train).requires_grad_()
    (slope,) = torch.autograd.grad(first_spike_time(spikes).sum(), spikes)
    with_spike, without = list(train), list(train)
    with_spike[step], without[step] = True, False
    difference = first_spike_time(column(with_spike)) - first_spike_time(column(without))
    assert slope[step].item() == difference.item()


def test_bfloat16_counts_beyond_256() -> None:
    assert spike_count(torch.ones(1001, 1, 1, dtype=torch.bfloat16)).item() == 1001.0
    assert first_spike_time(torch.zeros(1001, 1, 1, dtype=torch.bfloat16)).item() == 1001.0


@pytest.mark.parametrize("decoder", DECODERS)
def test_features_and_batch_are_kept(decoder: object) -> None:
    assert callable(decoder)
    assert decoder(torch.zeros(5, 3, 2, 4)).shape == (3, 2, 4)


@pytest.mark.parametrize("decoder", DECODERS)
def test_wrong_input_is_refused(decoder: object) -> None:
    assert callable(decoder)
    with pytest.raises(DTypeError):
        decoder(torch.zeros(5, 3, dtype=torch.int64))
    with pytest.raises(ShapeError):
        decoder(torch.zeros(5))
    with pytest.raises(ShapeError):
        decoder(torch.zeros(0, 3))


@pytest.mark.parametrize("bad", [0.5, 2.0, -1.0, math.nan])
def test_first_spike_of_what_is_no_spike_train_is_refused(bad: float) -> None:
    with pytest.raises(ParameterError, match="values 0 and 1"):
        first_spike_time(torch.tensor([[0.0], [bad]]))
