"""The threads that PyTorch's own operations run on, where they are GNU OpenMP's.

Two sets of threads on the same cores disturb each other: those of OpenMP spin for a while after each operation, and a
thread of ours waits for the core. Measured on two cores, interleaved, least times: a training step of the networks fc
and rsnn of the benchmarks 38 and 37 ms on PyTorch's threads, 52 and 49 ms beside them.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache
from itertools import count
from pathlib import Path

import torch

_jobs: dict[int, Callable[[], None]] = {}
_numbers = count(1)
# A forked child has PyTorch's threads by name only: whoever calls them there waits for ever.
_forked = False


def _mark_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_mark_fork)


def _body(number: int) -> None:
    _jobs[number]()


_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_body)
_BODY = ctypes.cast(_CALLBACK, ctypes.c_void_p)


@cache
def _gomp_parallel() -> Callable[..., None] | None:
    """The entry of the OpenMP library that PyTorch has loaded, if it is GNU's and came with it."""
    folder = Path(torch.__file__).parent
    found = [path for place in (folder / "lib", folder.with_name("torch.libs")) for path in place.glob("libgomp*.so*")]
    if len(found) != 1 or not torch.backends.openmp.is_available():  # type: ignore[no-untyped-call]
        return None
    try:
        function = ctypes.CDLL(str(found[0])).GOMP_parallel
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    function.restype = None
    return function


def available() -> bool:
    """Whether work can be given to PyTorch's threads in this process."""
    return not _forked and _gomp_parallel() is not None


def run(work: Callable[[], None], threads: int) -> None:
    """Call `work` once in each of `threads` threads, the caller's among them; an error of any reaches the caller."""
    function = _gomp_parallel()
    assert function is not None
    errors: list[BaseException] = []

    def guarded() -> None:
        # Nothing may pass through the library's frames.
        try:
            work()
        except BaseException as error:
            errors.append(error)

    number = next(_numbers)
    _jobs[number] = guarded
    try:
        function(_BODY, number, threads, 0)
    finally:
        del _jobs[number]
    if errors:
        raise errors[0]
