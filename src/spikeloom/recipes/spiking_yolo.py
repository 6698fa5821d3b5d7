"""Spiking-YOLO: a detector with thresholds for each channel and neurons with negative spikes."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

import spikeloom as sl
from spikeloom.recipes import Absent, Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import counted, digits, trained

SIZE, GRID, KINDS, BATCH = 64, 8, 3, 32
CELL = SIZE / GRID
STEPS = (16, 32, 64, 128, 256)


class SpikingYOLO(Recipe):
    name = "spiking-yolo"
    row, family, title = "V04, V05, V06", "conversion", "Spiking-YOLO"
    reference = Reference(
        "Kim, Park, Na and Yoon", 2020, "Spiking-YOLO: spiking neural network for energy-efficient object detection",
        "AAAI", arxiv="1903.06530",
    )  # fmt: skip
    claim = (
        "Regression needs finer rates than classification. Thresholds for each channel make small activations fire "
        "more, and neurons with negative spikes and a lower second threshold tell a leaky ReLU: so Tiny YOLO detects "
        "with spikes, almost as well as before."
    )
    claimed = "PASCAL VOC 51.83 % mAP in 8,000 steps, of 53.01 %"
    shown = (
        "Discs, squares and crosses between strokes, 64 x 64, three convolutions with batch normalisation and leaky "
        "ReLU of slope 0.1, and a fourth for a box, an object and a class in each of 8 x 8 cells, without anchors. The "
        "mean output is read as the original's. Channel-wise thresholds are 99.9th percentiles, in the paper largest "
        "activations. The control has the largest activation of each layer and plain neurons. Beside it the "
        "perceptron on digits."
    )
    chance = Absent("boxes at random find next to nothing")
    control = "AP50, 64 steps, layer-wise and plain"

    images: int = setting(1000, "images to learn from", at_least=BATCH)
    tested: int = setting(100, "images to test with", at_least=1)
    epochs: int = setting(15, "passes over them", at_least=1)
    steps: int = setting(128, "steps of the longest run", at_least=64)

    quick = Form(
        Bar("AP50, 64 steps", at_least=0.7, why="a detector that finds most: otherwise there is nothing to lose"),
        Bar("points of AP50 lost", at_most=3.0, why="the row: within three points by 256 steps at most"),
        Bar("points above the control, 64 steps", at_least=5.0, why="the row: clearly worse; over a hundred images"),
        Bar("largest error of a signed rate, times steps", at_most=1.0, why="less than one spike is missing: 1 / T"),
        Bar("rates of digits, layer 1, over layer-wise", at_least=1.2, why="1.49 in the row"),
        Bar("rates of digits, layer 2, over layer-wise", at_least=1.2, why="1.58 in the row"),
        Bar("accuracy of digits, 4 steps", at_least=0.931, why="0.953 in the row; two standard errors"),
        Bar("points gained on digits, 4 steps", at_least=3.0, why="10.2 in the row; two standard errors of both"),
        Bar("points lost on digits, 64 steps", at_most=0.6, why="0.9 in the row, for silent units; two digits of 360"),
    )  # fmt: skip
    full = Form(*quick.bars, settings={"images": 2000, "epochs": 20, "tested": 200, "steps": 256})
    smoke = Form(
        quick.bars[6],
        *quick.bars[3:6],
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"images": BATCH, "epochs": 1, "tested": 2, "steps": 64},
    )

    def measure(self, run: Run) -> Figures:
        learnt, tested = (sl.datasets.shapes_in_clutter(n, generator=run.generator) for n in (self.images, self.tested))
        model = detector(learnt, self.epochs, run)
        plain = copy.deepcopy(model)
        for number, layer in enumerate(plain):
            if isinstance(layer, nn.LeakyReLU):
                plain[number] = nn.ReLU()
        exact = precision(model(tested.images), tested)
        found = {"AP50, original": exact}
        for name, net, method in (
            ("", model, rates(sl.conversion.Percentile(99.9), channelwise=True)),
            (", layer-wise and signed", model, rates(sl.conversion.Maximum())),
            (", layer-wise and plain", plain, rates(sl.conversion.Maximum())),
        ):
            longest = 64 if name else self.steps
            spiking = sl.convert(net, learnt.images, method, steps=longest, images=128)
            for steps, y in over_time(spiking, tested.images).items():
                found[f"AP50, {steps} steps{name}"] = precision(y, tested)
        above = found["AP50, 64 steps"] - found["AP50, 64 steps, layer-wise and plain"]
        found["points above the control, 64 steps"] = 100 * above
        found["points of AP50 lost"] = 100 * (exact - found[f"AP50, {max(s for s in STEPS if s <= self.steps)} steps"])
        return found | {"largest error of a signed rate, times steps": signed_error()} | of_digits(run.seed)


def rates(threshold: sl.conversion.Threshold, *, channelwise: bool = False) -> sl.conversion.RateCode:
    return sl.conversion.RateCode(threshold, channelwise=channelwise, start=0.0)


def detector(learnt: sl.datasets.Scenes, epochs: int, run: Run) -> nn.Sequential:
    """Tiny YOLO, trained."""
    layers: list[nn.Module] = []
    for before, after in ((1, 8), (8, 16), (16, 32)):
        convolution = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(after), nn.LeakyReLU(0.1)]
    model = nn.Sequential(*layers, nn.Conv2d(32, 5 + KINDS, 1))
    wanted = cells(learnt)
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=epochs * (len(wanted) // BATCH) + 1)
    for _ in run.track(range(epochs), "training"):
        order = torch.randperm(len(wanted), generator=run.generator)
        for some in torch.split(order, BATCH)[: len(wanted) // BATCH]:
            optimizer.zero_grad()
            loss(model(learnt.images[some]), wanted[some]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return model.eval().requires_grad_(False)


def cells(scenes: sl.datasets.Scenes) -> Tensor:
    """What each cell should say, [n, 8, 8, 8]: object or not, place within the cell, size of the image, class."""
    image, place = (scenes.labels >= 0).nonzero(as_tuple=True)
    boxes = scenes.boxes[image, place]
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 / CELL
    column, row = centre.long().unbind(1)
    kind = functional.one_hot(scenes.labels[image, place], KINDS)
    said = [torch.ones(len(boxes), 1), centre.frac(), (boxes[:, 2:] - boxes[:, :2]) / SIZE, kind]
    wanted = torch.zeros(len(scenes.labels), 5 + KINDS, GRID, GRID)
    wanted[image, :, row, column] = torch.cat(said, 1)
    return wanted


def loss(y: Tensor, wanted: Tensor) -> Tensor:
    there = functional.binary_cross_entropy_with_logits(y[:, 0], wanted[:, 0], reduction="sum")
    told, right = (values.movedim(1, -1)[wanted[:, 0].bool()] for values in (y, wanted))
    place, size = (told[:, part].sigmoid() - right[:, part] for part in (slice(1, 3), slice(3, 5)))
    kind = functional.cross_entropy(told[:, 5:], right[:, 5:], reduction="sum")
    return (there + 5 * place.square().sum() + 20 * size.square().sum() + kind) / len(y)


def boxes_of(y: Tensor) -> sl.training.Detections:
    """The boxes that an output [8, 8, 8] tells, without those of which there is a better one."""
    at = torch.stack(torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="xy"))
    centre, half = (at + y[1:3].sigmoid()) * CELL, y[3:5].sigmoid() * SIZE / 2
    scores, kinds = (y[5:].softmax(0) * y[0].sigmoid()).flatten(1).max(0)
    sure = scores > 0.01
    boxes = torch.cat([centre - half, centre + half]).flatten(1).T
    return sl.training.best_boxes(sl.training.Detections(boxes[sure], scores[sure], kinds[sure]))


def precision(y: Tensor, scenes: sl.datasets.Scenes) -> float:
    here = scenes.labels >= 0
    boxes, labels = ([each[some] for each, some in zip(of, here, strict=True)] for of in (scenes.boxes, scenes.labels))
    return sl.training.average_precision([boxes_of(each) for each in y], boxes, labels)


def over_time(net: sl.conversion.Converted, images: Tensor) -> dict[int, Tensor]:
    """The mean output after some steps."""
    chosen = [steps for steps in STEPS if steps <= net.steps]
    parts = [net.over_time(some)[[steps - 1 for steps in chosen]] for some in torch.split(images, 10)]
    return dict(zip(chosen, torch.cat(parts, 1), strict=True))


def signed_error(slope: float = 0.1, steps: int = 200) -> float:
    """The largest difference of a signed neuron's rate and the leaky ReLU, in spikes."""
    # Binary fractions, so that sums are exact.
    x = torch.arange(-640, 64) / 64 + 1 / 128
    neuron = sl.neurons.Signed(sl.IF(soft_reset=True), v_neg=1 / slope)
    told = neuron(x.expand(steps, 1, -1)).sum(0)[0]
    return float((told - steps * functional.leaky_relu(x, slope)).abs().max())


def of_digits(seed: int) -> dict[str, float]:
    """Thresholds for each neuron of a perceptron, against one for each layer."""
    data = digits()
    model = trained(data, seed=seed)
    found: dict[str, float] = {}
    mean: dict[str, list[float]] = {}
    for name, method in (("", "channel-wise"), (", layer-wise", "layer-wise")):
        net = sl.convert(model, data.inputs, method, steps=64)
        told = net.over_time(data.test)
        found |= {f"accuracy of digits, {steps} steps{name}": data.accuracy(told[steps - 1]) for steps in (4, 64)}
        mean[name] = [float(each.mean()) for each in counted(net, data.test).sites.values()]
    gained = found["accuracy of digits, 4 steps"] - found["accuracy of digits, 4 steps, layer-wise"]
    ratios = [a / b for a, b in zip(mean[""], mean[", layer-wise"], strict=True)]
    return found | {
        "points gained on digits, 4 steps": 100 * gained,
        "points lost on digits, 64 steps": 100 * (data.accuracy(model) - found["accuracy of digits, 64 steps"]),
        **{f"rates of digits, layer {layer}, over layer-wise": ratio for layer, ratio in enumerate(ratios, 1)},
    }
