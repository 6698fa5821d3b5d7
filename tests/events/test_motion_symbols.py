"""Peaks of activity as they are defined; Gabor maxima against sums over events."""

from __future__ import annotations

import math

import pytest
import torch

import spikeloom as sl
from spikeloom.events import gabor_maxima, gabor_patches, motion_symbols


@pytest.mark.parametrize("window", [1.0, 3.0, 12.0])
def test_peaks_are_what_they_are_said_to_be(window: float) -> None:
    events = torch.poisson(torch.full((80, 5, 3, 3), 0.05), generator=torch.Generator().manual_seed(0))
    tau, reach, found = 6.0, int(window), []
    activity = torch.zeros(80, 5)
    for step in range(80):
        before = activity[step - 1] * math.exp(-1 / tau) if step else 0.0
        activity[step] = before + events[step].sum((1, 2))
    for stream in range(5):
        a = activity[:, stream].tolist()
        for step in range(80):
            earlier, later = a[max(0, step - reach) : step], a[step : step + reach + 1]
            if a[step] > 0 and all(a[step] > other for other in earlier) and a[step] >= max(later):
                found.append((stream, step))
    peaks = motion_symbols(events, tau=tau, window=window)
    assert list(zip(peaks.stream.tolist(), peaks.step.tolist(), strict=True)) == found
    torch.testing.assert_close(peaks.activity, activity[peaks.step, peaks.stream])
    assert set(peaks.stream.tolist()) == set(range(5))


def test_silence_has_no_peak() -> None:
    assert len(motion_symbols(torch.zeros(10, 2, 4, 4)).step) == 0


def test_maxima_are_those_of_sums_over_events() -> None:
    events = torch.poisson(torch.full((30, 2, 7, 9), 0.05), generator=torch.Generator().manual_seed(0))
    stream, step = torch.tensor([0, 1, 1]), torch.tensor([4, 29, 12])
    found = gabor_maxima(events, stream, step, scales=(3, 5), tau=8.0)
    assert found.shape == (3, 2, 4, 4, 5)
    patches = gabor_patches((3, 5))
    for index in range(3):
        v = torch.zeros(2, 4, 8 + 4, 10 + 4)
        for t, row, column in events[: int(step[index]) + 1, int(stream[index])].nonzero().tolist():
            weight = float(events[t, stream[index], row, column]) * math.exp((t - int(step[index])) / 8.0)
            # The patches are the same seen from the event and from the neuron.
            v[:, :, row : row + 5, column : column + 5] += weight * patches
        maps = v[:, :, 2:9, 2:11].clamp(min=0.0)
        padded = torch.nn.functional.pad(maps, (0, 1, 0, 1))
        expected = padded.unflatten(3, (5, 2)).unflatten(2, (4, 2)).amax((3, 5))
        torch.testing.assert_close(found[index], expected, atol=1e-5, rtol=1e-5)


def test_refusals() -> None:
    events = torch.zeros(4, 1, 8, 8)
    with pytest.raises(sl.errors.ParameterError, match="window"):
        motion_symbols(events, window=0.0)
    with pytest.raises(sl.errors.ShapeError, match="stream and step"):
        gabor_maxima(events, torch.tensor([0]), torch.tensor([0, 1]))
    with pytest.raises(sl.errors.ParameterError, match="unit"):
        gabor_maxima(events, torch.tensor([0]), torch.tensor([0]), unit=0)
