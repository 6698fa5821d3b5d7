"""Which pairs of spikes count.

Morrison, Diesmann and Gerstner 2008, Biological Cybernetics 98, sec. 4.1.2 and fig. 7.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Declared
from .rule import PostTrace, PreTrace, SynapseState

Values = dict[str, Tensor]


class Pairing(Declared):
    """Abstract: what spikes do to the traces x and y of a pair rule, and what of them counts at a spike.

    What it declares beside them is the rule's under `pairing_<name>`; time constants are the rule's, `tau_plus` and
    `tau_minus`. States of synapses are 0 when a trial begins.
    """

    def pre_spike(self, x: Tensor) -> Values:
        """x, and own traces, after a presynaptic spike."""
        return {"x": x + 1}

    def post_spike(self, y: Tensor) -> Values:
        """y, and own traces, after a postsynaptic spike."""
        return {"y": y + 1}

    def seen_by_post(self, x: Tensor) -> Tensor:
        """What of earlier presynaptic spikes counts at a postsynaptic one."""
        return x

    def seen_by_pre(self, y: Tensor) -> Tensor:
        """What of earlier postsynaptic spikes counts at a presynaptic one."""
        return y

    def after_post(self, x: Tensor) -> Values:
        """Own states of the synapse after a postsynaptic spike, whose x was this."""
        return {}

    def after_pre(self, y: Tensor) -> Values:
        """Own states of the synapse after a presynaptic spike, whose y was this."""
        return {}


class AllToAll(Pairing):
    """Each spike pairs with all earlier ones of the other side. NEST's stdp_synapse."""


class Nearest(Pairing):
    """Each spike pairs with the last one of the other side (fig. 7A, symmetric). NEST's stdp_nn_symm_synapse."""

    def pre_spike(self, x: Tensor) -> Values:
        return {"x": torch.ones_like(x)}

    def post_spike(self, y: Tensor) -> Values:
        return {"y": torch.ones_like(y)}


class PresynapticCentred(Pairing):
    """Each presynaptic spike pairs with the last postsynaptic one before it and the first after it (fig. 7B).

    A state of the synapse keeps the x that earlier postsynaptic spikes have used up. NEST's
    stdp_nn_pre_centered_synapse.
    """

    used_x = SynapseState(0.0, "1", "x of spikes that have found their postsynaptic spike", tau="tau_plus")

    def post_spike(self, y: Tensor) -> Values:
        return {"y": torch.ones_like(y)}

    def seen_by_post(self, x: Tensor) -> Tensor:
        return x - self.used_x

    def after_post(self, x: Tensor) -> Values:
        return {"used_x": x}


class Reduced(Pairing):
    """Only immediate neighbours pair: the last spike of the other side, if none of the own lies between (fig. 7C).

    A sum over spikes not yet used is at least the trace of the last one of them, or 0 where there is none; so the
    smaller of the two counts. NEST's stdp_nn_restr_synapse.
    """

    sum_x = PreTrace("tau_plus", "presynaptic spikes, summed")
    sum_y = PostTrace("tau_minus", "postsynaptic spikes, summed")
    used_x = SynapseState(0.0, "1", "sum_x at the last postsynaptic spike", tau="tau_plus")
    used_y = SynapseState(0.0, "1", "sum_y at the last presynaptic spike", tau="tau_minus")

    def pre_spike(self, x: Tensor) -> Values:
        return {"x": torch.ones_like(x), "sum_x": self.sum_x + 1}

    def post_spike(self, y: Tensor) -> Values:
        return {"y": torch.ones_like(y), "sum_y": self.sum_y + 1}

    def seen_by_post(self, x: Tensor) -> Tensor:
        return torch.minimum(x, self.sum_x - self.used_x)

    def seen_by_pre(self, y: Tensor) -> Tensor:
        return torch.minimum(y, self.sum_y - self.used_y)

    def after_post(self, x: Tensor) -> Values:
        return {"used_x": self.sum_x}

    def after_pre(self, y: Tensor) -> Values:
        return {"used_y": self.sum_y}
