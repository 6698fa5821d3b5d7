"""Which back end runs where: chosen automatically, or by name through `sl.backend`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from types import TracebackType
from typing import Protocol

import torch

from ..errors import BackendError, UnknownNameError
from . import _numba, _reference, _triton
from ._kernel import Kernel, Variant
from ._loop import Loop


class Backend(Protocol):
    """A module that can build kernels."""

    NAME: str
    supports: Callable[[torch.device], str | None]
    build: Callable[[Loop, Variant], Kernel]


# In order of preference: the first that supports the device is chosen automatically.
BACKENDS: dict[str, Backend] = {module.NAME: module for module in (_numba, _triton, _reference)}
_chosen: ContextVar[str] = ContextVar("spikeloom_backend", default="auto")


class backend:
    """Choose the back end by name: "auto", "numba" (CPU), "triton" (GPU; both fused over time), "reference" (PyTorch).

    Takes effect at once; as a context manager, until the block ends. Chosen by name a back end works or raises
    BackendError; "auto" takes the first that supports the device.

    Raises: UnknownNameError.

    >>> with backend("reference"):
    ...     pass
    """

    def __init__(self, name: str) -> None:
        if name not in ("auto", *BACKENDS):
            raise UnknownNameError("back end", name, ["auto", *BACKENDS])
        self._before = _chosen.get()
        _chosen.set(name)

    def __enter__(self) -> backend:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _chosen.set(self._before)


@cache
def _announce(message: str) -> None:
    """Say once that a fast back end was passed over."""
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def chosen() -> str:
    """The name in force."""
    return _chosen.get()


def choose(device: torch.device) -> tuple[Backend, str]:
    """The back end for a device, and why."""
    name = _chosen.get()
    if name != "auto":
        reason = BACKENDS[name].supports(device)
        if reason is not None:
            raise BackendError(f"back end {name!r}", expected="a device it supports", got=device, do=reason)
        return BACKENDS[name], "chosen by name"
    refusals: list[str] = []
    for candidate in BACKENDS.values():
        reason = candidate.supports(device)
        if reason is None:
            if candidate.NAME == _reference.NAME:
                _announce(f"{device.type} runs on the {candidate.NAME} back end, because {'; '.join(refusals)}")
            return candidate, "; ".join([f"first that supports {device.type}", *refusals])
        refusals.append(f"{candidate.NAME}: {reason}")
    raise BackendError(f"no back end supports {device}", do="; ".join(refusals))
