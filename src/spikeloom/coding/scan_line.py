"""Scan-line code: straight lines sweep an image, and what each comes across drives a neuron."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_count, check_images, check_steps, check_values, wide
from spikeloom.coding.encoder import Encoder
from spikeloom.coding.neuron_code import NeuronCode
from spikeloom.errors import ShapeError
from spikeloom.neurons import LIF, Neuron


def random_lines(lines: int, *, seed: int) -> Tensor:
    """Lines across the unit square between two random points of different sides.

    Shapes: [lines, 2, 2]: start and end, each (row, column) in [0, 1], float64. The same for the same seed; the
    global generator is left alone.
    Raises: ParameterError (lines < 1).

    >>> ends = random_lines(3, seed=0)
    >>> ends.shape, bool(((ends == 0) | (ends == 1)).any(2).all())  # all ends are on the border
    (torch.Size([3, 2, 2]), True)
    """
    lines = check_count("lines of random_lines", lines)
    generator = torch.Generator().manual_seed(check_count("seed of random_lines", seed, low=0))
    along = torch.rand(lines, 2, generator=generator, dtype=torch.float64)
    sides = torch.rand(lines, 4, generator=generator).argsort(dim=1)[:, :2]
    across = (sides % 2).to(torch.float64)
    # Sides 0 and 1 are the top and the bottom, 2 and 3 the left and the right.
    rows = torch.where(sides < 2, across, along)
    columns = torch.where(sides < 2, along, across)
    return torch.stack((rows, columns), dim=2)


def scan(x: Tensor, lines: Tensor, steps: int) -> Tensor:
    """What lines come across as they sweep an image, all at the speed that takes the diagonal through in all steps.

    Equation: in step t a line is at start + d (end - start) / |end - start|, d = sqrt(2) (t + 1/2) / T in units of the
    image's height and width, and reads the pixel there; after its end it reads 0.
    Shapes: x [batch, *channels, height, width]; lines [lines, 2, 2] in [0, 1] -> [steps, batch, *channels, lines],
    differentiable.
    Raises: ParameterError (NaN, lines outside [0, 1], steps < 1), DTypeError, ShapeError.

    >>> import torch
    >>> image = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    >>> scan(image, torch.tensor([[[0.0, 0.25], [1.0, 0.25]]]), 4).flatten().tolist()  # down the first column
    [1.0, 3.0, 3.0, 0.0]

    Reference: Gardner and Gruning (2021), Supervised learning with first-to-spike decoding in multilayer spiking neural
    networks, Front. Comput. Neurosci. 15:617862 (scanline encoding). Reading the nearest pixel is ours.
    """
    check_images("x of scan", x)
    check_values("lines of scan", lines, low=0.0, high=1.0)
    if lines.ndim != 3 or lines.shape[1:] != (2, 2):
        expected = "[lines, start and end, row and column]"
        raise ShapeError("lines of scan", expected=expected, got=f"shape {tuple(lines.shape)}")
    steps = check_steps("steps of scan", steps)
    height, width = x.shape[-2:]
    ends = lines.to(x.device, torch.float64)
    way = ends[:, 1] - ends[:, 0]
    length = way.norm(dim=1)
    gone = math.sqrt(2.0) * (torch.arange(steps, device=x.device, dtype=torch.float64) + 0.5).view(-1, 1) / steps
    place = ends[:, 0] + way / length.clamp(min=1e-12).unsqueeze(1) * gone.unsqueeze(2)
    row, column = ((place[..., axis] * size).long().clamp(0, size - 1) for axis, size in enumerate((height, width)))
    read: Tensor = x.flatten(-2)[..., row * width + column] * (gone <= length).to(x.dtype)
    return read.movedim(-2, 0)


class ScanLine(Encoder):
    """Images as the spikes of neurons that random lines drive; see `scan`. Identical images give identical spikes.

    >>> ScanLine(lines=12, steps=50, seed=0)(torch.rand(3, 1, 8, 8)).shape
    torch.Size([50, 3, 1, 12])
    """

    of_images = True

    def __init__(self, *, lines: int, steps: int, seed: int, neuron: Neuron | None = None) -> None:
        super().__init__()
        self.lines = check_count("lines of ScanLine", lines)
        self.steps = check_steps("steps of ScanLine", steps)
        self.seed = check_count("seed of ScanLine", seed, low=0)
        # A membrane of a tenth of the longest sweep that fires for values above 0.2.
        default = LIF(tau_mem=self.steps / 10, r=5.0)
        self.code = NeuronCode(default if neuron is None else neuron)

    @classmethod
    def example(cls) -> Self:
        """Sixteen lines, 50 steps."""
        return cls(lines=16, steps=50, seed=0)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *channels, height, width]; nothing is drawn: the lines are those of the seed."""
        check_images("x of ScanLine", x)
        spikes: Tensor = self.code(scan(wide(x), random_lines(self.lines, seed=self.seed), self.steps))
        return spikes.to(x.dtype)
