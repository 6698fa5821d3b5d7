"""Batch normalisation as a scale and a shift per channel, which the kernel of the following neuron applies.

y = gamma (x - mean) / sqrt(var + eps) + beta = scale x + shift. In training, mean and variance are those of x over all
axes but the channels, in one pass over x; their part of the gradient of x, a + b x per channel, is one pass more.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from . import _rows

Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
# Numbers in a row, and rows, that are added up in one go.
_WIDE, _CHAIN = 64, 512
_AXES = {nn.BatchNorm1d: (3, 4), nn.BatchNorm2d: (5,), nn.BatchNorm3d: (6,)}


def is_batch_norm(module: object) -> TypeGuard[Norm]:
    """Whether the module is exactly one of PyTorch's batch normalisations."""
    return type(module) in _AXES


def fits(norm: Norm, x: Tensor) -> bool:
    """Whether x [T, B, channels, ...] is something that the module would not refuse."""
    samples = x.numel() // x.shape[2] if x.dim() > 2 and x.shape[2] else 0
    return x.dim() in _AXES[type(norm)] and x.shape[2] == norm.num_features and samples > 1


def scale_and_shift(norm: Norm, x: Tensor, bias: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """x [T, B, channels, ...], and what it is to be multiplied by and added to for the normalisation of x + bias.

    In training, updates the running statistics as the module does.
    """
    if not norm.training and norm.running_mean is not None and norm.running_var is not None:
        scale = torch.rsqrt(norm.running_var.double() + norm.eps)
        scale = scale if norm.weight is None else scale * norm.weight
        shift = (-norm.running_mean if bias is None else bias - norm.running_mean) * scale
        return x, scale, shift if norm.bias is None else shift + norm.bias
    x, scale, shift, mean, var = _Standardised.apply(x, norm.weight, norm.bias, norm.eps)  # type: ignore[no-untyped-call]
    if bias is not None:
        # The mean takes the bias away again: its gradient is exactly zero, and it is seen by the running mean alone.
        mean, shift = mean + bias.detach(), shift + 0.0 * bias
    if norm.training and norm.track_running_stats:
        _update(norm, mean, var, x.numel() // x.shape[2])
    return x, scale, shift


@torch.no_grad()
def _update(norm: Norm, mean: Tensor, var: Tensor, samples: int) -> None:
    if norm.running_mean is None or norm.running_var is None or norm.num_batches_tracked is None:
        return
    norm.num_batches_tracked.add_(1)
    momentum = 1.0 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    unbiased = var * (samples / (samples - 1))
    for running, now in ((norm.running_mean, mean), (norm.running_var, unbiased)):
        running.copy_((1.0 - momentum) * running.double() + momentum * now)


class _Standardised(torch.autograd.Function):
    """x unchanged, and the scale and shift that standardise it; the gradient of x includes that of its statistics."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        mean, var = statistics(x)
        inverse = torch.rsqrt(var + eps)
        scale = inverse if weight is None else inverse * weight
        shift = -mean * scale if bias is None else bias - mean * scale
        ctx.save_for_backward(x, mean, inverse, scale)
        ctx.dtypes = [None if p is None else p.dtype for p in (weight, bias)]
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(mean, var)
        return x.view_as(x), scale.clone(), shift, mean, var

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad: Tensor | None, grad_scale: Tensor | None, grad_shift: Tensor | None, *_: None
    ) -> tuple[Tensor | None, ...]:
        x, mean, inverse, scale = ctx.saved_tensors
        zero = torch.zeros_like(mean)
        grad_scale = zero if grad_scale is None else grad_scale.double()
        grad_shift = zero if grad_shift is None else grad_shift.double()
        # d scale at fixed gamma and beta, through shift = beta - mean scale too.
        total = grad_scale - mean * grad_shift
        grads = [None if d is None else g.to(d) for d, g in zip(ctx.dtypes, (total * inverse, grad_shift), strict=True)]
        if ctx.needs_input_grad[0]:
            samples = x.numel() // x.shape[2]
            # d var = -1/2 total scale / (var + eps), and d x = d mean / n + 2 d var (x - mean) / n.
            slope = -total * scale * inverse * inverse / samples
            offset = -scale * grad_shift / samples - slope * mean
            grad = plus_affine(grad, x, offset, slope)
        return grad, *grads, None


def statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (divided by n) of x [T, B, channels, ...] per channel, in float64; the same for any threads."""
    rows = _rows.of(x)
    if rows is None:
        axes = [axis for axis in range(x.dim()) if axis != 2]
        wide = x if x.dtype == torch.float64 else x.float()
        var, mean = torch.var_mean(wide, axes, correction=0)
        return mean.double(), var.double()
    channels = rows.shape[1]
    # Narrow rows side by side: they fill a vector, and fewer numbers are added in one chain.
    side = next(n for n in (32, 16, 8, 4, 2, 1) if (n * channels <= _WIDE or n == 1) and rows.shape[0] % n == 0)
    wide = rows.view(-1, side * channels)
    return _combined(*_partial(wide), len(wide), channels)


def _partial(rows: Tensor) -> tuple[Tensor, Tensor, Tensor, int]:
    """Per piece of rows: its first row, and the sums of differences from it and of their squares."""
    count, width = rows.shape
    height = max(1, min(_CHAIN, _rows.PIECE // width))
    pieces = -(-count // height)
    real, read, _ = _rows.words(rows.dtype)
    dtype = torch.float64 if rows.dtype == torch.float64 else torch.float32
    first, sums, squares = torch.empty(3, pieces, width, dtype=dtype)
    source = f"""
def kernel(lo, hi, x, first, sums, squares, rows, width, height):
    piece = lo
    while piece < hi:
        first_p, sums_p, squares_p = at(first, piece * width), at(sums, piece * width), at(squares, piece * width)
        row = piece * height
        last = min(rows, row + height)
        x_r = at(x, row * width)
        c = int64(0)
        while c < width:
            store(first_p, c, {read.format("load(x_r, c)")})
            store(sums_p, c, {real}(0.0))
            store(squares_p, c, {real}(0.0))
            c += 1
        while row < last:
            x_r = at(x, row * width)
            c = int64(0)
            while c < width:
                d = {read.format("load(x_r, c)")} - load(first_p, c)
                store(sums_p, c, load(sums_p, c) + d)
                store(squares_p, c, load(squares_p, c) + d * d)
                c += 1
            row += 1
        piece += 1
"""
    _rows.run(source, pieces, rows.numel(), [rows, first, sums, squares], [count, width, height])
    return first, sums, squares, height


def _combined(
    first: Tensor, sums: Tensor, squares: Tensor, height: int, rows: int, channels: int
) -> tuple[Tensor, Tensor]:
    """Chan, Golub and LeVeque 1983: the moments of a union from those of its parts, so that nothing cancels."""
    counts = torch.full((len(first), 1), float(height), dtype=torch.float64)
    counts[-1] = rows - height * (len(first) - 1)
    means = first.double() + sums.double() / counts
    within = squares.double() - sums.double().square() / counts
    total = rows * (first.shape[1] // channels)
    mean = (counts * means).sum(0).view(-1, channels).sum(0) / total
    between = counts * (means - mean.repeat(first.shape[1] // channels)).square()
    return mean, (within + between).sum(0).view(-1, channels).sum(0) / total


def plus_affine(grad: Tensor | None, x: Tensor, offset: Tensor, slope: Tensor) -> Tensor:
    """grad + offset + slope x per channel; written over `grad`, which the kernel made and no one else has."""
    rows, over = _rows.of(x), None if grad is None else _rows.of(grad)
    if grad is None or rows is None or over is None or over.dtype != rows.dtype:
        shape = [-1, *[1] * (x.dim() - 3)]
        extra = (offset.view(shape) + slope.view(shape) * x).to(x.dtype)
        return extra if grad is None else grad + extra
    count, width = rows.shape
    height = max(1, _rows.PIECE // width)
    _, read, write = _rows.words(x.dtype)
    wide = torch.float64 if x.dtype == torch.float64 else torch.float32
    source = f"""
def kernel(lo, hi, g, x, offset, slope, rows, width, height):
    row = lo * height
    last = min(rows, hi * height)
    while row < last:
        g_r, x_r = at(g, row * width), at(x, row * width)
        c = int64(0)
        while c < width:
            total = {read.format("load(g_r, c)")} + (load(offset, c) + load(slope, c) * {read.format("load(x_r, c)")})
            store(g_r, c, {write.format("total")})
            c += 1
        row += 1
"""
    factors = [offset.to(wide).contiguous(), slope.to(wide).contiguous()]
    _rows.run(source, -(-count // height), rows.numel(), [over, rows, *factors], [count, width, height])
    return grad
