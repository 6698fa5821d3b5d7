"""Batch normalisation, folded into the weights before it."""

from __future__ import annotations

import copy
from collections import Counter

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def folded(module: fx.GraphModule) -> fx.GraphModule:
    """A copy in which each batch normalisation behind a layer of weights is part of these weights.

    w <- w gamma / sigma, b <- (b - mu) gamma / sigma + beta. One that stands elsewhere, or behind a layer that is used
    more than once, stays: it is linear and runs in each step.
    """
    result = copy.deepcopy(module).eval()
    modules = dict(result.named_modules())
    used = Counter(str(node.target) for node in result.graph.nodes if node.op == "call_module")
    for node in list(result.graph.nodes):
        before = node.args[0] if node.args else None
        if node.op != "call_module" or not isinstance(modules[str(node.target)], _NORMS):
            continue
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) > 1:
            continue
        layer, norm = modules[str(before.target)], modules[str(node.target)]
        once = used[str(before.target)] == used[str(node.target)] == 1
        if not once or norm.running_mean is None:
            continue
        if isinstance(layer, _CONVOLUTIONS):
            transposed = layer.transposed
            if transposed and layer.groups > 1:
                continue
            new: nn.Module = fuse_conv_bn_eval(layer, norm, transposed)
        elif isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d) and _flat(before):
            new = fuse_linear_bn_eval(layer, norm)
        else:
            continue
        _replace(result, str(before.target), new)
        modules[str(before.target)] = new
        node.replace_all_uses_with(before)
        result.graph.erase_node(node)
    result.delete_all_unused_submodules()
    result.graph.lint()
    result.recompile()
    return result


def _flat(node: fx.Node) -> bool:
    """Whether the features of a linear layer are on the axis that batch normalisation takes for channels."""
    return len(node.meta["tensor_meta"].shape) == 2


def _replace(module: fx.GraphModule, name: str, new: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(module.get_submodule(parent), last, new)


@torch.no_grad()
def positive(module: fx.GraphModule) -> fx.GraphModule:
    """A copy of which all negative weights and biases are 0: from upper bounds it makes upper bounds."""
    result = copy.deepcopy(module)
    for values in result.parameters():
        values.clamp_(min=0.0)
    return result
