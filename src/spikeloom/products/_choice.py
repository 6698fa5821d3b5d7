"""Which implementation computes a product: by name, or the one that was fastest when first measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import Any

import torch

from ..errors import UnknownNameError
from . import _measurements
from ._kernels import TILE

NAMES = ("auto", "dense", "onednn", "event")

# How often each candidate is run in turn, at least and at most; and milliseconds after which the least is enough.
_ROUNDS = 3, 15
_PATIENCE = 50.0
# A candidate this many times slower than the best in its second run is not measured further.
_HOPELESS = 3.0
# What is chosen must be this much faster than what stands before it in the list of candidates.
_GAIN = 0.95

_chosen: ContextVar[str] = ContextVar("spikeloom_product", default="auto")
_measuring = Lock()


class using:
    """Choose how products are computed: "auto", "dense" (PyTorch), "onednn" or "event" (visits only the spikes).

    Takes effect at once; as a context manager, until the block ends. Backward passes run as their forward pass did.
    By name, a product works or raises BackendError; of "event", the input gradient is dense, since gradients are not
    sparse. "auto" measures the candidates at the first product of a size and level of activity, and writes the times
    to `products-*.json` in the folder of compiled kernels, so that later processes decide alike. They are those that
    one thread computes, whatever else the machine does, divided by the threads that can share the work: where all can,
    from 64 rows for each thread on, or of gradients of weights 32 inputs, the decision is the same on any number of
    threads. Candidates add in different orders: results differ by float rounding, so for the same bits on another
    machine, or after that file was deleted, choose by name.

    Raises: UnknownNameError.

    >>> with using("event"):
    ...     pass
    """

    def __init__(self, name: str) -> None:
        if name not in NAMES:
            raise UnknownNameError("product", name, NAMES)
        self._before = _chosen.get()
        _chosen.set(name)

    def __enter__(self) -> using:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _chosen.set(self._before)


def wanted() -> str:
    """The name that is in force."""
    return _chosen.get()


@dataclass(frozen=True)
class Choice:
    """How one product was computed, and the milliseconds of each candidate: measured in one thread, shared by all."""

    operation: str
    shape: tuple[int, ...]
    dtype: str
    activity: str
    threads: int
    chosen: str
    reason: str
    milliseconds: Mapping[str, float]

    def __str__(self) -> str:
        times = ", ".join(f"{name} {value:.3g} ms" for name, value in self.milliseconds.items())
        shape = " x ".join(map(str, self.shape))
        return f"{self.operation} {shape}, {self.dtype}, {self.activity}: {self.chosen} ({times or self.reason})"


_taken: dict[tuple[Any, ...], Choice] = {}
_watcher: ContextVar[list[Choice] | None] = ContextVar("spikeloom_product_watcher", default=None)


@contextmanager
def watched() -> Iterator[list[Choice]]:
    """Yield a list that fills with the choice of every product computed inside the block, forward and backward.

    Products too small to choose for, and those left to PyTorch, are not in it.
    """
    seen: list[Choice] = []
    token = _watcher.set(seen)
    try:
        yield seen
    finally:
        _watcher.reset(token)


def choices() -> list[Choice]:
    """Every product that this process chose by measurement, or took from an earlier process's measurement."""
    return list(_taken.values())


@dataclass(frozen=True)
class Size:
    """A class of products: what decides which candidate is fastest. The first extent is rounded to a power of two."""

    operation: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    activity: float | None = None
    # In how many pieces threads can visit events; None: in tiles of rows.
    pieces: int | None = None

    @property
    def level(self) -> int | None:
        """Half-octaves of activity below one: a candidate that visits spikes only is measured once for each."""
        if self.activity is None:
            return None
        return min(20, math.floor(-2 * math.log2(max(self.activity, 2.0**-20))))

    def key(self) -> tuple[Any, ...]:
        """What a decision holds for."""
        rows = 1 << max(0, self.shape[0] - 1).bit_length()
        return (self.operation, (rows, *self.shape[1:]), self.dtype, self.level)

    def shared(self, times: Mapping[str, float]) -> dict[str, float]:
        """From what one thread needs to what all need together."""
        threads = torch.get_num_threads()
        pieces = -(-self.shape[0] // TILE) if self.pieces is None else self.pieces
        return {name: value / (min(threads, pieces) if name == "event" else threads) for name, value in times.items()}


def chosen(size: Size, candidates: Mapping[str, Callable[[], object]], name: str) -> str:
    """The candidate of that name, the first if there is none; with "auto" the fastest."""
    if name != "auto":
        choice = _choice(size, name if name in candidates else next(iter(candidates)), "chosen by name")
    elif len(candidates) == 1:
        choice = _choice(size, next(iter(candidates)), "the only one that can")
    else:
        choice = _fastest(size, candidates)
    seen = _watcher.get()
    if seen is not None:
        seen.append(choice)
    return choice.chosen


def _fastest(size: Size, candidates: Mapping[str, Callable[[], object]]) -> Choice:
    """Known, or measured now. The first candidate is kept where others gain little."""
    key = (*size.key(), torch.get_num_threads())
    known = _taken.get(key)
    if known is not None and known.chosen in candidates:
        return known
    with _measuring:
        name = "/".join(map(str, size.key()))
        times, reason = _measurements.load(name), "measured by an earlier process"
        if times is None or set(times) != set(candidates):
            times, reason = _measured(candidates), "measured"
            _measurements.keep(name, times)
        times = size.shared(times)
        _taken[key] = _choice(size, _best(times), reason, times)
        return _taken[key]


def _choice(size: Size, chosen: str, reason: str, times: Mapping[str, float] | None = None) -> Choice:
    level = "any activity" if size.level is None else f"activity about {2 ** (-size.level / 2 - 0.25):.2g}"
    dtype = str(size.dtype).removeprefix("torch.")
    return Choice(size.operation, size.key()[1], dtype, level, torch.get_num_threads(), chosen, reason, times or {})


def _best(times: Mapping[str, float]) -> str:
    chosen, least = "", math.inf
    for name, value in times.items():
        if value < _GAIN * least:
            chosen, least = name, value
    return chosen


def _measured(candidates: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Milliseconds of each candidate in one thread: the least of a few runs, in turn."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _in_turn(candidates)
    finally:
        torch.set_num_threads(before)


def _in_turn(candidates: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    for run in candidates.values():
        run()  # compiles, and fills the caches
    times = {name: _timed(run) for name, run in candidates.items()}
    begin = time.perf_counter()
    for turn in range(_ROUNDS[1]):
        if turn >= _ROUNDS[0] and (time.perf_counter() - begin) * 1e3 > _PATIENCE:
            break
        least = min(times.values())
        for name, run in candidates.items():
            if times[name] < _HOPELESS * least:
                times[name] = min(times[name], _timed(run))
    return {name: float(f"{value:.4g}") for name, value in times.items()}


# It stands still while the thread waits for a processor. On Windows it is too coarse.
_clock = time.thread_time if time.get_clock_info("thread_time").resolution < 1e-5 else time.perf_counter


def _timed(run: Callable[[], object]) -> float:
    begin = _clock()
    run()
    return (_clock() - begin) * 1e3
