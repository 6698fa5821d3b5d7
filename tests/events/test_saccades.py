"""Events of saccades against a pixel-by-pixel oracle, their path, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from spikeloom.errors import ParameterError, ShapeError
from spikeloom.events import saccades


def _brightness(image: np.ndarray, row: float, column: float) -> float:
    """Bilinear, 0 beyond the image."""
    total = 0.0
    for r in range(image.shape[0]):
        for c in range(image.shape[1]):
            total += image[r, c] * max(0.0, 1 - abs(row - r)) * max(0.0, 1 - abs(column - c))
    return total


def _oracle(image: np.ndarray, steps: int, amplitude: float, contrast: float) -> np.ndarray:
    corners = np.array([(-0.5, -0.5), (0.5, 0.0), (-0.5, 0.5), (-0.5, -0.5)]) * amplitude
    told, reference = np.zeros((steps, *image.shape)), None
    for step in range(steps + 1):
        down, right = (np.interp(step / steps, np.arange(4) / 3, corners[:, axis]) for axis in (0, 1))
        seen = np.array(
            [[_brightness(image, r - down, c - right) for c in range(image.shape[1])] for r in range(image.shape[0])]
        )
        if reference is None:
            reference = seen
            continue
        told[step - 1] = np.abs(seen - reference) >= contrast
        reference = np.where(told[step - 1] > 0, seen, reference)
    return told


@pytest.mark.parametrize("amplitude", [2.0, 3.3])
def test_every_pixel(amplitude: float) -> None:
    images = torch.rand(2, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # Not a brightness that is met exactly.
    got = saccades(images, steps=20, amplitude=amplitude, contrast=0.2513)
    for n in range(2):
        np.testing.assert_array_equal(got[:, n].numpy(), _oracle(images[n].numpy(), 20, amplitude, 0.2513))
    assert 0.05 < float(got.mean()) < 0.5


def test_nothing_is_seen_of_a_uniform_image_but_its_border() -> None:
    inside = saccades(torch.ones(1, 12, 12), amplitude=4.0)[:, 0, 3:-3, 3:-3]
    assert not bool(inside.any())


@pytest.mark.parametrize(
    "given", [{"steps": 2}, {"steps": 3.5}, {"amplitude": 0.0}, {"amplitude": math.inf}, {"contrast": -1.0}]
)
def test_refusals(given: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="saccades"):
        saccades(torch.zeros(1, 4, 4), **given)


def test_refused_images() -> None:
    for images in (torch.zeros(4, 4), torch.zeros(1, 4, 4, dtype=torch.uint8)):
        with pytest.raises(ShapeError, match="saccades"):
            saccades(images)
