"""The store-recall task: remember a value until it is asked for, while other values pass by."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError


def store_recall(
    n: int,
    *,
    length: int = 12,
    delay: float = 6.0,
    duration: int = 200,
    group: int = 25,
    rate: float = 50.0,
    dt: float = 1.0,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Sequences of values 0 and 1, some with a command to store the value, and later commands to recall it.

    In each of `length` symbols a value is shown at random, but none at a recall. After a store comes a recall, after
    that the next store; each comes with a probability of 1 / (1 + delay) per symbol. Sequences have a store at least,
    and end with nothing stored that is not recalled; others are drawn again. Four groups of inputs, for value 0, value
    1, store and recall, send Poisson spikes of `rate` while theirs is shown, and are silent otherwise.
    Shapes: spikes [length * duration, n, 4 * group]; recall, true where one is asked for, and value, int64, that which
    was stored last, both [length, n]. Units: duration in steps, delay in symbols, rate in spikes per second, dt in ms.
    `generator=None` draws from PyTorch's global generator. Raises: ParameterError.

    >>> spikes, recall, value = store_recall(8, generator=torch.Generator().manual_seed(0))
    >>> spikes.shape, recall.shape, bool(recall.any(0).all())
    (torch.Size([2400, 8, 100]), torch.Size([12, 8]), True)

    Source: Bellec, Salaj, Subramoney, Legenstein and Maass 2018, NeurIPS 31, and the program of the authors
    (IGITUGraz/LSNN-official), from which the numbers are.
    """
    p = rate * dt / 1000.0
    for name, given, least in (("n", n, 1), ("length", length, 2), ("duration", duration, 1), ("group", group, 1)):
        if given < least:
            raise ParameterError(f"{name} of store_recall", expected=f"{least} or more", got=given)
    if not 0.0 <= p <= 1.0:
        raise ParameterError("rate of store_recall", expected="0 to 1 spikes in a step", got=p)
    if not 0.1 <= delay <= 10 * length:
        raise ParameterError("delay of store_recall", expected=f"0.1 to {10 * length} symbols", got=delay)
    store, recall = _commands(n, length, 1.0 / (1.0 + delay), generator)
    shown = torch.randint(0, 2, (length, n), generator=generator)
    groups = torch.stack([(shown == 0) & ~recall, (shown == 1) & ~recall, store, recall], 2)
    active = groups.repeat_interleave(duration, 0).repeat_interleave(group, 2)
    spikes = (torch.rand(active.shape, generator=generator) < p * active).float()
    # Of the last store up to each symbol.
    place = torch.where(store, torch.arange(length).unsqueeze(1), 0).cummax(0).values
    return spikes, recall, shown.gather(0, place)


def _commands(n: int, length: int, p: float, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Where there are stores and recalls, [length, n] each."""
    command = torch.zeros(length, n, dtype=torch.bool)
    missing = torch.arange(n)
    while len(missing):
        drawn = torch.rand(length, len(missing), generator=generator) < p
        command[:, missing] = drawn
        count = drawn.sum(0)
        # Stores and recalls take turns, so an even number ends with a recall.
        missing = missing[(count == 0) | (count % 2 == 1)]
    odd = command.cumsum(0) % 2 == 1
    return command & odd, command & ~odd
