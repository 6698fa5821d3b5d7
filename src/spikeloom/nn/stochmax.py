"""A softmax whose classes drop out, each with a probability that depends on the input and is learnt."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import ParameterError


class Stochmax(nn.Module):
    """Stochastic softmax: p_i = (z_i + epsilon) e^(o_i) / sum_j (z_j + epsilon) e^(o_j), as logarithms.

    o = W x + b are the outputs. In training z_i is 1 with probability rho_i = sigmoid(V x + c) and 0 otherwise, drawn
    for each input, with the gradient of rho_i; in evaluation mode z_i = rho_i. For use with `nll_loss`.

    Shapes: [..., in_features] to [..., classes]. Raises: ParameterError.
    Source: Panda, Aketi and Roy 2020, Front. Neurosci. 14:653, and Lee et al. 2018, "DropMax: adaptive variational
    softmax", NeurIPS; without its variational terms and without protecting the class that is right.

    >>> import torch, spikeloom as sl
    >>> sl.nn.Stochmax(8, 3)(torch.rand(5, 8)).exp().sum(1)
    tensor([1.0000, 1.0000, 1.0000, 1.0000, 1.0000], grad_fn=<SumBackward1>)
    """

    def __init__(self, in_features: int, classes: int, *, epsilon: float = 0.05) -> None:
        super().__init__()
        if not 0.0 < epsilon < float("inf"):
            raise ParameterError("epsilon of Stochmax", expected="a number above 0", got=epsilon)
        self.outputs, self.masks = nn.Linear(in_features, classes), nn.Linear(in_features, classes)
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Logarithms of probabilities."""
        rho = self.masks(x).sigmoid()
        z = rho + (torch.bernoulli(rho.detach()) - rho).detach() if self.training else rho
        return torch.log_softmax(self.outputs(x) + (z + self.epsilon).log(), -1)
