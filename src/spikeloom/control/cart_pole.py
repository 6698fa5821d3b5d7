"""A pole on a cart that must not fall over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from .task import Step, Task, check_sizes


@dataclass(frozen=True)
class CartPole(Task):
    """A cart is pushed to the left (action 0) or to the right (1) so that the pole on it stays upright.

    With force F, masses m (pole) and M (both), half the pole's length l, angle q from upright and position x:

        q'' = (g sin q - cos q (F + m l q'^2 sin q) / M) / (l (4/3 - m cos^2 q / M))
        x'' = (F + m l (q'^2 sin q - q'' cos q)) / M

    in Euler steps of dt, positions with the velocities from before the step. An episode is over where |q| or |x| is
    above its limit, with a reward of -1; all others are 0. It begins with the four numbers at random within
    `first_position`, `first_speed`, and 0.05 twice; a learner begins in more places than a judge.

    Shapes: state [n, 4] as x, x', q, q'. Units: m, kg, N, s, radians.
    Raises: ParameterError.
    Source: Barto, Sutton and Anderson 1983, "Neuronlike adaptive elements that can solve difficult learning control
    problems", IEEE Trans. SMC 13:834-846, appendix, without its friction; sizes, limits and reward are theirs. Random
    beginnings are not from there.

    >>> import torch
    >>> task = CartPole()
    >>> task.step(torch.zeros(1, 4), torch.tensor([1])).state
    tensor([[ 0.0000,  0.1951,  0.0000, -0.2927]])
    """

    actions: ClassVar[int] = 2

    force: float = 10.0
    mass_pole: float = 0.1
    mass_cart: float = 1.0
    half_length: float = 0.5
    gravity: float = 9.8
    dt: float = 0.02
    highest_angle: float = math.radians(12.0)
    farthest: float = 2.4
    first_position: float = 0.05
    first_speed: float = 0.05

    def __post_init__(self) -> None:
        check_sizes(self)

    def begin(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        within = torch.tensor([self.first_position, self.first_speed, 0.05, 0.05])
        return within * (2 * torch.rand(n, 4, generator=generator) - 1)

    def step(self, state: Tensor, action: Tensor) -> Step:
        x, v, q, w = state.unbind(1)
        total, moment = self.mass_pole + self.mass_cart, self.mass_pole * self.half_length
        sine, cosine = q.sin(), q.cos()
        pushed = (self.force * (2 * action - 1) + moment * w.square() * sine) / total
        inertia = self.half_length * (4 / 3 - self.mass_pole * cosine.square() / total)
        turned = (self.gravity * sine - cosine * pushed) / inertia
        slid = pushed - moment * turned * cosine / total
        after = torch.stack([x + self.dt * v, v + self.dt * slid, q + self.dt * w, w + self.dt * turned], 1)
        over = (after[:, 2].abs() > self.highest_angle) | (after[:, 0].abs() > self.farthest)
        return Step(after, -over.to(x.dtype), over)

    def observe(self, state: Tensor) -> Tensor:
        """In units of the limits, velocities in limits per second and per 0.25 s."""
        return state / state.new_tensor([self.farthest, self.farthest, self.highest_angle, 4 * self.highest_angle])
