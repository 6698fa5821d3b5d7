"""Heart beats made of Gaussian waves, of four kinds, for where no electrocardiogram is at hand."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError

CLASSES = ("normal", "ventricular", "premature", "without P wave")
RATE = 200.0

# Seconds around the R peak.
_BEFORE, _AFTER = 0.3, 0.5
# Amplitude in mV, centre and width in s of the waves P, Q, R, S, T and of the T wave of the beat before.
_NORMAL = (
    (0.15, -0.17, 0.025), (-0.12, -0.03, 0.010), (1.0, 0.0, 0.011), (-0.25, 0.03, 0.010), (0.3, 0.28, 0.055),
    (0.3, -0.52, 0.055),
)  # fmt: skip
_WAVES = torch.tensor([
    _NORMAL,
    # No P wave, QRS three times as wide, T the other way round.
    ((0.0, -0.17, 0.025), (-0.12, -0.09, 0.030), (1.0, 0.0, 0.035), (-0.4, 0.10, 0.035), (-0.3, 0.32, 0.060),
     (0.3, -0.52, 0.055)),
    # 0.25 s early: the T wave before reaches into the P wave, the one after comes sooner.
    ((0.15, -0.14, 0.025), *_NORMAL[1:4], (0.3, 0.25, 0.050), (0.3, -0.27, 0.055)),
    ((0.0, -0.17, 0.025), *_NORMAL[1:]),
])  # fmt: skip


def heart_beats(
    n: int, *, spread: float = 0.1, noise: float = 0.05, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Electrocardiogram around the R peak of n beats, as many of each of four kinds as of any other, in random order.

    Equation: x(t) = sum_k a_k exp(-(t - c_k)^2 / 2 b_k^2) + drift + noise, over five waves, P, Q, R, S, T, and the T
    wave of the beat before. In each beat every a and b is multiplied by 1 + spread xi, every c moved by 5 ms xi, with
    xi standard normal; the drift is a sine of 0.3 Hz and 0.05 mV at a random phase, the noise white. Kinds: normal;
    ventricular, without P wave and with a wide QRS complex; premature, 0.25 s early; without P wave.
    Shapes: signals [n, 160], labels int64 [n]. Units: mV, 200 samples per second, from 0.3 s before to 0.5 s after.
    Raises: ParameterError.

    >>> signals, labels = heart_beats(8, generator=torch.Generator().manual_seed(0))
    >>> signals.shape, labels.bincount()
    (torch.Size([8, 160]), tensor([2, 2, 2, 2]))

    Source: a sum of Gaussians for the waves as in McSharry, Clifford, Tarassenko and Smith 2003, IEEE Trans. Biomed.
    Eng. 50:289-294; amplitudes, widths and what tells the kinds apart are ours.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ParameterError("n of heart_beats", expected="a whole number of 1 or more", got=repr(n))
    for name, value in (("spread", spread), ("noise", noise)):
        if not 0.0 <= value < float("inf"):
            raise ParameterError(f"{name} of heart_beats", expected="a number >= 0", got=repr(value))
    labels = (torch.arange(n) % len(CLASSES))[torch.randperm(n, generator=generator)]
    t = torch.arange(round((_BEFORE + _AFTER) * RATE)) / RATE - _BEFORE
    a, c, b = _WAVES[labels].unbind(-1)
    a, b = (value * (1 + spread * torch.randn(value.shape, generator=generator)) for value in (a, b))
    c = c + 0.005 * torch.randn(c.shape, generator=generator)
    waves = a.unsqueeze(-1) * torch.exp(-((t - c.unsqueeze(-1)) ** 2) / (2 * b.unsqueeze(-1) ** 2))
    phase = torch.rand(n, 1, generator=generator)
    drift = 0.05 * torch.sin(2 * torch.pi * (0.3 * t + phase))
    return waves.sum(1) + drift + noise * torch.randn(n, len(t), generator=generator), labels
