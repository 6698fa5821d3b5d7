"""What the forward pass keeps for the backward pass."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakSet

import torch
from torch import Tensor

import spikeloom as sl
from benchmarks.contenders import OURS, Layer, lif_layers, spikeloom_lif
from benchmarks.lif import input_and_gradient
from benchmarks.tables import Result, Row

STEPS, NEURONS = 32, 131_072
POLICIES = ("states", "recompute")
# The longest sequence whose kept values fit: of few neurons, so that the sequence itself fits too.
BUDGET, FEW, LONGEST = 16 << 20, 1024, 1 << 16


class _Kept:
    """What autograd holds in a saved tensor's place: gone as soon as its node of the graph is."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class Saved(NamedTuple):
    """Bytes of the distinct storages that autograd keeps, in all and without the input's."""

    everything: int
    beyond_input: int


def saved_bytes(layer: Layer, x: Tensor) -> Saved:
    """What autograd keeps after the forward pass, the output included.

    Between two layers nothing else may keep the input, and then it is not for free; a linear layer before keeps none of
    it, a linear layer behind keeps the output anyway.
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
    own = storages.get(leaf.untyped_storage().data_ptr(), 0)
    everything = sum(storages.values())
    spikes.sum().backward()  # the graph must live until here, and work
    return Saved(everything, everything - own)


def longest(layer: Layer) -> int:
    """Steps of `FEW` neurons whose kept values, without the input, fit into `BUDGET`; to a tenth, at most `LONGEST`."""

    def fits(steps: int) -> bool:
        return saved_bytes(layer, torch.rand(steps, FEW)).beyond_input <= BUDGET

    low = 64
    while low < LONGEST and fits(2 * low):
        low *= 2
    high = 2 * low
    while low < LONGEST and high - low > low // 10:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _layers() -> dict[str, Layer]:
    """Ours with each policy, then the others."""

    def with_policy(name: str) -> Layer:
        def run(x: Tensor) -> Tensor:
            with sl.memory(name):
                return spikeloom_lif()(x)

        return run

    ours = {f"{OURS}, {name}": with_policy(name) for name in POLICIES}
    return ours | {name: layer for name, layer in lif_layers().items() if name != OURS}


def run(*, repeats: int) -> list[Result]:
    x, _ = input_and_gradient(STEPS, NEURONS)
    rows: list[Row] = []
    fitting: list[Row] = []
    for name, layer in _layers().items():
        saved = saved_bytes(layer, x)
        rows.append(
            {
                "": name,
                "bytes per neuron and step": saved.everything / x.numel(),
                "without the input": saved.beyond_input / x.numel(),
            }
        )
        if name.startswith(OURS):
            fitting.append({"": name, "longest T": longest(layer)})
    title = f"Longest sequence whose kept values fit in {BUDGET >> 20} MB: LIF, {FEW} neurons (searched to {LONGEST})"
    return [
        Result(f"Saved for the backward pass: LIF, T={STEPS}, {NEURONS} neurons, float32", rows),
        Result(title, fitting, "Without the input, to a tenth.", headline=False),
    ]
