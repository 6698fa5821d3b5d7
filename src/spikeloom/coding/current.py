"""Direct current: the value itself, at every step."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_steps, check_values, wide
from spikeloom.coding.decoders import mean_potential
from spikeloom.coding.encoder import DecodableEncoder


def direct(x: Tensor, steps: int) -> Tensor:
    """Repeat x at every step as a constant current; the first layer's neurons make the spikes.

    Equation: y[t] = x. The time axis has stride 0: nothing is copied, so write to a `clone()` of the result only.
    Shapes: x [batch, *features], finite -> [steps, batch, *features], differentiable.
    Raises: ParameterError (NaN, infinity, steps < 1), DTypeError, ShapeError.

    >>> import torch
    >>> direct(torch.tensor([[0.5]]), 3).squeeze().tolist()
    [0.5, 0.5, 0.5]

    Reference: Rueckauer et al. (2017), Front. Neurosci. 11:682, section 2.3 (analog input to the first layer).
    """
    check_values("x of direct", x)
    return x.unsqueeze(0).expand(check_steps("steps of direct", steps), *x.shape)


class Direct(DecodableEncoder):
    """Values as constant currents; see `direct`.

    >>> Direct(steps=8)(torch.rand(4, 64)).shape
    torch.Size([8, 4, 64])
    """

    graded = True

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = check_steps("steps of Direct", steps)

    @classmethod
    def example(cls) -> Self:
        """Eight steps."""
        return cls(8)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]; nothing is drawn."""
        return direct(x, self.steps)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """The mean over time: the value, up to the rounding of a sum of T terms."""
        return mean_potential(wide(spikes))
