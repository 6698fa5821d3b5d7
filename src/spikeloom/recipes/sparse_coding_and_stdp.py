"""Filters by sparse coding, features by STDP on them, and a classifier that learns by STDP as well."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes.kheradpisheh_2018 import chosen
from spikeloom.recipes.sailnet_digits import Layer

P, SIZE, STEPS = sl.plasticity, 5, 15


class SparseCodingAndSTDP(Recipe):
    name = "sparse-coding-and-stdp"
    row, family = "L30, L31", "plasticity"
    title = "Sparse coding, STDP and BP-STDP, layer by layer"
    reference = Reference(
        "Tavanaei and Maida", 2017,
        "Bio-inspired spiking convolutional neural network using layer-wise sparse coding and STDP learning", "",
        arxiv="1611.03000",
    )  # fmt: skip
    claim = (
        "A convolution with filters that are learnt by sparse coding, and above it a layer that discovers features by "
        "probabilistic STDP, both without labels, make digits separable by a linear classifier; with STDP and "
        "back-propagation by BP-STDP (Tavanaei, Kirby and Maida 2018) they do better still."
    )
    claimed = "98.36 % of MNIST with a support vector machine, 98.60 % with end-to-end learning"
    shown = (
        "SAILnet on whitened patches of 5 x 5 gives 32 filters, whose rectified responses are told by latency and "
        "pooled; 64 maps of 5 x 5 learn from them by the paper's rule, of which the constants are ours. A linear "
        "support vector machine, or BP-STDP with 200 hidden neurons, reads the greatest potential in each quarter of a "
        "map. BP-STDP changes the classifier alone. In the control the weights of each filter and of each map are in "
        "random order."
    )
    chance, control = 0.1, "accuracy, weights in random order"

    images: int = setting(5000, "training images", at_least=100, at_most=60_000)
    tested: int = setting(2000, "test images", at_least=100, at_most=10_000)
    batches: int = setting(1500, "batches of 50 patches for sparse coding", at_least=10)
    epochs: int = setting(12, "epochs of BP-STDP", at_least=1)

    quick = Form(
        Bar(
            "accuracy", at_least=0.85, why="0.1 below what other layers learnt by STDP reach with ten times the images"
        ),
        Bar("accuracy gained over random order", at_least=0.02, why="two points more than with random filters"),
        Bar(
            "BP-STDP, less support vector machine",
            at_least=0.0,
            why="98.60 and 98.36 % in the papers",
            missed="here it changes the classifier alone, not the features, and from a few hundred images the support "
            "vector machine generalises better",
        ),
        settings={"images": 500, "tested": 500, "batches": 500, "epochs": 12},
    )
    full = Form(
        Bar("accuracy", at_least=0.95, why="3.4 points below the paper, which had 60 000 images"), *quick.bars[1:]
    )
    smoke = Form(
        Bar("accuracy", at_least=0.3, why="three times chance after a few images"),
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"images": 100, "tested": 100, "batches": 50, "epochs": 2},
    )

    def measure(self, run: Run) -> Figures:
        train, labels, test, answers = chosen(sl.datasets.mnist(download=False), self.images, self.tested, run)
        filters = self.filters(train, run)
        run.draw(
            "Filters", lambda axes: axes.imshow(torch.cat([torch.cat([*row], 1) for row in filters.view(4, 8, 5, 5)]))
        )
        layer = sl.nn.STDPConvolution(
            len(filters), 64, 5, v_th=25.0, rule=P.SimplifiedSTDP.preset("Tavanaei 2017"), winners=8, mean=0.5, std=0.1,
            seed=run.seed,
        )  # fmt: skip
        net = nn.Sequential(Filters(filters), sl.nn.FirstSpikePool(2), layer)

        def batches(number: int) -> Iterator[Tensor]:
            order = torch.randperm(len(train), generator=run.generator)
            yield from run.track([train[i] for i in torch.split(order, 16)], f"pass {number + 1}")

        sl.nn.learn_greedily(net, batches, passes=max(1, 1500 // self.images))
        learnt, seen = (sl.nn.pooled_potentials(net, x, grid=2) for x in (train, test))
        found = {"accuracy": sl.training.linear_probe(learnt, labels, seen, answers, c=0.003)}
        found["accuracy, BP-STDP"] = self.bp_stdp(learnt, labels, seen, answers, run)
        found["BP-STDP, less support vector machine"] = found["accuracy, BP-STDP"] - found["accuracy"]
        found["mean w (1 - w)"] = layer.convergence
        layer.shuffle(run.seed)
        net[0] = Filters(mixed(filters, run))
        learnt, seen = (sl.nn.pooled_potentials(net, x, grid=2) for x in (train, test))
        control = sl.training.linear_probe(learnt, labels, seen, answers, c=0.003)
        found["accuracy gained over random order"] = found["accuracy"] - control
        return found | {"accuracy, weights in random order": control}

    def filters(self, images: Tensor, run: Run) -> Tensor:
        """32 filters of SAILnet on whitened patches, as they act on pixels, of length 1."""
        patches = images.unfold(2, SIZE, 1).unfold(3, SIZE, 1).reshape(-1, SIZE * SIZE)
        patches = patches[patches.std(1) > 0.1]
        patches = patches[torch.randperm(len(patches), generator=run.generator)[:20_000]]
        mean, matrix = sl.coding.fit_whitening(patches, epsilon=1e-2)
        x = ((patches - mean) @ matrix).float()
        layer = Layer(32, SIZE * SIZE, run.generator)
        forward, across, thresholds = (
            P.SAILnet(),
            P.AntiHebbian.preset("SAILnet"),
            P.IntrinsicPlasticity(eta=0.1, target=0.05),
        )
        for _ in run.track(range(self.batches), "sparse coding"):
            m = x[torch.randint(len(x), (50,), generator=run.generator)]
            n = layer.respond(m)
            layer.q = P.end_trial(forward, layer.q, {"m": m, "n": n}).w.mean(0)
            layer.w = P.end_trial(across, layer.w, {"m": n, "n": n}).w.mean(0).fill_diagonal_(0.0)
            layer.v_th = thresholds.update(layer.v_th, n)
        on_pixels: Any = layer.q @ matrix.float()
        filters: Tensor = (on_pixels / on_pixels.norm(dim=1, keepdim=True)).view(-1, 1, SIZE, SIZE)
        return filters

    def bp_stdp(self, a: Tensor, labels: Tensor, b: Tensor, answers: Tensor, run: Run) -> float:
        """Accuracy of BP-STDP on standardised features, on and off, told by regular spikes."""
        mean, spread = a.mean(0), a.std(0).clamp(min=1e-6)
        told, seen = (
            sl.coding.Regular(20)(sl.coding.on_off((x - mean) / spread, scale=2.0).flatten(1)) for x in (a, b)
        )
        rule = P.BPSTDP(lr=0.002)
        sizes = pairwise((told.shape[2], 200, 10))
        weights = [0.3 * torch.randn(n, m, generator=run.generator) / m**0.5 for m, n in sizes]
        for _ in run.track(range(self.epochs), "BP-STDP"):
            for i in torch.split(torch.randperm(len(a), generator=run.generator), 10):
                target = nn.functional.one_hot(labels[i], 10).float()
                weights = rule.update(weights, told[:, i], target).weights
        return float((rule.respond(weights, seen).decision == answers).float().mean())


class Filters(nn.Module):
    """Images by the rectified responses of filters, told by latency: a response of half their length is the largest."""

    def __init__(self, filters: Tensor) -> None:
        super().__init__()
        self.filters = filters

    def forward(self, images: Tensor) -> Tensor:
        response = nn.functional.conv2d(images, self.filters) / 2.0
        return sl.coding.linear_latency((response - 0.1).clamp(0.0, 1.0), STEPS)


def mixed(filters: Tensor, run: Run) -> Tensor:
    """The weights of each filter in a random order."""
    flat = filters.flatten(1)
    order = torch.stack([torch.randperm(flat.shape[1], generator=run.generator) for _ in flat])
    return flat.gather(1, order).view_as(filters)
