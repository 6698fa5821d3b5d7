"""Phase code relative to an oscillation: the larger the value, the earlier in the cycle it fires."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_generator, check_positive, check_steps, check_values, wide
from spikeloom.coding.encoder import DecodableEncoder
from spikeloom.coding.population_read_out import spike_phase
from spikeloom.errors import ParameterError


def oscillation_phase(
    x: Tensor,
    steps: int,
    *,
    frequency: float,
    span: float = math.pi,
    jitter: float = 0.0,
    dt: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """One spike per cycle of a background oscillation, at a phase that tells the value.

    Equation: s(t) = A cos(2 pi f t + phi), phi = span x, has its maxima at t_k = (k - phi / 2 pi) / f; the spike of
    cycle k is in the step nearest to t_k + jitter n_k / f with n_k standard normal. The height A changes nothing. Those
    outside the T steps are lost. A span of at most pi leaves half a cycle between the phases of 1 and of 0.
    Shapes: x [batch, *features], in [0, 1] -> spikes [steps, batch, *features], 0/1, not differentiable.
    Units: frequency in hertz, dt in milliseconds, span in radians, jitter as a fraction of the period.
    `generator=None` draws from PyTorch's global generator; without jitter nothing is drawn.
    Raises: ParameterError (x outside [0, 1], NaN, steps < 1, frequency above half a cycle per step, span outside
    (0, 2 pi], negative jitter), DTypeError, ShapeError, DeviceError.

    >>> import torch
    >>> s = oscillation_phase(torch.tensor([[0.0, 0.5]]), 40, frequency=50.0)  # a period of 20 ms, a quarter early
    >>> s[:, 0, 0].nonzero().flatten().tolist(), s[:, 0, 1].nonzero().flatten().tolist()
    ([0, 20], [15, 35])

    Reference: Hopfield (1995), Pattern recognition computation using action potential timing for stimulus
    representation, Nature 376:33-36. One spike per cycle at the maximum and the linear phi are ours.
    """
    check_values("x of oscillation_phase", x, low=0.0, high=1.0)
    check_generator("generator of oscillation_phase", generator, x)
    steps = check_steps("steps of oscillation_phase", steps)
    period, span, jitter = _check_oscillation("oscillation_phase", frequency, span, jitter, dt)
    early = wide(x) * (span / math.tau)
    # One cycle more at both ends than the steps hold: jitter may bring its spike in.
    cycles = torch.arange(-1, math.ceil(steps / period) + 3, device=x.device, dtype=early.dtype)
    time = cycles.view(-1, *[1] * x.ndim) - early
    if jitter:
        time = time + jitter * torch.randn(time.shape, generator=generator, device=x.device, dtype=time.dtype)
    step = torch.round(time * period)
    outside = (step < 0) | (step >= steps)
    # Spikes outside go to an extra step, which is cut off.
    train = early.new_zeros((steps + 1, *x.shape)).scatter_(0, step.masked_fill(outside, steps).long(), 1.0)
    return train[:steps].to(x.dtype)


def oscillation_phase_decode(spikes: Tensor, *, frequency: float, span: float = math.pi, dt: float = 1.0) -> Tensor:
    """The values that phases stand for: the direction of the complex mean.

    Equation: z = sum_t s[t] exp(2 pi i f t dt), phi = -arg z in [-pi, pi] unfolded to the side of [0, span], x = phi /
    span, clipped to [0, 1]. Without jitter the phase is off by at most pi f dt, half a step, of a single spike; over N
    cycles jitter leaves a standard error of about 2 pi jitter / sqrt(N). Without spikes z = 0 and x = 0.
    Shapes: spikes [steps, batch, *features] -> [batch, *features]; half precision comes out as float32.
    Units: frequency in hertz, dt in milliseconds, span in radians.
    Raises: ParameterError (NaN, frequency above half a cycle per step, span outside (0, 2 pi]), DTypeError, ShapeError.

    >>> import torch
    >>> s = oscillation_phase(torch.tensor([[0.0, 0.5]]), 40, frequency=50.0)
    >>> [round(x, 6) for x in oscillation_phase_decode(s, frequency=50.0)[0].tolist()]
    [0.0, 0.5]
    """
    train = wide(check_values("spikes of oscillation_phase_decode", spikes, rank=2))
    _, span, _ = _check_oscillation("oscillation_phase_decode", frequency, span, 0.0, dt)
    spikes_at = spike_phase(train, frequency=frequency, dt=dt)
    # An angle may fall either side of the cut; it is put where the nearer end of [0, span] is.
    middle = span / 2.0
    phi = torch.remainder(-spikes_at.angle - middle + math.pi, math.tau) + middle - math.pi
    return (phi / span).clamp(0.0, 1.0).masked_fill(spikes_at.strength == 0, 0.0)


class OscillationPhase(DecodableEncoder):
    """Values in [0, 1] as phases of an oscillation; see `oscillation_phase`.

    >>> OscillationPhase(100, frequency=40.0)(torch.rand(4, 64)).sum(0).unique()  # spikes per 100 ms at 40 Hz
    tensor([4.])
    """

    low = 0.0
    high = 1.0

    def __init__(
        self, steps: int, *, frequency: float, span: float = math.pi, jitter: float = 0.0, dt: float = 1.0
    ) -> None:
        super().__init__()
        self.steps = check_steps("steps of OscillationPhase", steps)
        _, self.span, self.jitter = _check_oscillation("OscillationPhase", frequency, span, jitter, dt)
        self.frequency, self.dt = float(frequency), float(dt)

    @classmethod
    def example(cls) -> Self:
        """Five cycles of 40 Hz with spikes jittered by 2 % of the period."""
        return cls(125, frequency=40.0, jitter=0.02)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]."""
        return oscillation_phase(
            x,
            self.steps,
            frequency=self.frequency,
            span=self.span,
            jitter=self.jitter,
            dt=self.dt,
            generator=generator,
        )

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `oscillation_phase_decode`."""
        return oscillation_phase_decode(spikes, frequency=self.frequency, span=self.span, dt=self.dt)


def _check_oscillation(
    what: str, frequency: float, span: float, jitter: float, dt: float
) -> tuple[float, float, float]:
    """The period in steps, the span and the jitter."""
    dt = check_positive(f"dt of {what}, in ms", dt)
    frequency = check_positive(f"frequency of {what}, in hertz with dt = {dt:g} ms", frequency, high=500.0 / dt)
    if not 0.0 <= jitter < math.inf:
        raise ParameterError(f"jitter of {what}", expected="a finite fraction of at least 0", got=repr(jitter))
    span = check_positive(f"span of {what}, in radians", span, high=math.tau)
    return 1000.0 / (frequency * dt), span, float(jitter)
