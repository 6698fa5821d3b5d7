"""One belief network that sees and hears: pixels and the channels of a cochlea meet in its layers."""

from __future__ import annotations

import math

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import digits

# Milliseconds of a digit and of a step, channels and samples a second of the cochlea.
LENGTH, DT, CHANNELS, RATE = 100.0, 0.5, 24, 8000
# Hertz of the tone of each digit, a third of an octave apart.
TONES = 250.0 * 2.0 ** (torch.arange(10) / 3)


class BeliefNetworkFusion(Recipe):
    row, family, title = "L36", "conversion", "Fusion of two senses in a belief network"
    reference = Reference(
        "O'Connor, Neil, Liu, Delbruck and Pfeiffer", 2013,
        "Real-time classification and sensor fusion with a spiking deep belief network",
        "Frontiers in Neuroscience 7:178",
    )  # fmt: skip
    claim = (
        "One spiking belief network takes events of a retina and of a cochlea, is better with both than with either, "
        "and still answers where one of them is silent."
    )
    shown = (
        "Digits of scikit-learn, of whose pixels four in ten are replaced by random ones, as Poisson spikes; and for "
        "each a tone, whose pitch is off by half of the way to the next one (one standard deviation), in white noise, "
        "as spikes of a cochlea. A network 88-100-100 with 10 labels learns their mean spikes; 100 ms of spikes are "
        "tested. The control is the better of two networks with one sense."
    )
    stand_in = "Digits shown still and tones stand for the recordings of a retina and a cochlea."
    chance, control = 0.1, "accuracy, better sense"

    noise: float = setting(0.4, "share of pixels that are replaced", at_least=0.0, at_most=1.0)
    epochs: int = setting(8, "passes of contrastive divergence", at_least=1)
    learnt: int = setting(1437, "digits to learn from", at_least=50, at_most=1437)
    tested: int = setting(360, "digits to be tested with", at_least=20, at_most=360)

    quick = Form(
        Bar("accuracy, both", at_least=0.8, why="eight times chance"),
        Bar("points gained over the better sense", at_least=5.0, why="the claim: two standard errors of 360 digits"),
        Bar(
            "points lost by spikes, both",
            at_most=3.0,
            why="row V21: within 3 points at 100 ms",
            missed="Row V21 asks it of clear digits. What is lost is lost by seeing: vision alone loses 4 points, "
            "hearing alone less than half a point.",
        ),
        Bar("accuracy, both, nothing heard", at_least=0.5, why="the claim: five times chance"),
        Bar("accuracy, both, nothing seen", at_least=0.5, why="the claim: five times chance"),
    )
    full = Form(*quick.bars, seeds=range(10))
    smoke = Form(
        Bar("accuracy, both", at_least=0.3, why="three times chance, after two passes"),
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"epochs": 2, "learnt": 400, "tested": 40},
    )

    def measure(self, run: Run) -> Figures:
        data, generator = digits(), run.generator
        labels, answers = data.labels[: self.learnt], data.answers[: self.tested]
        x, u = (unclear(each, self.noise, run) for each in (data.inputs[: self.learnt], data.test[: self.tested]))
        heard = cochlea(tones(answers, run))
        means: dict[str, tuple[Tensor, ...]] = {"vision": (x, u)}
        means["hearing"] = (rates(cochlea(tones(labels, run))), rates(heard))
        means["both"] = tuple(torch.cat(parts, 1) for parts in zip(*means.values(), strict=True))
        found: dict[str, float] = {}
        for name, (learnt, shown) in means.items():
            units = sl.learning.SiegertUnits()
            net = sl.learning.DeepBelief((learnt.shape[1], 100, 100), 10, units=units, generator=generator)
            net.learn(learnt, labels, epochs=self.epochs, lr=0.4)
            neurons = net.spiking(DT)
            spikes = {"vision": [net.encode(u, LENGTH, DT)], "hearing": [heard]}
            spikes["both"] = [*spikes["vision"], *spikes["hearing"]]
            found[f"accuracy, {name}"] = share(neurons(torch.cat(spikes[name], 2)).sum(0), answers)
            lost = share(net(shown), answers) - found[f"accuracy, {name}"]
            found[f"points lost by spikes, {name}"] = 100 * lost
        # The last of the networks has both senses.
        seen, silent = spikes["vision"][0], torch.zeros_like(heard)
        found["accuracy, both, nothing heard"] = share(neurons(torch.cat([seen, silent], 2)).sum(0), answers)
        found["accuracy, both, nothing seen"] = share(neurons(torch.cat([0 * seen, heard], 2)).sum(0), answers)
        found["accuracy, better sense"] = max(found["accuracy, vision"], found["accuracy, hearing"])
        gained = found["accuracy, both"] - found["accuracy, better sense"]
        return found | {"points gained over the better sense": 100 * gained}


def unclear(x: Tensor, noise: float, run: Run) -> Tensor:
    replaced, others = torch.rand(2, *x.shape, generator=run.generator)
    return torch.where(replaced < noise, others, x)


def tones(labels: Tensor, run: Run) -> Tensor:
    """Samples [samples, n]."""
    pitch = TONES[labels] * 2 ** (torch.randn(len(labels), generator=run.generator) / 6)
    time = torch.arange(round(LENGTH * RATE / 1000)) / RATE
    phase = torch.rand(len(labels), generator=run.generator)
    sound = 0.5 * torch.sin(2 * math.pi * (time[:, None] * pitch + phase))
    return sound + 0.1 * torch.randn(sound.shape, generator=run.generator)


def cochlea(sound: Tensor) -> Tensor:
    """Spikes [T, n, channels] in steps of DT."""
    neuron = sl.LIF(dt=1000 / RATE, tau_mem=2.0, r=4.0)
    ear = sl.coding.Cochlea(sl.coding.NeuronCode(neuron), channels=CHANNELS, rate=float(RATE))
    spikes: Tensor = ear(sound)
    return spikes.reshape(round(LENGTH / DT), -1, *spikes.shape[1:]).amax(1)


def rates(spikes: Tensor) -> Tensor:
    """In units of what neurons reach at most, 500 Hz."""
    return (spikes.mean(0) * (2.0 / DT)).clamp(max=1.0)


def share(y: Tensor, right: Tensor) -> float:
    return float((y.argmax(1) == right).double().mean())
