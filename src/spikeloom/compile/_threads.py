"""Splitting independent neurons among threads: PyTorch's, or plain ones, since kernels release the interpreter lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import torch

from . import _openmp

# Below this many element updates a thread costs more to wake than it saves.
_WORTHWHILE = 1 << 15

_pool: ThreadPoolExecutor | None = None
_pool_key = (0, 0)


def _executor(workers: int) -> ThreadPoolExecutor:
    """A pool for this process: one inherited through fork has no living threads."""
    global _pool, _pool_key
    if _pool is None or _pool_key != (os.getpid(), workers):
        _pool = ThreadPoolExecutor(workers, thread_name_prefix="spikeloom")
        _pool_key = (os.getpid(), workers)
    return _pool


def parallel(work: Callable[[int, int], None], count: int, grain: int, steps: int) -> None:
    """Call `work(lo, hi)` over 0..count, split at multiples of `grain` among `torch.get_num_threads()` threads."""
    threads = torch.get_num_threads()
    grains = -(-count // grain)
    if threads == 1 or grains == 1 or count * steps < _WORTHWHILE:
        work(0, count)
        return
    pieces = min(grains, 4 * threads)
    edges = [min(count, grain * (grains * k // pieces)) for k in range(pieces)] + [count]
    # Whoever is free takes the next piece, the calling thread too: none waits for one that wakes late or is held up.
    waiting = pairwise(edges)

    def take_turns() -> None:
        for lo, hi in waiting:
            work(lo, hi)

    if _openmp.available():
        _openmp.run(take_turns, threads)
    else:
        _beside(take_turns, threads)


def _beside(work: Callable[[], None], threads: int) -> None:
    """Call `work` in threads of our own and in the caller's."""
    helpers = [_executor(threads - 1).submit(work) for _ in range(threads - 1)]
    try:
        work()
    finally:
        for helper in helpers:
            helper.result()


def layer() -> str:
    """Which threads kernels run on."""
    return "those of PyTorch (GNU OpenMP)" if _openmp.available() else "their own"
