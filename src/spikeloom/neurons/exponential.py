"""Exponential integrate-and-fire, without and with adaptation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Input, Param, Preset, State
from ._upswing import Upswing

# exp of it is 5e8: there the potential rises by a slope factor within 1e-8 membrane time constants.
_STEEPEST = 20.0


class _Exponential(Upswing):
    """Abstract: the leak and the exponential upswing."""

    c_mem = Param(281.0, "pF", "membrane capacitance", low=0.0)
    g_leak = Param(30.0, "nS", "leak conductance", low=0.0)
    v_rest = Param(-70.6, "mV", "resting potential, reversal potential of the leak")
    v_th = Param(-50.4, "mV", "threshold: where the upswing begins")
    delta_t = Param(2.0, "mV", "slope factor: width of the beginning of the upswing", low=0.0)
    v_peak = Param(20.0, "mV", "potential at which the upswing is cut off")
    v_reset = Param(-70.6, "mV", "potential after a spike")
    i = Input("pA", "input current", span=(-500.0, 25000.0))
    v = State("v_rest", "mV", "membrane potential", held=True)

    ordered = (("v_th", "v_peak"), ("v_reset", "v_peak"))

    def capped(self) -> Tensor:
        """The potential up to the peak; an integrator of several stages looks beyond, where all would overflow."""
        return torch.minimum(self.v, self.v_peak)

    def membrane(self) -> Tensor:
        """c_mem dv/dt without input: leak and upswing."""
        v = self.capped()
        steepness = torch.clamp((v - self.v_th) / self.delta_t, max=_STEEPEST)
        return self.g_leak * (self.v_rest - v + self.delta_t * torch.exp(steepness))


class ExponentialIF(_Exponential):
    """Exponential integrate-and-fire: c_mem dv/dt = g_leak (v_rest - v + delta_t exp((v - v_th) / delta_t)) + i.

    Spike where v >= v_peak; then v <- v_reset. A constant current fires above the rheobase
    g_leak (v_th - v_rest - delta_t); for delta_t -> 0 the neuron is the LIF with threshold v_th. Lest it overflow, the
    exponent is cut off at 20, where v rises by delta_t within 1e-8 membrane time constants.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, pA, nS, pF.
    Source: Fourcaud-Trocme, Hansel, van Vreeswijk and Brunel 2003, J. Neurosci. 23; defaults of Brette and Gerstner
    2005, J. Neurophysiol. 94. The cut-off of the exponent is not from there.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.ExponentialIF()(torch.full((2000, 1, 3), 1.0) * torch.tensor([500.0, 700.0, 900.0])).sum(0)
    tensor([[ 0.,  8., 13.]])
    """

    shown = (700.0, 200.0)

    def derivative(self) -> dict[str, Tensor]:
        return {"v": (self.membrane() + self.i) / self.c_mem}

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.v_reset}


def _naud(c_mem: float, g_leak: float, v_rest: float, rest: tuple[float, float, float, float], drive: float) -> Preset:
    """A column of table 1; what all columns share is filled in."""
    tau_w, a, b, v_reset = rest
    values = {"c_mem": c_mem, "g_leak": g_leak, "v_rest": v_rest, "v_th": -50.0, "delta_t": 2.0, "v_peak": 0.0}
    values |= {"tau_w": tau_w, "a": a, "b": b, "v_reset": v_reset}
    source = "Naud, Marcille, Clopath and Gerstner 2008, Biol. Cybern. 99, table 1"
    return Preset(values, source, drive=drive, duration=500.0)


class Adaptive(_Exponential):
    """Abstract: adds the adaptation current w."""

    tau_w = Param(144.0, "ms", "adaptation time constant", low=0.0)
    a = Param(4.0, "nS", "adaptation by the potential")
    b = Param(80.5, "pA", "adaptation by a spike")
    w = State(0.0, "pA", "adaptation current")

    def derivative(self) -> dict[str, Tensor]:
        return {
            "v": (self.membrane() - self.w + self.i) / self.c_mem,
            "w": (self.a * (self.capped() - self.v_rest) - self.w) / self.tau_w,
        }

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.v_reset, "w": self.w + self.b}


class AdEx(Adaptive):
    """Adaptive exponential integrate-and-fire: the exponential one with an adaptation current w.

        c_mem dv/dt = g_leak (v_rest - v + delta_t exp((v - v_th) / delta_t)) - w + i,
        tau_w dw/dt = a (v - v_rest) - w.

    Spike where v >= v_peak; then v <- v_reset and w <- w + b. The exponent is cut off at 20, as in `ExponentialIF`.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, pA, nS, pF.
    Source: Brette and Gerstner 2005, J. Neurophysiol. 94, eqs 2 and 3 and its parameters as defaults; the presets are
    the firing patterns of Naud et al. 2008. The cut-off of the exponent is not from there.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.neurons.AdEx.preset("tonic")
    >>> neuron(torch.full((5000, 1, 1), 500.0)).sum()
    tensor(50.)
    """

    presets: ClassVar[Mapping[str, Preset]] = {
        "Brette-Gerstner": Preset({}, "Brette and Gerstner 2005, J. Neurophysiol. 94", drive=1000.0, duration=200.0),
        "tonic": _naud(200.0, 10.0, -70.0, (30.0, 2.0, 0.0, -58.0), 500.0),
        "adapting": _naud(200.0, 12.0, -70.0, (300.0, 2.0, 60.0, -58.0), 500.0),
        "initial burst": _naud(130.0, 18.0, -58.0, (150.0, 4.0, 120.0, -50.0), 400.0),
        "regular bursting": _naud(200.0, 10.0, -58.0, (120.0, 2.0, 100.0, -46.0), 210.0),
        "delayed accelerating": _naud(200.0, 12.0, -70.0, (300.0, -10.0, 0.0, -58.0), 300.0),
        "delayed regular bursting": _naud(100.0, 10.0, -65.0, (90.0, -10.0, 30.0, -47.0), 110.0),
        "transient": _naud(100.0, 10.0, -65.0, (90.0, 10.0, 100.0, -47.0), 180.0),
        "irregular": _naud(100.0, 12.0, -60.0, (130.0, -11.0, 30.0, -48.0), 160.0),
    }
    shown = (1000.0, 200.0)
