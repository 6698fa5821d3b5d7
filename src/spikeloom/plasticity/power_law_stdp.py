"""STDP whose potentiation follows a power of the weight, without upper bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Param, Preset
from .rule import PostTrace, PreTrace, Rule


class PowerLawSTDP(Rule):
    """dw = eta w_0^(1 - mu) w^mu x at a postsynaptic, -eta alpha w y at a presynaptic spike; all pairs, no upper bound.

    x and y sum exp(-s/tau) over earlier spikes. Under independent Poisson spikes the weight drifts to
    w_0 (tau_plus / (alpha tau_minus))^(1 / (1 - mu)). A weight of 0 stays there.

    >>> import spikeloom as sl
    >>> sl.plasticity.PowerLawSTDP.preset("Morrison 2007").alpha
    tensor(0.1100, dtype=torch.float64)

    Source: Morrison, Aertsen and Diesmann 2007, Neural Computation 19, eq. 3.1; NEST's stdp_pl_synapse_hom.
    """

    family = "STDP"
    presets: ClassVar[Mapping[str, Preset]] = {
        "Morrison 2007": Preset(
            {"eta": 0.1, "alpha": 0.11, "mu": 0.4, "w_0": 1.0},
            "Morrison, Aertsen and Diesmann 2007, Neural Computation 19; weights in pA",
        ),
    }

    w_max = Param(math.inf, "weight", "highest weight")
    eta = Param(0.1, "1", "learning rate; lambda in the paper", at_least=0.0)
    alpha = Param(1.0, "1", "depression over potentiation", at_least=0.0)
    mu = Param(0.4, "1", "exponent of potentiation", at_least=0.0)
    w_0 = Param(1.0, "weight", "weight at which potentiation is eta w x", low=0.0)
    tau_plus = Param(20.0, "ms", "time constant of potentiation", low=0.0)
    tau_minus = Param(20.0, "ms", "time constant of depression", low=0.0)

    x = PreTrace("tau_plus", "recent presynaptic spikes")
    y = PostTrace("tau_minus", "recent postsynaptic spikes")

    def on_post(self) -> dict[str, Tensor]:
        power = torch.pow(torch.clamp(self.w / self.w_0, min=0.0), self.mu)
        return {"w": self.w + self.eta * self.w_0 * power * self.x}

    def on_pre(self) -> dict[str, Tensor]:
        return {"w": self.w - self.eta * self.alpha * self.w * self.y}
