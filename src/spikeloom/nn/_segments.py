"""A run in pieces of time that keeps only the input and the state between pieces."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..errors import ParameterError, SpikeloomError
from ..neurons._session import States
from .read_out import Count

Piece = Callable[[Tensor, States | None], tuple[Tensor, States]]


def in_segments(
    model: nn.Module, run: Piece, x: Tensor, state: States | None, segments: int, truncate: bool
) -> tuple[Tensor, States]:
    """`run` on `segments` pieces of x [T, B, ...], one after another, each computed again in the backward pass."""
    _refuse_what_spans_time(model)
    count = _whole(segments)
    outputs, lengths = [], []
    for piece in torch.split(x, max(1, -(-len(x) // count))):
        if truncate and state is not None:
            state = {name: {n: v.detach() for n, v in values.items()} for name, values in state.items()}
        y, state = _again(run, piece, state) if torch.is_grad_enabled() else run(piece, state)
        outputs.append(y)
        lengths.append(len(piece))
    read_out = _read_out(model)
    y = read_out.combined(outputs, lengths) if read_out is not None else torch.cat(outputs)
    return y, state or {}


def _again(run: Piece, piece: Tensor, state: States | None) -> tuple[Tensor, States]:
    """Keep nothing of a piece but what it starts from; chosen back ends and policies hold for the second time too."""
    chosen = copy_context()

    def whole(piece: Tensor, state: States | None) -> tuple[Tensor, States]:
        return chosen.copy().run(run, piece, state)

    result: tuple[Tensor, States] = checkpoint(whole, piece, state, use_reentrant=False)
    return result


def _refuse_what_spans_time(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training:
            do = "use a norm without batch statistics, model.eval(), or no segments"
            what = f"{name!r} normalises over all steps at once, so that segments would change what it computes"
            raise SpikeloomError(what, do=do)


def _whole(segments: int) -> int:
    if isinstance(segments, bool) or not isinstance(segments, int) or segments < 1:
        raise ParameterError(
            "segments", expected="a whole number >= 1", got=segments, do="for example 10 for 100 steps"
        )
    return segments


def _read_out(model: nn.Module) -> Count | None:
    """The read-out at the end of a stack, whose pieces add up instead of following one another."""
    while isinstance(model, nn.Sequential) and len(model):
        model = model[-1]
    return model if isinstance(model, Count) else None
