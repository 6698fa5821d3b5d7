"""Ensembles: LIF neurons whose activities stand for a vector."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ...errors import ParameterError, ShapeError
from ...neurons import LIF, Refractory
from .decoders import solve

Span = tuple[float, float]
Function = Callable[[Tensor], Tensor]


class Ensemble:
    """LIF neurons with tuning curves a_i(x) = G[gain_i e_i . x / radius + bias_i], which together stand for x.

    G is the rate of the neuron under a constant current, G[J] = 1 / (t_ref + dt / 2 + tau_mem ln(J / (J - 1))) above
    J = 1, else 0. Encoders e_i are unit vectors, uniform in direction. Gain and bias follow from two numbers drawn for
    each neuron between the given bounds: the projection on e_i at which it begins to fire, and its rate where the
    projection is `radius`.

        J_max = 1 / (1 - exp(-(1 / a_max - t_ref - dt / 2) / tau_mem))
        gain = (J_max - 1) / (1 - intercept),  bias = 1 - gain intercept

    `dt` is the time step with which spikes will be simulated: they wait half a step on average for its end. 0 gives
    the curve in continuous time.

    Shapes: encoders [size, dimensions]; gain, bias, intercepts, max_rates [size]; float64. Units: spikes/s, ms.
    Raises: ParameterError, ShapeError.
    Source: Eliasmith and Anderson 2003, "Neural engineering", chapters 2 and 4; dt / 2 is ours.

    >>> import spikeloom as sl
    >>> ensemble = sl.network.nef.Ensemble(100, seed=1)
    >>> square = ensemble.solve(lambda x: x**2)
    >>> x = torch.tensor([[0.5]])
    >>> (ensemble.rates(x) @ square.T).round(decimals=2)
    tensor([[0.2400]], dtype=torch.float64)
    """

    def __init__(
        self,
        size: int,
        dimensions: int = 1,
        *,
        max_rates: Span = (100.0, 200.0),
        intercepts: Span = (-1.0, 0.9),
        radius: float = 1.0,
        encoders: Tensor | None = None,
        tau_mem: float = 20.0,
        t_ref: float = 2.0,
        dt: float = 0.1,
        seed: int = 0,
    ) -> None:
        self.size, self.dimensions, self.radius = size, dimensions, radius
        self.tau_mem, self.t_ref, self.dt = tau_mem, t_ref, dt
        self._verify(max_rates, intercepts)
        self.seed = seed
        generator = torch.Generator().manual_seed(seed)
        self.encoders = self._directions(size, generator) if encoders is None else self._unit(encoders)
        self.max_rates, self.intercepts = self._between(max_rates, generator), self._between(intercepts, generator)
        waits = 1e3 / self.max_rates - self._pause
        highest = -1 / torch.expm1(-waits / tau_mem)
        self.gain = (highest - 1) / (1 - self.intercepts)
        self.bias = 1 - self.gain * self.intercepts

    def current(self, x: Tensor) -> Tensor:
        """What x [..., dimensions] drives the neurons with, [..., size]; the threshold is 1."""
        if x.shape[-1:] != (self.dimensions,):
            raise ShapeError("x of Ensemble", expected=f"[..., {self.dimensions}]", got=list(x.shape))
        return x.double() @ self.encoders.T * (self.gain / self.radius) + self.bias

    def rates(self, x: Tensor) -> Tensor:
        """Activities [..., size] in spikes/s for x [..., dimensions]."""
        current = self.current(x)
        above = current > 1
        safe = torch.where(above, current, 2.0)
        period = self._pause - self.tau_mem * torch.log1p(-1 / safe)
        return torch.where(above, 1e3 / period, 0.0)

    def spikes(self, x: Tensor) -> Tensor:
        """Spikes [T, B, size] for x [T, B, dimensions], one value per dt; neurons begin at rest."""
        spikes: Tensor = self.neuron()(self.current(x).float())
        return spikes

    def neuron(self) -> Refractory:
        """One of its neurons; current 1 is the threshold."""
        return Refractory(LIF(tau_mem=self.tau_mem, dt=self.dt), t_ref=self.t_ref)

    def solve(
        self,
        function: Function | None = None,
        *,
        points: Tensor | int = 0,
        noise: float = 0.1,
        target: Tensor | None = None,
    ) -> Tensor:
        """Decoders [outputs, size] of a function of x, of x itself by default: f(x) is about decoders @ rates(x).

        They are fitted at `points` [samples, dimensions], or at so many drawn from the ball of the radius (0: 750, or
        200 for each dimension if that is more). `target` [samples, outputs] stands in for a function. `noise` is that
        of activities, as a share of the highest max_rate.
        """
        x = points if isinstance(points, Tensor) else self.points(points or max(750, 200 * self.dimensions))
        wanted = target if target is not None else function(x) if function is not None else x
        return solve(self.rates(x), wanted, noise=noise * float(self.max_rates.max()))

    def points(self, count: int) -> Tensor:
        """Vectors [count, dimensions] that are uniform in the ball of the radius; the same ones with each call."""
        # Seeds of ensembles are small numbers, so that no ensemble draws its encoders from this stream.
        generator = torch.Generator().manual_seed(self.seed + 2**32)
        length = torch.rand(count, 1, generator=generator, dtype=torch.float64).pow(1 / self.dimensions)
        return self.radius * length * self._directions(count, generator)

    @property
    def _pause(self) -> float:
        """Time between reset and the way to threshold, and from the threshold to the end of the step, ms."""
        return self.t_ref + self.dt / 2

    def _between(self, span: Span, generator: torch.Generator) -> Tensor:
        drawn = torch.rand(self.size, generator=generator, dtype=torch.float64)
        return span[0] + (span[1] - span[0]) * drawn

    def _directions(self, count: int, generator: torch.Generator) -> Tensor:
        drawn = torch.randn(count, self.dimensions, generator=generator, dtype=torch.float64)
        directions: Tensor = drawn / drawn.norm(dim=1, keepdim=True)
        return directions

    def _unit(self, encoders: Tensor) -> Tensor:
        wanted = (self.size, self.dimensions)
        if encoders.shape != wanted:
            raise ShapeError("encoders of Ensemble", expected=list(wanted), got=list(encoders.shape))
        length = encoders.double().norm(dim=1, keepdim=True)
        if not bool((torch.isfinite(length) & (length > 0)).all()):
            raise ParameterError("encoders of Ensemble", expected="finite vectors, none of them 0", got="another")
        unit: Tensor = encoders.double() / length
        return unit

    def _verify(self, max_rates: Span, intercepts: Span) -> None:
        for name, value in (("size", self.size), ("dimensions", self.dimensions)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ParameterError(f"{name} of Ensemble", expected="a whole number of at least 1", got=repr(value))
        for name, number, low in (("radius", self.radius, 0.0), ("tau_mem", self.tau_mem, 0.0)):
            if not low < number < math.inf:
                raise ParameterError(f"{name} of Ensemble", expected=f"a number > {low:g}", got=number)
        for name, number in (("t_ref", self.t_ref), ("dt", self.dt)):
            if not 0 <= number < math.inf:
                raise ParameterError(f"{name} of Ensemble", expected="a number >= 0 (ms)", got=number)
        fastest = 1e3 / self._pause if self._pause else math.inf
        if not 0 < max_rates[0] <= max_rates[1] < fastest:
            expected = f"rising, above 0, and below {fastest:.4g} spikes/s, which t_ref and dt allow"
            raise ParameterError("max_rates of Ensemble", expected=expected, got=max_rates)
        if not -math.inf < intercepts[0] <= intercepts[1] < 1:
            raise ParameterError("intercepts of Ensemble", expected="rising, and below 1", got=intercepts)
