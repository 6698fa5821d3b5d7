"""The sparse balanced network of Brunel, and the two examples of NEST made of it."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy import special

from ...neurons import LIF, Neuron, Refractory, siegert
from ...synapses import Alpha, Delta, Receptors
from ..devices import Poisson
from ..network import Network
from ..rules import FixedInDegree
from ._mean_field import self_consistent
from .model import Expected, Model, setting

_TAU, _V_TH, _T_REF, _DELAY = 20.0, 20.0, 2.0, 1.5


@dataclass(frozen=True, kw_only=True)
class _Balanced(Model):
    """4 excitatory neurons for each inhibitory one; in-degrees are a tenth of them; one delay, one Poisson drive."""

    order: int = setting(2500, "inhibitory neurons; four times as many are excitatory", at_least=10)

    @property
    def in_degree(self) -> int:
        """Excitatory inputs from the network; a quarter as many are inhibitory."""
        return 4 * self.order // 10

    @abstractmethod
    def neuron(self) -> Neuron:
        """With an input `exc`, on which everything arrives."""

    @abstractmethod
    def weights(self) -> tuple[float, float]:
        """Excitatory and inhibitory."""

    @abstractmethod
    def drive(self) -> float:
        """Rate of the Poisson input of each neuron, in spikes/s."""

    def fill(self, net: Network) -> None:
        neuron, (excitatory, inhibitory) = self.neuron(), self.weights()
        e = net.population(4 * self.order, neuron, name="E")
        i = net.population(self.order, neuron, name="I")
        for target in (e, i):
            net.connect(e, target, FixedInDegree(self.in_degree), weight=excitatory, delay=_DELAY)
            net.connect(i, target, FixedInDegree(self.in_degree // 4), weight=inhibitory, delay=_DELAY)
            net.connect(Poisson(self.drive()), target, weight=excitatory, delay=_DELAY)
            net.record(target)


@dataclass(frozen=True, kw_only=True)
class _Jumps(_Balanced):
    """Synapses move the potential at once."""

    j: ClassVar[float] = 0.1
    v_reset: ClassVar[float]

    def neuron(self) -> Neuron:
        lif = LIF(tau_mem=_TAU, v_th=_V_TH, v_reset=self.v_reset)
        return Refractory(Receptors(lif, exc=Delta()), t_ref=_T_REF)

    @abstractmethod
    def balance(self) -> tuple[float, float]:
        """g, inhibition relative to excitation, and eta, the drive relative to what reaches threshold."""

    def weights(self) -> tuple[float, float]:
        return self.j, -self.balance()[0] * self.j

    def drive(self) -> float:
        return self.balance()[1] * 1e3 * _V_TH / (self.j * _TAU)

    def mean_field_rate(self) -> float:
        """Rate of the stationary state, in spikes/s: Siegert's formula, solved for itself (Brunel 2000, eq. 21-22)."""
        (g, _), drive = self.balance(), self.drive()
        inputs = self.in_degree

        def response(rate: float) -> float:
            mu = 1e-3 * _TAU * self.j * (inputs * rate * (1 - g / 4) + drive)
            variance = 1e-3 * _TAU * self.j**2 * (inputs * rate * (1 + g * g / 4) + drive)
            told = torch.tensor([mu, math.sqrt(variance)], dtype=torch.float64)
            return float(siegert(*told, tau_mem=_TAU, t_ref=_T_REF, v_th=_V_TH, v_reset=self.v_reset))

        return self_consistent(response, 1e3 / _T_REF)


@dataclass(frozen=True, kw_only=True)
class Brunel(_Jumps):
    """Balanced network of Brunel 2000, 12 500 neurons: panels A to D of its figure 8.

    Of model A. A: g = 3, eta = 2, synchronous regular; B: 6, 4, synchronous irregular, fast; C: 5, 2, asynchronous
    irregular; D: 4.5, 0.9, synchronous irregular, slow. J = 0.1 mV, 1000 excitatory and 250 inhibitory inputs, delay
    1.5 ms.

    Raises: ParameterError, UnknownNameError. Source: Brunel 2000, J. Comput. Neurosci. 8:183; the published rates of
    simulations are 60.7, 37.7 and 5.5 spikes/s in B, C and D.

    >>> round(Brunel(panel="C").mean_field_rate(), 2)
    37.95
    """

    panel: str = setting("C", "panel of figure 8, which sets g and eta", choices=("A", "B", "C", "D"))
    g: float | None = setting(None, "inhibition relative to excitation, instead of the panel's", kind=float, at_least=0)
    eta: float | None = setting(None, "drive relative to threshold, instead of the panel's", kind=float, at_least=0)

    v_reset = 10.0
    source = "Brunel 2000, J. Comput. Neurosci. 8:183"

    def balance(self) -> tuple[float, float]:
        g, eta = {"A": (3.0, 2.0), "B": (6.0, 4.0), "C": (5.0, 2.0), "D": (4.5, 0.9)}[self.panel]
        return g if self.g is None else self.g, eta if self.eta is None else self.eta

    @property
    def expected(self) -> Mapping[str, Expected]:
        """Simulated rates of the paper for the panels that state one."""
        rates = {"B": 60.7, "C": 37.7, "D": 5.5}
        if self.panel not in rates or self.order != 2500 or self.g is not None or self.eta is not None:
            return {}
        known = Expected(rates[self.panel], 0.05, "Brunel 2000, figure 8, simulation")
        return {"E": known, "I": known}


@dataclass(frozen=True, kw_only=True)
class BrunelDelta(_Jumps):
    """Balanced network of NEST's example brunel_delta_nest: jumps of the potential.

    g = 5, eta = 2, as panel C of `Brunel` but for the reset. Expected: 32.0 spikes/s from mean-field theory.

    Source: NEST's documentation, examples; Brunel 2000, J. Comput. Neurosci. 8:183.
    """

    v_reset = 0.0
    source = "NEST 3.10, brunel_delta_nest.py"

    def balance(self) -> tuple[float, float]:
        return 5.0, 2.0

    @property
    def expected(self) -> Mapping[str, Expected]:
        """What mean-field theory says at full size; for 500, what NEST gives."""
        if self.order == 500:
            e, i = (Expected(rate, 0.02, "NEST, OpenSourceBrain/Brunel2000") for rate in (52.9, 53.2))
            return {"E": e, "I": i}
        if self.order != 2500:
            return {}
        known = Expected(32.0, 0.016, "mean-field theory")
        return {"E": known, "I": known}


@dataclass(frozen=True, kw_only=True)
class BrunelAlpha(_Balanced):
    """Balanced network of NEST's example brunel_alpha_nest: alpha currents.

    g = 5, eta = 2, 250 pF, currents of 0.5 ms; weights such that a postsynaptic potential peaks at 0.1 mV, 20.68 pA.

    Source: NEST's documentation, examples; rates: OpenSourceBrain/Brunel2000.
    """

    c_mem: ClassVar[float] = 250.0
    tau_syn: ClassVar[float] = 0.5
    source = "NEST 3.10, brunel_alpha_nest.py"

    def neuron(self) -> Neuron:
        lif = LIF(tau_mem=_TAU, r=_TAU / self.c_mem, v_th=_V_TH)
        return Refractory(Receptors(lif, exc=Alpha(tau_syn=self.tau_syn)), t_ref=_T_REF)

    def weights(self) -> tuple[float, float]:
        j = 0.1 / alpha_peak(_TAU, self.tau_syn, self.c_mem)
        return j, -5.0 * j

    def drive(self) -> float:
        j, _ = self.weights()
        return 2.0 * 1e3 * _V_TH * self.c_mem / (j * math.e * _TAU * self.tau_syn)

    @property
    def expected(self) -> Mapping[str, Expected]:
        """What NEST gives at two sizes."""
        rates = {2500: (28.8, 29.0), 500: (50.67, 50.66)}.get(self.order, ())
        source = "NEST, OpenSourceBrain/Brunel2000" if self.order == 2500 else "measured with NEST 3.10"
        return {name: Expected(rate, 0.03, source) for name, rate in zip("EI", rates, strict=False)}


def alpha_peak(tau_mem: float, tau_syn: float, c_mem: float) -> float:
    """Peak of the potential for one spike of an alpha current of 1 pA, in mV.

    With a = 1 / tau_syn - 1 / tau_mem, v(t) = e / (tau_syn c_mem a^2) (exp(-t/tau_mem) - (1 + a t) exp(-t/tau_syn)).
    The slope is zero where (1 + a t tau_mem / tau_syn) exp(-a t) = 1, found in closed form by Lambert's W.

    >>> round(1e3 * alpha_peak(20.0, 0.5, 250.0), 5)
    4.83555
    """
    ratio, a = tau_mem / tau_syn, 1 / tau_syn - 1 / tau_mem
    t = (-float(special.lambertw(-math.exp(-1 / ratio) / ratio, -1).real) - 1 / ratio) / a
    difference = math.exp(-t / tau_mem) - (1 + a * t) * math.exp(-t / tau_syn)
    return math.e / (tau_syn * c_mem * a * a) * difference
