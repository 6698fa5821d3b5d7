"""The Hebb rule on spikes: what fires together gets connected more strongly, without limit but the bound."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Param
from .rule import PostTrace, PreTrace, Rule


class Hebb(Rule):
    """Hebbian growth: each pair of a pre- and a postsynaptic spike at a distance of s adds eta exp(-|s|/tau).

    For independent Poisson spikes of rates p and q the weight grows by 2 eta tau p q per time. Nothing but `w_max`
    stops it; `Oja` and `BCM` stop by themselves. Two spikes at one time do not see each other, but for causal ones,
    which add eta.

    Source: Hebb 1949, The Organization of Behavior, p. 62, in words; on rates Gerstner, Kistler, Naud and Paninski
    2014, Neuronal Dynamics, sec. 19.2.1; the exponential window is a choice.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 30, 1, 1)
    >>> pre[5], post[25] = 1.0, 1.0
    >>> sl.plasticity.learn(sl.plasticity.Hebb(eta=0.1), torch.full((1, 1), 0.5), pre, post).w
    tensor([[[0.5368]]])
    """

    family = "Hebbian"

    eta = Param(0.001, "weight", "learning rate", at_least=0.0)
    tau = Param(20.0, "ms", "time constant of coincidence", low=0.0)

    x = PreTrace("tau", "recent presynaptic spikes")
    y = PostTrace("tau", "recent postsynaptic spikes")

    def on_post(self) -> dict[str, Tensor]:
        return {"w": self.w + self.eta * self.x}

    def on_pre(self) -> dict[str, Tensor]:
        return {"w": self.w + self.eta * self.y}
