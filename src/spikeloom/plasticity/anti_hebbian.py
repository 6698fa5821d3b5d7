"""Anti-Hebbian plasticity between the neurons of a layer: inhibition grows until they spike independently."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from ..parameters import Param, Preset
from .rule import PostTrace, PreTrace, Rule


class AntiHebbian(Rule):
    """Anti-Hebbian rule, after each trial: w <- w - eta (m n - target^2), m and n the pre- and postsynaptic counts.

    Weights are inhibitory, w <= 0, and are added to the input; neurons do not inhibit themselves. Where the mean counts
    are `target`, which `IntrinsicPlasticity` of the thresholds sees to, those that spike together inhibit each other
    more, until their counts are uncorrelated.

    Source: Földiák 1990, Biological Cybernetics 64:165; Zylberberg, Murphy and DeWeese 2011, PLoS Computational
    Biology 7:e1002250, whose weights are the negative of these.

    >>> import torch, spikeloom as sl
    >>> counts = torch.tensor([[1.0, 1.0, 0.0]])
    >>> rule = sl.plasticity.AntiHebbian(eta=0.1, target=0.5)
    >>> sl.plasticity.end_trial(rule, torch.full((3, 3), -0.5), {"m": counts, "n": counts}).w[0, 0]
    tensor([-0.5750, -0.5750, -0.4750])
    """

    family = "Hebbian"
    # Inhibition between silent neurons shrinks.
    spontaneous = True

    eta = Param(0.1, "weight", "learning rate", at_least=0.0)
    target = Param(0.125, "1", "spikes of a neuron in a trial that are aimed at", at_least=0.0)
    w_min = Param(-10.0, "weight", "lowest weight")
    w_max = Param(0.0, "weight", "highest weight", at_most=0.0)

    presets: ClassVar[Mapping[str, Preset]] = {
        "Foldiak": Preset({"eta": 0.1, "target": 0.125}, "Földiák 1990, sec. 3"),
        "SAILnet": Preset({"eta": 1.0, "target": 0.05}, "Zylberberg, Murphy and DeWeese 2011, authors' program"),
    }

    m = PreTrace(math.inf, "presynaptic spikes of the trial")
    n = PostTrace(math.inf, "postsynaptic spikes of the trial")

    def on_trial(self) -> dict[str, Tensor]:
        return {"w": self.w - self.eta * (self.m * self.n - self.target * self.target)}
