"""The task: an environment that is acted on, many episodes at once."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from ..errors import ParameterError


class Step(NamedTuple):
    """What an action brings: the next states [n, k], rewards [n], and whether episodes are over, [n]."""

    state: Tensor
    reward: Tensor
    over: Tensor


class Played(NamedTuple):
    """Of episodes: the sum of rewards [n], how many steps each took [n], and all that was observed, [steps, ...]."""

    score: Tensor
    steps: Tensor
    observed: Tensor


class Task(ABC):
    """Abstract: states go in and come out; nothing is kept. An action is a whole number below `actions`.

    A time limit is not the task's: an episode that is cut off is not over, and a learner must tell them apart.
    """

    actions: ClassVar[int]

    @abstractmethod
    def begin(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """First states of n episodes, [n, k]."""

    @abstractmethod
    def step(self, state: Tensor, action: Tensor) -> Step:
        """What actions [n] bring in states [n, k]."""

    def observe(self, state: Tensor) -> Tensor:
        """What an agent is told of states; by default all of it."""
        return state


def check_sizes(task: Task, *but: str) -> None:
    """Whether all numbers of a task, `but` for some, are finite and above 0. Raises: ParameterError."""
    for name, value in vars(task).items():
        if name not in but and not 0.0 < value < math.inf:
            raise ParameterError(f"{type(task).__name__}.{name}", expected="a number above 0", got=value)
