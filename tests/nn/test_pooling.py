"""Maximum pooling of channels-last images agrees with PyTorch's, forward and gradient, ties and NaN included."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.nn import _pooling
from spikeloom.nn._layout import channels_last

DTYPES = (torch.float32, torch.float64, torch.bfloat16)


def images(dtype: torch.dtype, *, density: float | None = 0.4) -> Tensor:
    """Spikes, among which ties are the rule, or numbers."""
    torch.manual_seed(0)
    x = torch.randn(3, 5, 7, 9)
    return channels_last((x if density is None else (x < 0).float()).to(dtype))


@pytest.mark.parametrize("density", [0.4, None], ids=["spikes", "numbers"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [2, 3, (1, 4), (7, 9), 1], ids=str)
def test_value_and_gradient(size: int | tuple[int, int], dtype: torch.dtype, density: float | None) -> None:
    module, x = nn.MaxPool2d(size), images(dtype, density=density)
    if _pooling.pair(size) == (7, 9):
        assert not _pooling.fits(module, x)
        return
    assert _pooling.fits(module, x)
    x.requires_grad_()
    y, wanted = _pooling.max_pool(module, x), module(x)
    assert torch.equal(y, wanted)
    grad = torch.randn(wanted.shape).to(dtype)
    assert torch.equal(torch.autograd.grad(y, x, grad)[0], torch.autograd.grad(wanted, x, grad)[0])
    with torch.no_grad():
        assert torch.equal(_pooling.max_pool(module, x), wanted)


def test_nan_is_the_maximum() -> None:
    module, x = nn.MaxPool2d(2), images(torch.float32, density=None)
    x[0, 1, 0, 0] = x[1, 2, 3, 3] = x[2, 3, 2, 5] = float("nan")
    x.requires_grad_()
    y, wanted = _pooling.max_pool(module, x), module(x)
    torch.testing.assert_close(y, wanted, rtol=0, atol=0, equal_nan=True)
    assert torch.isnan(y).sum() == 3
    grad = torch.ones_like(y)
    assert torch.equal(torch.autograd.grad(y, x, grad)[0], torch.autograd.grad(wanted, x, grad)[0])


def test_a_gradient_that_is_not_contiguous() -> None:
    module, x = nn.MaxPool2d(2), images(torch.float32).requires_grad_()
    y = _pooling.max_pool(module, x)
    (given,) = torch.autograd.grad(y.sum(), x)
    assert given.sum() == y.numel()


@pytest.mark.parametrize(
    "module",
    [
        nn.MaxPool2d(3, stride=2),
        nn.MaxPool2d(3, padding=1),
        nn.MaxPool2d(2, dilation=2),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.MaxPool2d(2, return_indices=True),
        nn.MaxPool2d(10),
        nn.AvgPool2d(2),
    ],
    ids=str,
)
def test_others_are_left_to_pytorch(module: nn.Module) -> None:
    assert not _pooling.fits(module, images(torch.float32))


def test_images_with_channels_first_are_left_to_pytorch() -> None:
    assert not _pooling.fits(nn.MaxPool2d(2), torch.rand(3, 5, 6, 6))
    assert not _pooling.fits(nn.MaxPool2d(2), images(torch.float16))
    assert not _pooling.fits(nn.MaxPool2d(2), images(torch.float32)[:0])


def test_within_a_stack() -> None:
    x = torch.rand(4, 2, 3, 8, 9)
    torch.manual_seed(0)
    net = sl.nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2), nn.MaxPool2d(3, stride=1))
    folded = nn.Sequential(*net)(x.flatten(0, 1))
    torch.testing.assert_close(net(x), folded.unflatten(0, (4, 2)))
