"""A lane to be followed by what an event camera sees of its marks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import ParameterError
from .task import Step, Task, check_sizes

# Fine pixels of the camera on the ground ahead: rows, columns; metres from the car and to each side.
_ROWS, _COLUMNS, _NEAR, _FAR, _SIDE = 32, 64, 0.1, 1.1, 0.5


@dataclass(frozen=True)
class Lane(Task):
    """A car on a closed lane of two straights and two half circles, which it sees as events of a camera.

    The lane is what lies within half its width from the line at the distance `radius` from a straight of the length
    `straight`; its marks are dashes on both sides. An event is a pixel of ground ahead, 3 x 1.6 cm, that a mark has
    entered or left since the last step. `events` counts them in blocks, `view` = (rows, columns). Two motors m drive:
    the share a = m_l - m_r turns to the right, speed and turn go to v_max - |a| (v_max - v_min) and -turning a by the
    share sqrt((m_l^2 + m_r^2) / 2) in a step. An episode is over where the distance d from the middle is above
    `farthest`. As a task of actions 0 (left), 1 (ahead) and 2 (right) it has the speed v_min, turns by 0 or `turning`
    / 4, shows the events of its `view` in units of 15, at most 1, and rewards with the normal density of d, sigma 0.15.

    Shapes: state [n, 9] as position x, y and heading now and a step ago, speed, turn, and the direction of travel, 1
    (counterclockwise) or -1, which alternates from one episode to the next. Units: m, s, radians.
    Raises: ParameterError.
    Source: Bing, Meschede, Chen, Knoll and Huang 2020, "Indirect and direct training of spiking neural networks for
    end-to-end control of a lane-keeping vehicle", Neural Networks 121:21-36 (motors, actions, rewards, sizes of the
    lane). Not from there: the shape of the track, the camera, the wheels' distance.

    >>> import torch, spikeloom as sl
    >>> lane = sl.control.Lane()
    >>> state = lane.begin(2)
    >>> state = lane.drive(state, torch.tensor([[1.0, 1.0], [1.0, 0.0]]))
    >>> lane.distance(state).shape, lane.events(state).shape
    (torch.Size([2]), torch.Size([2, 4, 8]))
    """

    actions: ClassVar[int] = 3

    radius: float = 2.0
    straight: float = 5.0
    width: float = 0.5
    mark: float = 0.04
    dash: float = 0.1
    v_min: float = 1.0
    v_max: float = 1.5
    turning: float = 3.0
    farthest: float = 0.2
    dt: float = 0.05
    view: tuple[int, int] = (4, 8)

    def __post_init__(self) -> None:
        check_sizes(self, "view")
        if min(self.view) < 1 or _ROWS % self.view[0] or _COLUMNS % self.view[1]:
            got = f"{self.view[0]} x {self.view[1]}"
            raise ParameterError("Lane.view", expected=f"divisors of {_ROWS} x {_COLUMNS} pixels", got=got)

    def begin(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """In the middle of the lane, anywhere on the straights, nearly along it."""
        side = torch.where(torch.rand(n, generator=generator) < 0.5, 1.0, -1.0)
        travel = 1.0 - 2.0 * (torch.arange(n) % 2)
        x = self.straight * (torch.rand(n, generator=generator) - 0.5)
        heading = torch.where(side * travel > 0, math.pi, 0.0) + 0.1 * torch.randn(n, generator=generator)
        pose = torch.stack([x, side * self.radius, heading])
        return torch.stack([*pose, *pose, torch.full((n,), self.v_min), torch.zeros(n), travel], 1)

    def drive(self, state: Tensor, motors: Tensor) -> Tensor:
        """The next states with motors [n, 2], left and right, at their shares of the highest activity."""
        left, right = motors.unbind(1)
        share, a = (motors.square().sum(1) / 2).sqrt().clamp(max=1.0), left - right
        speed = state[:, 6] + share * (self.v_max - a.abs() * (self.v_max - self.v_min) - state[:, 6])
        turn = state[:, 7] + share * (-self.turning * a - state[:, 7])
        return self._moved(state, speed, turn)

    def step(self, state: Tensor, action: Tensor) -> Step:
        turn = (1 - action).to(state.dtype) * self.turning / 4
        after = self._moved(state, torch.full_like(turn, self.v_min), turn)
        d = self.distance(after)
        reward = torch.exp(-(d / 0.15).square() / 2) / (0.15 * math.sqrt(2 * math.pi))
        return Step(after, reward, d.abs() > self.farthest)

    def observe(self, state: Tensor) -> Tensor:
        return (self.events(state) / 15.0).clamp(max=1.0).flatten(1)

    def distance(self, state: Tensor) -> Tensor:
        """How far the car is to the left of the lane's middle, [n]."""
        away, _ = self._along(state[:, 0], state[:, 1])
        return -state[:, 8] * away

    def progress(self, before: Tensor, after: Tensor) -> Tensor:
        """Metres along the lane's middle, in the direction of travel, between two states, [n]."""
        both = [self._along(each[:, 0], each[:, 1])[1] for each in (before, after)]
        half = self.straight + math.pi * self.radius
        return before[:, 8] * ((both[1] - both[0] + half) % (2 * half) - half)

    def events(self, state: Tensor) -> Tensor:
        """Events of the last step in blocks, [n, rows, columns], the nearest row first, columns from the left."""
        changed = self._seen(state[:, :3]) != self._seen(state[:, 3:6])
        rows, columns = self.view
        return changed.view(-1, rows, _ROWS // rows, columns, _COLUMNS // columns).sum((2, 4)).to(state.dtype)

    def _moved(self, state: Tensor, speed: Tensor, turn: Tensor) -> Tensor:
        """Along the heading in the middle of the step."""
        heading = state[:, 2] + turn * self.dt
        middle = (state[:, 2] + heading) / 2
        x, y = state[:, 0] + self.dt * speed * middle.cos(), state[:, 1] + self.dt * speed * middle.sin()
        return torch.stack([x, y, heading, *state[:, :3].unbind(1), speed, turn, state[:, 8]], 1)

    def _along(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Distance outwards from the middle of the lane, and arc length along it, counterclockwise."""
        beside = x.clamp(-self.straight / 2, self.straight / 2)
        rest = x - beside
        half = self.straight + math.pi * self.radius
        angle = torch.atan2(rest * y.sign(), y.abs()) * y.sign()
        arc = torch.where(y < 0, beside, half - beside) - self.radius * angle * y.sign()
        return torch.hypot(rest, y) - self.radius, arc % (2 * half)

    def _seen(self, pose: Tensor) -> Tensor:
        """Which pixels a mark covers, [n, pixels], of cars at [n, 3]."""
        ahead = torch.linspace(_NEAR, _FAR, 2 * _ROWS + 1)[1::2].repeat_interleave(_COLUMNS)
        left = torch.linspace(_SIDE, -_SIDE, 2 * _COLUMNS + 1)[1::2].repeat(_ROWS)
        x, y, heading = (each.unsqueeze(1) for each in pose.unbind(1))
        cosine, sine = heading.cos(), heading.sin()
        away, arc = self._along(x + ahead * cosine - left * sine, y + ahead * sine + left * cosine)
        return ((away.abs() - self.width / 2).abs() < self.mark / 2) & (arc % (2 * self.dash) < self.dash)
