"""Cosine code: the components of an image, coarse ones first, and what spikes make of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from scipy.fft import dctn
from sklearn.datasets import load_digits
from torch import Tensor

from spikeloom.coding import Bernoulli, Cosine, cosine, cosine_decode, cosine_frames
from spikeloom.errors import ParameterError


def images() -> Tensor:
    return torch.from_numpy(load_digits().images) / 16.0


@pytest.mark.parametrize("block", [1, 2, 4, 8])
def test_all_components_sum_to_the_image(block: int) -> None:
    x = images()[:100]
    assert (cosine_frames(x, block=block).sum(0) - x).abs().max().item() < 1e-12


def test_components_are_those_of_the_orthonormal_transform_in_zigzag_order() -> None:
    x = images()[:50]
    frames = cosine_frames(x, block=8)
    size = torch.from_numpy(abs(dctn(x.numpy(), axes=(1, 2), norm="ortho")))
    order = [(0, 0), (0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0)]
    for k, (row, column) in enumerate(order):
        assert torch.allclose(frames[k].flatten(1).norm(dim=1), size[:, row, column], atol=1e-12)
    assert torch.allclose(frames[-1].flatten(1).norm(dim=1), size[:, 7, 7], atol=1e-12)


# Measured on all digits as |x - sum| / |x|. About 0.42, 0.27, 0.15 were expected for both sizes of a block, without
# word of which images.
@pytest.mark.parametrize(
    ("block", "expected"), [(4, (0.461, 0.290, 0.176)), (8, (0.442, 0.284, 0.159))], ids=["block-4", "block-8"]
)
def test_error_after_a_quarter_half_and_three_quarters(block: int, expected: tuple[float, ...]) -> None:
    x = images()
    sums = cosine_frames(x, block=block).cumsum(0)
    errors = [((sums[block**2 * part // 4 - 1] - x).norm() / x.norm()).item() for part in (1, 2, 3)]
    assert errors == pytest.approx(expected, abs=0.001)
    assert all(abs(error - about) < 0.05 for error, about in zip(errors, (0.42, 0.27, 0.15), strict=True))


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.3])
def test_spikes_add_up_to_the_image(threshold: float) -> None:
    x = images()[:300]
    spikes = cosine(x, block=4, threshold=threshold, repeats=8)
    error = (cosine_decode(spikes, threshold=threshold, repeats=8) - x).abs()
    # What is left is below the threshold where a step gives less than the threshold to tell.
    fits = cosine_frames(x, block=4).abs().amax(0) < threshold
    assert bool(fits.any())
    assert error[fits].max().item() < threshold / 8 + 1e-9
    assert error.max().item() < max(threshold, 0.35)


def test_edges_that_no_block_fits_are_exact_too() -> None:
    x = torch.rand(3, 2, 7, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert (cosine_frames(x, block=4).sum(0) - x).abs().max().item() < 1e-12


def test_an_even_image_is_told_at_once_and_nothing_follows() -> None:
    spikes = cosine(torch.full((1, 8, 8), 0.75), block=4, threshold=0.25)
    assert spikes.sum(0).unique().tolist() == [3.0]
    assert not spikes[3:].any()


def test_fine_components_add_to_what_coarse_ones_tell(probe: Callable[[Tensor], float]) -> None:
    encoder = Cosine(block=4, threshold=0.1)
    told = (encoder(images()) * encoder.threshold).cumsum(0)
    accuracies = [probe(told[steps - 1]) for steps in (1, 2, 4, 8, 16)]
    # 0.18, 0.54, 0.88, 0.94, 0.97: the first step is one grey value for each quarter of the image.
    assert all(later > earlier + 0.01 for earlier, later in itertools.pairwise(accuracies))
    # Random spikes as many steps long reach 0.971, 0.953 and 0.958 with three seeds, and 0.95 after four already: these
    # images are too small to gain from being told coarse to fine.
    by_chance = Bernoulli(16)
    random = [by_chance.decode(by_chance(images(), torch.Generator().manual_seed(seed))) for seed in range(3)]
    assert accuracies[-1] > sum(probe(values) for values in random) / 3


@pytest.mark.parametrize("name", ["block", "repeats"])
def test_sizes_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(ParameterError, match=f"{name} of Cosine"):
        Cosine(**({"block": 4, "threshold": 0.1} | {name: 0}))  # type: ignore[arg-type]
