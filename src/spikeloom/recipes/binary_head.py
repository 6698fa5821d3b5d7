"""Features that a convolution learns by STDP, and a classifier with binary hidden neurons on them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes.kheradpisheh_2018 import chosen, picture


class BinaryHead(Recipe):
    name = "binary-head"
    row, family = "M35", "plasticity"
    title = "STDP features with a binary classifier"
    reference = Reference(
        "Vaila, Chiasson and Saxena", 2020,
        "A deep unsupervised feature learning spiking neural network with binarized classification layers for EMNIST "
        "classification", "IEEE Transactions on Emerging Topics in Computational Intelligence", arxiv="2002.11843",
    )  # fmt: skip
    claim = (
        "One convolution that learns by STDP from a few thousand images gives features on which a classifier "
        "with binary hidden activations, trained by back-propagation, does as well as one with real-valued ones."
    )
    shown = (
        "Contrast in twelve steps of latency, 30 maps of 5 x 5 with winner-take-all and lateral inhibition, spikes "
        "pooled; on them 300 hidden neurons that spike or do not in a single step, and the same with rectified ones. "
        "In the control the learnt weights of each map are in random order."
    )
    stand_in = "MNIST is in place of EMNIST."
    chance, control = 0.1, "accuracy, weights in random order"

    images: int = setting(10_000, "training images", at_least=100, at_most=60_000)
    tested: int = setting(2000, "test images", at_least=100, at_most=10_000)
    epochs: int = setting(10, "epochs of the classifier", at_least=1, at_most=1000)

    quick = Form(
        Bar("accuracy", at_least=0.85, why="0.10 below the bar of the full form, with a twentieth of its images"),
        Bar("accuracy that binary neurons cost", at_most=0.02, why="within one to two points of real-valued ones"),
        Bar("mean w (1 - w)", at_most=0.05, why="weights at their bounds: the layer has converged"),
        settings={"images": 500, "tested": 500, "epochs": 40},
    )
    full = Form(
        Bar("accuracy", at_least=0.95, why="MNIST in place of EMNIST, a sixth of its images"),
        *quick.bars[1:],
        Bar("accuracy, linear classifier", at_least=0.95, why="what the features are worth by themselves"),
    )
    smoke = Form(
        Bar("accuracy", at_least=0.3, why="three times chance after a few images"),
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"images": 100, "tested": 100, "epochs": 10},
    )

    def measure(self, run: Run) -> Figures:
        train, labels, test, answers = chosen(sl.datasets.mnist(download=False), self.images, self.tested, run)
        contrast = sl.coding.DifferenceOfGaussians(sl.coding.LinearLatency(12), scale=0.3)
        layer = sl.nn.STDPConvolution(2, 30, 5, v_th=15.0, winners=5, seed=run.seed)
        net = nn.Sequential(contrast, nn.Flatten(2, 3), layer, sl.nn.FirstSpikePool(2))

        def batches(number: int) -> Iterator[Tensor]:
            order = torch.randperm(len(train), generator=run.generator)[:6000]
            yield from run.track([train[i] for i in torch.split(order, 16)], f"pass {number + 1}")

        passes = max(1, 1500 // self.images)
        doubling = sl.nn.Doubling(every=min(6000, self.images) * passes // 20)
        sl.nn.learn_greedily(net, batches, passes=passes, schedule=doubling)
        weights = layer.weight.clone()
        run.draw("Weights, on - off", lambda axes: axes.imshow(picture(weights), cmap="RdBu"))
        a, b = spikes(net, train), spikes(net, test)
        found = {
            "accuracy": head(a, labels, b, answers, sl.IF(), self.epochs),
            "accuracy, real-valued hidden neurons": head(a, labels, b, answers, nn.ReLU(), self.epochs),
            "accuracy, linear classifier": sl.training.linear_probe(a, labels, b, answers, c=0.001),
            "mean w (1 - w)": layer.convergence,
        }
        found["accuracy that binary neurons cost"] = found["accuracy, real-valued hidden neurons"] - found["accuracy"]
        layer.shuffle(run.seed)
        a, b = spikes(net, train), spikes(net, test)
        return found | {"accuracy, weights in random order": head(a, labels, b, answers, sl.IF(), self.epochs)}


@torch.no_grad()
def spikes(net: nn.Sequential, images: Tensor) -> Tensor:
    """Which neurons have spiked: 0 and 1, [image, neuron]."""
    return torch.cat([net(x).sum(0).flatten(1) for x in torch.split(images, 100)])


def head(a: Tensor, labels: Tensor, b: Tensor, answers: Tensor, hidden: nn.Module, epochs: int) -> float:
    """Accuracy of a classifier with 300 hidden neurons on features b, after learning from features a."""
    torch.manual_seed(0)
    # One step of time: neurons spike or do not.
    net = sl.nn.Sequential(nn.Dropout(0.2), nn.Linear(a.shape[1], 300), nn.BatchNorm1d(300), hidden, nn.Linear(300, 10))
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(epochs):
        for i in torch.split(torch.randperm(len(a)), 100):
            loss = nn.functional.cross_entropy(net(a[None, i])[0], labels[i])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    net.eval()
    with torch.no_grad():
        return float((net(b[None])[0].argmax(1) == answers).float().mean())
