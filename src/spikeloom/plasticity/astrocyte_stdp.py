"""STDP that repairs a neuron whose synapses have died."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ShapeError
from ..parameters import Param
from .rule import PostTrace, PreTrace, Rule, SynapseState


class AstrocyteSTDP(Rule):
    """w <- w + nu_post x (target - w) / tau_up at a postsynaptic, w <- w - nu_pre y at a presynaptic spike.

    The target of a synapse is what it must be for the sum of weights onto the neuron to be as before the faults, see
    `repair_target`; that of a dead synapse is 0, so that it stays dead where w_min is 0. Give it as the state
    `target`; where none is given it is 0 and weights fall.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(10, 1, 2), torch.zeros(10, 1, 1)
    >>> pre[2], post[4] = 1.0, 1.0
    >>> w, alive = torch.tensor([[0.4, 0.4]]), torch.tensor([[True, False]])
    >>> state = {"target": sl.plasticity.repair_target(w, alive).unsqueeze(0)}
    >>> sl.plasticity.learn(sl.plasticity.AstrocyteSTDP(nu_post=1.0), w * alive, pre, post, state=state).w
    tensor([[[0.7619, 0.0000]]])

    Source: after Rastogi, Lu, Islam and Sengupta 2021, Frontiers in Neuroscience 14, in the form of its authors' later
    code (A-STDP).
    """

    family = "STDP"

    nu_pre = Param(1e-4, "weight", "depression", at_least=0.0)
    nu_post = Param(1e-2, "1", "potentiation", at_least=0.0)
    tau_up = Param(1.0, "1", "divides the distance to the target", low=0.0)
    tau_plus = Param(20.0, "ms", "time constant of the presynaptic trace", low=0.0)
    tau_minus = Param(20.0, "ms", "time constant of the postsynaptic trace", low=0.0)

    x = PreTrace("tau_plus", "last presynaptic spike")
    y = PostTrace("tau_minus", "last postsynaptic spike")
    target = SynapseState(0.0, "weight", "weight that restores the sum of weights")

    def on_post(self) -> dict[str, Tensor]:
        return {"w": self.w + self.nu_post * self.x * (self.target - self.w) / self.tau_up}

    def on_pre(self) -> dict[str, Tensor]:
        return {"w": self.w - self.nu_pre * self.y}

    def pre_spike(self) -> dict[str, Tensor]:
        return {"x": torch.ones_like(self.x)}

    def post_spike(self) -> dict[str, Tensor]:
        return {"y": torch.ones_like(self.y)}


def repair_target(w: Tensor, alive: Tensor) -> Tensor:
    """Weights of the living synapses, scaled so that those onto each neuron sum to what they did before the faults.

    Shapes: w, alive [out, in], returns [out, in]. A neuron without living synapses has targets 0. Raises: ShapeError.
    """
    if w.shape != alive.shape:
        raise ShapeError("alive of repair_target", expected=list(w.shape), got=list(alive.shape))
    left = w * alive
    rest = left.sum(-1, keepdim=True)
    scale = torch.where(rest != 0, w.sum(-1, keepdim=True) / rest, 0.0)
    return left * scale
