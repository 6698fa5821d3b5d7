"""Deep Q-learning: a network learns what each action will bring."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ParameterError
from .task import Played, Task


class _Replay:
    """The last transitions: observation, action, reward, next observation, over."""

    def __init__(self, size: int) -> None:
        self.size, self.count, self.kept = size, 0, []

    kept: list[Tensor]

    def add(self, *parts: Tensor) -> None:
        if not self.kept:
            self.kept = [torch.zeros(self.size, *part.shape[1:], dtype=part.dtype) for part in parts]
        at = torch.arange(self.count, self.count + len(parts[0])) % self.size
        for kept, part in zip(self.kept, parts, strict=True):
            kept[at] = part
        self.count += len(parts[0])

    def some(self, n: int, generator: torch.Generator) -> list[Tensor]:
        chosen = torch.randint(min(self.count, self.size), (n,), generator=generator)
        return [kept[chosen] for kept in self.kept]


def deep_q(
    task: Task,
    net: nn.Module,
    *,
    updates: int,
    episodes: int = 16,
    batch: int = 128,
    lr: float = 3e-3,
    discount: float = 0.98,
    exploration: tuple[float, float] = (1.0, 0.05),
    replay: int = 50_000,
    warm: int = 1_000,
    mixing: float = 0.1,
    double: bool = True,
    limit: int = 500,
    seed: int = 0,
    track: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> nn.Module:
    """Train a network, observations [n, ...] to values [n, actions], in place, by temporal differences; returns it.

    Loss: Huber of Q(s, a) - (r + discount (1 - over) Q'(s', argmax Q(s', .))), Q' a copy that follows by the share
    `mixing`; without `double` the maximum is taken of Q' itself. Each update takes a batch from the last `replay`
    transitions, and `episodes` at once each make a step. They act at random with a probability that falls over the
    first half of the updates (`exploration`), and begin anew when over or after `limit` steps; the first `warm`
    transitions are all random. The rate falls to 0 along a cosine.

    Raises: ParameterError. Source: Mnih et al. 2015, Nature 518:529-533; van Hasselt, Guez and Silver 2016, AAAI
    (double); Lillicrap et al. 2016, ICLR (a copy that follows). Episodes side by side are not from there.

    >>> import torch, spikeloom as sl
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
    >>> task = sl.control.CartPole()
    >>> net = sl.control.deep_q(task, net, updates=10)
    >>> sl.control.play(task, sl.control.greedy(net), episodes=3, limit=20).score.shape
    torch.Size([3])
    """
    _check(updates=updates, episodes=episodes, batch=batch, replay=replay, limit=limit)
    generator = torch.Generator().manual_seed(seed)
    target, memory = copy.deepcopy(net), _Replay(max(replay, warm))
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    state, age = task.begin(episodes, generator), torch.zeros(episodes, dtype=torch.long)
    seen = task.observe(state)
    early = -(-warm // episodes)
    for number in track(range(-early, updates)):
        share = min(1.0, 2.0 * max(number, 0) / updates)
        wander = 1.0 if number < 0 else exploration[0] + share * (exploration[1] - exploration[0])
        action = _explored(net, seen, wander, task.actions, generator)
        made, age = task.step(state, action), age + 1
        after = task.observe(made.state)
        memory.add(seen, action, made.reward, after, made.over)
        anew = made.over | (age >= limit)
        state = torch.where(anew.unsqueeze(1), task.begin(episodes, generator), made.state)
        age, seen = age.masked_fill(anew, 0), task.observe(state) if bool(anew.any()) else after
        if number < 0:
            continue
        loss = _loss(net, target, memory.some(batch, generator), discount, double)
        for group in optimizer.param_groups:
            group["lr"] = lr * 0.5 * (1 + math.cos(math.pi * number / updates))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(list(target.parameters()), list(net.parameters()), mixing)
    return net.eval()


@torch.no_grad()
def _explored(net: nn.Module, seen: Tensor, wander: float, actions: int, generator: torch.Generator) -> Tensor:
    drawn = torch.randint(actions, (len(seen),), generator=generator)
    return torch.where(torch.rand(len(seen), generator=generator) < wander, drawn, net(seen).argmax(1))


def _loss(net: nn.Module, target: nn.Module, some: list[Tensor], discount: float, double: bool) -> Tensor:
    seen, action, reward, after, over = some
    with torch.no_grad():
        ahead = target(after)
        best = (net(after) if double else ahead).argmax(1, keepdim=True)
        wanted = reward + discount * torch.where(over, 0.0, ahead.gather(1, best).squeeze(1))
    return nn.functional.smooth_l1_loss(net(seen).gather(1, action.unsqueeze(1)).squeeze(1), wanted)


def greedy(values: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The agent that takes the action of the highest value; observations [n, ...] to actions [n]."""
    return lambda seen: values(seen).argmax(1)


@torch.no_grad()
def play(task: Task, act: Callable[[Tensor], Tensor], *, episodes: int = 20, limit: int = 500, seed: int = 0) -> Played:
    """Let an agent act, observations [n, ...] to actions [n], in episodes from the same beginnings for each agent.

    Raises: ParameterError.
    """
    _check(episodes=episodes, limit=limit)
    state = task.begin(episodes, torch.Generator().manual_seed(seed))
    score, steps = torch.zeros(episodes), torch.zeros(episodes, dtype=torch.long)
    going, watched = torch.arange(episodes), []
    for _ in range(limit):
        seen = task.observe(state)
        watched.append(seen)
        made = task.step(state, act(seen))
        score[going] += made.reward
        steps[going] += 1
        state, going = made.state[~made.over], going[~made.over]
        if not len(going):
            break
    return Played(score, steps, torch.cat(watched))


def _check(**numbers: int) -> None:
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ParameterError(f"{name} of deep Q-learning", expected="a whole number >= 1", got=repr(number))
