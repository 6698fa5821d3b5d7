"""Piecewise-linear dynamics from event to event: matrix exponentials between the times at which v meets a border."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ..compile import leaf, partials
from ..errors import DTypeError, NonFiniteError, ParameterError, ShapeError
from .neuron import Neuron


class PiecewiseLinear(Neuron):
    """Abstract: v and one more state whose derivative is linear between values of v that a subclass names.

    The derivative is stated as in any neuron, with any integrator; `spike_times` needs none.
    """

    family = "piecewise linear"

    def borders(self) -> tuple[Tensor, ...]:
        """Potentials at which the derivative, which is continuous, changes its slope."""
        raise NotImplementedError(f"{type(self).__name__} states no borders(self)")

    def spike_times(self, i: Tensor) -> Tensor:
        """Times in ms of the spikes that follow from rest on the input i, [T], each value held for dt.

        Between two events (v meets a border or the threshold, i changes) the solution is a matrix exponential; the
        time of the next is found to rounding error, and none is missed, since the turning points of v between events
        have a closed form.

        Raises: ParameterError for a parameter of many values; ShapeError, DTypeError, NonFiniteError for i.
        """
        return torch.tensor(list(self._spikes(_checked(i))), dtype=torch.float64)

    def _spikes(self, i: Tensor) -> Iterator[float]:
        walk = _Walk(self._settled_view())
        values, counts = torch.unique_consecutive(i, return_counts=True)
        steps = 0
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            steps += count
            yield from walk.until(steps * walk.dt, value)

    def _settled_view(self) -> Self:
        """Bound to its parameters and at rest, in float64."""
        given = {n: torch.as_tensor(v, dtype=torch.float64).detach().cpu() for n, v in self.param_values().items()}
        for name, value in given.items():
            if value.numel() > 1:
                do = "make one neuron for each"
                raise ParameterError(
                    f"{type(self).__name__}.{name}", expected="a number for spike_times", got=list(value.shape), do=do
                )
        given = {name: value.reshape(()) for name, value in given.items()}
        rest = {n: given[s.rest] if isinstance(s.rest, str) else s.rest for n, s in self.states.items()}
        return self.bind({**given, **{n: torch.as_tensor(x, dtype=torch.float64) for n, x in rest.items()}})


def _checked(i: Tensor) -> Tensor:
    if not isinstance(i, Tensor) or not i.is_floating_point():
        got = i.dtype if isinstance(i, Tensor) else type(i).__name__
        raise DTypeError("i of spike_times", expected="a floating-point tensor", got=got)
    if i.dim() != 1:
        raise ShapeError("i of spike_times", expected="[T], a value for each step", got=list(i.shape))
    if not bool(torch.isfinite(i).all()):
        raise NonFiniteError("i of spike_times", expected="finite values", got="NaN or infinity")
    return i.detach().double().cpu()


class _Walk:
    """Where a neuron is: time, states, and the piece of the line of v."""

    def __init__(self, neuron: PiecewiseLinear) -> None:
        self.neuron = neuron
        self.dt = float(neuron.dt)
        self.names = ["v", *(name for name in neuron.states if name != "v")]
        self.v_th = float(neuron.value("v_th"))
        self.borders = sorted({self.v_th, *(float(border) for border in neuron.borders())})
        self.matrices = [self._matrix(v) for v in self._interiors()]
        self.t = 0.0
        self.piece = bisect.bisect_right(self.borders, float(neuron.value("v")))

    def until(self, end: float, i: float) -> Iterator[float]:
        """Spike times up to `end` at constant input i."""
        self.neuron = self.neuron.bind({"i": torch.tensor(i, dtype=torch.float64)})
        while True:
            edges = [-math.inf, *self.borders, math.inf]
            low, high = edges[self.piece], edges[self.piece + 1]
            flow = _Flow(self._state(), self._speed(), self.matrices[self.piece])
            found = flow.leaves(low, high, end - self.t)
            if found is None:
                self._move(flow.at(end - self.t))
                self.t = end
                return
            after, upward = found
            self.t += after
            border = high if upward else low
            self._move([border, *flow.at(after)[1:]])
            self.piece += 1 if upward else -1
            if upward and border == self.v_th:
                yield self.t
                self._reset()

    def _reset(self) -> None:
        after = self.neuron.reset()
        if after:
            self.neuron = self.neuron.bind({n: torch.as_tensor(x, dtype=torch.float64) for n, x in after.items()})
            self.piece = bisect.bisect_right(self.borders, float(self.neuron.value("v")))

    def _state(self) -> list[float]:
        return [float(self.neuron.value(name)) for name in self.names]

    def _move(self, state: list[float]) -> None:
        values = zip(self.names, state, strict=True)
        self.neuron = self.neuron.bind({name: torch.tensor(x, dtype=torch.float64) for name, x in values})

    def _speed(self) -> list[float]:
        slopes = self.neuron.slopes()
        return [float(slopes[name]) for name in self.names]

    def _interiors(self) -> list[float]:
        """A potential inside each piece."""
        between = [(a + b) / 2 for a, b in zip(self.borders, self.borders[1:], strict=False)]
        return [self.borders[0] - 1, *between, self.borders[-1] + 1]

    def _matrix(self, v: float) -> list[list[float]]:
        """The Jacobian of the derivative around v."""
        with torch.enable_grad():
            here = {name: self.neuron.value(name) for name in self.names}
            leaves = {
                name: leaf(torch.tensor(v, dtype=torch.float64) if name == "v" else x) for name, x in here.items()
            }
            still = torch.zeros((), dtype=torch.float64)
            slopes = self.neuron.bind({"i": still, **leaves}).slopes()
            rows = [partials(slopes[name], leaves) for name in self.names]
        return [[float(row[name].detach()) if name in row else 0.0 for name in self.names] for row in rows]


@dataclass(frozen=True)
class _Flow:
    """x(t) = start + integral of exp(A s) speed ds, of two variables, the first of them v."""

    start: list[float]
    speed: list[float]
    matrix: list[list[float]]

    def _moved(self, t: float) -> tuple[list[float], list[float]]:
        """State and speed after t, from one exponential of [[A, speed], [0, 0]]."""
        (a, b), (c, d) = self.matrix
        p, q = self.speed
        power = torch.linalg.matrix_exp(torch.tensor([[a, b, p], [c, d, q], [0, 0, 0]], dtype=torch.float64) * t)
        (e, f, x), (g, h, y), _ = power.tolist()
        return [self.start[0] + x, self.start[1] + y], [e * p + f * q, g * p + h * q]

    def at(self, t: float) -> list[float]:
        return self._moved(t)[0]

    def leaves(self, low: float, high: float, until: float) -> tuple[float, bool] | None:
        """When v first leaves the interval, and whether upward; None if not before `until`."""
        begin, v = 0.0, self.start[0]
        for end in self._turns(until):
            reached = self.at(end)[0]
            if reached > v and reached >= high:
                return self._crossing(begin, end, high), True
            if reached < v and reached < low:
                return self._crossing(begin, end, low), False
            begin, v = end, reached
        return None

    def _turns(self, until: float) -> Iterator[float]:
        """The times at which v turns round, and at last `until`: zeros of g C(t) + k S(t), C and S as in exp(A t)."""
        (a, b), (_, d) = self.matrix
        g, k = self.speed[0], (a - d) / 2 * self.speed[0] + b * self.speed[1]
        square = ((a - d) / 2) ** 2 + b * self.matrix[1][0]
        root = math.sqrt(abs(square))
        if square < 0:
            turn = math.atan2(-g * root, k) % math.pi / root
            while turn < until:
                if turn > 0:
                    yield turn
                turn += math.pi / root
        elif k != 0 and abs(g * root) < abs(k):
            turn = math.atanh(-g * root / k) / root if root > 0 else -g / k
            if 0 < turn < until:
                yield turn
        yield until

    def _crossing(self, begin: float, end: float, border: float) -> float:
        """When v meets the border, between two times between which it moves one way: Newton's method, kept inside."""
        upward = self.at(end)[0] > self.at(begin)[0]
        t = begin
        for _ in range(100):
            x, speed = self._moved(t)
            gap = x[0] - border
            if (gap > 0) == upward:
                end = min(end, t)
            else:
                begin = max(begin, t)
            guess = t - gap / speed[0] if speed[0] != 0 else math.inf
            new = guess if begin <= guess <= end else (begin + end) / 2
            if abs(new - t) <= 4e-16 * max(1.0, abs(t)):
                return new
            t = new
        return t
