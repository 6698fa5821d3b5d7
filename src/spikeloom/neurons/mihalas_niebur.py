"""The linear neuron of Mihalas and Niebur."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import torch
from torch import Tensor

from ..parameters import Input, Param, Preset, State
from .neuron import Neuron

# Panel of fig. 1, name, a in 1/ms, a1 and a2 in mV/ms, input in mV/ms, time in ms.
_PANELS = (
    ("A", "tonic spiking", 0.0, 0.0, 0.0, 1.5, 200.0),
    ("B", "class 1", 0.0, 0.0, 0.0, 1.0 + 1e-6, 500.0),
    ("C", "spike frequency adaptation", 0.005, 0.0, 0.0, 2.0, 200.0),
    ("D", "phasic spiking", 0.005, 0.0, 0.0, 1.5, 500.0),
    ("E", "accommodation", 0.005, 0.0, 0.0, None, None),
    ("F", "threshold variability", 0.005, 0.0, 0.0, None, None),
    ("G", "rebound spike", 0.005, 0.0, 0.0, None, None),
    ("H", "class 2", 0.005, 0.0, 0.0, 2.0 * (1.0 + 1e-6), 300.0),
    ("I", "integrator", 0.005, 0.0, 0.0, None, None),
    ("J", "input bistability", 0.005, 0.0, 0.0, None, None),
    ("K", "hyperpolarization-induced spiking", 0.03, 0.0, 0.0, -1.0, 400.0),
    ("L", "hyperpolarization-induced bursting", 0.03, 10.0, -0.6, -1.0, 400.0),
    ("M", "tonic bursting", 0.005, 10.0, -0.6, 2.0, 500.0),
    ("N", "phasic bursting", 0.005, 10.0, -0.6, 1.5, 500.0),
    ("O", "rebound burst", 0.005, 10.0, -0.6, None, None),
    ("P", "mixed mode", 0.005, 5.0, -0.3, 2.0, 500.0),
    ("Q", "afterpotentials", 0.005, 5.0, -0.3, None, None),
    ("R", "basal bistability", 0.0, 8.0, -0.1, None, None),
    ("S", "preferred frequency", 0.005, -3.0, 0.5, None, None),
    ("T", "spike latency", -0.08, 0.0, 0.0, None, None),
)


class MihalasNiebur(Neuron):
    """dv/dt = i + i_1 + i_2 - g (v - v_rest), dtheta/dt = a (v - v_rest) - b (theta - theta_inf), di_j/dt = -k_j i_j.

    Spike where v >= theta; then v <- v_reset, theta <- max(theta_reset, theta), i_j <- r_j i_j + a_j. All is linear
    between spikes, so that the default integrator is exact. Currents are per capacitance, in mV/ms. The firing patterns
    of fig. 1 are presets; those that have no constant input answer to pulses, which the paper's figure shows.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, mV/ms.
    Source: Mihalas and Niebur 2009, Neural Computation 21, eqs 2.1 and 2.2, table 1. There spike times are roots
    between grid points; here a spike is at the end of its step.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.neurons.MihalasNiebur.preset("tonic bursting")
    >>> neuron(torch.full((5000, 1, 1), 2.0)).sum() > 10
    tensor(True)
    """

    dt = Param(0.1, "ms", "time step", low=0.0)
    g = Param(0.05, "1/ms", "leak conductance over capacitance", low=0.0)
    v_rest = Param(-70.0, "mV", "resting potential")
    v_reset = Param(-70.0, "mV", "potential after a spike")
    theta_inf = Param(-50.0, "mV", "threshold at rest")
    theta_reset = Param(-60.0, "mV", "lowest threshold after a spike")
    a = Param(0.0, "1/ms", "rise of the threshold per depolarisation")
    b = Param(0.01, "1/ms", "return of the threshold to rest", low=0.0)
    k_1 = Param(0.2, "1/ms", "decay of the first internal current", low=0.0)
    k_2 = Param(0.02, "1/ms", "decay of the second internal current", low=0.0)
    r_1 = Param(0.0, "1", "part of the first internal current left after a spike")
    r_2 = Param(1.0, "1", "part of the second internal current left after a spike")
    a_1 = Param(0.0, "mV/ms", "rise of the first internal current at a spike")
    a_2 = Param(0.0, "mV/ms", "rise of the second internal current at a spike")

    i = Input("mV/ms", "input current over capacitance", span=(0.0, 12.0))
    v = State("v_rest", "mV", "membrane potential", held=True)
    theta = State("theta_inf", "mV", "threshold")
    i_1 = State(0.0, "mV/ms", "first internal current")
    i_2 = State(0.0, "mV/ms", "second internal current")

    family = "linear integrate-and-fire"
    ordered = (("v_reset", "theta_reset"), ("v_rest", "theta_inf"))
    presets: ClassVar[Mapping[str, Preset]] = {
        name: Preset(
            {"a": a, "a_1": first, "a_2": second},
            source=f"Mihalas and Niebur 2009, table 1, panel {panel}",
            drive=drive,
            duration=duration,
        )
        for panel, name, a, first, second, drive, duration in _PANELS
    }

    @classmethod
    def example(cls) -> Self:
        """With steps in which something happens within a few."""
        return cls(dt=0.5)

    def derivative(self) -> dict[str, Tensor]:
        depolarisation = self.v - self.v_rest
        return {
            "v": self.i + self.i_1 + self.i_2 - self.g * depolarisation,
            "theta": self.a * depolarisation - self.b * (self.theta - self.theta_inf),
            "i_1": -self.k_1 * self.i_1,
            "i_2": -self.k_2 * self.i_2,
        }

    def threshold(self) -> Tensor:
        return self.v - self.theta

    def reset(self) -> dict[str, Tensor]:
        return {
            "v": self.v_reset,
            "theta": torch.maximum(self.theta, self.theta_reset),
            "i_1": self.r_1 * self.i_1 + self.a_1,
            "i_2": self.r_2 * self.i_2 + self.a_2,
        }
