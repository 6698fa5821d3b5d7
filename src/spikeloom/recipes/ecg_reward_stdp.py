"""Heart beats: STDP finds their shapes, and reward-modulated STDP learns what kind of beat a shape means."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

KINDS = 4
# ms: time step, a step of the latency code, all of a beat.
DT, BEAT = 0.25, 30.0
STEPS = 64
# Of each beat, its spikes: step and channel.
Beats = list[NDArray[Any]]


class EcgRewardStdp(Recipe):
    row, family = "P21", "plasticity"
    title = "Heart beats by STDP and reward-modulated STDP"
    reference = Reference(
        "Amirshahi and Hashemi",
        2019,
        "Ultra low-power and real-time ECG classification based on STDP and R-STDP neural networks for wearable "
        "devices",
        "IEEE Trans. Biomedical Circuits and Systems 13",
        arxiv="1905.02954",
    )
    claim = (
        "A layer that learns by STDP and one that learns by reward-modulated STDP tell kinds of heart beats about as "
        "well as other methods, with few operations for a beat."
    )
    claimed = "1.78 uJ for a beat"
    shown = (
        "Beats of four kinds as latencies of Gaussian receptive fields; a layer with inhibition that learns by STDP, "
        "without labels; four neurons of which the first to spike is the answer, told only whether it is right. "
        "In the control rewards come at random; energy is replaced by a count of events at synapses."
    )
    stand_in = "Beats are synthetic, a sum of Gaussian waves with jitter and noise, in place of MIT-BIH's recordings."
    chance, control = 0.25, "accuracy, reward shuffled"

    beats: int = setting(400, "beats to learn from, and as many to test", at_least=8)
    shapes: int = setting(80, "neurons that learn shapes", at_least=2)
    passes: int = setting(3, "passes of the beats through each layer", at_least=1)

    quick = Form(
        Bar(
            "accuracy",
            at_least=0.90,
            why="the survey's mark; only beats without P wave are hard to tell from normal ones",
        ),
        Bar(
            "accuracy, reward shuffled",
            at_most=0.45,
            why="near chance, 0.25; neurons that answer alike may get one kind right",
        ),
        Bar("events / operations of dense layers", at_most=0.5, why="less to do is the point of events"),
    )
    full = Form(*quick.bars, seeds=range(5), settings={"beats": 2000})
    smoke = Form(
        Bar("accuracy", at_least=0.75, why="three times chance, with fewer beats to learn from"),
        seeds=(0,),
        few_seeds="a seed takes seconds",
        settings={"beats": 200},
    )

    def measure(self, run: Run) -> dict[str, float]:
        signals, labels = sl.datasets.heart_beats(2 * self.beats, generator=run.generator)
        inputs, kinds = encoded(signals), labels.numpy()
        beats = [np.argwhere(train) for train in inputs.bool().transpose(0, 1).numpy()]
        shapes, weights = self.learn_shapes(beats, inputs.shape[2], run)
        told, mixed = kinds[: self.beats], run.random.permutation(kinds[: self.beats])
        scores = [self.learn_kinds(shapes, each, kinds, run) for each in (told, mixed)]
        run.draw("weights of the first 40 shapes", lambda axes: axes.imshow(weights[:, :40].T, aspect="auto"))
        means = sl.coding.class_means(signals[: self.beats], labels[: self.beats], classes=KINDS)
        nearest = torch.cdist(signals[self.beats :], means).argmin(1) == labels[self.beats :]
        spikes = [float(np.mean([len(each) for each in layer])) for layer in (beats, shapes)]
        events = spikes[0] * self.shapes + spikes[1] * (self.shapes - 1 + KINDS)
        return {
            "accuracy": scores[0],
            "accuracy, reward shuffled": scores[1],
            "accuracy, nearest mean of the signals": float(nearest.float().mean()),
            "input spikes of a beat": spikes[0],
            "spikes of the layer of shapes": spikes[1],
            "synaptic events of a beat": events,
            "events / operations of dense layers": events / (self.shapes * (inputs.shape[2] + KINDS)),
        }

    def learn_shapes(self, beats: Beats, size: int, run: Run) -> tuple[Beats, NDArray[Any]]:
        """Spikes of the layer that learns shapes, for each beat, and its weights."""
        nw, every, learning = sl.network, sl.network.rules.AllToAll, self.passes * self.beats
        order = [*passes(self.beats, self.passes, run), *range(len(beats))]
        active = float(np.mean([len(beat) for beat in beats]))
        # The same rise of thresholds in all, however many beats there are.
        rise = 1680.0 / learning
        net = nw.Network(dt=DT, seed=run.seed, threads=1)
        source = net.population(size, nw.SpikeTimes(*sequence(beats, order)), name="beats")
        lif = sl.LIF(tau_mem=1000.0, decay_input=False, v_th=0.2 * active)
        cells = net.population(self.shapes, sl.AdaptiveThreshold(lif, beta=rise, tau_adapt=1e6), name="shapes")
        rule = sl.plasticity.SimplifiedSTDP(a_plus=0.1, a_minus=0.05, window=20.0, dependence=sl.plasticity.Additive())
        synapses: Any = net.connect(source, cells, every(), weight=nw.Uniform(0.3, 0.7), plasticity=rule)
        net.connect(cells, cells, every(autapses=False), weight=-0.06 * active)
        net.record(cells)
        found: Beats = [np.zeros((0, 2), dtype=int)] * len(beats)
        for number, beat in enumerate(run.track(order, "layer of shapes")):
            if number < learning:
                synapses.learning.normalise(0.35 * size)
            elif number == learning:
                # Thresholds are held, a little lower, so that several shapes answer.
                synapses.learning.on, held = False, np.maximum(cells["a"] - 10.0 / rise, 0.0)
            if number >= learning:
                cells["a"] = held
            cells["v"] = 0.0
            spikes = net.run(BEAT, progress=False)["shapes"]
            found[beat] = np.stack([np.rint((spikes.times - number * BEAT) / DT).astype(int), spikes.neurons], axis=1)
        return found, synapses.matrix().toarray()

    def learn_kinds(self, beats: Beats, told: NDArray[Any], kinds: NDArray[Any], run: Run) -> float:
        """Accuracy of the layer that is rewarded where its answer is what it is told, on the beats to test with."""
        nw, every = sl.network, sl.network.rules.AllToAll
        order = [*passes(self.beats, self.passes, run), *range(self.beats, len(beats))]
        net = nw.Network(dt=DT, seed=run.seed, threads=1)
        source = net.population(self.shapes, nw.SpikeTimes(*sequence(beats, order)), name="shapes")
        cells = net.population(KINDS, sl.CurrentLIF(tau_mem=20.0, tau_syn=5.0, v_th=0.08), name="kinds")
        rule = sl.plasticity.FirstSpikeRewardSTDP(
            reward_causal=0.1, reward_other=-0.005, punish_causal=-0.1, punish_other=0.001
        )
        synapses: Any = net.connect(source, cells, every(), weight=nw.Uniform(0.4, 0.6), plasticity=rule)
        net.record(cells)
        right = []
        for number, beat in enumerate(run.track(order, "layer of kinds")):
            cells["v"] = cells["i_syn"] = 0.0
            spikes = net.run(BEAT, progress=False)["kinds"]
            answer = spikes.neurons[0] if len(spikes.neurons) else -1
            if number < self.passes * self.beats:
                # A reward of nearly nothing ends the trial of those that spiked later.
                reward = np.where(np.isin(np.arange(KINDS), spikes.neurons), 1e-12, 0.0)
                if answer >= 0:
                    reward[answer] = 1.0 if answer == told[beat] else -1.0
                synapses.learning.give("reward", reward)
                synapses.learning.reset()
            else:
                synapses.learning.on = False
                right.append(answer == kinds[beat])
        return float(np.mean(right))


def encoded(signals: Tensor) -> Tensor:
    """Spikes [steps, beat, input]: 40 samples, small waves made larger, each as latencies of eight neurons."""
    samples = 0.5 + 0.5 * torch.tanh(5.0 * signals.view(len(signals), -1, 4).mean(-1))
    code = sl.coding.GaussianPopulation(sl.coding.LinearLatency(STEPS), neurons=8)
    return code.forward(samples).flatten(2)


def passes(count: int, times: int, run: Run) -> list[int]:
    """Numbers of beats, each once in a pass."""
    return [int(beat) for _ in range(times) for beat in run.random.permutation(count)]


def sequence(beats: Beats, order: list[int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Times, ms, and channels of spikes of one beat after the other."""
    spikes = np.concatenate([beats[beat] for beat in order])
    begin = np.repeat(np.arange(len(order)) * BEAT, [len(beats[beat]) for beat in order])
    return begin + (spikes[:, 0] + 1) * DT, spikes[:, 1]
