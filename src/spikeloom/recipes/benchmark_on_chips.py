"""One converted perceptron on three machines, and learning with the analogue one in the loop."""

from __future__ import annotations

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import digits, trained

STEPS, BITS, ANALOGUE_BITS, SPREAD = 32, 8, 4, 0.2


class BenchmarkOnChips(Recipe):
    row, family, title = "M25", "conversion", "Benchmark of one network on several machines"
    reference = Reference(
        "Ostrau, Homburg, Klarhorst, Thies and Rueckert", 2020,
        "Benchmarking deep spiking neural networks on neuromorphic hardware", "ICANN", arxiv="2004.01656",
    )  # fmt: skip
    claim = (
        "A converted network loses little on digital machines and more on an analogue one; training with the machine "
        "in the loop, spikes forward and rectifiers backward, brings back most of that."
    )
    claimed = "conversion usually loses less than 1 % on digital machines"
    shown = (
        "Digits of scikit-learn, 64-128-64-10 without biases, regular spikes in 32 steps: floats with a clock, whole "
        "numbers of 8 bits from event to event, and an emulated analogue chip with weights of 4 bits that differ by "
        "20 %, as thresholds do. The control is that chip without training in the loop. Energy is not modelled: counts "
        "are given."
    )
    chance, control = 0.1, "accuracy, analogue"

    tested: int = setting(360, "digits that are worked on event by event", at_least=20, at_most=360)
    epochs: int = setting(5, "passes in the loop", at_least=1)

    quick = Form(
        Bar("accuracy, analogue in the loop", at_least=0.92, why="0.97 less five points, half of a loss of ten"),
        Bar("points lost, floats", at_most=1.0, why="the row"),
        Bar("points lost, events", at_most=1.0, why="the paper: usually less than 1 % on digital machines"),
        Bar("points lost, analogue", at_least=1.0, why="the row: more than on the others, which lose 1 at most"),
        Bar("share of the loss that training recovers", at_least=0.5, why="the row: at least half"),
    )
    full = Form(*quick.bars, seeds=range(10))
    smoke = Form(
        Bar("accuracy, analogue in the loop", at_least=0.7, why="one pass"),
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"tested": 20, "epochs": 1},
    )

    def measure(self, run: Run) -> Figures:
        data = digits()
        model = trained(data, seed=run.seed, bias=False)
        code = sl.conversion.RateCode(sl.conversion.Percentile(99.9))

        def regular(x: Tensor) -> Tensor:
            return code.encode(x, STEPS)

        spikes, few = regular(data.test), slice(self.tested)
        net = sl.convert(model, data.inputs, code, steps=STEPS)
        whole = sl.hardware.IntegerNetwork.of(net, bits=BITS).event_driven(spikes[:, few])
        # Draws of its own: those of the seed itself are the perceptron's first weights.
        drawn = torch.Generator().manual_seed(1000 + run.seed)
        chip = sl.hardware.with_mismatch(net, SPREAD, generator=drawn, bits=ANALOGUE_BITS)
        tuned = sl.conversion.tune_spiking(
            chip, data.inputs, data.labels, gradient=sl.conversion.Tandem(), encoder=regular, epochs=self.epochs,
            lr=1e-3, seed=run.seed,
        )  # fmt: skip
        found = {
            "accuracy, original": data.accuracy(model),
            "accuracy, floats": data.accuracy(net(spikes, encoded=True)),
            "accuracy, events": float((whole.v.argmax(1) == data.answers[few]).double().mean()),
            "accuracy, analogue": data.accuracy(chip(spikes, encoded=True)),
            "accuracy, analogue in the loop": data.accuracy(tuned(spikes, encoded=True)),
        }
        lost = {name: 100 * (found["accuracy, original"] - value) for name, value in found.items()}
        found |= {name.replace("accuracy", "points lost"): lost[name] for name in list(found)[1:]}
        gained = lost["accuracy, analogue"] - lost["accuracy, analogue in the loop"]
        return found | {
            "share of the loss that training recovers": gained / lost["accuracy, analogue"],
            "spikes of a digit, events": sum(whole.events) / self.tested,
            "additions of a digit, events": sum(whole.operations) / self.tested,
            "additions of a digit, clock": STEPS * (64 * 128 + 128 * 64 + 64 * 10),
        }
