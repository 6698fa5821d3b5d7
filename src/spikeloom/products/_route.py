"""From what is wanted and what can be done to the candidate that computes a product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ..errors import BackendError
from . import _events
from ._choice import Size, chosen
from ._events import Packed
from ._kernels import LAYOUTS

# A row of spikes that is denser than this is never worth visiting spike by spike.
_SPARSE = 0.5

# In which dtype spikes are added up for a product in another.
SUMS = {torch.float32: torch.float32, torch.float64: torch.float64, torch.bfloat16: torch.float32}


def packed_if_useful(x: Tensor, dtype: torch.dtype, name: str, keeps: bool) -> Packed | None:
    """Bits of the rows of x, where they are kept for the backward pass or may be visited one by one."""
    if name == "event" and (dtype not in SUMS or x.dtype not in LAYOUTS):
        raise BackendError("product 'event'", expected=f"one of {[*SUMS]}", got=x.dtype)
    if x.dtype not in LAYOUTS or not (keeps or name in ("auto", "event")):
        return None
    packed = _events.pack(x)
    useless = name == "auto" and not packed.binary and packed.activity > _SPARSE
    return None if useless else packed


def routed(size: Size, candidates: dict[str, Callable[[], Tensor]], packed: Packed | None, name: str) -> Tensor:
    """The product by the candidate of that name, or by the fastest of those that can.

    A product of which there is no candidate of that name (the input gradient has none for events) is dense.
    """
    able = dict(candidates)
    if "onednn" in able and not _onednn(size.dtype):
        if name == "onednn":
            raise BackendError("product 'onednn'", expected="float32 and a PyTorch with oneDNN", got=size.dtype)
        del able["onednn"]
    if name == "auto" and (packed is None or packed.activity > _SPARSE or size.dtype not in SUMS):
        able.pop("event", None)
    activity = packed.activity if packed is not None and "event" in able else None
    return able[chosen(replace(size, activity=activity), able, name)]()


def _onednn(dtype: torch.dtype) -> bool:
    """Whether oneDNN multiplies this dtype where PyTorch's own product would not; bfloat16 goes there anyway."""
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return there and bool(torch.backends.mkldnn.enabled) and dtype is torch.float32
