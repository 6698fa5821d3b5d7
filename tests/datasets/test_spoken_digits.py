"""Spoken digits: what is read is what was written, divided as published; what is no such recording is refused."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from spikeloom.datasets import spoken_digits
from spikeloom.errors import DataError, ParameterError


def write(path: Path, samples: list[int], *, rate: int = 8000, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.array(samples, dtype="<i2").tobytes())


def test_samples_labels_and_division(tmp_path: Path) -> None:
    folder = tmp_path / "fsdd" / "recordings"
    write(folder / "7_ann_4.wav", [16384, -32768, 1])
    write(folder / "7_ann_5.wav", [8192])
    write(folder / "2_bob_49.wav", [0, 32767, 0, 0, 0])
    write(folder / "unrelated.wav", [1], rate=44100)
    train, test = spoken_digits(tmp_path, samples=4)
    assert torch.equal(test.sounds, torch.tensor([[0.5, -1.0, 1 / 32768, 0.0]]))
    assert test.labels.tolist() == [7] and test.speakers == ("ann",)
    assert torch.equal(train.sounds, torch.tensor([[0.0, 32767 / 32768, 0.0, 0.0], [0.25, 0.0, 0.0, 0.0]]))
    assert train.labels.tolist() == [2, 7] and train.speakers == ("bob", "ann")
    assert torch.equal(spoken_digits(tmp_path / "fsdd", samples=4)[0].sounds, train.sounds)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none in"):
        spoken_digits(tmp_path)
    path = tmp_path / "recordings" / "0_ann_0.wav"
    write(path, [0, 0], channels=2)
    with pytest.raises(DataError, match="2 channels of 16 bits at 8000"):
        spoken_digits(tmp_path)
    path.write_bytes(b"no sound")
    with pytest.raises(DataError, match="a wav file"):
        spoken_digits(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="a wav file"):
        spoken_digits(tmp_path)
    with pytest.raises(ParameterError, match="samples"):
        spoken_digits(tmp_path, samples=0)


@pytest.mark.data
def test_the_published_set() -> None:
    train, test = spoken_digits(samples=100)
    assert train.labels.bincount().tolist() == [270] * 10 and test.labels.bincount().tolist() == [30] * 10
    assert len(set(test.speakers)) == 6
