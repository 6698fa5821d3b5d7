"""STDP at postsynaptic spikes only: inputs that were active gain, all others lose."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Option, Param, Preset
from ._recency import within
from .dependence import Dependence, Exponential, Logistic
from .rule import PreTrace, Rule


class SimplifiedSTDP(Rule):
    """At a postsynaptic spike: dw = a_plus up(w) where the presynaptic neuron has spiked within `window` before,
    dw = -a_minus down(w) at all other synapses; both times the range of weights.

    With an infinite window, the default, all spikes since the trial began count: pre <= post where each neuron spikes
    at most once in a trial, as in layers of time to first spike. A presynaptic spike at the same time counts where it
    can have caused the postsynaptic one, and otherwise does not. A finite window should be a multiple of dt.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(10, 1, 2), torch.zeros(10, 1, 1)
    >>> pre[2, 0, 0], post[4] = 1.0, 1.0
    >>> rule = sl.plasticity.SimplifiedSTDP.preset("Kheradpisheh 2018")
    >>> sl.plasticity.learn(rule, torch.full((1, 2), 0.5), pre, post).w
    tensor([[[0.5010, 0.4992]]])

    Source: Kheradpisheh, Ganjtabesh, Thorpe and Masquelier 2018, Neural Networks 99, eq. 5; other papers by preset.
    """

    family = "STDP"
    presets: ClassVar[Mapping[str, Preset]] = {
        "Kheradpisheh 2018": Preset(
            {"a_plus": 0.004, "a_minus": 0.003, "dependence": Logistic()},
            "Kheradpisheh, Ganjtabesh, Thorpe and Masquelier 2018, Neural Networks 99, sec. 2.3",
        ),
        "Querlioz 2013": Preset(
            {
                "a_plus": 0.01,
                "a_minus": 0.005,
                "window": 20.0,
                "dependence": Exponential(beta_plus=3.0, beta_minus=3.0),
            },
            "Querlioz, Bichler, Dollfus and Gamrat 2013, IEEE Trans. Nanotechnology 12, eqs. 1 and 2; amplitudes as "
            "shares of the range of weights; the window is ours",
        ),
        "Tavanaei 2017": Preset(
            {"a_plus": 0.01, "a_minus": 0.0075, "dependence": Exponential(beta_plus=1.0, beta_minus=0.0)},
            "probabilistic STDP, dw = a exp(-w) or -b: Tavanaei and Maida 2017; its a and b are ours",
        ),
        "Falez 2020 multiplicative": Preset(
            {"a_plus": 0.1, "a_minus": 0.1, "dependence": Exponential(beta_plus=1.0, beta_minus=1.0)},
            "Falez, Tirilly and Bilasco 2020, IJCNN, as in its authors' simulator",
        ),
    }

    a_plus = Param(0.004, "1", "potentiation, as a share of w_max - w_min", at_least=0.0)
    a_minus = Param(0.003, "1", "depression, as a share of w_max - w_min", at_least=0.0)
    window = Param(math.inf, "ms", "how long ago a presynaptic spike may be")
    dependence = Option[Dependence](Logistic(), "how changes depend on the weight")

    x = PreTrace("window", "last presynaptic spike")

    def on_post(self) -> dict[str, Tensor]:
        span = self.w_max - self.w_min
        share = (self.w - self.w_min) / span
        up, down = self.a_plus * self.dependence.up(share), -self.a_minus * self.dependence.down(share)
        return {"w": self.w + span * torch.where(within(self.x, self.window, self.dt), up, down)}

    def pre_spike(self) -> dict[str, Tensor]:
        return {"x": torch.ones_like(self.x)}
