"""Cochlea-like front end: tones are heard where they belong, spoken digits are told apart."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile
from torch import Tensor

from spikeloom.coding import Cochlea, centre_frequencies, gammatone, spike_count
from spikeloom.errors import ParameterError

RATE = 8000.0


def tone(frequency: float, seconds: float = 0.25) -> Tensor:
    time = torch.arange(int(seconds * RATE), dtype=torch.float64) / RATE
    return torch.sin(math.tau * frequency * time).view(-1, 1)


@pytest.mark.parametrize("frequency", [130.0, 261.0, 523.0, 1046.0, 2000.0, 3100.0])
def test_a_tone_is_heard_most_in_the_channel_nearest_to_it(frequency: float) -> None:
    cochlea = Cochlea.example()
    counts = spike_count(cochlea(tone(frequency)))[0]
    nearest = (cochlea.frequencies - frequency).abs().argmin()
    assert counts[nearest] == counts.max() and counts[nearest] > 0


@pytest.mark.parametrize("channel", range(0, 24, 4))
def test_a_tone_at_a_channel_s_frequency_passes_with_gain_one(channel: int) -> None:
    frequencies = centre_frequencies(24, lowest=100.0, highest=3500.0)
    frequency = frequencies[channel].item()
    settled = gammatone(tone(frequency, 1.0), frequencies, rate=RATE)[4000:, 0]
    level = settled.square().mean(0).sqrt() * math.sqrt(2.0)
    # Twice the real part leaves the mirror image of the response, below 2 % even at 100 Hz.
    assert level[channel].item() == pytest.approx(1.0, abs=0.02)
    assert level.argmax().item() == channel


def test_the_filter_is_four_one_pole_filters() -> None:
    x = torch.randn(300, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    f, b = 900.0, 1.019 * (24.7 + 0.108 * 900.0)
    pole = complex(math.exp(-math.tau * b / RATE)) * np.exp(1j * math.tau * f / RATE)
    y = x[:, 0].numpy().astype(complex)
    for _ in range(4):
        out, last = np.empty_like(y), 0j
        for n, value in enumerate(y):
            last = pole * last + (1.0 - abs(pole)) * value
            out[n] = last
        y = out
    filtered = gammatone(x, torch.tensor([f], dtype=torch.float64), rate=RATE)[:, 0, 0]
    assert np.abs(filtered.numpy() - 2.0 * y.real).max() < 1e-12


def test_channels_are_evenly_spaced_in_bandwidths() -> None:
    f = centre_frequencies(30, lowest=80.0, highest=3900.0)
    assert f[0].item() == pytest.approx(80.0) and f[-1].item() == pytest.approx(3900.0)
    numbers = 21.4 * torch.log10(1.0 + 0.00437 * f)
    assert numbers.diff().std().item() < 1e-9


def test_silence_is_silent_and_louder_is_more() -> None:
    cochlea = Cochlea.example()
    counts = [spike_count(cochlea(tone(1000.0) * level)).sum().item() for level in (0.0, 0.1, 1.0)]
    assert counts[0] == 0.0 and counts[1] < counts[2]


def test_frequencies_that_are_none_are_refused() -> None:
    with pytest.raises(ParameterError, match="less than half the rate, 3000 Hz"):
        Cochlea(Cochlea.example().inner, channels=8, rate=6000.0)
    with pytest.raises(ParameterError, match="below half the rate"):
        gammatone(torch.zeros(10, 1), torch.tensor([4000.0]), rate=RATE)
    with pytest.raises(ParameterError, match="highest of Cochlea"):
        Cochlea(Cochlea.example().inner, channels=8, rate=8000.0, lowest=500.0, highest=400.0)


def spoken(digit: int, index: int) -> Tensor:
    """A quarter of a second of one speaker from where the sound begins, at full level."""
    folder = Path(os.environ["SPIKELOOM_DATA"]) / "fsdd" / "recordings"
    if not folder.is_dir():
        pytest.skip("needs the recordings of the Free Spoken Digits set under SPIKELOOM_DATA")
    _, sound = wavfile.read(folder / f"{digit}_jackson_{index}.wav")
    wave = torch.from_numpy(sound.astype(np.float64))
    wave = wave / wave.abs().max()
    start = int((wave.abs() > 0.05).nonzero()[0])
    return torch.nn.functional.pad(wave[start:], (0, 4000))[:3000]


@pytest.mark.data
def test_spoken_digits_are_told_apart_by_their_spikes() -> None:
    digits = (0, 1, 6, 7)
    with torch.no_grad():
        sounds = torch.stack([spoken(digit, index) for digit in digits for index in range(10)], dim=1)
        spikes = Cochlea.example()(sounds)
    # Spikes per channel in six pieces of time.
    features = spikes.view(6, 500, 40, 24).sum(1).permute(1, 0, 2).flatten(1).view(4, 10, -1)
    templates = features[:, 5:].mean(1)
    guess = torch.cdist(features[:, :5].flatten(0, 1), templates).argmin(1).view(4, 5)
    accuracy = (guess == torch.arange(4).view(4, 1)).double().mean().item()
    assert accuracy >= 0.8  # chance is 0.25
