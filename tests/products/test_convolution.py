"""Convolutions by every candidate against torch.nn.functional.conv2d."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from spikeloom import products
from spikeloom.errors import BackendError
from tests.products.agreement import assert_agree, graded, identical, run, spikes

# Rows, channels, height, width, outputs, height and width of the kernel, and the rest.
CASES: list[tuple[int, int, int, int, int, int, int, dict[str, Any]]] = [
    (2, 1, 7, 7, 5, 3, 3, {"padding": 1}),
    (3, 35, 9, 6, 17, 3, 2, {"padding": (1, 2), "stride": (2, 1)}),
    (2, 3, 12, 11, 4, 2, 2, {"dilation": 2, "stride": 3}),
    (4, 32, 8, 9, 64, 3, 3, {"padding": "same"}),
    (4, 2, 11, 10, 130, 5, 5, {"padding": "valid"}),
    (2, 3, 6, 5, 4, 3, 3, {"padding": "same", "dilation": (1, 2)}),
    (3, 4, 5, 6, 7, 1, 1, {}),
    (1, 2, 3, 3, 2, 3, 3, {"padding": 4, "stride": [2]}),
    (2, 4, 6, 6, 3, 2, 2, {"padding": "same"}),
]
CANDIDATES = [
    (name, dtype) for name in ("dense", "event") for dtype in (torch.float32, torch.float64, torch.bfloat16)
] + [("onednn", torch.float32)]


def conv(function: Callable[..., Tensor], options: dict[str, Any]) -> Callable[..., Tensor]:
    return lambda x, weight, bias: function(x, weight, bias, **options)


@pytest.mark.parametrize("kind", [spikes, graded])
@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize(("name", "dtype"), CANDIDATES)
# PyTorch says of an even kernel with padding="same" that it copies the input.
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
def test_value_and_gradients(name: str, dtype: torch.dtype, case: int, kind: Callable[..., Tensor]) -> None:
    rows, channels, height, width, outputs, high, wide, options = CASES[case]
    x = kind(rows, channels, height, width, dtype=dtype)
    weight, bias = torch.randn(outputs, channels, high, wide).to(dtype), torch.randn(outputs).to(dtype)
    grad = torch.randn(conv(F.conv2d, options)(x, weight, bias).shape).to(dtype)
    if name == "event" and case == len(CASES) - 1:
        with products.using(name), pytest.raises(BackendError, match="event"):
            conv(products.convolution, options)(x, weight, bias)
        return
    with products.using(name if case < len(CASES) - 1 else "dense"):
        ours = run(conv(products.convolution, options), x, weight, bias, grad)
    assert_agree(ours, run(conv(F.conv2d, options), x, weight, bias, grad), dtype)


@pytest.mark.parametrize("name", ["dense", "event"])
def test_strides_in_and_channels_last_out(name: str) -> None:
    whole = spikes(4, 6, 9, 10)
    for x in (whole[:, ::2], whole[..., 1:], whole.transpose(2, 3), whole[:1].expand(4, 6, 9, 10), whole[:, :1]):
        weight, grad = torch.randn(8, x.shape[1], 3, 3), torch.randn(4, 8, x.shape[2], x.shape[3])
        with products.using(name):
            ours = run(conv(products.convolution, {"padding": 1}), x, weight, None, grad)
        assert_agree(ours, run(conv(F.conv2d, {"padding": 1}), x, weight, None, grad), torch.float32)
        assert ours[0].stride(1) == 1


def test_one_and_three_dimensions_groups_and_no_batch_are_pytorch_s() -> None:
    for x, weight, options in (
        (spikes(2, 3, 20), torch.randn(4, 3, 5), {"padding": 2}),
        (spikes(2, 3, 6, 6, 6), torch.randn(4, 3, 3, 3, 3), {"stride": 2}),
        (spikes(2, 4, 20, 20), torch.randn(8, 2, 3, 3), {"groups": 2}),
        (spikes(4, 20, 20), torch.randn(8, 4, 3, 3), {}),
    ):
        function = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}[weight.dim()]
        wanted = function(x, weight, None, **options)  # type: ignore[operator]
        assert torch.equal(products.convolution(x, weight, None, **options), wanted)  # type: ignore[arg-type]
        with products.using("event"), pytest.raises(BackendError, match="event"):
            products.convolution(x, weight, None, **options)  # type: ignore[arg-type]


def test_events_add_up_in_the_same_order_on_any_number_of_threads() -> None:
    x, weight, bias, grad = (
        spikes(9, 34, 13, 12),
        torch.randn(20, 34, 3, 3),
        torch.randn(20),
        torch.randn(9, 20, 13, 12),
    )
    results = []
    for threads in (1, 2, 3, 7):
        torch.set_num_threads(threads)
        with products.using("event"):
            y, _, of_weight, _ = run(conv(products.convolution, {"padding": 1}), x, weight, bias, grad)
        results.append([y, of_weight])
    assert all(identical(results[0], other) for other in results[1:])


def test_autocast() -> None:
    for name in ("auto", "dense", "event"):
        values = spikes(8, 4, 12, 12), torch.randn(16, 4, 3, 3), torch.randn(16), torch.randn(8, 16, 10, 10)
        with products.using(name), torch.autocast("cpu", torch.bfloat16):
            ours, theirs = (run(f, *values) for f in (products.convolution, F.conv2d))
        assert ours[0].dtype is torch.bfloat16
        assert_agree(ours, theirs, torch.bfloat16)


@pytest.mark.parametrize("name", ["dense", "event"])
def test_the_backward_pass_can_be_differentiated(name: str) -> None:
    x = spikes(2, 2, 4, 4, dtype=torch.float64).requires_grad_()
    weight, bias = (torch.randn(*s, dtype=torch.float64, requires_grad=True) for s in ((3, 2, 2, 2), (3,)))
    with products.using(name):
        torch.autograd.gradgradcheck(products.convolution, (x, weight, bias), fast_mode=True)
