"""Measured times of products, kept on disk for later processes."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
import warnings
from functools import cache
from pathlib import Path

import llvmlite.binding as llvm
import torch

from ..compile import cache_folder

_VERSION = 2
_Times = dict[str, dict[str, float]]


@cache
def _circumstances() -> str:
    """What the times depend on besides the product."""
    parts = (str(_VERSION), torch.__version__, llvm.get_host_cpu_name(), str(os.cpu_count()))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _path() -> Path:
    return cache_folder() / f"products-{_circumstances()}.json"


def load(name: str) -> dict[str, float] | None:
    """Milliseconds by candidate, or None where they are unknown or the file is damaged."""
    return _read(_path()).get(name)


def keep(name: str, times: dict[str, float]) -> None:
    """Add times to the file, replacing it in one step; of two processes that write at once, one entry may be lost."""
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            whole = Path(folder) / path.name
            whole.write_text(json.dumps({**_read(path), name: times}, indent=1), encoding="utf-8")
            os.replace(whole, path)
    except OSError as error:
        _announce(f"{path.parent} is not writable ({error.strerror})")


def _read(path: Path) -> _Times:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: times for name, times in content.items() if _plausible(times)}


def _plausible(times: object) -> bool:
    return (
        isinstance(times, dict)
        and bool(times)
        and all(isinstance(value, float | int) and math.isfinite(value) and value > 0 for value in times.values())
    )


@cache
def _announce(problem: str) -> None:
    message = f"products are measured anew in each process: {problem}; set SPIKELOOM_CACHE_DIR to a folder that is"
    warnings.warn(message, RuntimeWarning, stacklevel=2)
