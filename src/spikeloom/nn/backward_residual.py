"""A block whose output is its own next input: depth without further weights."""

from __future__ import annotations

from torch import Tensor, nn

from ..errors import ParameterError, ShapeError
from .sequential import Sequential


class BackwardResidual(nn.Module):
    """Runs a block of modules `passes` times, each time on what it has put out: y <- block(y), with the same weights.

    In each pass the neurons begin at rest and see the whole sequence, so that the block takes passes x T steps, and the
    gradient of its weights is the sum over passes.

    Shapes: [T, B, *features] to the same. Raises: ParameterError, ShapeError for a block that changes the shape.
    Source: Panda, Aketi and Roy 2020, "Toward scalable, efficient, and accurate deep spiking neural networks with
    backward residual connections, stochastic softmax, and hybridization", Front. Neurosci. 14:653, from its abstract.

    >>> import torch, spikeloom as sl
    >>> block = sl.nn.BackwardResidual(nn.Linear(5, 5), sl.LIF(tau_mem=2.0), passes=3)
    >>> sl.nn.Sequential(nn.Linear(4, 5), sl.LIF(tau_mem=2.0), block)(torch.rand(7, 2, 4)).shape
    torch.Size([7, 2, 5])
    """

    def __init__(self, *modules: nn.Module, passes: int = 2) -> None:
        super().__init__()
        if isinstance(passes, bool) or not isinstance(passes, int) or passes < 1:
            raise ParameterError("passes of BackwardResidual", expected="a whole number >= 1", got=repr(passes))
        self.block, self.passes = Sequential(*modules), passes

    def forward(self, x: Tensor) -> Tensor:
        """All passes."""
        for _ in range(self.passes):
            y: Tensor = self.block(x)
            if y.shape != x.shape:
                raise ShapeError("block of BackwardResidual", expected=list(x.shape), got=list(y.shape))
            x = y
        return x

    def extra_repr(self) -> str:
        """How often it runs."""
        return f"passes={self.passes}"
