"""T2FSNN: conversion to at most one spike per neuron, whose time tells the activation."""

from __future__ import annotations

import torch
from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run
from spikeloom.recipes._trained_digits import Digits, digits, run_and_count, trained


class T2FSNN(Recipe):
    name = "t2fsnn"
    row, family = "M22", "conversion"
    title = "T2FSNN: time to first spike"
    reference = Reference(
        "Park, Kim, Na and Yoon",
        2020,
        "T2FSNN: deep spiking neural networks with time-to-first-spike coding",
        arxiv="2003.11741",
    )
    claim = (
        "With an exponential kernel as falling threshold and as weight of a spike, a converted network needs one spike "
        "per neuron at most. Time constant and delay of each layer follow from its activations by gradient descent, "
        "and layers may begin to fire before their input is complete."
    )
    claimed = "on CIFAR-100 22 % of the latency and less than 1 % of the spikes of burst coding"
    shown = (
        "Digits of scikit-learn, inputs as first spikes, too. 64-100-100-10 with 8 steps for a layer and a time "
        "constant of a third of them, an eighth for the control; 64-64-64-64-64-10 for time constants that are "
        "optimised from 1 and from 4 on. Early firing: layers begin after half of a window."
    )
    chance, control = 0.1, "accuracy, tau = T / 8"

    quick = full = Form(
        Bar("accuracy, tau = T / 3", at_least=0.96, why="97.6 % in the survey, less two standard errors of 360 digits"),
        Bar("spikes of a digit", between=(118.0, 218.0), why="168 in the survey, of 264 that could be; other weights"),
        Bar("most spikes of a neuron", at_most=1.0, why="by construction"),
        Bar("accuracy, optimised from 1", at_least=0.951, why="96.7 % in the survey, less two standard errors"),
        Bar("gain by optimising from 1", at_least=0.1, why="18.5 points in the survey"),
        Bar("tau apart after two starts, T = 8", at_most=0.05, why="the same in the survey"),
        Bar("tau apart after two starts, T = 12", at_most=0.05, why="the same in the survey"),
        Bar("loss by early firing", at_most=0.05, why="graceful: a third of the latency for less than five points"),
        Bar("latency of early firing", at_most=0.7, why="two thirds of the windows of three layers"),
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        data = digits()
        model = trained(data, 100, 100, seed=run.seed)
        found = {"accuracy, original": data.accuracy(model)}
        third, spikes, most = told(model, data, sl.conversion.FirstSpikeCode(tau=8 / 3), 8)
        found |= {"accuracy, tau = T / 3": third, "spikes of a digit": spikes, "most spikes of a neuron": most}
        found["accuracy, tau = T / 8"] = told(model, data, sl.conversion.FirstSpikeCode(tau=1.0), 8)[0]
        early = sl.conversion.FirstSpikeCode(tau=8 / 3, early=0.5)
        found["accuracy, early firing"] = told(model, data, early, 8)[0]
        found["loss by early firing"] = third - found["accuracy, early firing"]
        whole, half = (
            sl.convert(model, data.inputs, code, steps=8).latency() for code in (sl.conversion.FirstSpikeCode(), early)
        )
        found["latency of early firing"] = half / whole
        return found | deep(run.seed)


def deep(seed: int) -> dict[str, float]:
    """Optimised kernels in a network of four hidden layers."""
    data = digits()
    model = trained(data, 64, 64, 64, 64, seed=seed)
    found = {"accuracy, original of four layers": data.accuracy(model)}
    for start in (1.0, 4.0):
        plain, better = (sl.conversion.FirstSpikeCode(tau=start, optimised=rounds) for rounds in (0, 60))
        found[f"accuracy, not optimised, {start:g}"] = before = told(model, data, plain, 8)[0]
        found[f"accuracy, optimised from {start:g}"] = after = told(model, data, better, 8)[0]
        found[f"gain by optimising from {start:g}"] = after - before
    for steps in (8, 12):
        taus = [torch.tensor(constants(model, data, start, steps)) for start in (1.0, 4.0)]
        found[f"tau apart after two starts, T = {steps}"] = float((taus[0] - taus[1]).abs().max())
    return found


def told(model: nn.Module, data: Digits, code: sl.conversion.Method, steps: int) -> tuple[float, float, float]:
    """Accuracy, spikes for a digit with those of the input, and the most that any neuron sends."""
    x = code.encode(data.test, steps)
    y, spikes, most = run_and_count(sl.convert(model, data.inputs, code, steps=steps), x, encoded=True)
    return data.accuracy(y), spikes + float((x != 0).sum() / x.shape[1]), float(most)


def constants(model: nn.Module, data: Digits, start: float, steps: int) -> list[float]:
    """Time constants of all layers, optimised from a start."""
    code = sl.conversion.FirstSpikeCode(tau=start, optimised=60)
    net = sl.convert(model, data.inputs, code, steps=steps)
    neurons = (module for module in net.modules() if isinstance(module, sl.neurons.FirstSpike))
    return [float(torch.as_tensor(neuron.param_values()["tau"])) for neuron in neurons]
