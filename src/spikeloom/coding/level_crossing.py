"""Level-crossing code: neurons at fixed levels, each of which tells when a signal passes its own."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_count, check_positive, check_sequence, check_values, wide
from spikeloom.coding.delta import first_value
from spikeloom.coding.encoder import DecodableEncoder
from spikeloom.errors import ShapeError


def level_crossing(x: Tensor, *, levels: int, spacing: float, lowest: float = 0.0) -> Tensor:
    """Spikes where a signal crosses evenly spaced levels, upwards (channel 0) or downwards (channel 1).

    Equation: level l_j = lowest + j spacing, j = 0 to levels - 1; up where x[t - 1] < l_j <= x[t], down where
    x[t] < l_j <= x[t - 1]; step 0 is silent. A jump crosses all its levels in one step, so that, unlike with `delta`,
    nothing lags however fast the signal is.
    Shapes: x [time, batch, *features], finite -> spikes [time, batch, 2, *features, levels], 0/1, not differentiable.
    Raises: ParameterError (NaN, levels < 1, spacing not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> s = level_crossing(torch.tensor([0.0, 2.5, 1.0]).view(3, 1), levels=3, spacing=1.0)
    >>> s[1, 0].tolist(), s[2, 0].tolist()  # up through 1 and 2, then down through 2
    ([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])

    Reference: Sayiner, Sorensen and Viswanathan (1996), A level-crossing sampling scheme for A/D conversion, IEEE
    Trans. Circuits Syst. II 43:335-339. A neuron for each level is ours.
    """
    signal = wide(check_sequence("x of level_crossing", x))
    above = signal.unsqueeze(-1) >= _levels("level_crossing", signal, levels, spacing, lowest)
    before = torch.cat((above[:1], above[:-1]))
    return torch.stack((above & ~before, before & ~above), dim=2).to(x.dtype)


def level_crossing_decode(spikes: Tensor, initial: Tensor, *, spacing: float, lowest: float = 0.0) -> Tensor:
    """The signal that level crossings stand for: the middle between the two levels it is known to be between.

    Equation: n[t] = number of levels at or below `initial` + sum_{u <= t} (up[u] - down[u]) over all levels,
    x = lowest + (n - 1/2) spacing. At most spacing / 2 from the encoded signal, as long as that stays within a spacing
    of the lowest and the highest level.
    Shapes: spikes [time, batch, 2, *features, levels], initial [batch, *features] -> [time, batch, *features].
    Raises: ParameterError (NaN, spacing not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> x = torch.tensor([0.0, 2.6, 1.4]).view(3, 1)
    >>> s = level_crossing(x, levels=3, spacing=1.0)
    >>> level_crossing_decode(s, x[0], spacing=1.0).flatten().tolist()
    [0.5, 2.5, 1.5]
    """
    train = wide(check_values("spikes of level_crossing_decode", spikes, low=0.0, high=1.0, rank=4))
    start = wide(check_values("initial of level_crossing_decode", initial))
    if train.shape[2] != 2 or start.shape != train.shape[1:2] + train.shape[3:-1]:
        raise ShapeError(
            "spikes and initial of level_crossing_decode",
            expected="[time, batch, 2, *features, levels] and [batch, *features]",
            got=f"{tuple(spikes.shape)} and {tuple(initial.shape)}",
        )
    levels = _levels("level_crossing_decode", start, train.shape[-1], spacing, lowest)
    known = (start.unsqueeze(-1) >= levels).sum(-1)
    count = known + (train[:, :, 0] - train[:, :, 1]).sum(-1).cumsum(0)
    return lowest + (count - 0.5) * spacing


class LevelCrossing(DecodableEncoder):
    """Signals as crossings of fixed levels; see `level_crossing`.

    >>> LevelCrossing(levels=5, spacing=0.25)(torch.rand(20, 4, 3)).shape
    torch.Size([20, 4, 2, 3, 5])
    """

    of_sequence = True

    def __init__(self, *, levels: int, spacing: float, lowest: float = 0.0) -> None:
        super().__init__()
        self.levels = check_count("levels of LevelCrossing", levels)
        self.spacing = check_positive("spacing of LevelCrossing", spacing)
        self.lowest = float(lowest)

    @classmethod
    def example(cls) -> Self:
        """Levels from -0.9 to 0.9 in steps of 0.2."""
        return cls(levels=10, spacing=0.2, lowest=-0.9)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [time, batch, *features]; nothing is drawn."""
        return level_crossing(x, levels=self.levels, spacing=self.spacing, lowest=self.lowest)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `level_crossing_decode`."""
        start = first_value(spikes[0, :, 0, ..., 0], initial)
        return level_crossing_decode(spikes, start, spacing=self.spacing, lowest=self.lowest)


def _levels(what: str, like: Tensor, levels: int, spacing: float, lowest: float) -> Tensor:
    number = check_count(f"levels of {what}", levels)
    distance = check_positive(f"spacing of {what}", spacing)
    check_values(f"lowest of {what}", torch.tensor([lowest], dtype=torch.float64))
    return lowest + distance * torch.arange(number, device=like.device, dtype=like.dtype)
