"""SPAN: the spike pattern association neuron."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Option, Param
from ._responses import OwnSpikes, double_exponential, exponential
from .spike_kernels import AlphaKernel, SpikeKernel, spread
from .trial import Change, TrialRule


class SPAN(TrialRule):
    """Delta rule on filtered spike trains: dw_i = lr int (S_d * k - S_o * k) (S_i * k) dt, one k for all.

    In spike times, dw_i = lr (sum k2(|t_i - t_d|) - sum k2(|t_i - t_o|)) with k2 the overlap of two kernels, so that
    input shortly after a spike learns, too. The neuron: v(t) = sum_i w_i sum K(t - t_i) - v_th sum exp(-(t - t_o) /
    tau_mem), a LIF with an exponential current and a soft reset, K scaled to a peak of 1.

    Targets: spike trains, [T, B, out]. `error` is the number of spikes missing or wrong.
    Source: Mohemmed, Schliebs, Matsuda and Kasabov 2012, Int. J. Neural Syst. 22:1250012 (alpha kernel, 5 ms); not from
    there: the kernel as a choice. Raises: ParameterError, ShapeError, DTypeError.

    >>> import torch, spikeloom as sl
    >>> x, target = torch.zeros(50, 1, 2), torch.zeros(50, 1, 1)
    >>> x[18, 0, 0] = x[40, 0, 1] = target[20] = 1.0
    >>> sl.plasticity.SPAN(lr=0.01).update(torch.zeros(1, 2), x, target).w
    tensor([[0.0867, 0.0085]])
    """

    family = "supervised, trials"

    lr = Param(0.001, "weight/ms", "learning rate", at_least=0.0)
    tau_mem = Param(10.0, "ms", "membrane time constant", low=0.0)
    tau_syn = Param(5.0, "ms", "synaptic time constant", low=0.0)
    v_th = Param(1.0, "1", "spike threshold", low=0.0)
    kernel = Option[SpikeKernel](AlphaKernel(), "filter of all spike trains")

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        if not float(self.tau_syn) < float(self.tau_mem):
            got = f"{float(self.tau_syn):g} and {float(self.tau_mem):g}"
            raise ParameterError("SPAN", expected="tau_syn < tau_mem", got=got)

    def filtered(self, x: Tensor) -> Tensor:
        parts = double_exponential(x, float(self.tau_mem), float(self.tau_syn), float(self.dt))
        return torch.stack([parts[0] - parts[1], spread(x, self.kernel, dt=float(self.dt))])

    def potential_of(self, w: Tensor, filtered: Tensor) -> Tensor:
        decay = math.exp(-float(self.dt) / float(self.tau_mem))
        return filtered[0] @ w.T - float(self.v_th) * exponential(self.respond_to(w, filtered), decay)

    def respond_to(self, w: Tensor, filtered: Tensor) -> Tensor:
        decay = math.exp(-float(self.dt) / float(self.tau_mem))
        spikes: Tensor = OwnSpikes(decay=decay)(filtered[0] @ w.T / float(self.v_th))
        return spikes

    def change(self, w: Tensor, filtered: Tensor, target: Tensor) -> Change:
        wrong = target - self.respond_to(w, filtered)
        return Change(float(self.lr) * torch.einsum("tbo,tbi->boi", wrong, filtered[1]), wrong.abs().sum(0))

    def target_shape(self, w: Tensor, x: Tensor) -> tuple[int, ...]:
        """Of targets, which are spike trains."""
        return len(x), x.shape[1], len(w)

    def verify_target(self, target: Tensor) -> None:
        """Raise where a target is no spike train."""
        if not bool(((target == 0) | (target == 1)).all()):
            raise ParameterError("target of SPAN", expected="spikes, 0 and 1", got="other values")
