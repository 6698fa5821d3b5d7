"""A layer whose spikes subtract from every neuron what the spiking neuron has represented."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from ..errors import ParameterError
from ..neurons import PLIF
from ..surrogate import Sigmoid
from ._stepwise import checked
from .recurrent import Recurrent


class Lateral(nn.Module):
    """Linear layer and LIF neurons with lateral reset: a spike of j lowers neuron i by w_i . w_j, its own by |w_j|^2.

        v(t) = beta (v(t-1) - W W' s(t-1)) + (1 - beta) W x(t),  spike where v_i / |w_i|^2 >= b_i

    It is `Recurrent` around `PLIF` in units of |w_i|^2: the neuron takes b_i s_i away by itself and the rest returns
    with the weights -beta (W W' / |w_i|^2 - diag(b)), made anew from W at every call. W = `weight` [units, inputs],
    beta = 1 - rate and b = v_th of `neuron` are learned. The state v that `record` shows is in units of |w_i|^2, after
    the neuron's own part of the reset.

    Shapes: [T, B, inputs] to spikes [T, B, units]. Raises: ShapeError, ParameterError.
    Source: Zimmer, Pellegrini, Singh and Masquelier 2019, "Technical report: supervised training of convolutional
    spiking neural networks with PyTorch", arXiv 1911.10124; Boerlin, Machens and Deneve 2013, PLoS Comput. Biol. 9(11).

    >>> import torch, spikeloom as sl
    >>> sl.nn.Lateral(4, 3)(torch.rand(8, 1, 4)).shape
    torch.Size([8, 1, 3])
    """

    def __init__(self, inputs: int, units: int, *, beta: float = 0.7, b: float = 1.0) -> None:
        super().__init__()
        if inputs < 1 or units < 1 or not 0 < beta < 1 or not b > 0:
            got = f"{inputs}, {units}, beta = {beta:g}, b = {b:g}"
            raise ParameterError("Lateral", expected="sizes of at least 1, 0 < beta < 1 and b > 0", got=got)
        self.weight = nn.Parameter(torch.randn(units, inputs) / inputs**0.5)
        neuron = PLIF(
            rate=1 - beta,
            v_th=torch.full((units,), b),
            soft_reset=True,
            decay_input=False,
            surrogate=Sigmoid(width=0.1, height=2.5),
            learn=("rate", "v_th"),
        )
        self.recurrent = Recurrent(neuron, torch.zeros(units, units))
        # Made from the weights of the layer at every call.
        del self.recurrent.weight
        self.recurrent.register_buffer("weight", torch.zeros(units, units), persistent=False)

    @property
    def neuron(self) -> PLIF:
        """The neurons."""
        neuron = self.recurrent.neuron
        assert isinstance(neuron, PLIF)
        return neuron

    def forward(self, x: Tensor) -> Tensor:
        """Run from rest."""
        checked(self, x, self.weight.shape[1])
        values = self.neuron.param_values()
        rate, b = torch.as_tensor(values["rate"]), torch.as_tensor(values["v_th"])
        gram = self.weight @ self.weight.t()
        scale = gram.diagonal().unsqueeze(1)
        returned = (rate - 1) * (gram / scale - torch.diag(b))
        drive = rate * F.linear(x, self.weight / scale)
        spikes: Tensor = functional_call(self.recurrent, {"weight": returned}, (drive,))
        return spikes
