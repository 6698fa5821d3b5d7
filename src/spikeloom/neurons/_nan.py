"""How NaN stays visible in neurons that forget."""

from __future__ import annotations

import torch
from torch import Tensor


def nan_of(x: Tensor) -> Tensor:
    """NaN where x is, else 0: added to a state, it keeps what a spike function or a new input would hide."""
    return torch.where(torch.isnan(x), x, 0.0).detach()
