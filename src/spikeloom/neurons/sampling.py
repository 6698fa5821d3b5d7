"""Neural sampling: a stochastic neuron whose recent spikes are a sample of a binary variable."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Input, Noise, Option, Param, State
from ..surrogate import StraightThrough, Surrogate
from ._nan import nan_of
from .neuron import Neuron


class SamplingNeuron(Neuron):
    """Tells z = 1 for `tau` steps from each of its spikes on, and else 0; z samples a binary variable.

    Free of its last spike, it spikes with probability sigmoid(i - ln tau). Where the input i is the log-odds of its
    variable given those of other neurons, i = b_k + sum_j W_kj z_j, and neurons are updated one after another, their z
    sample the Boltzmann distribution p(z) ~ exp(z W z / 2 + b z), W symmetric without diagonal. With tau = 1 that is
    Gibbs sampling. `turn` is 1 in steps in which the neuron is updated, and 0 in those in which it waits; it may vary
    with time, [T, 1, n]. Updated at once, neurons sample approximately.

    Shapes: i [T, B, *features] to z of the same shape. Units: tau in updates, i without unit. Draws follow
    `torch.manual_seed`.
    Source: Buesing, Bill, Nessler and Maass 2011, "Neural dynamics as sampling", PLoS Comput. Biol. 7:e1002211, eqs
    (4) to (6), the neuron with absolute refractory period in discrete time.

    >>> import torch, spikeloom as sl
    >>> _ = torch.manual_seed(0)
    >>> sl.neurons.SamplingNeuron(tau=3.0)(torch.full((10_000, 1, 1), 1.0)).mean()  # sigmoid(1) = 0.731
    tensor(0.7269)
    """

    tau = Param(10.0, "1", "updates for which a spike holds z at 1", at_least=1.0)
    turn = Param(1.0, "1", "1 where the neuron is updated, 0 where it waits", at_least=0.0, at_most=1.0)
    surrogate = Option[Surrogate](StraightThrough(), "slope of a spike by its probability in the backward pass")
    # The output is what a spike resets.
    detach_reset = Option(False, "keep the reset out of the gradient")
    i = Input("1", "log-odds of the variable", span=(-1.0, 3.0))
    remaining = State(0.0, "1", "updates left of those for which z is 1")
    z = State(0.0, "1", "whether there was a spike in the last tau updates")
    xi = Noise("draw that decides on a spike", uniform=True)

    output = "z"
    family = "stochastic"
    shown = (0.0, 100.0)

    def charge(self) -> dict[str, Tensor]:
        left = torch.clamp(self.remaining - self.turn, min=0.0)
        return {"remaining": left, "z": torch.where(left > 0.5, 1.0, nan_of(self.i))}

    def threshold(self) -> Tensor:
        return self.i - torch.log(self.tau)

    def fire(self) -> Tensor:
        free = (self.remaining < 0.5) & (self.turn > 0.5)
        return torch.where(free, self.surrogate(self.xi - torch.sigmoid(-self.threshold())), 0.0)

    def reset(self) -> dict[str, Tensor]:
        return {"remaining": self.tau, "z": torch.ones_like(self.z)}
