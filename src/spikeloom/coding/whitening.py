"""Whitening: values without the correlations that all samples share, exactly or by a convolution."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from spikeloom.coding._checks import check_count, check_images, check_positive, check_values, wide
from spikeloom.coding.encoder import DecodableEncoder, Encoder
from spikeloom.coding.on_off import on_off, on_off_decode
from spikeloom.coding.regular import Regular
from spikeloom.coding.wrapper import Wrapper
from spikeloom.errors import ParameterError, ShapeError


class WhiteningTransform(NamedTuple):
    """Mean [*features] and symmetric matrix [D, D] over the D = prod(features) values, or kernel [size, size]."""

    mean: Tensor
    matrix: Tensor


def fit_whitening(data: Tensor, *, epsilon: float = 1e-3) -> WhiteningTransform:
    """The whitening transform of data that changes them least (ZCA).

    Equation: with the covariance C = E diag(lambda) E^T of the data, matrix = E diag(1 / sqrt(lambda + epsilon)) E^T;
    matrix (x - mean) has the covariance E diag(lambda / (lambda + epsilon)) E^T, which is 1 for epsilon = 0.
    Shapes: data [samples, *features] -> mean [*features], matrix [D, D], in float64.
    Raises: ParameterError (NaN, fewer than two samples, epsilon < 0, a singular covariance with epsilon = 0),
    DTypeError, ShapeError.

    >>> data = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) @ torch.rand(3, 3)
    >>> mean, matrix = fit_whitening(data, epsilon=0.0)
    >>> white = (data.double() - mean) @ matrix
    >>> bool((white.T.cov() - torch.eye(3)).abs().max() < 1e-9)
    True

    Reference: Bell and Sejnowski (1997), The "independent components" of natural scenes are edge filters, Vision Res.
    37:3327-3338.
    """
    values = check_values("data of fit_whitening", data, rank=2).to(torch.float64).flatten(1)
    if len(values) < 2:
        raise ParameterError("data of fit_whitening", expected="at least two samples", got=len(values))
    if not 0.0 <= epsilon < math.inf:
        raise ParameterError("epsilon of fit_whitening", expected="a finite number of at least 0", got=repr(epsilon))
    mean = values.mean(0)
    centred = values - mean
    variance, axes = torch.linalg.eigh(centred.T @ centred / (len(values) - 1))
    least = variance[-1].clamp(min=1e-300) * len(variance) * torch.finfo(torch.float64).eps
    if not epsilon and bool((variance <= least).any()):
        do = "give epsilon=1e-3, say: some combination of features never changes"
        raise ParameterError("data of fit_whitening", expected="a covariance of full rank", got="a singular one", do=do)
    # Rounding makes variances of nothing slightly negative.
    matrix = axes @ torch.diag((variance.clamp(min=0.0) + epsilon).rsqrt()) @ axes.T
    return WhiteningTransform(mean.reshape(data.shape[1:]), matrix)


def fit_whitening_kernel(images: Tensor, *, size: int, epsilon: float = 1e-3) -> WhiteningTransform:
    """A kernel whose convolution whitens images of any size whose statistics are the same everywhere.

    Equation: the row for the central pixel of the `fit_whitening` matrix of all patches of size x size.
    Shapes: images [batch, *channels, height, width], at least `size` wide -> mean [], kernel [size, size], float64.
    Raises: ParameterError (NaN, size even or < 1, and as `fit_whitening`), DTypeError, ShapeError (smaller images).

    >>> fit_whitening_kernel(torch.rand(20, 8, 8, generator=torch.Generator().manual_seed(0)), size=3).matrix.shape
    torch.Size([3, 3])

    Reference: Falez, Tirilly and Bilasco (2020), Improving STDP-based visual feature learning with whitening, IJCNN
    (whitening by convolution kernels). Taking the central row is ours.
    """
    check_images("images of fit_whitening_kernel", images)
    if not check_count("size of fit_whitening_kernel", size) % 2:
        raise ParameterError("size of fit_whitening_kernel", expected="an odd number", got=size)
    if min(images.shape[-2:]) < size:
        expected, got = f"images of at least {size} x {size}", f"shape {tuple(images.shape)}"
        raise ShapeError("images of fit_whitening_kernel", expected=expected, got=got)
    patches = images.flatten(0, -3).unfold(1, size, 1).unfold(2, size, 1).reshape(-1, size * size)
    mean, matrix = fit_whitening(patches, epsilon=epsilon)
    return WhiteningTransform(mean.mean(), matrix[size * size // 2].reshape(size, size))


class Whitening(Wrapper, DecodableEncoder):
    """Values by their whitened positive and negative parts, which an inner encoder tells; see `fit_whitening`.

    Equation: z = matrix (x - mean), in channels on and off of `on_off`; `scale` is the z that is told as 1.
    Shapes: x [batch, *features] of the fitted features -> as the inner encoder, of [batch, 2, *features].
    Raises: ParameterError (NaN, scale not above 0), DTypeError, ShapeError (other features).

    >>> data = torch.rand(100, 2, 3)
    >>> Whitening(Regular(16), *fit_whitening(data))(data).shape
    torch.Size([16, 100, 2, 2, 3])
    """

    mean: Tensor
    matrix: Tensor

    def __init__(self, inner: Encoder, mean: Tensor, matrix: Tensor, *, scale: float = 3.0) -> None:
        super().__init__(inner)
        self.register_buffer("mean", check_values("mean of Whitening", mean))
        self.register_buffer("matrix", check_values("matrix of Whitening", matrix, rank=2))
        if matrix.shape != (mean.numel(), mean.numel()):
            expected = f"[{mean.numel()}, {mean.numel()}], as the mean has {mean.numel()} values"
            raise ShapeError("matrix of Whitening", expected=expected, got=f"shape {tuple(matrix.shape)}")
        self.scale = check_positive("scale of Whitening", scale)
        self.features = tuple(mean.shape)

    @classmethod
    def example(cls) -> Self:
        """Fitted to 500 smooth random images of 8 x 8 pixels; 16 regular steps."""
        return cls(Regular(16), *fit_whitening(_smooth_images(), epsilon=1e-2))

    def transform(self, x: Tensor) -> Tensor:
        """The whitened values in two channels."""
        check_values("x of Whitening", x)
        if tuple(x.shape[1:]) != self.features:
            expected = f"[batch, *{self.features}], the fitted features"
            raise ShapeError("x of Whitening", expected=expected, got=f"shape {tuple(x.shape)}")
        centred = (wide(x) - self.mean.to(wide(x))).flatten(1)
        white: Tensor = centred @ self.matrix.to(centred)
        return on_off(white.reshape(x.shape), scale=self.scale).to(x.dtype)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """The inverse, x = mean + matrix^-1 z; errors of z are stretched by up to its largest singular value."""
        white = on_off_decode(self.inner_decode(spikes), scale=self.scale)
        # Symmetric: solving from the left gives the columns that multiplying from the right took.
        centred: Tensor = torch.linalg.solve(self.matrix, white.to(self.matrix).flatten(1).T).T
        return (centred.reshape(white.shape) + self.mean).to(white.dtype)


class ConvolutionalWhitening(Wrapper):
    """Images by the positive and negative parts of a whitening convolution; see `fit_whitening_kernel`.

    Equation: z = kernel * (x - mean), with nothing beyond the edge, in channels on and off of `on_off`.
    Shapes: x [batch, *channels, height, width] -> as the inner encoder, of [batch, 2, *channels, height, width].
    Raises: ParameterError (NaN, scale not above 0), DTypeError, ShapeError.

    >>> images = torch.rand(20, 8, 8)
    >>> ConvolutionalWhitening(Regular(16), *fit_whitening_kernel(images, size=5))(images).shape
    torch.Size([16, 20, 2, 8, 8])
    """

    of_images = True
    mean: Tensor
    kernel: Tensor

    def __init__(self, inner: Encoder, mean: Tensor, kernel: Tensor, *, scale: float = 3.0) -> None:
        super().__init__(inner)
        self.register_buffer("mean", check_values("mean of ConvolutionalWhitening", mean, rank=0))
        self.register_buffer("kernel", check_values("kernel of ConvolutionalWhitening", kernel, rank=2))
        if mean.numel() != 1 or kernel.ndim != 2 or not all(size % 2 for size in kernel.shape):
            got = f"{tuple(mean.shape)} and {tuple(kernel.shape)}"
            expected = "a number and a kernel of odd height and width"
            raise ShapeError("mean and kernel of ConvolutionalWhitening", expected=expected, got=got)
        self.scale = check_positive("scale of ConvolutionalWhitening", scale)

    @classmethod
    def example(cls) -> Self:
        """Fitted to 500 smooth random images; 5 x 5 pixels, 16 regular steps."""
        return cls(Regular(16), *fit_whitening_kernel(_smooth_images(), size=5, epsilon=1e-2))

    def transform(self, x: Tensor) -> Tensor:
        """The whitened images in two channels."""
        image = wide(check_images("x of ConvolutionalWhitening", x)) - self.mean.to(wide(x))
        kernel = self.kernel.to(image)[None, None]
        down, right = (size // 2 for size in self.kernel.shape)
        flat = image.reshape(math.prod(image.shape[:-2]), 1, *image.shape[-2:])
        white: Tensor = conv2d(pad(flat, (right, right, down, down)), kernel).reshape(image.shape)
        return on_off(white, scale=self.scale).to(x.dtype)


def _smooth_images() -> Tensor:
    """500 images of 8 x 8 pixels in which neighbours are alike: sums of random waves, long ones stronger."""
    generator = torch.Generator().manual_seed(0)
    spectrum = torch.randn(500, 8, 8, generator=generator, dtype=torch.float64)
    frequency = torch.fft.fftfreq(8, d=1.0 / 8, dtype=torch.float64)
    distance = (frequency**2 + frequency.view(-1, 1) ** 2).sqrt()
    images: Tensor = torch.fft.ifft2(torch.fft.fft2(spectrum) / (1.0 + distance) ** 2).real
    return ((images - images.mean()) / (6.0 * images.std()) + 0.5).clamp(0.0, 1.0)
