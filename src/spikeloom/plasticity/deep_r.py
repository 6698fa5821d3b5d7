"""DEEP R: training with a number of connections that never changes, while they move to where they are needed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .. import random
from ..errors import ParameterError, ShapeError
from ..parameters import Declared, Param
from ._weights import check_weights, lottery


@dataclass
class Connections:
    """Weights [*shape], 0 where there is no connection; which there are, bool; the sign that each place has, +-1."""

    w: Tensor
    mask: Tensor
    sign: Tensor


class DeepR(Declared):
    """DEEP R: weights w = sign theta with theta > 0; where theta would fall to 0, a random other connection is made.

    To be called after each step of an optimiser: active connections first lose `lr l1` of theta and gain
    sqrt(2 lr temperature) times standard normal noise; those with theta <= 0 are then cut, and as many made at random
    among all that are not there, with theta = `theta_new`. Signs belong to places and never change, and the number of
    connections is the same after each call, exactly. What the optimiser did to places without a connection is undone.

    Raises: ParameterError, UnknownNameError.
    Source: Bellec, Kappel, Maass and Legenstein 2018, Deep rewiring, ICLR, algorithm 1; there new connections begin at
    theta = 0.

    >>> import torch, spikeloom as sl
    >>> layer, deep_r = torch.nn.Linear(20, 10), sl.plasticity.DeepR(lr=0.1)
    >>> connections = deep_r.start(layer.weight, count=30, seed=1)
    >>> connections = deep_r.update(connections, connections.w - 0.1, seed=1, step=1)
    >>> layer.weight.data.copy_(connections.w).count_nonzero()
    tensor(30)
    """

    lr = Param(0.01, "1", "learning rate of the optimiser", low=0.0)
    l1 = Param(1e-4, "1", "pull of every weight to 0", at_least=0.0)
    temperature = Param(0.0, "1", "strength of the random walk of weights", at_least=0.0)
    theta_new = Param(1e-6, "weight", "size of a new weight", low=0.0)

    def start(self, w: Tensor, *, count: int, seed: int = 0) -> Connections:
        """`count` random connections, with weights and signs as given; where a weight is 0 the sign is random."""
        check_weights("w of DeepR", w)
        if not 1 <= count <= w.numel():
            raise ParameterError("count of DeepR", expected=f"1 ... {w.numel()} connections", got=count)
        w = w.detach()
        coin = torch.where(lottery(tuple(w.shape), seed, 0, 0) < 0.5, -1.0, 1.0).to(w)
        sign = torch.where(w == 0, coin, w.sign())
        mask = _drawn(torch.zeros_like(w, dtype=torch.bool), count, seed, 0)
        return self._weights(w.abs(), mask, mask & (w == 0), sign)

    def update(self, connections: Connections, w: Tensor, *, seed: int = 0, step: int) -> Connections:
        """After an optimiser made the weights `w`; the same for the same seed and step, which counts the calls."""
        check_weights("w of DeepR", w)
        if w.shape != connections.mask.shape:
            raise ShapeError("w of DeepR", expected=list(connections.mask.shape), got=list(w.shape))
        values = {name: float(value) for name, value in self.param_values().items()}
        sign, mask = connections.sign, connections.mask
        theta = sign * w.detach() - values["lr"] * values["l1"]
        if values["temperature"]:
            noise = random.normal(seed, 2, torch.arange(w.numel()), step).view(w.shape).to(w)
            theta = theta + math.sqrt(2 * values["lr"] * values["temperature"]) * noise
        alive = mask & (theta > 0)
        made = _drawn(alive, int(mask.sum()) - int(alive.sum()), seed, step)
        return self._weights(theta, alive | made, made, sign)

    def _weights(self, theta: Tensor, mask: Tensor, made: Tensor, sign: Tensor) -> Connections:
        theta = torch.where(made, float(self.param_values()["theta_new"]), theta)
        return Connections(torch.where(mask, sign * theta, 0.0), mask, sign)


def _drawn(taken: Tensor, count: int, seed: int, step: int) -> Tensor:
    """A mask of `count` random places that are not taken."""
    numbers = lottery(tuple(taken.shape), seed, 1, step).to(taken.device) + taken
    mask = torch.zeros(taken.numel(), dtype=torch.bool, device=taken.device)
    mask[numbers.flatten().argsort(stable=True)[:count]] = True
    return mask.view(taken.shape)
