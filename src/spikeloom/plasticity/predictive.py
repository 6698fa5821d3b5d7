"""Rules by which a network learns to represent its input spike by spike, each spike correcting what is left over."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Param
from .rule import PostState, PostTrace, PreTrace, Rule


class PredictiveFeedforward(Rule):
    """Feed-forward weights of a predictive network, at each postsynaptic spike: w <- w + eta (alpha x - w).

    x is the input, filtered as the membrane filters it: give `tau` the membrane time constant. Weights settle at
    alpha times the mean of x at the neuron's spikes.

    Source: Brendel, Bourdoukan, Vertechi, Machens and Denève 2020, PLoS Computational Biology 16:e1007692, and the
    authors' program of its figure 2.
    """

    family = "Hebbian"

    eta = Param(0.0001, "1", "learning rate", at_least=0.0)
    alpha = Param(0.18, "weight", "scale of the weights")
    tau = Param(20.0, "ms", "membrane time constant", low=0.0)
    w_min = Param(-1.0, "weight", "lowest weight")

    x = PreTrace("tau", "filtered input")

    def on_post(self) -> dict[str, Tensor]:
        return {"w": self.w + self.eta * (self.alpha * self.x - self.w)}


class PredictiveLateral(Rule):
    """Lateral weights of a predictive network, at each presynaptic spike: w <- w - eta (beta (v + mu r) + w).

    v is the postsynaptic potential as the spike finds it, before its effect, r the postsynaptic spikes filtered with
    the membrane time constant `tau`. Weights settle at -beta times the mean of v + mu r at presynaptic spikes, so that
    a spike takes from every potential what is there to be taken: excitation and inhibition balance. A neuron's weight
    to itself is its reset and not part of the rule; there mu is added to w in the brackets.

    Source: Brendel, Bourdoukan, Vertechi, Machens and Denève 2020, PLoS Computational Biology 16:e1007692, and the
    authors' program of its figure 2.
    """

    family = "Hebbian"

    eta = Param(0.001, "1", "learning rate", at_least=0.0)
    beta = Param(1.0 / 0.9, "1", "scale of the weights")
    mu = Param(0.02 / 0.9, "1", "cost of spikes", at_least=0.0)
    tau = Param(20.0, "ms", "membrane time constant", low=0.0)
    w_min = Param(-1.0, "weight", "lowest weight")

    r = PostTrace("tau", "filtered postsynaptic spikes")
    v = PostState("1", "membrane potential")

    def on_pre(self) -> dict[str, Tensor]:
        return {"w": self.w - self.eta * (self.beta * (self.v + self.mu * self.r) + self.w)}
