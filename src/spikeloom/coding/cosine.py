"""Cosine code: an image over time, from its coarse to its fine components."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import pad

from spikeloom.coding._checks import check_count, check_images, check_positive, check_sequence, wide
from spikeloom.coding.delta import follow
from spikeloom.coding.encoder import DecodableEncoder


def cosine_frames(x: Tensor, *, block: int) -> Tensor:
    """An image taken apart: one component of the cosine transform of its blocks per step, low frequencies first.

    Equation: in each block of N x N pixels, frame k is c_k b_k, with b_k the k-th basis image of the orthonormal
    two-dimensional DCT-II in zigzag order and c_k its coefficient; the N^2 frames sum to the image. Blocks that reach
    over the edge see the nearest pixel there.
    Shapes: x [batch, *channels, height, width] -> [block^2, batch, *channels, height, width], differentiable.
    Raises: ParameterError (NaN, block < 1), DTypeError, ShapeError.

    >>> import torch
    >>> x = torch.rand(2, 8, 8)
    >>> frames = cosine_frames(x, block=4)
    >>> frames.shape, bool((frames.sum(0) - x).abs().max() < 1e-6)
    (torch.Size([16, 2, 8, 8]), True)

    Reference: Garg, Chowdhury and Roy (2021), DCT-SNN: using DCT to distribute spatial information over time for
    low-latency spiking neural networks, ICCV; arXiv:2010.01795.
    """
    image = wide(check_images("x of cosine_frames", x))
    basis = _basis(check_count("block of cosine_frames", block)).to(image)
    height, width = image.shape[-2:]
    flat = image.reshape(-1, 1, height, width) if image.numel() else image.new_zeros(0, 1, height, width)
    down, right = -height % block, -width % block
    padded = _edge(flat, down, right)
    blocks = padded.reshape(len(flat), 1, padded.shape[2] // block, block, padded.shape[3] // block, block)
    coefficients = torch.einsum("kij,ncyixj->knyx", basis, blocks)
    frames = torch.einsum("knyx,kij->knyixj", coefficients, basis).flatten(4, 5).flatten(2, 3)
    return frames[..., :height, :width].reshape(block**2, *image.shape).to(x.dtype)


def cosine(x: Tensor, *, block: int, threshold: float, repeats: int = 1) -> Tensor:
    """Spikes of +1 and -1 that add up to the image as its components come in, coarse ones first.

    Equation: an integrate-and-fire neuron per pixel adds frame t mod N^2 of `cosine_frames`; it spikes where it is at
    the threshold or above (+1) or at its negative or below (-1), and the spike takes the threshold off. After N^2 steps
    it has been given the whole image; fewer leave out the finest components, `repeats` show it several times over.
    Shapes: x [batch, *channels, height, width] -> [repeats block^2, batch, *channels, height, width], values -1, 0, 1,
    not differentiable.
    Raises: ParameterError (NaN, block or repeats < 1, threshold not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> cosine(torch.full((1, 2, 2), 0.5), block=2, threshold=0.25)[:, 0, 0, 0].tolist()  # 0.5 at once, told in two
    [1.0, 1.0, 0.0, 0.0]

    Reference: as `cosine_frames`. One signed spike per step and the subtraction are ours.
    """
    frames = wide(cosine_frames(x, block=block))
    threshold = check_positive("threshold of cosine", threshold)
    shown = torch.cat([frames] * check_count("repeats of cosine", repeats))
    # What the neuron has been given less what it has told is the distance of a signal from a base line that follows it.
    return follow(shown.cumsum(0), torch.zeros_like(frames[0]), threshold).to(x.dtype)


def cosine_decode(spikes: Tensor, *, threshold: float, repeats: int = 1) -> Tensor:
    """The image that the spikes of `cosine` add up to.

    Equation: x = threshold / repeats sum_t s[t]. It differs from the image by what is left in the neurons, less than
    threshold / repeats where no more was given at once than could be told in the steps that followed.
    Shapes: spikes [steps, batch, *channels, height, width] -> [batch, *channels, height, width], differentiable.
    Raises: ParameterError (NaN, repeats < 1, threshold not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> x = torch.full((1, 2, 2), 0.5)
    >>> cosine_decode(cosine(x, block=2, threshold=0.25), threshold=0.25)[0, 0].tolist()
    [0.5, 0.5]
    """
    train = wide(check_sequence("spikes of cosine_decode", spikes))
    factor = check_positive("threshold of cosine_decode", threshold) / check_count("repeats of cosine_decode", repeats)
    return factor * train.sum(0)


class Cosine(DecodableEncoder):
    """Images as signed spikes, coarse components first; see `cosine`.

    >>> Cosine(block=4, threshold=0.1)(torch.rand(3, 1, 8, 8)).shape
    torch.Size([16, 3, 1, 8, 8])
    """

    graded = True
    of_images = True

    def __init__(self, *, block: int, threshold: float, repeats: int = 1) -> None:
        super().__init__()
        self.block = check_count("block of Cosine", block)
        self.threshold = check_positive("threshold of Cosine", threshold)
        self.repeats = check_count("repeats of Cosine", repeats)
        self.steps = self.repeats * self.block**2

    @classmethod
    def example(cls) -> Self:
        """Blocks of 4 x 4 pixels, threshold 0.1."""
        return cls(block=4, threshold=0.1)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *channels, height, width]; nothing is drawn."""
        return cosine(x, block=self.block, threshold=self.threshold, repeats=self.repeats)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `cosine_decode`."""
        return cosine_decode(spikes, threshold=self.threshold, repeats=self.repeats)


def _basis(block: int) -> Tensor:
    """The basis images [block^2, block, block] of the orthonormal DCT-II, in zigzag order; float64."""
    frequency = torch.arange(block, dtype=torch.float64)
    waves = torch.cos(math.pi / block * (frequency + 0.5) * frequency.view(-1, 1)) * math.sqrt(2.0 / block)
    waves[0] /= math.sqrt(2.0)
    # Along the anti-diagonals, every other one backwards.
    places = [(row, column) for row in range(block) for column in range(block)]
    places.sort(key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1]))
    return torch.stack([torch.outer(waves[row], waves[column]) for row, column in places])


def _edge(images: Tensor, down: int, right: int) -> Tensor:
    """Images [n, 1, height, width] with their last row and column repeated; an empty batch cannot be padded so."""
    return pad(images, (0, right, 0, down), mode="replicate" if len(images) else "constant")
