"""Functions of single values, which a gate of spiking neurons can compute."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

_MODULES = (
    nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.ELU, nn.SELU, nn.CELU, nn.Softplus, nn.Softsign, nn.Mish, nn.Hardswish,
    nn.Hardsigmoid, nn.LogSigmoid, nn.Tanhshrink,
)  # fmt: skip
_CALLS = {
    F.gelu, F.silu, F.sigmoid, torch.sigmoid, F.tanh, torch.tanh, F.elu, F.selu, F.celu, F.softplus, F.softsign, F.mish,
    F.hardswish, F.hardsigmoid, F.logsigmoid, torch.exp, torch.abs, abs, torch.square, torch.sqrt, torch.sin, torch.cos,
}  # fmt: skip
_METHODS = {"sigmoid", "tanh", "exp", "abs", "square", "sqrt", "sin", "cos"}


def elementwise(node: fx.Node) -> Callable[[Tensor], Tensor] | None:
    """The function that a node computes of each value of its one input, None where it is no such node."""
    owner = node.graph.owning_module
    assert owner is not None
    if node.op == "call_module":
        module = owner.get_submodule(str(node.target))
        return module if isinstance(module, _MODULES) else None
    known = node.target in _METHODS if node.op == "call_method" else node.target in _CALLS
    if not known or len(node.all_input_nodes) != 1:
        return None

    def function(x: Tensor) -> Tensor:
        args = (x, *node.args[1:])
        if node.op == "call_method":
            return getattr(x, str(node.target))(*args[1:], **node.kwargs)  # type: ignore[no-any-return]
        return node.target(*args, **node.kwargs)  # type: ignore[no-any-return, operator]

    return function
