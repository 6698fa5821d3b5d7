"""Plasticity of inhibitory synapses that balances excitation."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Param
from .rule import PostTrace, PreTrace, Rule

_MS_PER_SECOND = 1000.0


class InhibitorySTDP(Rule):
    """Inhibitory STDP: near-coincident spikes potentiate in either order, each presynaptic spike depresses; w <- w +
    eta (y - alpha) at a presynaptic spike, w <- w + eta x at a postsynaptic one, alpha = 2 rho tau.

    Traces x and y sum exp(-s/tau) over earlier pre- and postsynaptic spikes. For independent Poisson trains the mean
    drift is 2 eta tau nu_pre (nu_post - rho): the inhibition settles where the postsynaptic neuron fires at rho.

    Units: ms, Hz; eta is a change of the weight itself, negative where inhibitory weights are negative numbers.
    Source: Vogels, Sprekeler, Zenke, Clopath and Gerstner 2011, Science 334, supplement, eqs. 3-6.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 20, 1, 1)
    >>> pre[5], post[8] = 1.0, 1.0
    >>> rule = sl.plasticity.InhibitorySTDP(eta=0.1, rho=3.0)
    >>> sl.plasticity.learn(rule, torch.full((1, 1), 0.5), pre, post).w
    tensor([[[0.5741]]])
    """

    family = "STDP"

    eta = Param(0.01, "weight", "learning rate")
    rho = Param(3.0, "Hz", "target rate of the postsynaptic neuron", at_least=0.0)
    tau = Param(20.0, "ms", "time constant of the window", low=0.0)

    x = PreTrace("tau", "recent presynaptic spikes")
    y = PostTrace("tau", "recent postsynaptic spikes")

    def on_post(self) -> dict[str, Tensor]:
        return {"w": self.w + self.eta * self.x}

    def on_pre(self) -> dict[str, Tensor]:
        return {"w": self.w + self.eta * (self.y - self.alpha)}

    @property
    def alpha(self) -> Tensor:
        """Depression by a presynaptic spike, in units of eta."""
        return 2 * self.rho * self.tau / _MS_PER_SECOND
