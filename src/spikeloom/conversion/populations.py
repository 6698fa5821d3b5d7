"""Converted perceptrons as populations of the network without time step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import ConversionError, ParameterError, ShapeError
from ..neurons import IF
from ..synapses import Delta, Receptors
from ._chain import Layer, chain
from ._network import Converted

if TYPE_CHECKING:
    from ..network import EventDriven
    from ..network.population import Population


@dataclass(frozen=True)
class Ran:
    """Mean outputs [B, n], and the spikes of each spiking layer, [T, B, n]."""

    output: Tensor
    spikes: list[Tensor]


def run_event_driven(net: Converted, spikes: Tensor) -> Ran:
    """Run a converted perceptron from event to event, in `sl.network.EventDriven`, one input after another.

    Neurons have a hard reset, as `RateCode(hard_reset=True)` makes them: after a soft one a neuron may still be above
    threshold, and would spike again at once where a step has one spike at most. A step is 1 ms, and spikes take 1 ms
    from layer to layer; what is returned is moved back by that. Biases come from neurons that spike in every step.
    Arithmetic is float64, exact where weights are multiples of one power of 2.

    Shapes: spikes [T, B, features] of 0 and 1. Raises: ParameterError, ShapeError; ConversionError where it is no
    perceptron of IF neurons with hard reset.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> net, spikes = sl.convert(model, torch.rand(64, 4), "hard-reset", steps=4), (torch.rand(4, 2, 4) < 0.5).float()
    >>> run_event_driven(net, spikes).output.shape
    torch.Size([2, 3])
    """
    layers = chain(net)
    if any(layer.v_th is not None and not layer.hard_reset for layer in layers):
        do = "convert with RateCode(hard_reset=True)"
        raise ConversionError(f"neurons of {net.name}, event by event", expected="hard resets", got="soft ones", do=do)
    if spikes.dim() != 3 or spikes.shape[2] != layers[0].weight.shape[1]:
        expected = ["T", "B", layers[0].weight.shape[1]]
        raise ShapeError("spikes of run_event_driven", expected=expected, got=list(spikes.shape))
    if bool(((spikes != 0) & (spikes != 1)).any()):
        raise ParameterError("spikes of run_event_driven", expected="0 and 1", got="others")
    # It takes long to import.
    from ..network import EventDriven

    network = EventDriven()
    steps, batch = spikes.shape[:2]
    period = steps + len(layers) + 1
    populations = _built(network, layers, spikes, period)
    sent = [torch.zeros(steps, batch, len(layer.weight)) for layer in layers[:-1]]
    output = torch.zeros(batch, len(layers[-1].weight), dtype=torch.float64)
    for b in range(batch):
        for population, layer in zip(populations, layers, strict=True):
            population["v"] = np.zeros(len(layer.weight)) if layer.start is None else layer.start.numpy()
        result = network.run(float(period))
        for place, y in enumerate(sent):
            trains = result[populations[place].name].spikes
            # The first step's input arrives at 2 ms.
            times = np.rint(trains.times).astype(np.int64) - b * period - 2 - place
            y[times, b, trains.neurons] = 1.0
        output[b] = torch.as_tensor(np.asarray(populations[-1]["v"])) / steps
    return Ran(output, sent)


def _built(network: EventDriven, layers: list[Layer], spikes: Tensor, period: int) -> list[Population]:
    from ..network import SpikeTimes, rules

    steps, batch, features = spikes.shape
    at, inputs, channels = (index.numpy() for index in spikes.nonzero(as_tuple=True))
    source = network.population(features, SpikeTimes(1.0 + at + period * inputs, channels), name="inputs")
    # A neuron for each layer, which spikes when the step's input sets out to it.
    every = (1.0 + np.arange(steps) + period * np.arange(batch)[:, None]).ravel()
    numbers = np.repeat(np.arange(len(layers)), len(every))
    always = network.population(len(layers), SpikeTimes(np.tile(every, len(layers)) + numbers, numbers), name="always")
    made: list[Population] = []
    before = source
    for place, layer in enumerate(layers):
        n, v_th = len(layer.weight), layer.v_th
        # Nothing reaches a threshold beyond all sums; the potential is the sum.
        threshold = np.full(n, 1e12) if v_th is None else v_th.numpy()
        neuron = Receptors(IF(), pulses=Delta())
        here = network.population(n, neuron, name=f"layer {place}", parameters={"v_th": threshold}, initial={"v": 0.0})
        network.connect(before, here, rules.AllToAll(), weight=layer.weight.T.numpy(), delay=1.0)
        if bool((layer.bias != 0).any()):
            network.connect(
                always[place : place + 1], here, rules.AllToAll(), weight=layer.bias.numpy()[None], delay=1.0
            )
        if v_th is not None:
            network.record(here)
        made.append(here)
        before = here
    return made
