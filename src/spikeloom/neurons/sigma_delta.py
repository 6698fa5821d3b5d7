"""Sigma-delta neuron: it sends changes of its activation, and adds up the changes that it receives."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Input, Option, Param, State
from ._nan import nan_of
from .neuron import Neuron


class SigmaDelta(Neuron):
    """Sigma-delta neuron: sigma <- sigma + i, y = sigma, and where |y - sent| >= v_th a spike of size y - sent.

    `sent` is what the spikes so far add up to, so the receiver, which adds them up, is always closer than v_th to y.
    With `accumulate=False` the input itself is y: the encoder of values that change in time. `rectify=True` makes it a
    neuron of a network, y = max(sigma, 0). The slope of the spike function is taken at |y - sent| - v_th.

    Shapes: [T, B, *features] to graded spikes of the same shape. Units: those of the input.
    Source: O'Connor and Welling 2017, "Sigma delta quantized networks", ICLR, where sizes are rounded to whole numbers.

    >>> import torch, spikeloom as sl
    >>> values = torch.tensor([0.4, 1.1, 1.2, 3.0]).view(4, 1, 1)
    >>> sl.neurons.SigmaDelta(v_th=0.5, accumulate=False)(values).flatten()
    tensor([0.0000, 1.1000, 0.0000, 1.9000])
    """

    v_th = Param(0.1, "1", "smallest change that is sent", low=0.0)
    accumulate = Option(True, "add up the input over time")
    rectify = Option(False, "max(sigma, 0) instead of sigma")
    i = Input("1", "changes of the input, or its value", span=(-0.5, 0.5))
    sigma = State(0.0, "1", "input so far")
    sent = State(0.0, "1", "sum of the spikes so far")

    family = "graded"
    graded = True
    shown = (0.02, 100.0)

    def charge(self) -> dict[str, Tensor]:
        return {"sigma": self.i + (self.sigma if self.accumulate else nan_of(self.sigma))}

    def _change(self) -> Tensor:
        return (torch.relu(self.sigma) if self.rectify else self.sigma) - self.sent

    def threshold(self) -> Tensor:
        return torch.abs(self._change()) - self.v_th

    def fire(self) -> Tensor:
        return self._change() * super().fire()

    def reset(self) -> dict[str, Tensor]:
        return {"sent": self.sent + self.value("s")}
