"""Izhikevich's neurons: the four-parameter form of 2003 and the nine-parameter form of 2007."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from ..errors import UnknownNameError
from ..parameters import Input, Option, Param, Preset, State
from ..surrogate import Exponential
from ._izhikevich_patterns import PATTERNS
from ._upswing import Upswing
from .integrators import Euler, Integrator
from .sequential_euler import SequentialEuler

_2003 = "Izhikevich 2003, IEEE Trans. Neural Networks 14(6), figure 2"
_TRAUB = "Traub, Butz, Baayen and Otte 2020, ICANN, arXiv 2006.09988; slope exp(-|v - 30| / 30) on both sides of v_peak"


class Izhikevich(Upswing):
    """Izhikevich's neuron: dv/dt = 0.04 v^2 + 5 v + 140 - u + i, du/dt = a (b v - u).

    Spike where v >= v_peak; then v <- c and u <- u + d. The presets are the seven cell types of 2003 and the twenty
    firing patterns of 2004; `protocol(name)` is the current that shows a pattern. Two of these, the integrators,
    have 4.1 v + 108 for 5 v + 140, and accommodation has du/dt = a b (v + 65): parameters `linear`, `constant`, `v_b`
    and `decay` of dv/dt = 0.04 v^2 + linear v + constant - u + i, du/dt = a (b (v - v_b) - decay u).

    The default integrator and the dt of the patterns are those of the program that drew them: bistability, the
    depolarizing after-potential and inhibition-induced bursting are not patterns of the equations alone. An input far
    below zero throws v across the peak from the other side where the step is long; choose
    integrator=ExponentialEuler() for such inputs.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV; the current's is that of mV/ms.
    Source: Izhikevich 2003, IEEE Trans. Neural Networks 14(6), eqs 1 to 3; Izhikevich 2004, IEEE Trans. Neural Networks
    15(5), figure 1, with the program that drew it.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.neurons.Izhikevich.preset("tonic bursting")
    >>> neuron(neuron.protocol("tonic bursting")).sum()
    tensor(28.)
    """

    dt = Param(0.25, "ms", "time step", low=0.0)
    a = Param(0.02, "1/ms", "rate of the recovery")
    b = Param(0.2, "1/ms", "recovery by the potential")
    c = Param(-65.0, "mV", "potential after a spike")
    d = Param(8.0, "mV/ms", "recovery by a spike")
    linear = Param(5.0, "1/ms", "linear coefficient of the potential")
    constant = Param(140.0, "mV/ms", "constant part of the potential's slope")
    v_b = Param(0.0, "mV", "potential without effect on the recovery")
    decay = Param(1.0, "1", "decay of the recovery; 0 where it drifts")
    v_0 = Param(-70.0, "mV", "potential at the beginning")
    u_0 = Param(-14.0, "mV/ms", "recovery at the beginning")
    integrator = Option[Integrator](SequentialEuler(), "how the derivative becomes the next state")
    i = Input("mV/ms", "input current", span=(-20.0, 400.0))
    v = State("v_0", "mV", "membrane potential", held=True)
    u = State("u_0", "mV/ms", "recovery")

    ordered = (("c", "v_peak"),)
    shown = (10.0, 200.0)
    presets: ClassVar[Mapping[str, Preset]] = {
        "RS": Preset({"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0}, _2003, drive=14.0, duration=200.0),
        "IB": Preset({"a": 0.02, "b": 0.2, "c": -55.0, "d": 4.0}, _2003, drive=11.0, duration=200.0),
        "CH": Preset({"a": 0.02, "b": 0.2, "c": -50.0, "d": 2.0}, _2003, drive=10.0, duration=200.0),
        "FS": Preset({"a": 0.1, "b": 0.2, "c": -65.0, "d": 2.0}, _2003, drive=10.0, duration=200.0),
        "TC": Preset({"a": 0.02, "b": 0.25, "c": -65.0, "d": 0.05}, _2003, drive=1.5, duration=200.0),
        "RZ": Preset({"a": 0.1, "b": 0.26, "c": -65.0, "d": 2.0}, _2003, drive=1.0, duration=200.0),
        "LTS": Preset({"a": 0.02, "b": 0.25, "c": -65.0, "d": 2.0}, _2003, drive=10.0, duration=200.0),
        "STDP": Preset(
            {"dt": 1.0, "integrator": Euler(), "a": 0.02, "b": 0.2, "c": -65.0, "d": 2.0,
             "surrogate": Exponential(width=30.0, height=0.3)},
            _TRAUB, drive=10.0, duration=200.0,
        ),
        **{name: p.preset(letter) for letter, (name, p) in zip("ABCDEFGHIJKLMNOPQRST", PATTERNS.items(), strict=True)},
    }  # fmt: skip

    @staticmethod
    def protocol(name: str, dt: float | None = None) -> Tensor:
        """The current of a pattern of 2004, [T, 1, 1], by default at the dt of its preset. Raises: UnknownNameError."""
        if name not in PATTERNS:
            raise UnknownNameError("Izhikevich.protocol", name, PATTERNS)
        return PATTERNS[name].current(PATTERNS[name].dt if dt is None else dt)

    def derivative(self) -> dict[str, Tensor]:
        return {
            "v": (0.04 * self.v + self.linear) * self.v + self.constant - self.u + self.i,
            "u": self.a * (self.b * (self.v - self.v_b) - self.decay * self.u),
        }

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.c, "u": self.u + self.d}


def _cell(figure: str, drive: float, *values: float) -> Preset:
    """One of the cells of chapter 8, from its nine numbers in the book's order."""
    names = ("c_mem", "k", "v_rest", "v_th", "v_peak", "a", "b", "c", "d")
    source = f'Izhikevich 2007, "Dynamical systems in neuroscience", figure {figure}'
    return Preset(dict(zip(names, values, strict=True)), source, drive=drive, duration=500.0)


class Izhikevich2007(Upswing):
    """Izhikevich's neuron with units: c_mem dv/dt = k (v - v_rest) (v - v_th) - u + i, du/dt = a (b (v - v_rest) - u).

    Spike where v >= v_peak; then v <- c and u <- u + d. Nine numbers, c_mem to d; it is a quadratic integrate-and-fire
    neuron with recovery. The presets are cells whose peak and recovery are plain numbers; the book lets some of its
    cells have a peak that moves with u or a recovery that bends with v.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, pA, pF, nS.
    Source: Izhikevich 2007, "Dynamical systems in neuroscience", eqs 8.5 and 8.6 and the figures of chapter 8.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.neurons.Izhikevich2007.preset("RS")
    >>> neuron(torch.full((10_000, 1, 3), 1.0) * torch.tensor([50.0, 70.0, 100.0])).sum(0)
    tensor([[ 0.,  7., 13.]])
    """

    c_mem = Param(100.0, "pF", "membrane capacitance", low=0.0)
    k = Param(0.7, "nS/mV", "curvature", low=0.0)
    v_rest = Param(-60.0, "mV", "resting potential")
    v_th = Param(-40.0, "mV", "threshold, from which the potential runs away")
    v_peak = Param(35.0, "mV", "potential at which the upswing is cut off")
    a = Param(0.03, "1/ms", "rate of the recovery")
    b = Param(-2.0, "nS", "recovery by the potential")
    c = Param(-50.0, "mV", "potential after a spike")
    d = Param(100.0, "pA", "recovery by a spike")
    i = Input("pA", "input current", span=(-500.0, 30000.0))
    v = State("v_rest", "mV", "membrane potential", held=True)
    u = State(0.0, "pA", "recovery current")

    ordered = (("v_th", "v_peak"), ("c", "v_peak"))
    shown = (100.0, 500.0)
    presets: ClassVar[Mapping[str, Preset]] = {
        "RS": _cell("8.12", 100.0, 100.0, 0.7, -60.0, -40.0, 35.0, 0.03, -2.0, -50.0, 100.0),
        "IB": _cell("8.19", 500.0, 150.0, 1.2, -75.0, -45.0, 50.0, 0.01, 5.0, -56.0, 130.0),
        "CH": _cell("8.23", 200.0, 50.0, 1.5, -60.0, -40.0, 25.0, 0.03, 1.0, -40.0, 150.0),
    }

    def derivative(self) -> dict[str, Tensor]:
        v = self.v - self.v_rest
        return {
            "v": (self.k * v * (self.v - self.v_th) - self.u + self.i) / self.c_mem,
            "u": self.a * (self.b * v - self.u),
        }

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.c, "u": self.u + self.d}
