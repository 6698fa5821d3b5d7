"""Large buffers that are used again: the pages of fresh memory cost more than a kernel takes to fill them.

A tensor from `empty` owns its block until its storage dies, then the block waits for the next tensor of about its
size. Measured on two cores, LIF with T = 16 and 262 144 neurons, forward and backward: 5 ms with blocks used again,
11 to 17 ms with fresh ones, where each 4 KiB page is a fault.
"""

from __future__ import annotations

import math
import mmap
import os
import sys
import weakref
from collections import deque
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor

# Below this size the C library's own allocator keeps memory for itself.
_LARGE = 1 << 20
# Blocks come in multiples of a huge page, where the system has them.
_PAGE = 1 << 21

# As NumPy knows them; numbers of half precision are viewed as such afterwards.
_DTYPES = {
    torch.float32: np.float32,
    torch.float64: np.float64,
    torch.bfloat16: np.uint16,
    torch.float16: np.float16,
    torch.int32: np.int32,
    torch.uint8: np.uint8,
    torch.bool: np.bool_,
}

# Blocks come back from whichever thread drops a tensor, perhaps inside the garbage collector: only `append` runs there.
_returned: deque[mmap.mmap] = deque()
_idle: list[mmap.mmap] = []
_lock = Lock()


def empty(*shape: int, dtype: torch.dtype) -> Tensor:
    """An uninitialised CPU tensor."""
    count = math.prod(shape)
    size = count * dtype.itemsize
    if size < _LARGE:
        return torch.empty(shape, dtype=dtype)
    block = _take(-(-size // _PAGE) * _PAGE)
    array: np.ndarray[Any, Any] = np.frombuffer(block, dtype=_DTYPES[dtype], count=count).reshape(shape)
    # The flat array is what tensor and views keep alive.
    base = array.base if isinstance(array.base, np.ndarray) else array
    weakref.finalize(base, _returned.append, block).atexit = False
    tensor = torch.from_numpy(array)
    return tensor if tensor.dtype == dtype else tensor.view(dtype)


def copied(value: Tensor, dtype: torch.dtype) -> Tensor:
    """A contiguous copy of a CPU tensor, made in one thread: those that PyTorch would wake spin on beside ours."""
    result = empty(*value.shape, dtype=dtype)
    np.copyto(result.numpy(), value.detach().numpy(), casting="unsafe")
    return result


def _take(size: int) -> mmap.mmap:
    """The smallest idle block that fits without wasting half of itself, the most recently used first, or a new one."""
    with _lock:
        while _returned:
            _idle.append(_returned.popleft())
        fitting = [k for k in range(len(_idle)) if size <= len(_idle[k]) <= 2 * size]
        if fitting:
            return _idle.pop(min(reversed(fitting), key=lambda k: len(_idle[k])))
        _trim()
    if sys.platform == "win32":
        return mmap.mmap(-1, size)
    # Private, lest a forked process write into its parent's tensors.
    block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block


def _trim() -> None:
    """Give idle blocks back to the system, oldest first, beyond a quarter of its memory."""
    total = sum(map(len, _idle))
    while _idle and total > _limit():
        total -= len(_idle.pop(0))


def _limit() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
    except (AttributeError, ValueError, OSError):
        return 1 << 30
