"""Minitaur: a converted network that is worked on from event to event."""

from __future__ import annotations

import spikeloom as sl
from spikeloom.recipes import Absent, Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import counted, digits, trained

STEPS, ROWS = 32, 64


class Minitaur(Recipe):
    row, family, title = "L39", "conversion", "Minitaur: event-driven computation with cached weights"
    reference = Reference(
        "Neil and Liu", 2014, "Minitaur, an event-driven FPGA-based spiking network accelerator",
        "IEEE Transactions on VLSI Systems 22:2621-2628",
    )  # fmt: skip
    claim = (
        "Working on a queue of spikes, and on nothing else, gives the network's answers with a cost that follows its "
        "activity; most spikes find the weights of their neuron in a small cache."
    )
    claimed = "MNIST: 92 %"
    shown = (
        "Digits of scikit-learn, 64-128-64-10 without biases, hard resets, Bernoulli spikes in 32 steps. The same "
        "spikes run through the converted network, which computes every neuron in every step, and through the event "
        "queue of `sl.network.EventDriven`. The cache has rows for a quarter of the 256 neurons that send."
    )
    chance = 0.1
    control = Absent("the claim is an equality; what rows would be found in a cache by chance is the bar of hits")

    tested: int = setting(360, "digits to be tested with", at_least=4, at_most=360)

    quick = full = Form(
        Bar("accuracy, events", at_least=0.92, why="the paper's; the trained network has 0.97"),
        Bar("spike counts that differ", at_most=0.0, why="the row: event-driven = clock-driven"),
        Bar("largest difference of outputs", at_most=1e-5, why="rounding of float32 sums in one of the two"),
        Bar("share of all additions", at_most=0.5, why="less than half of what a clock computes"),
        Bar("cache hits", at_least=0.25, why="a quarter of the rows is in the cache: as many hits by chance"),
    )
    smoke = Form(
        Bar("accuracy, events", at_least=0.7, why="40 digits"),
        Bar("spike counts that differ", at_most=0.0, why="the row: event-driven = clock-driven"),
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"tested": 40},
    )

    def measure(self, run: Run) -> Figures:
        data = digits()
        x, right = data.test[: self.tested], data.answers[: self.tested]
        net = sl.convert(trained(data, seed=run.seed, bias=False), data.inputs, "hard-reset", steps=STEPS)
        spikes = sl.coding.Bernoulli(STEPS)(x, generator=run.generator)
        clocked = counted(net, spikes, encoded=True)
        events = sl.conversion.run_event_driven(net, spikes)
        sent = [spikes, *events.spikes]
        differ = sum(
            int((a.sum(0) - b).abs().sum()) for a, b in zip(events.spikes, clocked.sites.values(), strict=True)
        )
        additions = sum(float(s.sum()) * fan for s, fan in zip(sent, (128, 64, 10), strict=True))
        return {
            "accuracy, events": float((events.output.argmax(1) == right).double().mean()),
            "accuracy, clock": float((clocked.output.argmax(1) == right).double().mean()),
            "spike counts that differ": differ,
            "largest difference of outputs": float((events.output - clocked.output).abs().max()),
            "spikes of an input": sum(float(s.sum()) for s in sent) / len(x),
            "share of all additions": additions / (spikes.shape[0] * len(x) * (64 * 128 + 128 * 64 + 64 * 10)),
            "cache hits": sl.hardware.cache_hits(sent, ROWS),
            "cache hits, 16 rows": sl.hardware.cache_hits(sent, 16),
        }
