"""Units of long short-term memory whose gates are spikes: one step, given the currents that reach each gate."""

from __future__ import annotations

import math

from torch import Tensor

from ..parameters import Input, Option, Param, Shown, State
from ..surrogate import Gaussian, Surrogate
from ._nan import nan_of
from .neuron import Neuron

# Slopes exp(-x^2 / 0.3) / sqrt(0.3 pi) and exp(-x^2) / sqrt(0.3 pi) of the paper's code.
_HEIGHT = 1 / math.sqrt(0.3 * math.pi)


class _Gated(Neuron):
    """Abstract: threshold, surrogates and output of the gated units, whose states are 0 or 1."""

    theta = Param(0.1, "1", "threshold of every spike function")
    surrogate = Option[Surrogate](Gaussian(width=math.sqrt(0.15), height=_HEIGHT), "spike function of the gates")
    wide_surrogate = Option[Surrogate](
        Gaussian(width=math.sqrt(0.5), height=_HEIGHT), "spike function in the place of tanh"
    )
    h = State(0.0, "1", "output")

    output = "h"
    family = "gated"

    def _gate(self, current: Tensor) -> Tensor:
        return self.surrogate(current - self.theta) + nan_of(current)

    def _squashed(self, current: Tensor) -> Tensor:
        return self.wide_surrogate(current - self.theta) + nan_of(current)


class LSTMUnit(_Gated):
    """Spiking long short-term memory: f, i, o, g = H(x - theta), c <- H(f c + i g - theta), h = o c.

    x are the four inputs, H is 1 from 0 on; the slopes of g and c are wider than those of the gates. c and h are 0 or
    1. `sl.nn.SpikingLSTM` is a layer of such units with their weights.

    Shapes: four inputs [T, B, *features] to outputs of the same shape. Units: none.
    Source: Lotfi Rezaabad and Vishwanath 2020, "Long short-term memory spiking networks and their applications", ICONS
    (arXiv 2007.04779); theta and the slopes are those of its code, where a spike needs x > theta.

    >>> import torch, spikeloom as sl
    >>> one, none = torch.ones(3, 1, 1), torch.zeros(3, 1, 1)
    >>> sl.neurons.LSTMUnit()(one, torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1), one, one).flatten()
    tensor([1., 1., 1.])
    """

    shown = Shown(1.0, 50.0, others=1.0)
    forget = Input("1", "current into the forget gate f", span=(-1.0, 1.0))
    admit = Input("1", "current into the input gate i", span=(-1.0, 1.0))
    emit = Input("1", "current into the output gate o", span=(-1.0, 1.0))
    candidate = Input("1", "current into the candidate g", span=(-1.0, 1.0))
    c = State(0.0, "1", "memory")

    def charge(self) -> dict[str, Tensor]:
        kept = self._gate(self.forget) * self.c + self._gate(self.admit) * self._squashed(self.candidate)
        c = self._squashed(kept)
        return {"c": c, "h": self._gate(self.emit) * c}


class GRUUnit(_Gated):
    """Spiking gated recurrent unit: r, z = H(x - theta), n = H(x_n + r u_n - theta), h <- (1 - z) n + z h.

    u_n is the part of the candidate's current that the unit's own layer sends back; H is 1 from 0 on. h is 0 or 1.
    `sl.nn.SpikingGRU` is a layer of such units with their weights.

    Shapes: four inputs [T, B, *features] to outputs of the same shape. Units: none.
    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", EMNLP, section 2.3, with the
    spike functions of `LSTMUnit` in the place of sigmoid and tanh; and with r applied after the weights, as in PyTorch.

    >>> import torch, spikeloom as sl
    >>> one, none = torch.ones(3, 1, 1), torch.zeros(3, 1, 1)
    >>> sl.neurons.GRUUnit()(none, torch.tensor([0.0, 1.0, 1.0]).view(3, 1, 1), one, none).flatten()
    tensor([1., 1., 1.])
    """

    shown = Shown(1.0, 50.0, others=1.0)
    reset_gate = Input("1", "current into the reset gate r", span=(-1.0, 1.0))
    update = Input("1", "current into the update gate z", span=(-1.0, 1.0))
    candidate = Input("1", "current into the candidate n, from below", span=(-1.0, 1.0))
    returned = Input("1", "current into the candidate n, from the layer itself", span=(-1.0, 1.0))

    def charge(self) -> dict[str, Tensor]:
        n = self._squashed(self.candidate + self._gate(self.reset_gate) * self.returned)
        z = self._gate(self.update)
        return {"h": (1 - z) * n + z * self.h}
