"""Codes of signals over time: what each tells of a signal, and the bounds that they state."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikeloom.coding import (
    BensSpiker,
    Delta,
    LevelCrossing,
    MovingWindow,
    StepForward,
    TemporalContrast,
    bens_spiker,
    bens_spiker_decode,
    delta,
    level_crossing,
    level_crossing_decode,
    moving_window,
    smoothing_filter,
    step_forward,
    temporal_contrast,
)
from spikeloom.errors import ParameterError, ShapeError


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(-1, 1)


def signal(steps: int = 400, seed: int = 0) -> Tensor:
    """Sums of slow waves, [steps, 3, 4], within [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    t = torch.arange(steps, dtype=torch.float64).view(-1, 1, 1, 1) / steps
    frequency = torch.rand(3, 4, 5, generator=generator, dtype=torch.float64) * 6
    phase = torch.rand(3, 4, 5, generator=generator, dtype=torch.float64) * math.tau
    return (torch.sin(math.tau * frequency * t + phase)).mean(-1)


def moves(draw: list[float], threshold: float) -> Tensor:
    return column(*draw).cumsum(0) * threshold


@given(steps=st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=60), threshold=st.floats(0.05, 2.0))
def test_step_forward_follows_within_the_threshold(steps: list[float], threshold: float) -> None:
    x = moves(steps, threshold)
    encoder = StepForward(threshold=threshold)
    assert (encoder.decode(encoder(x), x[0]) - x).abs().max().item() <= threshold * (1 + 1e-9)


def test_step_forward_differs_from_delta_at_the_threshold_only() -> None:
    x = column(0.0, 0.5, 0.5, 1.0)
    assert delta(x, threshold=0.5)[:, 0, 0].tolist() == [0.0, 1.0, 0.0, 1.0]
    assert step_forward(x, threshold=0.5)[:, 0, 0].tolist() == [0.0, 0.0, 0.0, 1.0]
    assert torch.equal(step_forward(signal(), threshold=0.1), delta(signal(), threshold=0.1))


def test_temporal_contrast_forgets_small_changes() -> None:
    ramp = torch.arange(20.0).view(-1, 1) * 0.09
    assert not temporal_contrast(ramp, threshold=0.1).any()
    assert delta(ramp, threshold=0.1).sum().item() == 17  # 1.71 in steps of 0.1
    x = signal()
    change = x.diff(dim=0)
    channels = temporal_contrast(x, threshold=0.02)
    assert torch.equal(channels[1:, :, 0].bool(), change > 0.02)
    assert torch.equal(channels[1:, :, 1].bool(), change < -0.02)


@given(
    values=st.lists(st.floats(-3.0, 3.0, width=32), min_size=1, max_size=20),
    window=st.integers(1, 6),
    threshold=st.sampled_from([0.11, 0.53, 1.07]),
)
def test_moving_window_against_the_plain_mean(values: list[float], window: int, threshold: float) -> None:
    channels = moving_window(column(*values), window=window, threshold=threshold)[:, 0]
    for t, value in enumerate(values):
        past = values[max(0, t - window) : t] or [value]
        change = value - math.fsum(past) / len(past)
        if abs(abs(change) - threshold) > 1e-9:  # where rounding does not decide
            assert channels[t].tolist() == [float(change > threshold), float(change < -threshold)]


def test_a_window_averages_noise_away() -> None:
    noise = torch.randn(2000, 1, generator=torch.Generator().manual_seed(1)) * 0.1
    assert moving_window(noise, window=20, threshold=0.35).sum() < 0.2 * step_forward(noise, threshold=0.175).sum()


@pytest.mark.parametrize("speed", [1, 30])
def test_levels_are_known_to_half_their_spacing_at_any_speed(speed: int) -> None:
    x = signal()[::speed]
    encoder = LevelCrossing(levels=10, spacing=0.2, lowest=-0.9)
    assert (encoder.decode(encoder(x), x[0]) - x).abs().max().item() <= 0.1 + 1e-12
    if speed == 30:  # `delta` lags behind by then
        lagging = Delta(threshold=0.2)
        assert (lagging.decode(lagging(x), x[0]) - x).abs().max().item() > 0.2


def test_every_crossing_is_told_by_its_level() -> None:
    x = column(0.0, 0.9, 1.0, 1.0, -0.5, 5.0)
    up, down = level_crossing(x, levels=3, spacing=1.0)[:, 0].unbind(1)
    assert up.tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0], [1, 1, 1]]
    assert down.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_ben_recovers_a_train_that_made_the_signal() -> None:
    taps = smoothing_filter(8)
    train = torch.zeros(60, 1, 1, dtype=torch.float64)
    train[[5, 20, 24, 40]] = 1.0
    made = bens_spiker_decode(train, taps)
    assert torch.equal(bens_spiker(made, taps, threshold=0.955), train)


@pytest.mark.parametrize("taps", [5, 12])
def test_ben_leaves_less_than_a_filter_response(taps: int) -> None:
    x = signal() * 0.4 + 0.45
    encoder = BensSpiker(smoothing_filter(taps), threshold=0.955)
    error = (encoder.decode(encoder(x)) - x)[taps:-taps]  # at the ends, responses are cut off
    assert error.square().mean().sqrt().item() < smoothing_filter(taps).max().item()
    longer = BensSpiker(smoothing_filter(2 * taps), threshold=0.955)
    rest = (longer.decode(longer(x)) - x)[2 * taps : -2 * taps]
    assert rest.square().mean() < error.square().mean()  # lower spikes, a finer code


def test_ben_decodes_by_convolution() -> None:
    spikes = (torch.rand(30, 2, 3, generator=torch.Generator().manual_seed(0)) < 0.3).double()
    taps = torch.tensor([0.1, 0.4, 0.3, -0.2], dtype=torch.float64)
    expected = torch.zeros_like(spikes)
    for t in range(30):
        for k in range(4):
            if t >= k:
                expected[t] += taps[k] * spikes[t - k]
    assert torch.allclose(bens_spiker_decode(spikes, taps), expected, atol=1e-12)


@pytest.mark.parametrize("taps", [1, 2, 9, 32])
def test_the_filter_passes_a_constant(taps: int) -> None:
    assert smoothing_filter(taps).sum().item() == pytest.approx(1.0)
    assert torch.allclose(smoothing_filter(taps), smoothing_filter(taps).flip(0))


def test_a_constant_signal_is_silent() -> None:
    x = torch.full((20, 2, 3), 0.7)
    for encoder in (StepForward(threshold=0.01), TemporalContrast(threshold=0.01), LevelCrossing.example()):
        assert not encoder(x).any()
    assert not MovingWindow(window=3, threshold=0.01)(x).any()


def test_what_is_no_signal_or_threshold_is_refused() -> None:
    for encoder in (StepForward, TemporalContrast):
        with pytest.raises(ParameterError, match=f"threshold of {encoder.__name__}"):
            encoder(threshold=0.0)
    with pytest.raises(ParameterError, match="window of MovingWindow"):
        MovingWindow(window=0, threshold=0.1)
    with pytest.raises(ParameterError, match="kernel of BensSpiker"):
        BensSpiker([0.0, -1.0], threshold=0.9)
    with pytest.raises(ShapeError, match="level_crossing_decode"):
        level_crossing_decode(torch.zeros(4, 1, 3, 2, 5), torch.zeros(1, 2), spacing=1.0)
    with pytest.raises(ShapeError, match="at least one time step"):
        temporal_contrast(torch.zeros(0, 5), threshold=1.0)
