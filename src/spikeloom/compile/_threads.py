"""Splitting independent neurons among threads. Kernels release the interpreter lock, so plain threads suffice."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import torch

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


def parallel(work: Callable[[int, int], None], count: int, block: int, steps: int) -> None:
    """Call `work(lo, hi)` over 0..count, split at multiples of `block` among `torch.get_num_threads()` threads."""
    threads = torch.get_num_threads()
    blocks = -(-count // block)
    if threads == 1 or blocks == 1 or count * steps < _WORTHWHILE:
        work(0, count)
        return
    # Two pieces a thread: one that is held up by another process leaves the rest to the others.
    pieces = min(blocks, 2 * threads)
    edges = [min(count, block * (blocks * k // pieces)) for k in range(pieces)] + [count]
    pending = [_executor(threads).submit(work, lo, hi) for lo, hi in pairwise(edges)]
    for future in pending:
        future.result()
