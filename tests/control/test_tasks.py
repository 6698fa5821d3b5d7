"""Tasks in closed loop: the equations of the pole, the geometry of the lane and what a camera sees of it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from spikeloom.control import CartPole, Lane
from spikeloom.errors import ParameterError


def test_the_pole_obeys_the_equations_of_motion() -> None:
    # Lagrange's equations of a cart and a thin rod, of which the task states the solution for both accelerations.
    task, generator = CartPole(), torch.Generator().manual_seed(0)
    state = (torch.rand(50, 4, generator=generator, dtype=torch.float64) - 0.5) * torch.tensor([2.0, 4.0, 0.4, 4.0])
    action = torch.randint(2, (50,), generator=generator)
    after = task.step(state, action).state
    x2, q2 = (after[:, 1] - state[:, 1]) / task.dt, (after[:, 3] - state[:, 3]) / task.dt
    _, _, q, w = state.unbind(1)
    m, total, half = task.mass_pole, task.mass_pole + task.mass_cart, task.half_length
    force = 10.0 * (2.0 * action.double() - 1.0)
    assert torch.allclose(total * x2 + m * half * (q2 * q.cos() - w**2 * q.sin()), force, atol=1e-9)
    assert torch.allclose(4 / 3 * half * q2 + x2 * q.cos(), task.gravity * q.sin(), atol=1e-9)
    assert torch.allclose(after[:, ::2], state[:, ::2] + task.dt * state[:, 1::2])


def test_an_episode_is_over_at_the_limits() -> None:
    task = CartPole()
    inside, fallen, away = torch.zeros(3, 4)
    fallen[2], away[0] = math.radians(12.5), -2.5
    made = task.step(torch.stack([inside, fallen, away]), torch.zeros(3, dtype=torch.long))
    assert made.over.tolist() == [False, True, True]
    assert made.reward.tolist() == [0.0, -1.0, -1.0]


def on_the_middle(lane: Lane, arc: Tensor) -> Tensor:
    """Poses [n, 3] along the middle, counterclockwise, from the middle of the lower straight."""
    half, curve = lane.straight / 2, math.pi * lane.radius
    found = []
    for s in arc.tolist():
        far, s = divmod(s % (2 * (lane.straight + curve)), lane.straight + curve)
        # The second half of the lane is the first, turned by half a turn.
        if s < half:
            x, y, heading = s, -lane.radius, 0.0
        elif s < half + curve:
            turned = (s - half) / lane.radius
            x, y, heading = half + lane.radius * math.sin(turned), -lane.radius * math.cos(turned), turned
        else:
            x, y, heading = half - (s - half - curve), lane.radius, math.pi
        sign = 1.0 - 2.0 * far
        found.append([sign * x, sign * y, heading + math.pi * far])
    return torch.tensor(found)


def state_at(pose: Tensor, travel: float) -> Tensor:
    turned = pose.clone()
    if travel < 0:
        turned[:, 2] += math.pi
    rest = torch.tensor([1.0, 0.0, travel]).expand(len(pose), 3)
    return torch.cat([turned, turned, rest], 1)


@pytest.mark.parametrize("travel", [1.0, -1.0])
def test_distance_and_progress_along_the_lane(travel: float) -> None:
    lane = Lane()
    length = 2 * (lane.straight + math.pi * lane.radius)
    arc = torch.linspace(0.0, length, 80)
    state = state_at(on_the_middle(lane, arc), travel)
    assert float(lane.distance(state).abs().max()) < 1e-5
    made = lane.progress(state[:-1], state[1:])
    assert torch.allclose(made, torch.full_like(made, travel * length / 79), atol=1e-4)
    # A step to the left of the heading is a distance to the left.
    left = state.clone()
    left[:, 0] -= 0.1 * state[:, 2].sin()
    left[:, 1] += 0.1 * state[:, 2].cos()
    assert torch.allclose(lane.distance(left), torch.tensor(0.1), atol=1e-4)


def test_the_stronger_motor_turns_the_car_to_the_other_side() -> None:
    lane = Lane()
    state = state_at(on_the_middle(lane, torch.zeros(3)), 1.0)
    for _ in range(4):
        state = lane.drive(state, torch.tensor([[1.0, 0.2], [0.2, 1.0], [0.6, 0.6]]))
    right, left, ahead = lane.distance(state).tolist()
    assert right < -0.01 and left == pytest.approx(-right, abs=1e-5) and ahead == pytest.approx(0.0, abs=1e-5)
    assert float(state[2, 6]) == pytest.approx(1.5 - 0.5 * 0.4**4, abs=1e-5)


def test_actions_turn_to_their_side_and_the_middle_is_rewarded_most() -> None:
    lane = Lane()
    state = state_at(on_the_middle(lane, torch.zeros(3)), 1.0)
    for _ in range(3):
        made = lane.step(state, torch.arange(3))
        state = made.state
    left, ahead, right = lane.distance(state).tolist()
    assert left > 0.005 and right == pytest.approx(-left, abs=1e-5) and ahead == pytest.approx(0.0, abs=1e-5)
    density = torch.distributions.Normal(0.0, 0.15).log_prob(lane.distance(state)).exp()
    assert torch.allclose(made.reward, density, rtol=1e-4) and not made.over.any()
    off = state_at(on_the_middle(lane, torch.zeros(3)), 1.0)
    off[:, 1] += torch.tensor([0.25, 0.1, -0.25])
    assert lane.step(off, torch.ones(3)).over.tolist() == [True, False, True]
    crowded = Lane(view=(1, 1))
    assert float(crowded.events(state).max()) > 15.0 == 15.0 * float(crowded.observe(state).max())


def test_marks_are_seen_where_they_are() -> None:
    lane = Lane()
    state = state_at(on_the_middle(lane, torch.zeros(1)), 1.0)
    for _ in range(3):
        state = lane.drive(state, torch.ones(1, 2))
    events = lane.events(state)[0].sum(0)
    # Marks 0.25 m to each side of a car in the middle are on the borders of columns 2 and 3, and of 6 and 7.
    assert float(events[[1, 2, 5, 6]].sum()) == float(events.sum()) > 50
    shifted = state.clone()
    shifted[:, [1, 4]] += 0.1
    seen = lane.events(shifted)[0].sum(0)
    assert float(seen[[2, 6]].sum()) == float(seen.sum()) > 50


def test_a_mirrored_car_is_on_the_other_side() -> None:
    lane = Lane()
    state = lane.begin(20, torch.Generator().manual_seed(0))
    after = lane.drive(state, torch.rand(20, 2, generator=torch.Generator().manual_seed(1)))
    mirrored = after.clone()
    mirrored[:, [0, 3]] *= -1.0
    mirrored[:, [2, 5]] = math.pi - after[:, [2, 5]]
    mirrored[:, 8] *= -1.0
    assert torch.allclose(lane.distance(mirrored), -lane.distance(after), atol=1e-5)


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"CartPole\.force"):
        CartPole(force=0.0)
    with pytest.raises(ParameterError, match=r"Lane\.dash"):
        Lane(dash=math.inf)
    for view in ((5, 8), (0, 8), (4, -8)):
        with pytest.raises(ParameterError, match=r"Lane\.view"):
            Lane(view=view)
