"""Phase code with weighted spikes: the binary digits of a value, one per step of a period."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_count, check_steps, check_values, wide
from spikeloom.coding.encoder import DecodableEncoder
from spikeloom.errors import ParameterError, ShapeError


def weighted_phase(x: Tensor, steps: int, *, period: int = 8) -> Tensor:
    """The first binary digits of a value as spikes, the most significant first, repeated in every period.

    Equation: a spike in step t, counted from 1, is worth 2^-(1 + mod(t - 1, period)), and the spikes of a period sum to
    floor(2^period x) / 2^period; x = 1 is told as 1 - 2^-period.
    Shapes: x [batch, *features], in [0, 1] -> spikes [steps, batch, *features], 0/1, not differentiable.
    Raises: ParameterError (x outside [0, 1], NaN, steps not a multiple of period, period < 1 or > 23), DTypeError,
    ShapeError.

    >>> import torch
    >>> weighted_phase(torch.tensor([[0.625, 1.0]]), 4, period=4)[:, 0].T.tolist()
    [[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]]

    Reference: Kim, Kim, Huh, Lee and Choi (2018), Deep neural networks with weighted spikes, Neurocomputing
    311:373-386.
    """
    check_values("x of weighted_phase", x, low=0.0, high=1.0)
    steps, period = _check_period("weighted_phase", steps, period)
    whole = torch.floor(wide(x) * 2**period).clamp(max=2**period - 1).to(torch.int64)
    digit = period - 1 - torch.arange(steps, device=x.device) % period
    return ((whole >> digit.view(-1, *[1] * x.ndim)) & 1).to(x.dtype)


def weighted_phase_decode(spikes: Tensor, *, period: int = 8) -> Tensor:
    """The values that weighted spikes stand for, averaged over the periods.

    Equation: x = (period / T) sum_t 2^-(1 + mod(t - 1, period)) s[t], t from 1; at most 2^-period below the encoded x.
    Shapes: spikes [steps, batch, *features] -> [batch, *features], differentiable; half precision comes out as float32.
    Raises: ParameterError (NaN, period < 1 or > 23), DTypeError, ShapeError (steps not a multiple of period).

    >>> import torch
    >>> weighted_phase_decode(weighted_phase(torch.tensor([[0.625, 1.0]]), 8, period=4), period=4).tolist()
    [[0.625, 0.9375]]
    """
    train = wide(check_values("spikes of weighted_phase_decode", spikes, rank=2))
    steps = train.shape[0]
    if steps % check_count("period of weighted_phase_decode", period) or not steps:
        expected, got = f"a multiple of the period of {period} steps", f"{steps} steps"
        raise ShapeError("spikes of weighted_phase_decode", expected=expected, got=got)
    place = torch.arange(steps, device=train.device) % period
    sums: Tensor = torch.tensordot(torch.exp2(-1.0 - place.to(train.dtype)), train, dims=1)
    return sums * (period / steps)


class WeightedPhase(DecodableEncoder):
    """Values in [0, 1] as binary digits; see `weighted_phase`.

    >>> WeightedPhase(steps=16)(torch.rand(4, 64)).shape
    torch.Size([16, 4, 64])
    """

    low = 0.0
    high = 1.0

    def __init__(self, steps: int, *, period: int = 8) -> None:
        super().__init__()
        self.steps, self.period = _check_period("WeightedPhase", steps, period)

    @classmethod
    def example(cls) -> Self:
        """One period of eight steps."""
        return cls(8)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]; nothing is drawn."""
        return weighted_phase(x, self.steps, period=self.period)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `weighted_phase_decode`."""
        return weighted_phase_decode(spikes, period=self.period)


def _check_period(what: str, steps: int, period: int) -> tuple[int, int]:
    steps, period = check_steps(f"steps of {what}", steps), check_count(f"period of {what}", period)
    if period > 23:
        do = "float32 has no digits beyond these"
        raise ParameterError(f"period of {what}", expected="at most 23 steps", got=period, do=do)
    if steps % period:
        expected = f"a multiple of the period of {period}"
        raise ParameterError(f"steps of {what}", expected=expected, got=steps, do="half a period tells half the digits")
    return steps, period
