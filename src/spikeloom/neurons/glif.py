"""The generalised leaky integrate-and-fire neurons of the Allen Institute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import D, Input, Option, Param, Preset, State
from ._refractory_period import RefractoryPeriod

_MECHANISMS = ("reset_rules", "after_spike_currents", "voltage_threshold")
_LEVELS = ((False, False, False), (True, False, False), (False, True, False), (True, True, False), (True, True, True))


class GLIF(RefractoryPeriod):
    """Generalised LIF: c_mem dv/dt = i + i_1 + i_2 - g_leak (v - v_rest), spike where v >= v_th + theta_s + theta_v.

    Three mechanisms, each an option, make the levels: 1 has none and is a LIF, 2 `reset_rules`, 3
    `after_spike_currents`, 4 both, 5 (the default) also `voltage_threshold`.

    reset_rules: v <- v_rest + f_v (v - v_rest) + dv_reset instead of v_reset; theta_s <- theta_s + dtheta_s,
    dtheta_s/dt = -b_s theta_s. after_spike_currents: i_j <- f_j i_j + di_j, di_j/dt = -k_j i_j. voltage_threshold:
    dtheta_v/dt = a_v (v - v_rest) - b_v theta_v. For t_ref after a spike v and theta_v stand still, theta_s and i_j
    decay, and what the spike adds to them is added at the end of it.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, pA, nS, pF.
    Raises: ParameterError for a combination of mechanisms that is no level.
    Source: Teeter et al. 2018, Nature Communications 9:709, eqs 1 to 7; defaults: level 5 of cell 490626718 of the
    Allen Cell Types Database, rounded, t_ref to 3.8 ms. The paper's delta V is -dv_reset.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.GLIF.preset("GLIF1")(torch.full((2000, 1, 1), 300.0)).sum()
    tensor(12.)
    """

    dt = Param(0.1, "ms", "time step", low=0.0)
    c_mem = Param(58.72, "pF", "membrane capacitance", low=0.0)
    g_leak = Param(9.43, "nS", "leak conductance", low=0.0)
    v_rest = Param(-78.85, "mV", "resting potential")
    v_th = Param(-51.68, "mV", "threshold at rest")
    v_reset = Param(-78.85, "mV", "potential after a spike without reset_rules")
    t_ref = Param(3.8, "ms", "refractory period", at_least=0.0)
    f_v = Param(0.2, "1", "part of the depolarisation left after a spike", at_least=0.0)
    dv_reset = Param(18.51, "mV", "added to the potential at a spike")
    dtheta_s = Param(0.37, "mV", "rise of the threshold at a spike")
    b_s = Param(0.009, "1/ms", "decay of the spike-dependent threshold", low=0.0)
    f_1 = Param(1.0, "1", "part of the first after-spike current left at a spike", at_least=0.0)
    f_2 = Param(1.0, "1", "part of the second after-spike current left at a spike", at_least=0.0)
    di_1 = Param(-9.18, "pA", "rise of the first after-spike current")
    di_2 = Param(-198.94, "pA", "rise of the second after-spike current")
    k_1 = Param(0.003, "1/ms", "decay of the first after-spike current", low=0.0)
    k_2 = Param(0.1, "1/ms", "decay of the second after-spike current", low=0.0)
    a_v = Param(0.005, "1/ms", "rise of the threshold per depolarisation")
    b_v = Param(0.09, "1/ms", "decay of the voltage-dependent threshold", low=0.0)
    reset_rules = Option(True, "reset to part of the depolarisation, and a threshold that rises at spikes")
    after_spike_currents = Option(True, "currents that a spike sets off")
    voltage_threshold = Option(True, "a threshold that follows the potential")

    i = Input("pA", "input current", span=(0.0, 1500.0))
    v = State("v_rest", "mV", "membrane potential", held=True)

    family = "linear integrate-and-fire"
    ordered = (("v_reset", "v_th"), ("v_rest", "v_th"))
    shown = (300.0, 300.0)
    presets: ClassVar[Mapping[str, Preset]] = {
        f"GLIF{level}": Preset(
            dict(zip(_MECHANISMS, chosen, strict=True)),
            source=f"Teeter et al. 2018, level {level}, with the parameters of level 5 of cell 490626718",
            drive=300.0,
            duration=300.0,
        )
        for level, chosen in enumerate(_LEVELS, start=1)
    }

    @classmethod
    def example(cls) -> Self:
        """With steps in which something happens within a few."""
        return cls(dt=0.5, t_ref=4.0)

    def verify(self) -> None:
        """The voltage-dependent threshold comes with the other two mechanisms only."""
        super().verify()
        if self.voltage_threshold and not (self.reset_rules and self.after_spike_currents):
            do = "choose one of the presets GLIF1 to GLIF5"
            expected = "reset_rules and after_spike_currents with voltage_threshold"
            raise ParameterError("GLIF", expected=expected, got=repr(self), do=do)

    def _gather_anew(self, kind: type[D]) -> dict[str, D]:
        """The states of the chosen mechanisms only. What a spike sets off stands still while t_ref lasts."""
        found = super()._gather_anew(kind)
        if kind is not State:
            return found
        added = {}
        if self.reset_rules:
            added["theta_s"] = State(0.0, "mV", "spike-dependent threshold", held=True)
        if self.after_spike_currents:
            added["i_1"] = State(0.0, "pA", "first after-spike current", held=True)
            added["i_2"] = State(0.0, "pA", "second after-spike current", held=True)
        if self.voltage_threshold:
            added["theta_v"] = State(0.0, "mV", "voltage-dependent threshold", held=True)
        return {**found, **added}  # type: ignore[dict-item]

    def derivative(self) -> dict[str, Tensor]:
        depolarisation = self.v - self.v_rest
        current: Tensor = self.i
        slopes: dict[str, Tensor] = {}
        if self.after_spike_currents:
            first, second = self.value("i_1"), self.value("i_2")
            current = current + first + second
            slopes |= {"i_1": -self.k_1 * first, "i_2": -self.k_2 * second}
        if self.reset_rules:
            slopes["theta_s"] = -self.b_s * self.value("theta_s")
        if self.voltage_threshold:
            slopes["theta_v"] = self.a_v * depolarisation - self.b_v * self.value("theta_v")
        return {"v": (current - self.g_leak * depolarisation) / self.c_mem, **slopes}

    def threshold(self) -> Tensor:
        total = self.v_th
        if self.reset_rules:
            total = total + self.value("theta_s")
        if self.voltage_threshold:
            total = total + self.value("theta_v")
        return self.v - total

    def reset(self) -> dict[str, Tensor]:
        after = {**super().reset(), "v": self.v_reset}
        if self.reset_rules:
            after["v"] = self.v_rest + self.f_v * (self.v - self.v_rest) + self.dv_reset
            after["theta_s"] = self._through(self.b_s) * self.value("theta_s") + self.dtheta_s
        if self.after_spike_currents:
            after["i_1"] = self.f_1 * self._through(self.k_1) * self.value("i_1") + self.di_1
            after["i_2"] = self.f_2 * self._through(self.k_2) * self.value("i_2") + self.di_2
        return after

    def _through(self, rate: Tensor) -> Tensor:
        """What is left after the refractory period."""
        return torch.exp(-rate * self.t_ref)
