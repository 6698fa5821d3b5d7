"""STDP that dopamine turns into changes of weight, seconds later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Input, Param, Preset
from ._eligibility import PairEligibility
from .rule import PostTrace


class DopamineSTDP(PairEligibility):
    """STDP with dopamine: de/dt = -e/tau_e + STDP, dd/dt = -d/tau_d + reward, dw/dt = eta e (d + d_tonic).

    STDP adds a_plus x at a postsynaptic spike and -a_minus y at a presynaptic one. The product of e and d is
    integrated in closed form from one update to the next; what spikes and rewards add between updates counts from the
    next one on, so that the rule is exact at `every` = dt. Neurons without dopamine are left out.

    Units: eta in weight per ms; d in the unit of reward.
    Source: Izhikevich 2007, Cerebral Cortex 17:2443, Methods (there e is called c, time is in s).

    >>> import torch, spikeloom as sl
    >>> pre, post, reward = torch.zeros(3, 2000, 1, 1)
    >>> pre[5], post[10], reward[500] = 1.0, 1.0, 0.5
    >>> rule = sl.plasticity.DopamineSTDP(eta=0.01)
    >>> sl.plasticity.learn(rule, torch.zeros(1, 1), pre, post, signals={"reward": reward}).w
    tensor([[[0.3975]]])
    """

    eta = Param(0.001, "weight/ms", "change in 1 ms at an eligibility and a dopamine of 1")
    tau_d = Param(200.0, "ms", "time constant of dopamine", low=0.0)
    d_tonic = Param(0.0, "1", "dopamine that is always there")
    every = Param(10.0, "ms", "time between updates of weights", low=0.0)

    reward = Input("1", "dopamine released by a reward")
    d = PostTrace("tau_d", "dopamine", by="reward")

    presets: ClassVar[Mapping[str, Preset]] = {
        "Izhikevich 2007": Preset(
            {"eta": 0.001, "a_plus": 0.1, "a_minus": 0.15, "w_max": 4.0},
            "Izhikevich 2007, Methods; weights in mV, rewards of 0.5",
        ),
    }

    def when(self) -> Tensor:
        return self.d + self.d_tonic != 0

    def on_step(self) -> dict[str, Tensor]:
        phasic = self.d * self._lasting(1 / self.tau_e + 1 / self.tau_d)
        return {"w": self.w + self.eta * self.e * (phasic + self.d_tonic * self._lasting(1 / self.tau_e))}

    def _lasting(self, rate: Tensor) -> Tensor:
        """The integral of exp(-rate t) up to the next update, ms."""
        return -torch.expm1(-rate * self.every) / rate
