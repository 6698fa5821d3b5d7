"""Spike-timing-dependent plasticity that follows the postsynaptic potential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Option, Param, Preset
from .rule import PostState, PostTrace, PreTrace, Rule

_SOURCE = "Clopath, Büsing, Vasilaki and Gerstner 2010, Nature Neuroscience 13, table 1b"


class ClopathSTDP(Rule):
    """Voltage-based STDP: dw/dt = a_ltp x (v - theta_plus)+ (u_plus - theta_minus)+, and w <- w - a_ltd (u_minus -
    theta_minus)+ at a presynaptic spike; ( )+ is the positive part.

    x is the trace of presynaptic spikes, each adding 1 / tau_x; u_minus and u_plus follow the potential with tau_minus
    and tau_plus. With `homeostatic` a_ltd is multiplied by (u_mean - v_rest)^2 / u_ref2, u_mean following the potential
    with tau_mean.

    `v_late` is what u_minus and u_plus follow: the potential, which in `learn` may be given as it was some ms ago. They
    are meant not to see the upswing of the very spike. Where a spike is longer than a step (the authors clamp 2 ms)
    they do, and single pairs potentiate; the authors' program reads them 3 ms late. Neurons that are reset within the
    step in which they spike hardly exceed theta_plus, so there is no potentiation: use one with a spike of some width.

    Units: ms, mV; weights have the unit of the amplitudes times mV or mV^2. The integral over time takes the
    potentials as constant for `every` ms.
    Source: Clopath et al. 2010, eqs. 1-3 of the methods, table 1b. The table leaves tau_minus and tau_plus of the
    hippocampus blank: those of visual cortex are used. The authors' program averages the square of the depolarisation,
    not its square after averaging.

    >>> import torch, spikeloom as sl
    >>> pre, v = torch.zeros(100, 1, 1), torch.full((100, 1, 1), -20.0)
    >>> pre[50] = 1.0
    >>> rule, given = sl.plasticity.ClopathSTDP(), {"v": v, "v_late": v}
    >>> sl.plasticity.learn(rule, torch.full((1, 1), 0.5), pre, torch.zeros_like(pre), variables=given).w
    tensor([[[0.5917]]])
    """

    family = "STDP"

    a_ltd = Param(14e-5, "weight/mV", "amplitude of depression", at_least=0.0)
    a_ltp = Param(8e-5, "weight/mV^2", "amplitude of potentiation", at_least=0.0)
    theta_minus = Param(-70.6, "mV", "threshold of the filtered potentials")
    theta_plus = Param(-45.3, "mV", "threshold of the potential, for potentiation")
    tau_minus = Param(10.0, "ms", "time constant of the filter for depression", low=0.0)
    tau_plus = Param(7.0, "ms", "time constant of the filter for potentiation", low=0.0)
    tau_x = Param(15.0, "ms", "time constant of the presynaptic trace", low=0.0)
    v_rest = Param(-70.6, "mV", "resting potential, for `homeostatic`")
    u_ref2 = Param(60.0, "mV^2", "reference of the squared mean depolarisation", low=0.0)
    tau_mean = Param(1000.0, "ms", "time constant of the mean potential", low=0.0)
    every = Param(1.0, "ms", "time between updates of potentiation", low=0.0)
    homeostatic = Option(False, "depression grows with the squared mean depolarisation")

    v = PostState("mV", "membrane potential")
    v_late = PostState("mV", "membrane potential that the filters follow", of="v")
    x = PreTrace("tau_x", "recent presynaptic spikes")
    u_minus = PostTrace("tau_minus", "filtered potential, for depression", of="v_late")
    u_plus = PostTrace("tau_plus", "filtered potential, for potentiation", of="v_late")
    u_mean = PostTrace("tau_mean", "mean potential", of="v")

    presets: ClassVar[Mapping[str, Preset]] = {
        "visual cortex": Preset({}, _SOURCE),
        "somatosensory cortex": Preset(
            {"a_ltd": 21e-5, "a_ltp": 30e-5, "tau_x": 30.0, "tau_minus": 6.0, "tau_plus": 5.0}, _SOURCE
        ),
        "hippocampus": Preset(
            {"theta_minus": -41.0, "theta_plus": -38.0, "a_ltd": 38e-5, "a_ltp": 2e-5, "tau_x": 16.0}, _SOURCE
        ),
        "assemblies": Preset(
            {"theta_minus": -70.0, "theta_plus": -49.0, "a_ltd": 8e-4, "a_ltp": 1.4e-3, "w_min": 1.78, "w_max": 21.4},
            "Litwin-Kumar and Doiron 2014, Nature Communications 5, methods; weights in pF",
        ),
        "clock network": Preset(
            {"theta_minus": -70.0, "theta_plus": -49.0, "a_ltp": 8e-4, "tau_x": 3.5, "w_min": 1.45, "w_max": 32.68},
            "Maes, Barahona and Clopath 2020, PLoS Comput. Biol. 16, methods; weights in pF",
        ),
        "receptive fields": Preset(
            {"a_ltd": 10.5e-5, "a_ltp": 13.5e-5, "w_max": 5.0, "homeostatic": True, "tau_mean": 750.0},
            "Larisch, Gönner, Teichmann and Hamker 2021, PLoS Comput. Biol. 17, with the mean of the square there",
        ),
    }

    def on_pre(self) -> dict[str, Tensor]:
        return {"w": self.w - self.depression * self.above(self.u_minus)}

    def on_step(self) -> dict[str, Tensor]:
        # The integral of x over the coming step.
        exposure = self.x * -torch.expm1(-self.every / self.tau_x)
        slope = self.a_ltp * torch.clamp(self.v - self.theta_plus, min=0.0) * self.above(self.u_plus)
        return {"w": self.w + slope * exposure}

    def when(self) -> Tensor:
        """Where there is potentiation at all."""
        return (self.v > self.theta_plus) & (self.u_plus > self.theta_minus)

    def above(self, u: Tensor) -> Tensor:
        """How far a filtered potential is above its threshold, or 0."""
        return torch.clamp(u - self.theta_minus, min=0.0)

    @property
    def depression(self) -> Tensor:
        """Amplitude of depression at this moment."""
        if not self.homeostatic:
            return self.a_ltd
        return self.a_ltd * torch.square(self.u_mean - self.v_rest) / self.u_ref2
