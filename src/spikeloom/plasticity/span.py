"""SPAN: the spike pattern association neuron."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Option, Param
from ._spike_times import SpikeTimeRule
from .spike_kernels import AlphaKernel, SpikeKernel, spread
from .trial import Change


class SPAN(SpikeTimeRule):
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

    lr = Param(0.001, "weight/ms", "learning rate", at_least=0.0)
    kernel = Option[SpikeKernel](AlphaKernel(), "filter of all spike trains")

    def filtered(self, x: Tensor) -> Tensor:
        return torch.cat([super().filtered(x), spread(x, self.kernel, dt=float(self.dt)).unsqueeze(0)])

    def change(self, w: Tensor, filtered: Tensor, target: Tensor) -> Change:
        wrong = target - self.respond_to(w, filtered)
        return Change(float(self.lr) * torch.einsum("tbo,tbi->boi", wrong, filtered[1]), wrong.abs().sum(0))
