"""What a spike is worth, moved into the weights behind the neurons."""

from __future__ import annotations

import copy
from collections import Counter
from itertools import repeat

import torch
from torch import Tensor, fx, nn

from ._network import Converted
from ._operations import Kind

# Layers that keep each channel by itself and are the same for any worth of spikes.
_KEEPING = (
    nn.Identity, nn.Dropout, nn.Dropout2d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d, nn.Flatten, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d,
    nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d,
)  # fmt: skip
# Of [B, features] these pool neighbouring features.
_ALONG = (nn.AvgPool1d, nn.AdaptiveAvgPool1d, nn.MaxPool1d, nn.AdaptiveMaxPool1d)
# Layers whose weights have the outputs first: not those of transposed convolutions.
WEIGHTS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


@torch.no_grad()
def absorb(net: Converted) -> None:
    """Where spikes of a site go to layers of weights only, these are multiplied by what a spike is worth.

    Such layers take spikes of 1. Where spikes of the same site are added to others, they keep their worth.
    """
    modules = dict(net.module.named_modules())
    used = Counter(str(node.target) for node in net.module.graph.nodes if node.op == "call_module")
    for node in net.module.graph.nodes:
        site = net.site(node)
        if site is None or net.operations[node.name].kind is not Kind.RECTIFIER:
            continue
        for user in node.users:
            layers = layers_from(user, modules)
            if layers is None or any(used[str(layer.target)] > 1 for layer in layers):
                continue
            found = [modules[str(layer.target)] for layer in layers]
            if site.amplitude.dim() and not all(map(_in_channels, layers, found, repeat(node))):
                continue
            factors = [factor_of(site.amplitude, each) for each in found]
            if any(factor is None for factor in factors):
                continue
            for layer, each, factor in zip(layers, found, factors, strict=True):
                scaled = copy.copy(each)
                assert factor is not None and isinstance(scaled.weight, Tensor)
                scaled._parameters = dict(scaled._parameters)
                scaled.weight = nn.Parameter(scaled.weight * factor, requires_grad=False)
                net.module.set_submodule(str(layer.target), scaled)
                modules[str(layer.target)] = scaled
            net.absorbed.add((node.name, user.name))


def _in_channels(layer: fx.Node, module: nn.Module, fired: fx.Node) -> bool:
    """Whether a layer's inputs are the channels of neurons, as they are or, for a linear one, flattened.

    A linear layer on the last axis of images has the same weights for all channels.
    """
    given, sent = (node.meta["tensor_meta"].shape for node in (layer.all_input_nodes[0], fired))
    return len(given) == 2 and given[0] == sent[0] if isinstance(module, nn.Linear) else given[:2] == sent[:2]


def layers_from(user: fx.Node, modules: dict[str, nn.Module]) -> list[fx.Node] | None:
    """The layers of weights that take what a node is given, or None where something else takes it, too."""
    module = modules.get(str(user.target)) if user.op == "call_module" else None
    if isinstance(module, WEIGHTS):
        return [user]
    if not isinstance(module, _KEEPING) and user.target not in (torch.flatten, "flatten"):
        return None
    if isinstance(module, _ALONG) and len(user.all_input_nodes[0].meta["tensor_meta"].shape) == 2:
        return None
    found: list[fx.Node] = []
    for further in user.users:
        layers = layers_from(further, modules)
        if layers is None:
            return None
        found += layers
    return found or None


def factor_of(amplitude: Tensor, layer: nn.Module) -> Tensor | None:
    """What the weights are multiplied by; None where inputs do not come in channels."""
    assert isinstance(layer, WEIGHTS)
    if not amplitude.dim():
        return amplitude
    if isinstance(layer, nn.Linear):
        each, rest = divmod(layer.in_features, len(amplitude))
        return None if rest else amplitude.repeat_interleave(each)
    if layer.in_channels != len(amplitude):
        return None
    # Each group of outputs sees its own group of inputs.
    grouped = amplitude.view(layer.groups, -1).repeat_interleave(layer.out_channels // layer.groups, 0)
    return grouped.view(layer.out_channels, -1, *[1] * (layer.weight.dim() - 2))
