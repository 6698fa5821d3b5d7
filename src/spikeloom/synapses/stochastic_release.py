"""Release of single vesicles by chance."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Noise, State
from .short_term_plasticity import Utilisation


class StochasticRelease(Utilisation):
    """One release site: a spike releases its vesicle with probability u if there is one; a new one comes by chance.

    An empty site is refilled with probability 1 - exp(-dt/tau_rec) in each step. Depression is what empty sites make;
    with `tau_facil` u grows as in `TsodyksMarkram`. The mean over many sites is that of `TsodyksMarkram` with tau_inact
    near zero: each spike releases u x on average. The output is 1 for a release, else 0; an axis of features makes
    several sites. With u_se = 1 and tau_rec small every spike gets through; draws follow `torch.manual_seed`.

    Any input above zero is a spike, its size scales facilitation and release. No gradient flows through chance, only
    through the size of the spike.

    Shapes: spikes [T, B, *features] to releases of the same shape. Units: ms.
    Source: Fuhrmann, Segev, Markram and Tsodyks 2002, J. Neurophysiol. 87(1):140-148, for one site.

    >>> import torch, spikeloom as sl
    >>> _ = torch.manual_seed(1)
    >>> terminals = sl.synapses.StochasticRelease(u_se=0.4, tau_rec=100.0)
    >>> terminals(torch.ones(3, 1, 1000)).mean(dim=(1, 2))
    tensor([0.4090, 0.2380, 0.1540])
    """

    chance = Noise("whether a spike releases", uniform=True)
    refill = Noise("whether a vesicle comes", uniform=True)
    x = State(1.0, "1", "1 if there is a vesicle, else 0")

    def deliver(self) -> dict[str, Tensor]:
        u = self.raised()
        released = (self.spikes > 0) & (self.chance < u)
        return {
            "u": u,
            "x": torch.where(released, 0.0, self.x),
            "release": torch.where(released, self.x * self.spikes, 0.0),
        }

    def charge(self) -> dict[str, Tensor]:
        stays_empty = self.refill < torch.exp(-self.dt / self.tau_rec)
        return {"x": torch.where(stays_empty, self.x, 1.0), "u": self.relaxed()}
