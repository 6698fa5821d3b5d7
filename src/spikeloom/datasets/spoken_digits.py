"""Free Spoken Digits: recordings of the words zero to nine by a few speakers."""

from __future__ import annotations

import re
import wave
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from spikeloom.datasets.folders import ENVIRONMENT, search_folders
from spikeloom.errors import DataError, ParameterError

RATE = 8000

_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[a-z]+)_(?P<index>\d+)\.wav")
# The publisher's division: the first recordings of each digit by each speaker are for testing.
_TESTED = 5
_ADDRESS = "https://github.com/Jakobovski/free-spoken-digit-dataset"


class Recordings(NamedTuple):
    """Sounds [n, samples] in [-1, 1], labels int64 [n], and who speaks."""

    sounds: Tensor
    labels: Tensor
    speakers: tuple[str, ...]


def spoken_digits(data_dir: str | Path | None = None, *, samples: int = 4000) -> tuple[Recordings, Recordings]:
    """Recordings to learn from and to be tested with, as many samples of each: cut, or followed by silence.

    Read from `data_dir`, else from the folder in the environment variable SPIKELOOM_DATA, else from the user's data
    folder; recordings are in `recordings`, or in `fsdd/recordings`, below it. Nothing is downloaded.
    Units: 8000 samples per second. Sorted by file name.
    Raises: DataError (no recordings; files of another rate or kind), ParameterError.

    Source: Jackson, Free Spoken Digit Dataset, https://github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0;
    its division: recordings 0 to 4 of each digit and speaker are for testing.
    """
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise ParameterError("samples of spoken_digits", expected="a whole number of 1 or more", got=repr(samples))
    found = [(path, match) for path in _files(data_dir) if (match := _NAME.fullmatch(path.name))]
    train, test = (
        [(path, match) for path, match in found if (int(match["index"]) < _TESTED) == tested]
        for tested in (False, True)
    )
    return _read(train, samples), _read(test, samples)


def _files(data_dir: str | Path | None) -> list[Path]:
    folders = [folder / "recordings" for folder in search_folders("fsdd", data_dir)]
    for folder in folders:
        if files := sorted(folder.glob("*.wav")):
            return files
    raise DataError(
        "recordings of spoken digits", expected="wav files in a folder `recordings`",
        got=f"none in {', '.join(map(str, folders))}",
        do=f"fetch {_ADDRESS} and name its folder with data_dir, or that above a folder `fsdd` with {ENVIRONMENT}",
    )  # fmt: skip


def _read(found: list[tuple[Path, re.Match[str]]], samples: int) -> Recordings:
    sounds = torch.zeros(len(found), samples)
    for row, (path, _) in zip(sounds, found, strict=True):
        sound = _samples(path)[:samples]
        row[: len(sound)] = sound
    labels = torch.tensor([int(match["digit"]) for _, match in found], dtype=torch.int64)
    return Recordings(sounds, labels, tuple(match["speaker"] for _, match in found))


def _samples(path: Path) -> Tensor:
    """All samples of a file, in [-1, 1]."""
    try:
        with wave.open(str(path)) as file:
            kind = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise DataError(str(path), expected="a wav file", got=str(error) or "the end of the file") from error
    if kind != (1, 2, RATE):
        got = f"{kind[0]} channels of {8 * kind[1]} bits at {kind[2]} per second"
        raise DataError(str(path), expected=f"one channel of 16 bits at {RATE} per second", got=got)
    return torch.from_numpy(np.frombuffer(raw, dtype="<i2").astype(np.float32) / 32768)
