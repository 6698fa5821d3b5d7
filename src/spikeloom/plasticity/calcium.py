"""Plasticity driven by calcium: which of two thresholds it exceeds, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Noise, Option, Param, Preset
from .rule import PostTrace, PreTrace, Rule

_COLUMNS = ("c_pre", "c_post", "theta_p", "gamma_d", "gamma_p", "sigma")
_FITTED = ("tau_ca", "c_pre", "c_post", "gamma_d", "gamma_p", "sigma", "tau")
_SOURCE = "Graupner and Brunel 2012, PNAS 109, supplement, table"


def _shape(delay: float, *row: float) -> Preset:
    """A column of table S1, with the delay of the presynaptic calcium."""
    return Preset(dict(zip(_COLUMNS, row, strict=True)), f"{_SOURCE} S1; presynaptic calcium {delay:g} ms late")


def _fit(delay: float, *row: float) -> Preset:
    """A column of table S2."""
    return Preset(dict(zip(_FITTED, row, strict=True)), f"{_SOURCE} S2; presynaptic calcium {delay:g} ms late")


class CalciumSTDP(Rule):
    """Calcium-based STDP: tau drho/dt = -rho (1 - rho) (rho_star - rho) + gamma_p (1 - rho) [c > theta_p] - gamma_d rho
    [c > theta_d] + sigma sqrt(tau ([c > theta_d] + [c > theta_p])) xi, for rho = (w - w_min) / (w_max - w_min).

    Calcium c is c_pre times the presynaptic plus c_post times the postsynaptic trace, both with tau_ca. [ ] is 1 where
    the condition holds, xi white noise (with `noisy`). Between spikes of a step the time that c spends above each
    threshold is exact, and so is the relaxation of rho meanwhile; the bistable drift and the noise are Euler's. The
    weight stays between its bounds, where the paper's rho may leave 0 ... 1 by noise.

    A presynaptic spike raises calcium when it arrives. In the paper that is D later than the spike: let the delay of
    the projection hold it; the presets' sources say how much.

    Units: ms, weights; gamma and sigma without unit, times the rate 1 / tau.
    Source: Graupner and Brunel 2012, PNAS 109, eqs. 1-2 with the correction PNAS 110, 2013; tables S1 and S2. Defaults
    are case DP.

    Raises: ParameterError where theta_p < theta_d.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 100, 1, 1)
    >>> pre[10], post[15] = 1.0, 1.0
    >>> rule = sl.plasticity.CalciumSTDP(tau=15000.0)
    >>> sl.plasticity.learn(rule, torch.full((1, 1), 0.5), pre, post).w
    tensor([[[0.5109]]])
    """

    family = "STDP"
    spontaneous = True

    tau = Param(150e3, "ms", "time constant of the efficacy", low=0.0)
    tau_ca = Param(20.0, "ms", "time constant of calcium", low=0.0)
    c_pre = Param(1.0, "1", "calcium of a presynaptic spike", at_least=0.0)
    c_post = Param(2.0, "1", "calcium of a postsynaptic spike", at_least=0.0)
    theta_d = Param(1.0, "1", "threshold of depression", low=0.0)
    theta_p = Param(1.3, "1", "threshold of potentiation", low=0.0)
    gamma_d = Param(200.0, "1", "rate of depression", low=0.0)
    gamma_p = Param(321.808, "1", "rate of potentiation", low=0.0)
    rho_star = Param(0.5, "1", "boundary between the two stable states", low=0.0, high=1.0)
    sigma = Param(2.8284, "1", "amplitude of the noise, where `noisy`", at_least=0.0)
    every = Param(1.0, "ms", "time between updates; dt where times above thresholds shall be exact", low=0.0)
    noisy = Option(False, "with noise while calcium is above a threshold")

    x = PreTrace("tau_ca", "presynaptic spikes in calcium")
    y = PostTrace("tau_ca", "postsynaptic spikes in calcium")
    xi = Noise("white noise")

    presets: ClassVar[Mapping[str, Preset]] = {
        "DP": _shape(13.7, 1.0, 2.0, 1.3, 200.0, 321.808, 2.8284),
        "DPD": _shape(4.6, 0.9, 0.9, 1.3, 250.0, 550.0, 2.8284),
        "DPD'": _shape(2.2, 1.0, 2.0, 2.5, 50.0, 600.0, 2.8284),
        "P": _shape(0.0, 2.0, 2.0, 1.3, 160.0, 257.447, 2.8284),
        "D": _shape(0.0, 0.6, 0.6, 1.3, 500.0, 550.0, 5.6568),
        "D'": _shape(0.0, 1.0, 2.0, 3.5, 60.0, 600.0, 2.8284),
        "hippocampal slices": _fit(18.8008, 48.8373, 1.0, 0.275865, 313.0965, 1645.59, 9.1844, 688.355e3),
        "hippocampal cultures": _fit(10.0, 11.9536, 0.58156, 1.76444, 61.141, 113.6545, 2.5654, 33.7596e3),
        "cortical slices": _fit(4.6098, 22.6936, 0.5617539, 1.23964, 331.909, 725.085, 3.3501, 346.3615e3),
    }

    def verify(self) -> None:
        super().verify()
        values = self.param_values()
        if float(values["theta_p"]) < float(values["theta_d"]):
            got = f"theta_p = {float(values['theta_p']):g} and theta_d = {float(values['theta_d']):g}"
            raise ParameterError(type(self).__name__, expected="theta_p >= theta_d", got=got)

    def on_step(self) -> dict[str, Tensor]:
        rho = (self.w - self.w_min) / (self.w_max - self.w_min)
        above_p, above_d = self.time_above(self.theta_p), self.time_above(self.theta_d)
        both = self.gamma_p + self.gamma_d
        # First both act, then depression alone, as calcium falls through the thresholds.
        goal = self.gamma_p / both
        moved = goal + (rho - goal) * torch.exp(-both * above_p / self.tau)
        moved = moved * torch.exp(-self.gamma_d * (above_d - above_p) / self.tau)
        moved = moved - rho * (1 - rho) * (self.rho_star - rho) * self.every / self.tau
        if self.noisy:
            moved = moved + self.sigma * torch.sqrt((above_p + above_d) / self.tau) * self.xi
        return {"w": self.w_min + moved * (self.w_max - self.w_min)}

    def time_above(self, theta: Tensor) -> Tensor:
        """How long calcium will be above a threshold until the next update, in ms, if no spike comes."""
        calcium = self.c_pre * self.x + self.c_post * self.y
        reach = self.tau_ca * torch.log(torch.clamp(calcium / theta, min=1.0))
        return torch.minimum(reach, self.every)
