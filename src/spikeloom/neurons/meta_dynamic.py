"""Meta-dynamic neurons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Input, Option, Param, Preset, State
from ..surrogate import Rectangle, Surrogate
from .neuron import Neuron


def _type(kind: str, a: float, b: float, c: float, d: float) -> Preset:
    source = f"Cheng, Zhang, Jia and Xu 2020, arXiv 2010.03140, type {kind}"
    return Preset({"a": a, "b": b, "c": c, "d": d}, source, drive=0.6, duration=50.0)


class MetaDynamic(Neuron):
    """Meta-dynamic neuron: in each step v <- v + v^2 - v - u + i and u <- u + a (b v - u), both with v before the step.

    Spike where v >= v_th; then v <- c and u <- u + d. Meant for learned (a, b, c, d), one set per neuron, that cluster
    into types: `MetaDynamic(a=torch.full((n,), 0.02), ..., learn=("a", "b", "c", "d"))`. The input is expected in
    (0, 1), for example behind nn.Sigmoid(). The v that is squared is limited to -bound...bound, since a strong input
    below zero would make it overflow.

    Shapes: [T, B, *features] to spikes of the same shape. Units: none; a step is dt ms.
    Source: Cheng, Zhang, Jia and Xu 2020, "Finite meta-dynamic neurons in spiking neural networks for spatio-temporal
    learning", arXiv 2010.03140, and the authors' program, which starts at v = 0, u = 0.08 and spikes where v > 0.5.
    `bound` and >= at threshold are not from there.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.MetaDynamic.preset("M1")(torch.full((8, 1, 1), 0.6)).flatten()
    tensor([1., 1., 1., 1., 1., 1., 1., 1.])
    """

    a = Param(0.02, "1", "rate of the recovery")
    b = Param(0.2, "1", "recovery by the potential")
    c = Param(0.0, "1", "potential after a spike")
    d = Param(0.08, "1", "recovery by a spike")
    v_th = Param(0.5, "1", "spike threshold")
    v_0 = Param(0.0, "1", "potential at the beginning")
    u_0 = Param(0.08, "1", "recovery at the beginning")
    bound = Param(10.0, "1", "largest size of the potential that is squared", low=0.0)
    surrogate = Option[Surrogate](Rectangle(), "spike function and its slope in the backward pass")
    i = Input("1", "input", span=(0.0, 1.0))
    v = State("v_0", "1", "membrane potential", held=True)
    u = State("u_0", "1", "recovery")

    family = "nonlinear integrate-and-fire"
    ordered = (("c", "v_th"),)
    shown = (0.6, 50.0)
    presets: ClassVar[Mapping[str, Preset]] = {
        "M1": _type("M1", 0.060, 0.219, -0.065, 0.003),
        "M2": _type("M2", 0.060, 0.219, -0.010, 0.050),
        "M3": _type("M3", 0.060, 0.219, -0.135, -0.051),
        "T1": _type("T1", -0.009, 0.246, -0.058, 0.065),
        "T2": _type("T2", -0.009, 0.246, 0.064, 0.091),
        "T3": _type("T3", 0.005, 0.158, -0.058, 0.065),
        "T4": _type("T4", 0.005, 0.158, 0.064, 0.091),
        "T5": _type("T5", 0.007, 0.205, -0.058, 0.065),
        "T6": _type("T6", 0.007, 0.205, 0.064, 0.091),
    }

    def charge(self) -> dict[str, Tensor]:
        v = torch.clamp(self.v, -self.bound, self.bound)
        return {"v": v * v - self.u + self.i, "u": self.u + self.a * (self.b * self.v - self.u)}

    def threshold(self) -> Tensor:
        return self.v - self.v_th

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.c, "u": self.u + self.d}
