"""Delta codes: what they say is what the signal did."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeloom.coding import Delta, SignedDelta, delta, delta_decode, signed_delta
from spikeloom.errors import ParameterError, ShapeError


@given(
    threshold=st.floats(0.05, 2.0),
    start=st.floats(-5.0, 5.0),
    slopes=st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=60),
)
def test_signals_slower_than_the_threshold_are_followed_within_it(
    threshold: float, start: float, slopes: list[float]
) -> None:
    changes = torch.tensor([start] + [threshold * slope for slope in slopes], dtype=torch.float64)
    x = changes.cumsum(0).view(-1, 1, 1)
    decoded = delta_decode(delta(x, threshold=threshold), x[0], threshold=threshold)
    # Exact arithmetic gives less than the threshold; 60 additions of numbers below 130 round by less than 1e-11.
    assert (decoded - x).abs().max().item() < threshold + 1e-11


@given(jump=st.integers(1, 30), quarter=st.sampled_from([0.25, 0.5, 1.0]))
def test_a_jump_is_said_one_spike_per_step(jump: int, quarter: float) -> None:
    x = torch.full((40, 1), jump * quarter)
    x[0] = 0.0
    on, off = delta(x, threshold=quarter).sum(0)[0].tolist()
    assert (on, off) == (jump, 0.0)
    assert delta_decode(delta(x, threshold=quarter), x[0], threshold=quarter)[-1].item() == jump * quarter


def test_by_hand() -> None:
    x = torch.tensor([1.0, 1.0, 1.5, 1.75, 2.5, 2.5, 2.0, 0.0, 0.0, 0.0])
    expected = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0]
    assert signed_delta(x.view(-1, 1), threshold=0.5).flatten().tolist() == expected


@given(values=st.lists(st.floats(-3.0, 3.0, width=32), min_size=1, max_size=20))
def test_channels_are_the_signs(values: list[float]) -> None:
    x = torch.tensor(values).view(-1, 1, 1)
    channels = delta(x, threshold=0.5)
    assert channels.shape == (len(values), 1, 2, 1)
    assert torch.equal(channels[:, :, 0] - channels[:, :, 1], signed_delta(x, threshold=0.5))


def test_a_constant_signal_is_silent() -> None:
    assert not signed_delta(torch.full((20, 2, 3), 7.0), threshold=0.01).any()


def test_half_precision_follows_a_slow_ramp() -> None:
    # In bfloat16 a reference near 1 could not move by 1/512 at all.
    x = torch.linspace(1.0, 2.0, 129, dtype=torch.bfloat16).view(-1, 1)
    assert signed_delta(x, threshold=1 / 128).sum().item() == 128.0


def test_modules_are_the_functions() -> None:
    x = torch.rand(9, 2, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(Delta(threshold=0.2)(x), delta(x, threshold=0.2))
    assert torch.equal(SignedDelta(threshold=0.2)(x), signed_delta(x, threshold=0.2))


@pytest.mark.parametrize("threshold", [0.0, -0.5, math.nan, math.inf])
def test_a_threshold_that_is_none_is_refused(threshold: float) -> None:
    with pytest.raises(ParameterError, match="threshold of Delta"):
        Delta(threshold=threshold)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="time first"):
        delta(torch.zeros(5), threshold=1.0)
    with pytest.raises(ShapeError, match="at least one time step"):
        delta(torch.zeros(0, 5), threshold=1.0)
    with pytest.raises(ShapeError, match="delta_decode"):
        delta_decode(torch.zeros(4, 1, 3, 2), torch.zeros(1, 2), threshold=1.0)
    with pytest.raises(ShapeError, match="delta_decode"):
        delta_decode(torch.zeros(4, 1, 2, 2), torch.zeros(2, 2), threshold=1.0)
