"""Spikes with a coefficient, for every trial rule."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Option
from .membrane_driven import MembraneDriven
from .trial import Change, TrialRule


class AugmentedSpikes(TrialRule):
    """A trial rule for augmented spikes (t_i, c_i): a time and a coefficient, which is the value of the input there.

    v(t) = sum_i w_i sum_j c_ij K(t - t_ij) - own spikes; every gradient with respect to w_i has the same factors. With
    all coefficients 1 it is the wrapped `rule`, bit for bit. Other rules refuse such input.

    Targets: those of the wrapped rule, whose `lr` and `dt` hold.
    Source: Yu et al. 2021, IEEE Trans. Neural Networks and Learning Systems, "Synaptic learning with augmented spikes".

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(40, 1, 1)
    >>> x[5] = 0.5
    >>> rule = sl.plasticity.AugmentedSpikes(rule=sl.plasticity.MembraneDriven(lr=0.1))
    >>> rule.update(torch.tensor([[1.0]]), x, torch.tensor([[1.0]])).w
    tensor([[1.0500]])
    """

    family = "supervised, trials"

    rule = Option[TrialRule](MembraneDriven(), "rule for the weights")

    def potential_of(self, w: Tensor, filtered: Tensor) -> Tensor:
        return self.rule.potential_of(w, filtered)

    def respond_to(self, w: Tensor, filtered: Tensor) -> Tensor:
        return self.rule.respond_to(w, filtered)

    def filtered(self, x: Tensor) -> Tensor:
        return self.rule.filtered(x)

    def change(self, w: Tensor, filtered: Tensor, target: Tensor) -> Change:
        return self.rule.change(w, filtered, target)

    def verify_input(self, x: Tensor) -> None:
        """Any finite value is a coefficient."""

    def verify_target(self, target: Tensor) -> None:
        self.rule.verify_target(target)
