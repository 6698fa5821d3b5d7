"""The rule of the Neural Engineering Framework: decoders change by the error that arrives."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Param
from .rule import PostTrace, Rule


class PES(Rule):
    """Prescribed error sensitivity: at a presynaptic spike, w <- w - kappa E, E the error that has reached the neuron.

    E jumps by what arrives as `error` and decays with tau_error. In an ensemble an error vector reaches neuron i as
    gain_i e_i . error, so that all synapses together move the decoders of the presynaptic neurons,
    dd_j = -kappa error a_j: gradient descent on the squared error. The error is actual less desired.

    Source: Bekolay, Kolbeck and Eliasmith 2013, Proceedings of the Annual Conference of the Cognitive Science Society
    35:169, after MacNeil and Eliasmith 2011, PLoS ONE 6:e22885; there the error is desired less actual. That a spike
    stands for the activity a_j, unfiltered, is ours.

    >>> import torch, spikeloom as sl
    >>> pre, post, error = torch.zeros(3, 10, 1, 1)
    >>> error[2], pre[3] = 1.0, 1.0
    >>> rule = sl.plasticity.PES(kappa=0.1, tau_error=10.0)
    >>> sl.plasticity.learn(rule, torch.zeros(1, 1), pre, post, signals={"error": error}).w
    tensor([[[-0.0905]]])
    """

    family = "supervised"

    w_min = Param(-1.0, "weight", "lowest weight")
    w_max = Param(1.0, "weight", "highest weight")
    kappa = Param(0.001, "weight", "learning rate", at_least=0.0)
    tau_error = Param(5.0, "ms", "time constant of the error", low=0.0)

    error = Input("1", "actual less desired, projected on the encoder")
    at_neuron = PostTrace("tau_error", "error at the neuron", by="error")

    def on_pre(self) -> dict[str, Tensor]:
        return {"w": self.w - self.kappa * self.at_neuron}
