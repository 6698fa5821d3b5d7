"""Spikes as bits, there and back, and what is kept of them for the backward pass."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from spikeloom import products
from spikeloom.products import _events
from spikeloom.products._kernels import LAYOUTS
from tests.products.agreement import graded, spikes


@pytest.mark.parametrize("dtype", LAYOUTS)
@pytest.mark.parametrize("size", [(1, 1), (3, 31), (70, 32), (5, 33), (65, 100), (300, 64)])
def test_there_and_back(size: tuple[int, int], dtype: torch.dtype) -> None:
    for p in (0.0, 0.3, 1.0):
        x = spikes(*size, p=p, dtype=dtype)
        packed = _events.pack(x)
        assert packed.binary
        assert packed.active == int(x.sum(dtype=torch.float64))
        assert packed.bits.numel() * 32 < x.numel() + 32 * size[0]
        for other in LAYOUTS:
            assert torch.equal(_events.unpack(packed, other), x.to(other))


@pytest.mark.parametrize("dtype", LAYOUTS)
@pytest.mark.parametrize("value", [0.5, -1.0, 2.0, float("nan"), float("inf"), 1e-6])
@pytest.mark.parametrize("place", [0, 31, 32, 69])
def test_what_is_neither_zero_nor_one_is_seen(dtype: torch.dtype, value: float, place: int) -> None:
    for columns in (20, 70):
        x = torch.zeros(3, columns, dtype=dtype)
        x[2, min(place, columns - 1)] = value
        packed = _events.pack(x)
        assert not packed.binary
        assert packed.active == 1


def test_rows_with_a_stride_and_negative_zero() -> None:
    whole = spikes(40, 80)
    assert torch.equal(_events.unpack(_events.pack(whole[:, 5:50]), torch.float32), whole[:, 5:50])
    packed = _events.pack(-torch.zeros(3, 40))
    assert packed.binary and packed.active == 0


def saved(function: Callable[[], Tensor]) -> int:
    """Bytes that a forward pass keeps."""
    kept: dict[int, int] = {}

    def look(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(look, lambda tensor: tensor):
        function()
    return sum(kept.values())


@pytest.mark.parametrize("name", ["auto", "dense", "event"])
def test_of_spikes_one_bit_each_is_kept(name: str) -> None:
    weight = torch.randn(64, 512, requires_grad=True)
    kernel = torch.randn(8, 32, 3, 3, requires_grad=True)
    own, kernel_own = weight.numel() * 4, kernel.numel() * 4
    with products.using(name):
        x = spikes(1024, 512).requires_grad_()
        assert saved(lambda: products.linear(x, weight)) <= own + x.numel() // 8 + 64
        assert saved(lambda: products.linear(graded(1024, 512), weight)) >= own + x.numel() * 4
        image = spikes(16, 32, 16, 16).requires_grad_()
        assert saved(lambda: products.convolution(image, kernel)) <= kernel_own + image.numel() // 8 + 64


def test_the_input_itself_is_not_kept_alive() -> None:
    weight = torch.randn(64, 512, requires_grad=True)
    x = spikes(1024, 512).requires_grad_() * 1.0
    address = x.untyped_storage().data_ptr()
    y = products.linear(x, weight)
    del x
    gc.collect()
    alive = [t for t in gc.get_objects() if type(t) is Tensor and t.untyped_storage().data_ptr() == address]
    assert alive == []
    y.sum().backward()
    assert weight.grad is not None
