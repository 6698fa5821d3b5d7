"""What training keeps for the backward pass: the state of every step, or of every segment's first step."""

from __future__ import annotations

import math
import os
from contextvars import ContextVar
from types import TracebackType
from typing import NamedTuple

import torch

from ..errors import ParameterError, UnknownNameError

_NAMES = ("auto", "states", "recompute")
# "auto" recomputes where the states of one call would take more than this part of the device's memory.
_PART = 1 / 8


class Policy(NamedTuple):
    """A memory policy; `segments` is None for the square root of the number of steps."""

    name: str = "auto"
    segments: int | None = None

    def segment(self, steps: int) -> int:
        """Steps per segment."""
        segments = min(self.segments or round(math.sqrt(steps)), max(steps, 1))
        return max(1, -(-steps // max(segments, 1)))


_AUTO = Policy()
_chosen: ContextVar[Policy] = ContextVar("spikeloom_memory", default=_AUTO)


class memory:
    """Choose what training keeps for the backward pass: "auto", "states" or "recompute".

    "states" keeps what the backward step needs of every step, four bytes per neuron and step for a LIF neuron.
    "recompute" keeps the states at the start of each of `segments` (by default the square root of the number of steps)
    and the neuron's input, and computes the steps between again in the backward pass; the results are the same, bit for
    bit. "auto" recomputes only where the states of one call would fill an eighth of the memory. Takes effect at once;
    as a context manager, until the block ends. To keep less of a whole network, see `unroll(..., segments=)`.

    Source: Chen et al. 2016, "Training deep nets with sublinear memory cost", arXiv 1604.06174, section 4.
    Raises: UnknownNameError, ParameterError.

    >>> with memory("recompute", segments=10):
    ...     pass
    """

    def __init__(self, name: str, *, segments: int | None = None) -> None:
        if name not in _NAMES:
            raise UnknownNameError("memory policy", name, _NAMES)
        if segments is not None and (isinstance(segments, bool) or not isinstance(segments, int) or segments < 1):
            do = "leave it out for the square root of the number of steps"
            raise ParameterError("segments", expected="a whole number >= 1", got=segments, do=do)
        self._before = _chosen.get()
        _chosen.set(Policy(name, segments))

    def __enter__(self) -> memory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _chosen.set(self._before)


def chosen() -> Policy:
    """The policy in force."""
    return _chosen.get()


def exceeds(size: int, device: torch.device) -> bool:
    """Whether so many bytes are too many for "auto"."""
    return size > _PART * _total(device)


def _total(device: torch.device) -> float:
    if device.type == "cuda":
        return float(torch.cuda.get_device_properties(device).total_memory)
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return math.inf
