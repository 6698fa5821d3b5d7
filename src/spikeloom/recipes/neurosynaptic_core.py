"""The neurosynaptic core: a Boltzmann machine on a crossbar of binary synapses."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot, pad

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import digits

# The paper's measurement of its chip; here it only turns counts into an estimate.
JOULES_A_SPIKE = 45e-12
# Size of weights in the Boltzmann machine, threshold in units of a synapse, and milliseconds.
SIZE, THRESHOLD, STEPS = 0.25, 8, 32


class NeurosynapticCore(Recipe):
    row, family, title = "L38", "conversion", "Boltzmann machine on a neurosynaptic core"
    reference = Reference(
        "Merolla, Arthur, Akopyan, Imam, Manohar and Modha", 2011,
        "A digital neurosynaptic core using embedded crossbar memory with 45pJ per spike in 45nm",
        "IEEE Custom Integrated Circuits Conference",
    )  # fmt: skip
    claim = (
        "A Boltzmann machine that was trained off-line tells digits on a core with binary synapses, a few kinds of "
        "axons and whole-number neurons, which does to the bit what software says."
    )
    claimed = "MNIST: 94 %, 45 pJ a spike"
    shown = (
        "Digits of scikit-learn, 64 visible and 100 hidden units, weights of one size by contrastive divergence, two "
        "axons an input; counts of 32 ms of Bernoulli spikes are read by least squares. Joules are counts times the "
        "paper's constant, not measured. In the control the crossbar is that of the machine before it learnt."
    )
    chance, control = 0.1, "accuracy, crossbar not learnt"

    hidden: int = setting(100, "hidden units", at_least=2, at_most=256)
    epochs: int = setting(20, "passes of contrastive divergence", at_least=1)

    quick = full = Form(
        Bar("accuracy, core", at_least=0.94, why="the paper's on MNIST"),
        Bar("spikes that differ from floats", at_most=0.0, why="the paper: one-to-one with software"),
        Bar("points lost to the machine", at_most=2.0, why="two standard errors of 360 digits at 0.95 are 2.3"),
    )
    smoke = Form(
        Bar("accuracy, core", at_least=0.85, why="a smaller core, five passes"),
        Bar("spikes that differ from floats", at_most=0.0, why="the paper: one-to-one with software"),
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"hidden": 60, "epochs": 5},
    )

    def measure(self, run: Run) -> Figures:
        data = digits()
        machine = sl.learning.RestrictedBoltzmann(
            64, self.hidden, generator=run.generator, rounding=lambda w: SIZE * w.sign()
        )
        first = machine.weight.sign()
        machine.learn(data.inputs, epochs=self.epochs, lr=0.02)
        core = sl.hardware.NeurosynapticCore.of_signs(machine.weight.sign(), machine.hidden_bias / SIZE, v_th=THRESHOLD)
        plain = sl.hardware.NeurosynapticCore.of_signs(first, torch.zeros(self.hidden), v_th=THRESHOLD)
        spikes = [sl.coding.Bernoulli(STEPS)(x, generator=run.generator) for x in (data.inputs, data.test)]
        axons = [torch.cat([s, s], 2) for s in spikes]

        def read(seen: Tensor, tested: Tensor) -> float:
            return data.accuracy(pad(tested, (0, 1), value=1.0).double() @ fitted(seen, data.labels))

        def counts(of: sl.hardware.NeurosynapticCore) -> list[Tensor]:
            return [of.run(s).spikes[0].sum(0) for s in axons]

        tested = core.run(axons[1])
        found = {
            "accuracy, core": read(*counts(core)),
            "accuracy, crossbar not learnt": read(*counts(plain)),
            "accuracy, means of the machine": read(machine(data.inputs), machine(data.test)),
            "spikes that differ from floats": float((in_floats(core, axons[1]) != tested.spikes[0]).sum()),
            "axon events of a digit": tested.events[0] / len(data.test),
            "synaptic events of a digit": tested.operations[0] / len(data.test),
        }
        found["points lost to the machine"] = 100 * (found["accuracy, means of the machine"] - found["accuracy, core"])
        sent = float(tested.spikes[0].sum()) / len(data.test)
        joules = JOULES_A_SPIKE * (found["axon events of a digit"] + sent)
        return found | {"spikes of a digit": sent, "estimated nJ of a digit": 1e9 * joules}


def fitted(x: Tensor, labels: Tensor) -> Tensor:
    """Weights of a linear read-out, the last for a constant, [n + 1, 10], with a ridge of 1."""
    x = pad(x, (0, 1), value=1.0).double()
    ridge = torch.eye(x.shape[1], dtype=torch.float64)
    weights: Tensor = torch.linalg.solve(x.T @ x + ridge, x.T @ one_hot(labels, 10).double())
    return weights


def in_floats(core: sl.hardware.NeurosynapticCore, axons: Tensor) -> Tensor:
    """The same network in float32, [T, B, neurons]."""
    current = axons @ core.weight.float().T + core.leak.float()
    v, spikes = torch.zeros_like(current[0]), []
    for arrived in current:
        v = (v + arrived).relu()
        spikes.append((v >= core.v_th.float()).float())
        v = v * (1 - spikes[-1])
    return torch.stack(spikes)
