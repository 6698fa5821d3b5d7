"""Homeostasis of thresholds in layers of first spikes: no neuron wins always, and winners spike when they should."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError, ShapeError
from ..parameters import Declared, Param


class TargetTime(Declared):
    """Thresholds of neurons of which one wins a trial, by its spike at time t, as a share of the trial:

        all of them    v_th <- v_th - lr (t - target)
        the winner     v_th <- v_th + lr
        the others     v_th <- v_th - lr / (n - 1)

    and never below `v_min`. An early winner raises all thresholds, so that more of the input is awaited.

    Raises: ParameterError, UnknownNameError, ShapeError.
    Source: Falez, Tirilly, Bilasco, Devienne and Boulet 2019, Multi-layered spiking neural network with target
    timestamp threshold adaptation and STDP, IJCNN.

    >>> import torch, spikeloom as sl
    >>> sl.plasticity.TargetTime(lr=1.0, target=0.7).update(torch.full((3,), 10.0), winner=0, t=0.2)
    tensor([11.5000, 10.0000, 10.0000])
    """

    lr = Param(1.0, "1", "learning rate, a change of threshold", at_least=0.0)
    target = Param(0.97, "1", "when winners should spike, as a share of the trial", at_least=0.0, at_most=1.0)
    v_min = Param(4.0, "1", "lowest threshold")

    def update(self, v_th: Tensor, *, winner: int, t: float) -> Tensor:
        """Thresholds [n] after a win."""
        if v_th.dim() != 1 or len(v_th) < 2:
            raise ShapeError("v_th of TargetTime", expected="[n], n of at least 2", got=list(v_th.shape))
        if not 0 <= winner < len(v_th):
            raise ParameterError("winner of TargetTime", expected=f"0 to {len(v_th) - 1}", got=winner)
        lr, target, v_min = (float(value) for value in (self.lr, self.target, self.v_min))
        share = torch.full_like(v_th, -1 / (len(v_th) - 1))
        share[winner] = 1.0
        return torch.clamp(v_th + lr * (share - (t - target)), min=v_min)
