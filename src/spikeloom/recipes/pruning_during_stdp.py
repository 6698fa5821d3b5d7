"""Connections that STDP has made weak are cut while it still learns: how few are enough."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes.kheradpisheh_2018 import chosen, convolutions, learn


class PruningDuringSTDP(Recipe):
    name = "pruning-during-stdp"
    row, family = "A10", "plasticity"
    title = "Connections pruned during STDP"
    reference = Reference(
        "Nguyen, Veeravalli and Fong", 2021,
        "Connection pruning for deep spiking neural networks with on-chip learning", "ICONS", arxiv="2010.04351",
    )  # fmt: skip
    claim = (
        "Connections that stay weak during STDP can be cut while a network learns, so that fewer spikes have to be "
        "processed, in learning and afterwards, at no loss of accuracy."
    )
    claimed = "92.83 % of connections pruned, no loss on Caltech-101"
    shown = (
        "The convolutions of the recipe kheradpisheh-2018 on digits, with and without cutting what is below 0.1 in "
        "several batches on end; that this is the criterion is our reading of the paper. A synaptic event is a "
        "spike that meets a connection. The control has as many connections in each map of the unpruned network, "
        "drawn at random."
    )
    stand_in = "MNIST is in place of Caltech-101; synaptic events are in place of energy."
    chance, control = 0.1, "accuracy, random connections"

    images: int = setting(5000, "training images", at_least=100, at_most=60_000)
    tested: int = setting(2000, "test images", at_least=100, at_most=10_000)
    passes: int = setting(1, "passes of each layer over them", at_least=1, at_most=100)
    threshold: float = setting(0.1, "weight below which a connection is weak", at_least=0.0, at_most=1.0)
    patience: int = setting(5, "batches on end of being weak before a connection is cut", at_least=1)

    quick = Form(
        Bar("accuracy, pruned", at_least=0.85, why="the bar of the same network that is not pruned"),
        Bar("accuracy that pruning costs", at_most=0.02, why="pruned by 80 % or more within 1 to 2 points"),
        Bar("connections pruned", at_least=0.8, why="0.93 in the paper, on another task"),
        settings={"images": 400, "tested": 400, "passes": 3},
    )
    full = Form(*quick.bars)
    smoke = Form(
        Bar("accuracy, pruned", at_least=0.3, why="three times chance after a few images"),
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"images": 150, "tested": 100, "passes": 3},
    )

    def measure(self, run: Run) -> Figures:
        train, labels, test, answers = chosen(sl.datasets.mnist(download=False), self.images, self.tested, run)

        def accuracy(net: Any) -> float:
            learnt, seen = (sl.nn.pooled_potentials(net, x, grid=2) for x in (train, test))
            return sl.training.linear_probe(learnt, labels, seen, answers, c=0.003)

        whole: Any = convolutions(run.seed)
        pruned: Any = convolutions(run.seed)
        masks: dict[int, list[Tensor]] = {}
        for place in (2, 4):
            learn(whole, train, run, passes=self.passes, place=place)
            cutting = Cutting(sl.plasticity.Pruning(threshold=self.threshold, patience=self.patience), pruned[place])
            learn(pruned, train, run, passes=self.passes, place=place, after=cutting)
            masks[place] = cutting.masks
        kept = {place: sum(float(mask.float().mean()) for mask in masks[place][-1:]) for place in masks}
        run.draw("Connections left", lambda axes: plot(axes, masks))
        found = {
            "accuracy, pruned": accuracy(pruned),
            "accuracy, not pruned": accuracy(whole),
            "synaptic events in learning, pruned / not": events(pruned, train[:50], masks),
            "synaptic events after learning, pruned / not": events(
                pruned, train[:50], {p: m[-1:] for p, m in masks.items()}
            ),
        }
        found["accuracy that pruning costs"] = found["accuracy, not pruned"] - found["accuracy, pruned"]
        sizes = {place: pruned[place].weight.numel() for place in masks}
        found["connections pruned"] = 1 - sum(kept[p] * sizes[p] for p in masks) / sum(sizes.values())
        for place in masks:
            layer = whole[place]
            layer.weight = layer.weight * at_random(masks[place][-1], run.generator)
        return found | {"accuracy, random connections": accuracy(whole)}


class Cutting:
    """What is done after each batch."""

    def __init__(self, pruning: sl.plasticity.Pruning, layer: sl.nn.STDPConvolution) -> None:
        self.pruning, self.kept = pruning, pruning.start(layer.weight)
        self.masks: list[Tensor] = []

    def __call__(self, layer: sl.nn.STDPConvolution) -> None:
        self.kept = self.pruning.update(self.kept, layer.weight)
        layer.weight = self.kept.w
        self.masks.append(self.kept.mask)


@torch.no_grad()
def events(net: Any, images: Tensor, masks: dict[int, list[Tensor]]) -> float:
    """Synaptic events with these connections as a share of those with all, summed over the masks of all layers."""
    met = all_of_them = 0.0
    for place, each in masks.items():
        spikes = net[:place](images).sum(0)
        squares = torch.nn.functional.unfold(spikes, each[0].shape[2]).sum((0, 2)).view(each[0].shape[1:])
        met += sum(float((mask * squares).sum()) for mask in each)
        all_of_them += len(each) * len(each[0]) * float(squares.sum())
    return met / all_of_them


def at_random(mask: Tensor, generator: torch.Generator) -> Tensor:
    """As many connections in each map, elsewhere."""
    flat = mask.flatten(1)
    order = torch.stack([torch.randperm(flat.shape[1], generator=generator) for _ in flat])
    return flat.gather(1, order).view_as(mask)


def plot(axes: Any, masks: dict[int, list[Tensor]]) -> None:
    for name, each in zip(("first layer", "second layer"), masks.values(), strict=True):
        axes.plot([float(mask.float().mean()) for mask in each], label=name)
    axes.set_xlabel("batches of 16 images")
    axes.set_ylabel("share of connections")
    axes.legend(frameon=False)
