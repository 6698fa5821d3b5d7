"""Always on: a core that sleeps until a spike comes computes what a clocked one does."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

# Samples a second, milliseconds of a word, synthetic or recorded, channels of the cochlea, bits of weights.
RATE, LENGTH, RECORDED, CHANNELS, BITS = 8000, 300, 500, 16, 6
# Two resonances in hertz at the beginning and the end of each word.
WORDS = (((300.0, 2300.0), (750.0, 1300.0)), ((700.0, 1100.0), (350.0, 800.0)))


class AlwaysOn(Recipe):
    row, family, title = "M07", "conversion", "Always-on network that is woken by spikes"
    reference = Reference(
        "Wang, Chundi, Kim, Yang, Cerqueira, Kang, Jung, Kim and Seok", 2020,
        "Always-On, Sub-300-nW, Event-Driven Spiking Neural Network based on Spike-Driven Clock-Generation and "
        "Clock- and Power-Gating for an Ultra-Low-Power Intelligent Device",
        "IEEE Asian Solid-State Circuits Conference", arxiv="2006.12314",
    )  # fmt: skip
    claim = (
        "Cores whose clock runs only while a spike is worked on compute what a clocked chip does, and cost what leaks "
        "and a fixed amount for each event."
    )
    claimed = "less than 300 nW for keyword spotting; power is not claimed here"
    shown = (
        "Two words of 0.3 s and silence, a cochlea of 16 channels, spikes in bins of 1 ms, a perceptron 16-32-2 of "
        "whole numbers with weights of 6 bits, run with a clock and from event to event. In the control the channels "
        'of each tested word are shuffled. In the full form the words are "zero" and "one" of Free Spoken Digits, 0.5 '
        "s of each recording at one level, by six speakers, divided as published."
    )
    stand_in = (
        "In the quick form words are synthetic: harmonics through two moving resonances, of random pitch, length and "
        "loudness."
    )
    chance, control = 0.5, "accuracy, channels shuffled"

    words: int = setting(40, "words to be tested with", at_least=4)
    recorded: bool = setting(False, "spoken digits; `words` are at most 60 then")

    quick = Form(
        Bar("accuracy, events", at_least=0.9, why="two standard errors below 0.98, for 40 words"),
        Bar("spikes and potentials that differ", at_most=0.0, why="the row: bit for bit"),
        Bar("events and wakes of silence", at_most=0.0, why="the row: silence costs the leak only"),
        Bar(
            "additions explained by spikes, R2",
            at_least=0.99,
            why="the row: counts are linear in spikes, of each layer",
        ),
        Bar("share of steps awake", at_most=0.75, why="quiet parts of words take a quarter of their time or more"),
    )
    full = Form(
        Bar(
            "accuracy, events",
            at_least=0.92,
            why="two standard errors of 60 words below 0.97, what recordings left out of learning reach",
        ),
        *quick.bars[1:],
        settings={"words": 60, "recorded": True},
    )
    smoke = Form(
        Bar("accuracy, events", at_least=0.8, why="ten words"),
        *quick.bars[1:4],
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"words": 10},
    )

    def measure(self, run: Run) -> Figures:
        (x, y), (u, right) = self.recordings(run) if self.recorded else (made(200, run), made(self.words, run))
        steps = len(u)
        model = trained(x.mean(0), y, run)
        net = sl.hardware.IntegerNetwork.of(sl.convert(model, x.mean(0), "percentile", steps=steps), bits=BITS)
        clocked, events = net.clocked(u), net.event_driven(u)
        differ = sum(int((a != b).sum()) for a, b in zip(clocked.spikes, events.spikes, strict=True))
        silent = net.event_driven(torch.zeros(steps, 1, CHANNELS))
        order = torch.rand(u.shape[1], CHANNELS, generator=run.generator).argsort(1)
        shuffled = net.event_driven(u.gather(2, order.expand(u.shape)))
        parts = [net.event_driven(u[:, [n]]) for n in range(u.shape[1])]
        spikes = torch.tensor([p.events for p in parts]).double()
        additions = torch.tensor([sum(p.operations) for p in parts]).double()
        told = spikes @ torch.linalg.lstsq(spikes, additions[:, None]).solution[:, 0]
        return {
            "accuracy, events": share(events.v, right),
            "accuracy, channels shuffled": share(shuffled.v, right),
            "accuracy, before conversion": share(model(u.mean(0)), right),
            "spikes and potentials that differ": differ + int((clocked.v != events.v).sum()),
            "events and wakes of silence": sum(silent.events) + sum(silent.wakes),
            "additions explained by spikes, R2": float(1 - (told - additions).var() / additions.var()),
            "share of steps awake": sum(events.wakes) / sum(clocked.wakes),
            "additions of a word": sum(events.operations) / u.shape[1],
            "additions of a clocked word": steps * (CHANNELS * 32 + 32 * 2),
        }

    def recordings(self, run: Run) -> list[tuple[Tensor, Tensor]]:
        """Recordings to learn from and to be tested with as spikes [T, words, channels], and labels."""
        parts: list[tuple[Tensor, Tensor]] = []
        for part in sl.datasets.spoken_digits(samples=RECORDED * RATE // 1000):
            rows = (part.labels < 2).nonzero()[:, 0]
            drawn = rows[torch.randperm(len(rows), generator=run.generator)][: self.words if parts else None]
            sounds = part.sounds[drawn]
            # Microphones differ thirtyfold.
            parts.append((heard((sounds / sounds.abs().amax(1, keepdim=True)).T), part.labels[drawn]))
        return parts


def made(number: int, run: Run) -> tuple[Tensor, Tensor]:
    """The same of synthetic words."""
    labels = torch.arange(number) % 2
    return heard(torch.stack([word(WORDS[int(label)], run.generator) for label in labels], 1)), labels


def heard(sounds: Tensor) -> Tensor:
    """Spikes [T, words, channels] of samples [8 T, words]."""
    cochlea = sl.coding.Cochlea(
        sl.coding.NeuronCode(sl.LIF(dt=0.125, tau_mem=2.0, r=4.0)), channels=CHANNELS, rate=float(RATE)
    )
    spikes: Tensor = cochlea(sounds)
    return spikes.reshape(-1, RATE // 1000, *spikes.shape[1:]).amax(1)


def word(resonances: tuple[tuple[float, float], tuple[float, float]], generator: torch.Generator) -> Tensor:
    """Samples of one word: 20 harmonics, silence before and after it."""
    drawn = torch.rand(5, generator=generator).tolist()
    pitch, loud, shift = 100.0 + 80.0 * drawn[0], 0.2 * 4.0 ** drawn[1], 0.9 + 0.2 * drawn[2]
    begin, length = 0.08 * drawn[3], 0.15 + 0.07 * drawn[4]
    time = torch.arange(LENGTH * RATE // 1000) / RATE
    along = ((time - begin) / length).clamp(0.0, 1.0)
    harmonics = pitch * torch.arange(1, 21)[:, None]
    gain = sum(
        torch.exp(-(((harmonics - shift * (start + along * (end - start))) / 150.0) ** 2))
        for start, end in zip(*resonances, strict=True)
    )
    envelope = torch.where((along > 0) & (along < 1), torch.sin(math.pi * along), 0.0)
    samples: Tensor = loud * envelope * (gain * torch.sin(2 * math.pi * harmonics * time)).sum(0)
    return samples


def trained(x: Tensor, labels: Tensor, run: Run) -> nn.Sequential:
    """A perceptron without biases. Rates are about 0.01 spikes a step, so that outputs are taken a hundredfold."""
    first, second = nn.Linear(CHANNELS, 32, bias=False), nn.Linear(32, 2, bias=False)
    for layer in (first, second):
        drawn = torch.randn(layer.weight.shape, generator=run.generator)
        layer.weight.data = drawn * (2 / layer.in_features) ** 0.5
    model = nn.Sequential(first, nn.ReLU(), second)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(100.0 * model(x), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.eval().requires_grad_(False)


def share(y: Tensor, right: Tensor) -> float:
    return float((y.argmax(1) == right).double().mean())
