"""Rank-order code: who is larger than whom, and nothing else."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_positive, check_steps, check_values, wide
from spikeloom.coding.encoder import DecodableEncoder
from spikeloom.coding.latency import spike_at


def rank_order(x: Tensor, steps: int) -> Tensor:
    """One spike per step: the largest value of a sample fires in step 0, the next one in step 1, and so on.

    Equation: s_i[t] = 1 where t = rank_i, the number of values of the sample that are larger; equal ones fire in the
    order of their index. Values of 0 are silent, and so are ranks of `steps` and beyond. The code is exactly the same
    after any strictly increasing change of contrast that keeps 0. N neurons tell log2(N!) bits.
    Shapes: x [batch, *features], at least 0 -> spikes [steps, batch, *features], 0/1, not differentiable; ranks are
    over all features of a sample.
    Raises: ParameterError (negative x, NaN, steps < 1), DTypeError, ShapeError.

    >>> import torch
    >>> rank_order(torch.tensor([[0.2, 0.9, 0.0, 0.5]]), 3)[:, 0].tolist()
    [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]

    Reference: Thorpe and Gautrais (1998), Rank order coding, Computational Neuroscience: Trends in Research, 113-118.
    That 0 is silent is ours.
    """
    check_values("x of rank_order", x, low=0.0)
    steps = check_steps("steps of rank_order", steps)
    flat = x.reshape(x.shape[0], x[0].numel() if len(x) else 0)
    order = flat.argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(dim=1).masked_fill(flat == 0, steps)
    return spike_at(rank.view(x.shape), steps).to(x.dtype)


def rank_order_decode(spikes: Tensor, *, modulation: float) -> Tensor:
    """The weight with which each neuron's spike arrives where every spike weakens those after it.

    Equation: sum_t modulation^t s[t], which is modulation^rank; 0 for silent neurons. The order of the values is that
    of the encoded ones among those that fired; their distances are lost.
    Shapes: spikes [steps, batch, *features] -> [batch, *features], differentiable; half precision comes out as float32.
    Raises: ParameterError (NaN, modulation outside (0, 1]), DTypeError, ShapeError.

    >>> import torch
    >>> rank_order_decode(rank_order(torch.tensor([[0.2, 0.9, 0.0, 0.5]]), 4), modulation=0.5).tolist()
    [[0.25, 1.0, 0.0, 0.5]]

    Reference: Thorpe and Gautrais (1998), as `rank_order`.
    """
    train = wide(check_values("spikes of rank_order_decode", spikes, rank=2))
    factor = check_positive("modulation of rank_order_decode", modulation, high=1.0)
    weights = factor ** torch.arange(train.shape[0], device=train.device, dtype=train.dtype)
    weighted: Tensor = torch.tensordot(weights, train, dims=1)
    return weighted


class RankOrder(DecodableEncoder):
    """Values by the order of their size; see `rank_order`.

    >>> RankOrder(steps=64)(torch.rand(4, 64)).sum(2).unique()  # one spike per step
    tensor([1.])
    """

    low = 0.0

    def __init__(self, steps: int, *, modulation: float = 0.9) -> None:
        super().__init__()
        self.steps = check_steps("steps of RankOrder", steps)
        self.modulation = check_positive("modulation of RankOrder", modulation, high=1.0)

    @classmethod
    def example(cls) -> Self:
        """The first 64 ranks, modulation 0.95."""
        return cls(64, modulation=0.95)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]; nothing is drawn."""
        return rank_order(x, self.steps)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `rank_order_decode`; the distances between values are not recovered."""
        return rank_order_decode(spikes, modulation=self.modulation)
