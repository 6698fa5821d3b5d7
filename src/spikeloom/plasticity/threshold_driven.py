"""Learning a number of spikes from the threshold at which it would be right, for neurons whose spikes keep the grid."""

from __future__ import annotations

from torch import Tensor

from .multi_spike import MembraneMultiSpikeRule, critical


class ThresholdDriven(MembraneMultiSpikeRule):
    """Moves the critical threshold past v_th: dw = +-lr d theta*/dw, of theta*_(o+1) up or theta*_o down.

    theta*_k is the highest threshold at which the input would cause k spikes, o their present number. With d spikes
    wanted, o < d raises theta*_(o+1), o > d lowers theta*_o. At the critical threshold the potential touches it in one
    step t*, and

        d theta*/dw_i = sum_(t_i <= t*) K(t* - t_i) / (1 + sum_(t_s < t*) exp(-(t* - t_s) / tau_mem)).

    Exact for input that jumps the potential, where output spikes are at the times of input spikes and no weight moves
    them; with tau_syn > 0 exact on the grid of dt. `MultiSpikeTempotron` is the rule in continuous time. Where no
    threshold gives that many spikes, the change is that of the step with the highest potential (not from the paper).

    Targets: numbers of spikes.
    Source: Gütig 2016, Science 351:aab4113; Yu, Li and Tan 2019, IEEE Trans. Cybernetics 49:2178; the neuron with one
    exponential, Yu et al. 2020, arXiv 2005.00723. Formulated here after their descriptions.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(40, 1, 2)
    >>> x[5, 0, 0] = x[25, 0, 1] = 1.0
    >>> rule = sl.plasticity.ThresholdDriven(lr=0.1)
    >>> rule.update(torch.tensor([[0.9, 0.6]]), x, torch.tensor([[1.0]])).w
    tensor([[0.9368, 0.7000]])
    """

    def at(self, v: Tensor, spikes: Tensor, target: Tensor, more: Tensor) -> tuple[Tensor, Tensor]:
        _, t, slope = critical(v, spikes.sum(0) + more, self.decay)
        return t, slope
