"""Short-term plasticity keeps in mind what was seen just now, and so knows digits behind a moving bar."""

from __future__ import annotations

import math

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

P = sl.plasticity
FRAMES, SPIKES, BAR = 30, 2, 3
# A step has one spike of the layer and counts as 1 ms.
TAU_FAST, GAMMA = 5.0, 0.01


class ShortTermSTDPScenes(Recipe):
    name = "short-term-stdp-scenes"
    row, family = "A25", "plasticity"
    title = "Short-term STDP for scenes that change"
    reference = Reference(
        "Moraitis, Sebastian and Eleftheriou",
        2020,
        "Short-term synaptic plasticity optimally models continuous environments",
        arxiv="2009.06808",
    )
    claim = (
        "Synapses that are strengthened for a short time by the spikes that they caused make a network, trained "
        "without labels on still images, the best estimator of a scene that changes; it sees behind moving objects."
    )
    shown = (
        "Test digits of scikit-learn, thirty frames each, one after the other, with a dark bar over three of eight "
        "columns that moves one column a frame; per frame two spikes of a soft winner-take-all layer that has learned "
        "still digits by STDP. The control has no short-term part. A fast weight is also compared with a "
        "Kalman filter that tracks the drifting probability of a presynaptic spike. Sizes and increments are ours; the "
        "paper's comparison with networks of other neurons is not made."
    )
    chance, control = 0.1, "frames known, no short-term part"

    neurons: int = setting(60, "neurons of the layer", at_least=10)
    streams: int = setting(50, "sequences of digits, side by side", at_least=1)
    digits: int = setting(5, "digits one after the other", at_least=1)

    quick = Form(
        Bar("frames known", at_least=0.3, why="three times chance, from two spikes a frame"),
        Bar(
            "gain over no short-term part",
            at_least=0.03,
            why="three times the standard error of 150 digits with 30 frames each, about 0.01",
        ),
        Bar("error / Kalman filter's", at_most=1.05, why="with its time constant and gain it is the same filter"),
        settings={"streams": 30},
    )
    full = Form(*quick.bars, seeds=range(10), settings={"streams": 72})
    smoke = Form(
        Bar("frames known", at_least=0.3, why="three times chance, from two spikes a frame"),
        seeds=(0,),
        few_seeds="a seed takes seconds",
        settings={"streams": 20, "digits": 3},
    )

    def measure(self, run: Run) -> dict[str, float]:
        data = sl.datasets.digits()
        layer = Layer(self.neurons, data.train.inputs().flatten(1), data.train.labels, run)
        chosen = torch.randperm(len(data.test), generator=run.generator)[: self.streams * self.digits]
        images = data.test.inputs()[chosen].view(self.digits, self.streams, 1, 8, 8)
        labels = data.test.labels[chosen].view(self.digits, self.streams)
        begin = torch.randint(0, 8, (self.streams,), generator=run.generator)
        scenes = torch.stack([behind_bar(image, begin + frame) for image in images for frame in range(FRAMES)])
        right = labels.repeat_interleave(FRAMES, 0)
        fast = P.ShortTermSTDP(gamma=GAMMA, tau_fast=TAU_FAST, tau_plus=0.05)
        votes = {rule: layer.votes(scenes.flatten(2), rule, run) for rule in (fast, None)}
        known = {rule: (each.argmax(2) == right).float().mean() for rule, each in votes.items()}
        smooth = sl.coding.exponential_trace(votes[None], tau=10.0)
        still = layer.votes(images.flatten(2), None, run, spikes=20).argmax(2) == labels
        return {
            "frames known": float(known[fast]),
            "frames known, no short-term part": float(known[None]),
            "gain over no short-term part": float(known[fast] - known[None]),
            "frames known, votes of ten frames": float((smooth.argmax(2) == right).float().mean()),
            "still digits known": float(still.float().mean()),
            "error / Kalman filter's": tracking(run.generator),
        }


class Layer:
    """Neurons of which one spikes at a time: k with a probability in proportion to exp(gain (x.w_k - |w_k|^2 / 2)).

    Inputs are pixels and their complements, as spikes at random. Learned by STDP that adds 0.1 (x - w) at each spike.
    """

    def __init__(self, neurons: int, images: Tensor, labels: Tensor, run: Run) -> None:
        self.generator = run.generator
        self.w = 0.4 + 0.2 * torch.rand(neurons, 2 * images.shape[1], generator=run.generator)
        self.labels, self.bias = torch.zeros(neurons, dtype=torch.int64), torch.zeros(neurons)
        rule = P.SimplifiedSTDP(a_plus=0.1, a_minus=0.1, window=1.0, dependence=P.Multiplicative())
        used = P.IntrinsicPlasticity(eta=0.1, target=1 / neurons)
        for _ in run.track(range(3), "still digits"):
            for rows in torch.split(torch.randperm(len(images), generator=run.generator), 20):
                spikes, w, _ = self.respond(images[rows], rule, self.w, gain=1.0)
                self.w = (self.w + (w - self.w).sum(0)).clamp(0.0, 1.0)
                self.bias = used.update(self.bias, spikes.flatten(0, 1))
        counts = self.respond(images, None, self.w, spikes=20)[0].sum(0)
        self.labels = sl.coding.class_means(counts, labels, classes=10).argmax(0)

    def votes(self, scenes: Tensor, rule: P.Rule | None, run: Run, *, spikes: int = SPIKES) -> Tensor:
        """Spikes for each class, [frame, stream, class]."""
        state, found = None, []
        for scene in run.track(scenes, "frames"):
            fired, _, state = self.respond(scene, rule, self.w, spikes=spikes, state=state)
            found.append(fired.sum(0) @ torch.nn.functional.one_hot(self.labels, 10).float())
        return torch.stack(found)

    def respond(
        self,
        images: Tensor,
        rule: P.Rule | None,
        w: Tensor,
        *,
        spikes: int = SPIKES,
        gain: float = 2.0,
        state: dict[str, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor, dict[str, Tensor] | None]:
        """Spikes [spikes, image, neuron], weights and state afterwards, for each image its own."""
        rates = torch.cat([images, 1.0 - images], 1)
        fired = []
        for _ in range(spikes):
            pre = (torch.rand(rates.shape, generator=self.generator) < rates).float()
            fast = state["fast"] if state is not None and "fast" in state else 0.0
            drive = (pre.unsqueeze(1) @ (w + fast).transpose(-1, -2)).squeeze(1) - w.square().sum(-1) / 2
            winner = torch.multinomial(torch.softmax(gain * drive - self.bias, 1), 1, generator=self.generator)
            post = torch.zeros_like(drive).scatter_(1, winner, 1.0)
            if rule is not None:
                learned = P.learn(rule, w, pre.unsqueeze(0), post.unsqueeze(0), state=state)
                w, state = learned.w, learned.state
            fired.append(post)
        return torch.stack(fired), w, state


def behind_bar(images: Tensor, first: Tensor) -> Tensor:
    """Images [n, 1, 8, 8] with a dark bar whose first column is given for each."""
    hidden = (torch.arange(8) - first.unsqueeze(1)) % 8 < BAR
    return images.masked_fill(hidden.view(-1, 1, 1, 8), 0.0)


def tracking(generator: torch.Generator, *, tau: float = 100.0, spread: float = 0.15) -> float:
    """Mean square error of a fast weight, divided by that of the Kalman filter, for a probability that drifts.

    1/2 plus an Ornstein-Uhlenbeck process; 1000 of them, after 300 steps with a postsynaptic spike in each.
    """
    a, steps, count = math.exp(-1 / tau), 300, 1000
    drift, noise = spread**2 * (1 - a * a), 0.25 - spread**2
    before = spread**2
    for _ in range(steps):
        gain = before / (before + noise)
        before = a * a * (1 - gain) * before + drift
    x, pre, kalman = spread * torch.randn(count, generator=generator), [], torch.zeros(count)
    for step in range(steps):
        x = a * x + math.sqrt(drift) * torch.randn(count, generator=generator) if step else x
        pre.append((torch.rand(count, generator=generator) < 0.5 + x).float())
        kalman = a * kalman + gain * (pre[-1] - 0.5 - a * kalman)
    decay = a * (1 - gain)
    rule = P.ShortTermSTDP(gamma=gain, tau_fast=-1 / math.log(decay), tau_plus=0.05, limit=10.0)
    trains = torch.stack(pre).unsqueeze(-1)
    fast = P.learn(rule, torch.zeros(1, 1), trains, torch.ones_like(trains)).state["fast"].flatten()
    estimate = fast - 0.5 * gain / (1 - decay)
    return float((estimate - x).square().mean() / (kalman - x).square().mean())
