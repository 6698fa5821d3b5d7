"""Convolutions in whole numbers: every way gives the bits of exact arithmetic."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from spikeloom.products import _whole, whole_convolution


def case(groups: int, outputs: int, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Spikes, whole weights of all values, steps, and biases that are large beside them."""
    x = torch.rand(5, 8 * groups, 12, 11) < 0.3
    weight = torch.randint(-128, 128, (outputs, 8, size, size), dtype=torch.int8)
    return x, weight, torch.rand(outputs), 100 * torch.randn(outputs)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize(
    ("groups", "outputs", "size", "stride", "padding", "dilation"),
    [(1, 16, 3, 1, 1, 1), (1, 7, 5, 2, 0, 1), (2, 16, 3, 1, 1, 2), (4, 32, 1, 2, 0, 1)],
)
def test_sums_are_exact(
    native: bool, biased: bool, groups: int, outputs: int, size: int, stride: int, padding: int, dilation: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    x, weight, step, bias = case(groups, outputs, size)
    if not native:
        monkeypatch.setattr(_whole, "there", lambda: False)
    pairs = {"stride": (stride, stride), "padding": (padding, padding), "dilation": (dilation, dilation)}
    y = whole_convolution(x, weight, step, bias if biased else None, **pairs, groups=groups)  # type: ignore[arg-type]
    sums = F.conv2d(x.double(), weight.double(), None, stride, padding, dilation, groups).float()
    wanted = sums * step.view(-1, 1, 1)
    assert torch.equal(y, wanted + bias.view(-1, 1, 1) if biased else wanted)


def test_weights_are_laid_out_for_their_sizes() -> None:
    x, weight, step, _ = case(1, 16, 3)
    wide, narrow = (whole_convolution(x, weight, step, padding=(p, p)) for p in (1, 0))
    assert torch.equal(wide[:, :, 1:-1, 1:-1], narrow)


def test_other_weights_in_the_same_place_are_seen() -> None:
    x, weight, step, _ = case(1, 16, 3)
    assert whole_convolution(x, weight, step).any()
    weight.zero_()
    assert not whole_convolution(x, weight, step).any()
