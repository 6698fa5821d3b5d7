"""Difference of Gaussians: what is brighter (on) or darker (off) than its surroundings, as retinal ganglion cells."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from spikeloom.coding._checks import check_images, check_positive, wide
from spikeloom.coding.encoder import Encoder
from spikeloom.coding.latency import LinearLatency
from spikeloom.coding.on_off import on_off
from spikeloom.coding.wrapper import Wrapper
from spikeloom.errors import ParameterError


def difference_of_gaussians(x: Tensor, *, centre: float = 1.0, surround: float = 2.0) -> Tensor:
    """An image seen by cells with a narrow excitatory centre and a wide inhibitory surround.

    Equation: y = g_centre * x - g_surround * x, with sampled Gaussians of these standard deviations, cut at three of
    them and normalised to sum 1 each, so that an even area gives 0. Beyond the edge the image goes on with the value at
    the edge.
    Shapes: x [batch, *channels, height, width], finite -> the same, differentiable.
    Units: centre and surround in pixels.
    Raises: ParameterError (NaN, centre not above 0, surround not above centre), DTypeError, ShapeError.

    >>> import torch
    >>> x = torch.zeros(1, 9, 9)
    >>> x[0, 4, 4] = 1.0
    >>> y = difference_of_gaussians(x)
    >>> bool(y[0, 4, 4] > 0), bool(y[0, 4, 7] < 0), bool(difference_of_gaussians(x + 1.0).allclose(y, atol=1e-6))
    (True, True, True)

    Reference: Rodieck (1965), Quantitative analysis of cat retinal ganglion cell response to visual stimuli, Vision
    Res. 5:583-601; before spikes: Kheradpisheh et al. (2018), Neural Netw. 99:56-67.
    """
    centre, surround = _check_widths("difference_of_gaussians", centre, surround)
    image = wide(check_images("x of difference_of_gaussians", x))
    return (_blur(image, centre) - _blur(image, surround)).to(x.dtype)


class DifferenceOfGaussians(Wrapper):
    """Images as on and off contrast, which an inner encoder tells; see `difference_of_gaussians`, `on_off`.

    `scale` is the contrast that is told as 1: larger ones are clipped. With these widths an edge from 0 to 1 has 0.17.

    >>> DifferenceOfGaussians(LinearLatency(16))(torch.rand(3, 1, 8, 8)).shape
    torch.Size([16, 3, 2, 1, 8, 8])
    """

    of_images = True

    def __init__(self, inner: Encoder, *, centre: float = 1.0, surround: float = 2.0, scale: float = 0.2) -> None:
        super().__init__(inner)
        self.centre, self.surround = _check_widths("DifferenceOfGaussians", centre, surround)
        self.scale = check_positive("scale of DifferenceOfGaussians", scale)

    @classmethod
    def example(cls) -> Self:
        """Latency in 16 steps."""
        return cls(LinearLatency(16))

    def transform(self, x: Tensor) -> Tensor:
        """The contrast in two channels."""
        return on_off(difference_of_gaussians(x, centre=self.centre, surround=self.surround), scale=self.scale)


def _blur(image: Tensor, sigma: float) -> Tensor:
    """Convolution with a Gaussian, one axis after the other."""
    radius = math.ceil(3.0 * sigma)
    distance = torch.arange(-radius, radius + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-(distance**2) / (2.0 * sigma**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    flat = image.reshape(math.prod(image.shape[:-2]), 1, *image.shape[-2:])
    if not len(flat):
        return image
    flat = conv2d(pad(flat, (radius, radius, 0, 0), mode="replicate"), kernel)
    flat = conv2d(pad(flat, (0, 0, radius, radius), mode="replicate"), kernel.mT)
    return flat.reshape(image.shape)


def _check_widths(what: str, centre: float, surround: float) -> tuple[float, float]:
    centre = check_positive(f"centre of {what}, in pixels", centre)
    surround = check_positive(f"surround of {what}, in pixels", surround)
    if surround <= centre:
        expected = f"a number above centre = {centre:g}"
        raise ParameterError(f"surround of {what}, in pixels", expected=expected, got=surround)
    return centre, surround
