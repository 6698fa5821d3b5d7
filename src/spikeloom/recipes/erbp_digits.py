"""eRBP: digits by random back-propagation, in which errors are spikes and reach hidden neurons by fixed weights."""

from __future__ import annotations

from typing import Any

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

# Milliseconds, and spikes per second of a white pixel and of the label.
DIGIT, DT, INPUT, LABEL = 200.0, 1.0, 150.0, 100.0
# Of error neurons: the jump of the potential by a spike and its decay.
JUMP, DECAY = 0.3, 50.0


class ERBPDigits(Recipe):
    row, family = "L19", "local learning"
    title = "Event-driven random back-propagation"
    reference = Reference(
        "Neftci, Augustine, Paul and Detorakis",
        2017,
        "Event-driven random back-propagation: enabling neuromorphic deep learning machines",
        "Frontiers in Neuroscience 11, 324",
        doi="10.3389/fnins.2017.00324",
    )
    claim = (
        "A network of spiking neurons learns in all layers while it runs: error neurons compare outputs with labels, "
        "their spikes reach hidden neurons through fixed random weights, and a synapse changes at its input spikes by "
        "the error at the neuron while the neuron's current is within bounds."
    )
    claimed = "MNIST 97.98 %"
    shown = (
        "Digits of scikit-learn in the simulator, 64 inputs, 100 hidden neurons and 10 outputs, 200 ms of Poisson "
        "spikes for each digit, learning switched off for the test. In the control no error reaches the hidden layer, "
        "so that only the output layer learns, by the same rule."
    )
    chance, control = 0.1, "accuracy, no feedback"

    hidden: int = setting(100, "hidden neurons", at_least=1)
    passes: int = setting(5, "presentations of the training digits", at_least=1)
    eta: float = setting(0.01, "learning rate of the outputs, twice that of hidden neurons", at_least=0.0)
    feedback: float = setting(0.3, "size of the random weights", at_least=0.0)

    quick = Form(
        Bar("accuracy", at_least=0.90, why="the mark that the survey's row sets for these digits"),
        Bar("gain by feedback", at_least=0.03, why="in an untuned sketch the control did as well: 3 points are asked"),
    )
    smoke = Form(
        Bar("accuracy", at_least=0.8, why="three presentations are enough for that"),
        seeds=(0,),
        few_seeds="for every test run; quick has three",
        settings={"passes": 3},
    )
    full = Form(*quick.bars, seeds=range(10), settings={"passes": 10})

    def measure(self, run: Run) -> Figures:
        taught, control = self.accuracy(run, self.feedback), self.accuracy(run, 0.0)
        return {
            "accuracy": taught,
            "accuracy, no feedback": control,
            "gain by feedback": taught - control,
        }

    def accuracy(self, run: Run, feedback: float) -> float:
        """Share of the test digits that are right after training with random weights of that size."""
        data, random = sl.datasets.digits(), np.random.default_rng(run.seed)
        net, layers, inputs, labels = self.network(feedback, random, run.seed)
        net.record(layers[-1].post)
        images, right = data.train.inputs().flatten(1).numpy(), data.train.labels.numpy()
        for epoch in run.track(range(self.passes), "passes"):
            for layer, share in zip(layers, (0.5, 1.0), strict=True):
                layer.learning.rule.eta = share * self.eta * 0.7**epoch
            for k in random.permutation(len(images)):
                inputs["rate"], labels["rate"] = INPUT * images[k], LABEL * np.eye(10)[right[k]]
                net.run(DIGIT, progress=False)
        for layer in layers:
            layer.learning.on = False
        labels["rate"], answers = np.zeros(10), []
        for image in data.test.inputs().flatten(1).numpy():
            inputs["rate"] = INPUT * image
            spikes = net.run(DIGIT, progress=False)["output"].spikes.neurons
            # Of outputs with as many spikes one is drawn.
            answers.append(int((np.bincount(spikes, minlength=10) + 0.5 * random.random(10)).argmax()))
        return float((np.array(answers) == data.test.labels.numpy()).mean())

    def network(self, feedback: float, random: np.random.Generator, seed: int) -> tuple[Any, list[Any], Any, Any]:
        """The network, its plastic layers, and the sources of digits and labels."""
        nw = sl.network
        net, every, each = nw.Network(dt=DT, seed=seed, threads=1), nw.rules.AllToAll(), nw.rules.OneToOne()
        inputs = net.population(64, nw.Poisson(np.zeros(64)), name="input")
        labels = net.population(10, nw.Poisson(np.zeros(10)), name="label")
        cell, rule = sl.CurrentLIF(tau_mem=20.0, tau_syn=5.0), sl.plasticity.ERBP
        bounds = {"tau_error": 20.0, "b_min": -2.0, "b_max": 2.0, "w_min": -3.0, "w_max": 3.0}
        hidden, output = net.population(self.hidden, cell, name="hidden"), net.population(10, cell, name="output")
        layers: list[Any] = []
        for pre, post in ((inputs, hidden), (hidden, output)):
            w = 0.5 * random.standard_normal(len(pre) * len(post))
            layers.append(net.connect(pre, post, every, weight=w, plasticity=rule(eta=self.eta, **bounds)))
        to_hidden, to_output = (layer.learning.receptor("error") for layer in layers)
        g = feedback * random.standard_normal(10 * self.hidden)
        jump = JUMP / -np.expm1(-DT / DECAY)
        for sign, name in ((1.0, "too many"), (-1.0, "too few")):
            error = net.population(10, sl.LIF(tau_mem=DECAY), name=name)
            net.connect(output, error, each, weight=sign * jump)
            net.connect(labels, error, each, weight=-sign * jump)
            net.connect(error, output, each, weight=sign, receptor=to_output)
            net.connect(error, hidden, every, weight=sign * g, receptor=to_hidden)
        return net, layers, inputs, labels
