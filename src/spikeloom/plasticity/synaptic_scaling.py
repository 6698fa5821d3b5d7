"""Synaptic scaling: all excitatory weights of a neuron grow or shrink together until it has the rate aimed at."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Param
from .rule import PostTrace, Rule


class SynapticScaling(Rule):
    """Synaptic scaling: dw/dt = eta w (target - a), a the neuron's slow rate in Hz.

    Once in `every` ms w <- w exp(eta every (target - a) / 1000), which is exact for a constant rate. Weights keep their
    ratios as long as no bound cuts them off; they are to be excitatory. The rate is that of the trace y,
    a = 1000 y / tau. It goes to the target without swinging where 4 eta tau target < 1000.

    Source: van Rossum, Bi and Turrigiano 2000, J. Neuroscience 20:8812, first term; the second, an integral of the
    same error that is needed against a rule which pulls steadily, is left out.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 1001, 1, 1)
    >>> rule = sl.plasticity.SynapticScaling(eta=0.02, target=5.0)
    >>> sl.plasticity.learn(rule, torch.full((1, 1), 0.5), pre, post).w
    tensor([[[0.5526]]])
    """

    family = "homeostasis"
    # Silent neurons are scaled up.
    spontaneous = True

    eta = Param(0.001, "1/(Hz s)", "learning rate", at_least=0.0)
    target = Param(5.0, "Hz", "rate that is aimed at", at_least=0.0)
    tau = Param(10_000.0, "ms", "time constant of the rate", low=0.0)
    every = Param(1000.0, "ms", "time between updates", low=0.0)

    y = PostTrace("tau", "postsynaptic rate, times tau")

    def on_step(self) -> dict[str, Tensor]:
        error = self.target - 1000.0 * self.y / self.tau
        return {"w": self.w * torch.exp(self.eta * error * self.every / 1000.0)}
