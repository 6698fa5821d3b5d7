"""Deep Q-learning, on a task whose values are known."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from spikeloom.control import CartPole, Step, Task, deep_q, greedy, play
from spikeloom.control.deep_q import _loss
from spikeloom.errors import ParameterError


class Corridor(Task):
    """Six places in a row; action 1 goes on, 0 goes back to the first, and the last place brings 1 and is the end."""

    actions: ClassVar[int] = 2
    places = 6

    def begin(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return nn.functional.one_hot(torch.zeros(n, dtype=torch.long), self.places).float()

    def step(self, state: Tensor, action: Tensor) -> Step:
        at = (state.argmax(1) + 1) * action
        over = at == self.places - 1
        return Step(nn.functional.one_hot(at, self.places).float(), over.float(), over)


@pytest.mark.parametrize("double", [True, False])
def test_values_are_those_of_bellman(double: bool) -> None:
    task, net = Corridor(), nn.Linear(6, 2)
    nn.init.zeros_(net.weight)
    deep_q(task, net, updates=1200, batch=64, lr=0.05, discount=0.8, exploration=(1.0, 0.5), double=double, limit=50)
    values = net(torch.eye(6)).detach()[:5]
    # The end is 5 - k places away from place k, and from the first after going back.
    ahead = 0.8 ** torch.arange(4.0, -1.0, -1.0)
    assert torch.allclose(values[:, 1], ahead, atol=0.05)
    assert torch.allclose(values[:, 0], torch.full((5,), 0.8**5), atol=0.05)
    played = play(task, greedy(net), episodes=3)
    assert played.steps.tolist() == [5, 5, 5] and played.score.tolist() == [1.0, 1.0, 1.0]


def test_an_episode_that_is_cut_off_is_not_over() -> None:
    # Nothing but a reward of 1 at every step: the value is 1 / (1 - discount), however short episodes are.
    class Endless(Corridor):
        def step(self, state: Tensor, action: Tensor) -> Step:
            return Step(state, torch.ones(len(state)), torch.zeros(len(state), dtype=torch.bool))

    net = nn.Linear(6, 2)
    deep_q(Endless(), net, updates=800, lr=0.05, discount=0.75, mixing=0.2, limit=3)
    assert torch.allclose(net(Endless().begin(1)), torch.full((1, 2), 4.0), atol=0.1)


@pytest.mark.parametrize(("double", "ahead"), [(True, 2.0), (False, 5.0)])
def test_double_learning_judges_the_action_that_the_network_would_take(double: bool, ahead: float) -> None:
    net, target = nn.Linear(1, 2, bias=False), nn.Linear(1, 2, bias=False)
    net.weight.data, target.weight.data = torch.tensor([[3.0], [1.0]]), torch.tensor([[2.0], [5.0]])
    one = torch.ones(1, 1)
    some = [one, torch.tensor([1]), torch.tensor([0.5]), one, torch.tensor([False])]
    # Huber of 1 - (0.5 + 0.9 Q').
    assert _loss(net, target, some, 0.9, double).item() == pytest.approx(abs(1.0 - 0.5 - 0.9 * ahead) - 0.5)


def test_the_same_seed_learns_the_same() -> None:
    found = []
    for _ in range(2):
        torch.manual_seed(0)
        net = nn.Linear(4, 2)
        found.append(deep_q(CartPole(), net, updates=5, warm=64, seed=3).weight)
    assert torch.equal(*found)


def test_players_begin_alike_and_stop_when_over() -> None:
    first, second = (play(CartPole(), lambda seen: torch.ones(len(seen), dtype=torch.long), seed=7) for _ in range(2))
    assert torch.equal(first.observed, second.observed)
    # Pushed to one side all the time, a pole falls after about ten steps.
    assert int(first.steps.min()) >= 7 and int(first.steps.max()) <= 12
    assert len(first.observed) == int(first.steps.sum()) and first.score.tolist() == [-1.0] * 20


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ParameterError, match="updates"):
        deep_q(CartPole(), nn.Linear(4, 2), updates=0)
