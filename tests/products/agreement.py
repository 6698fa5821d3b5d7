"""Comparison of a product with PyTorch's, value and all gradients."""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap

import torch
from torch import Tensor

Function = Callable[[Tensor, Tensor, Tensor | None], Tensor]

# Sums of n terms in another order differ by about sqrt(n) roundings of their size; n is below 2000 here. In bfloat16
# PyTorch rounds the terms' sum once too, so that two results lie up to two units in the last place (2^-7) apart.
TOLERANCE = {torch.float32: 2e-5, torch.float64: 1e-13, torch.bfloat16: 2.0**-6}


def spikes(*shape: int, p: float = 0.2, dtype: torch.dtype = torch.float32) -> Tensor:
    return (torch.rand(*shape) < p).to(dtype)


def graded(*shape: int, p: float = 0.2, dtype: torch.dtype = torch.float32) -> Tensor:
    return spikes(*shape, p=p, dtype=dtype) * torch.randn(*shape).to(dtype)


def run(function: Function, x: Tensor, weight: Tensor, bias: Tensor | None, grad: Tensor) -> list[Tensor]:
    """Value and gradients of leaves that have the strides of what is given."""
    leaves = [None if t is None else t.detach().requires_grad_() for t in (x, weight, bias)]
    y = function(*leaves)  # type: ignore[arg-type]
    y.backward(grad.to(y.dtype))
    return [y.detach(), *(leaf.grad for leaf in leaves if leaf is not None)]  # type: ignore[list-item]


def assert_agree(ours: list[Tensor], theirs: list[Tensor], dtype: torch.dtype) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        scale = max(1.0, float(b.abs().max())) if b.numel() else 1.0
        torch.testing.assert_close(a, b, rtol=0.0, atol=TOLERANCE[dtype] * scale)


def identical(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(starmap(torch.equal, zip(first, second, strict=True)))
