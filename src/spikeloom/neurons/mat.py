"""The multi-timescale adaptive threshold neuron."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from torch import Tensor

from ..parameters import Input, Param, Preset, State
from ._refractory_period import RefractoryPeriod

_FIGURE = "Kobayashi et al. 2009, fig. 5"


class MAT(RefractoryPeriod):
    """Multi-timescale adaptive threshold: tau_mem dv/dt = v_rest - v + r i, tau_k dtheta_k/dt = -theta_k, k = 1, 2.

    Spike where v >= v_th + theta_1 + theta_2, but not for t_ref after the last; then theta_k <- theta_k + alpha_k. The
    potential is never reset nor held: only the threshold knows of the spikes. The threshold that a spike meets is that
    of the same step, already decayed.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, pA, gigaohm.
    Source: Kobayashi, Tsubo and Shinomoto 2009, Front. Comput. Neurosci. 3:9; there v_th is omega.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.MAT.preset("FS")(torch.full((2000, 1, 1), 600.0)).sum()
    tensor(43.)
    """

    dt = Param(0.1, "ms", "time step", low=0.0)
    tau_mem = Param(5.0, "ms", "membrane time constant", low=0.0)
    r = Param(0.05, "GOhm", "membrane resistance", low=0.0)
    v_rest = Param(-65.0, "mV", "resting potential")
    v_th = Param(-45.0, "mV", "threshold at rest")
    alpha_1 = Param(30.0, "mV", "fast rise of the threshold at a spike")
    alpha_2 = Param(2.0, "mV", "slow rise of the threshold at a spike")
    tau_1 = Param(10.0, "ms", "time constant of the fast rise", low=0.0)
    tau_2 = Param(200.0, "ms", "time constant of the slow rise", low=0.0)

    i = Input("pA", "input current", span=(0.0, 1500.0))
    v = State("v_rest", "mV", "membrane potential")
    theta_1 = State(0.0, "mV", "fast part of the threshold")
    theta_2 = State(0.0, "mV", "slow part of the threshold")

    family = "linear integrate-and-fire"
    ordered = (("v_rest", "v_th"),)
    shown = (600.0, 500.0)
    presets: ClassVar[Mapping[str, Preset]] = {
        name: Preset({"v_th": v_th, "alpha_1": fast, "alpha_2": slow}, source=_FIGURE, drive=600.0, duration=500.0)
        for name, v_th, fast, slow in (
            ("RS", -45.0, 30.0, 2.0),
            ("IB", -46.0, 7.5, 1.5),
            ("FS", -55.0, 10.0, 0.2),
            ("CH", -39.0, -0.5, 0.4),
        )
    }

    @classmethod
    def example(cls) -> Self:
        """With steps in which something happens within a few."""
        return cls(dt=0.5)

    def derivative(self) -> dict[str, Tensor]:
        return {
            "v": (self.v_rest - self.v + self.r * self.i) / self.tau_mem,
            "theta_1": -self.theta_1 / self.tau_1,
            "theta_2": -self.theta_2 / self.tau_2,
        }

    def threshold(self) -> Tensor:
        return self.v - (self.v_th + self.theta_1 + self.theta_2)

    def reset(self) -> dict[str, Tensor]:
        rises = {"theta_1": self.theta_1 + self.alpha_1, "theta_2": self.theta_2 + self.alpha_2}
        return {**super().reset(), **rises}
