"""Convolution as a product of rows: the bits of the pixels under the kernel, for each pixel of the output."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..compile._threads import parallel
from . import _kernels
from ._events import Packed, words_buffer
from ._kernels import WORD

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """A two-dimensional convolution apart from its numbers."""

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    def output(self, image: Pair) -> Pair:
        """Height and width of the result."""
        rows, columns = (
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(image, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        )
        return rows, columns

    def patches(self, pixels: Packed, image: Pair) -> Packed:
        """From the bits of pixels [images * height * width, channels] those of patches [*, taps * padded channels]."""
        words, taps = pixels.bits.shape[1], self.kernel[0] * self.kernel[1]
        height, width = self.output(image)
        images = pixels.rows // (image[0] * image[1])
        result = words_buffer(images * height * width, taps * words)
        call = _kernels.patching()
        given = words, *image, height, width, *self.kernel, *self.stride, *self.dilation, *self.padding
        pointers = pixels.bits.data_ptr(), result.data_ptr()
        parallel(lambda lo, hi: call(lo, hi, *given, *pointers), images * height, 1, width * taps * words)
        # How many bits are set is known of the pixels; few are lost or gained at the border.
        active = round(pixels.activity * pixels.columns * result.shape[0] * taps)
        return Packed(result, taps * words * WORD, active, pixels.binary)


def padded_channels(channels: int) -> int:
    """Channels of a patch: whole words."""
    return -(-channels // WORD) * WORD


def by_patch(weight: Tensor) -> Tensor:
    """weight [outputs, channels, *kernel] as [taps * padded channels, outputs]."""
    outputs, channels, height, width = weight.shape
    result = torch.zeros(height, width, padded_channels(channels), outputs, dtype=weight.dtype)
    result[:, :, :channels] = weight.permute(2, 3, 1, 0)
    return result.view(-1, outputs)


def by_weight(rows: Tensor, shape: torch.Size) -> Tensor:
    """The opposite of `by_patch`."""
    outputs, channels, height, width = shape
    return rows.view(height, width, -1, outputs)[:, :, :channels].permute(3, 2, 0, 1)
