"""What the forward pass keeps for the backward pass."""

from __future__ import annotations

from weakref import WeakSet

import torch
from torch import Tensor

from benchmarks.contenders import Layer, lif_layers
from benchmarks.lif import input_and_gradient
from benchmarks.tables import Result, Row

STEPS, NEURONS = 32, 131_072


class _Kept:
    """What autograd holds in a saved tensor's place: gone as soon as its node of the graph is."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def saved_bytes(layer: Layer, x: Tensor) -> int:
    """Bytes of the distinct storages that autograd keeps after the forward pass, input and output included.

    Between two layers nothing else keeps the input, so that it is not for free.
    """
    leaf = x.detach().clone().requires_grad_()
    saved: WeakSet[_Kept] = WeakSet()

    def pack(tensor: Tensor) -> _Kept:
        kept = _Kept(tensor)
        saved.add(kept)
        return kept

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor):
        spikes = layer(leaf)
    storages = {kept.tensor.untyped_storage().data_ptr(): kept.tensor.untyped_storage().nbytes() for kept in saved}
    spikes.sum().backward()  # the graph must live until here, and work
    return sum(storages.values())


def run(*, repeats: int) -> list[Result]:
    x, _ = input_and_gradient(STEPS, NEURONS)
    rows: list[Row] = [
        {"": name, "bytes per neuron and step": saved_bytes(layer, x) / x.numel()}
        for name, layer in lif_layers().items()
    ]
    return [Result(f"Saved for the backward pass: LIF, T={STEPS}, {NEURONS} neurons, float32", rows)]
