"""A small memory for weights beside a large one, as event-driven accelerators have."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import ParameterError, ShapeError


def cache_hits(spikes: Sequence[Tensor], rows: int) -> float:
    """The share of spikes that find the weights of their neuron in a memory of so many rows, a row for each neuron.

    A row that is not there is fetched and takes the place of the one that was used longest ago. Spikes are worked on
    input after input, in each step layer after layer. NaN without spikes.
    Shapes: [T, B, n] of each layer that sends. Raises: ParameterError, ShapeError.
    Source: after Neil and Liu 2014, IEEE Trans. VLSI 22:2621-2628, whose accelerator caches weights and states; which
    lines are replaced there is not modelled.

    >>> import torch
    >>> one, other = torch.tensor([[1, 0]]), torch.tensor([[0, 1]])
    >>> cache_hits([torch.stack([one, one, other, one])], rows=1), cache_hits([torch.stack([one, one, other, one])], 2)
    (0.25, 0.5)
    """
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
        raise ParameterError("rows of cache_hits", expected="a whole number >= 1", got=repr(rows))
    if not spikes or any(s.dim() != 3 or s.shape[:2] != spikes[0].shape[:2] for s in spikes):
        got = [list(s.shape) for s in spikes]
        raise ShapeError("spikes of cache_hits", expected="[T, B, n] of each layer, T and B alike", got=got)
    every = torch.cat(list(spikes), 2).transpose(0, 1)
    kept: OrderedDict[int, None] = OrderedDict()
    events = hits = 0
    for source in every.nonzero()[:, 2].tolist():
        events += 1
        if source in kept:
            hits += 1
            kept.move_to_end(source)
            continue
        kept[source] = None
        if len(kept) > rows:
            kept.popitem(last=False)
    return hits / events if events else float("nan")
