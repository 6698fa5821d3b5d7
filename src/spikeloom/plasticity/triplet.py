"""Spike-timing-dependent plasticity of triplets of spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from ..parameters import Option, Param, Preset
from .dependence import Additive, Dependence
from .rule import PostTrace, PreTrace, Rule

_COLUMNS = ("a2_plus", "a3_plus", "a2_minus", "a3_minus", "tau_x", "tau_y")


def _fit(table: int, data: str, nearest: bool, *row: float) -> Preset:
    """A row of table 3 or 4; the minimal models have no tau_x."""
    columns = _COLUMNS if len(row) == len(_COLUMNS) else ("a2_plus", "a3_plus", "a2_minus", "a3_minus", "tau_y")
    source = f"Pfister and Gerstner 2006, J. Neurosci. 26, table {table}, {data}"
    return Preset({**dict(zip(columns, row, strict=True)), "nearest": nearest}, source)


class TripletSTDP(Rule):
    """Triplet STDP: w <- w + r1 (a2_plus + a3_plus o2) at a postsynaptic spike, w <- w - o1 (a2_minus + a3_minus r2) at
    a presynaptic one; both times the range of weights and a factor of the weight (`dependence`).

    Traces of presynaptic spikes r1 (tau_plus) and r2 (tau_x) and of postsynaptic ones o1 (tau_minus) and o2 (tau_y) sum
    over all earlier spikes, or with `nearest` see the last one alone; o2 and r2 are read as they were before the spike.
    Without a3_plus and a3_minus it is pair-based STDP; the minimal models keep one triplet term. Amplitudes were fitted
    together with the way of pairing, so take whole presets.

    Units: ms. Amplitudes are shares of w_max - w_min; those of the paper are shares of the weight at the beginning.
    Source: Pfister and Gerstner 2006, J. Neurosci. 26, eqs. 2-4, tables 3 and 4; defaults are the minimal all-to-all
    model of visual cortex, in which tau_x has no effect. `dependence` is not from there.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 100, 1, 1)
    >>> pre[[10, 60]], post[[20, 70]] = 1.0, 1.0
    >>> rule = sl.plasticity.TripletSTDP.preset("hippocampus")
    >>> sl.plasticity.learn(rule, torch.full((1, 1), 0.5), pre, post).w
    tensor([[[0.5066]]])
    """

    family = "STDP"

    a2_plus = Param(0.0, "1", "potentiation by pairs, as a share of w_max - w_min", at_least=0.0)
    a3_plus = Param(6.5e-3, "1", "potentiation by triplets, as a share of w_max - w_min", at_least=0.0)
    a2_minus = Param(7.1e-3, "1", "depression by pairs, as a share of w_max - w_min", at_least=0.0)
    a3_minus = Param(0.0, "1", "depression by triplets, as a share of w_max - w_min", at_least=0.0)
    tau_plus = Param(16.8, "ms", "time constant of potentiation", low=0.0)
    tau_minus = Param(33.7, "ms", "time constant of depression", low=0.0)
    tau_x = Param(101.0, "ms", "time constant of the effect of earlier presynaptic spikes", low=0.0)
    tau_y = Param(114.0, "ms", "time constant of the effect of earlier postsynaptic spikes", low=0.0)
    nearest = Option(False, "traces see the last spike alone")
    dependence = Option[Dependence](Additive(), "how changes depend on the weight")

    r1 = PreTrace("tau_plus", "recent presynaptic spikes")
    r2 = PreTrace("tau_x", "presynaptic spikes of a longer time")
    o1 = PostTrace("tau_minus", "recent postsynaptic spikes")
    o2 = PostTrace("tau_y", "postsynaptic spikes of a longer time")

    presets: ClassVar[Mapping[str, Preset]] = {
        "visual cortex": _fit(3, "all-to-all, full", False, 5e-10, 6.2e-3, 7e-3, 2.3e-4, 101.0, 125.0),
        "visual cortex, minimal": _fit(3, "all-to-all, minimal", False, 0.0, 6.5e-3, 7.1e-3, 0.0, 114.0),
        "visual cortex, nearest": _fit(3, "nearest-spike, full", True, 8.8e-11, 5.3e-2, 6.6e-3, 3.1e-3, 714.0, 40.0),
        "visual cortex, nearest, minimal": _fit(3, "nearest-spike, minimal", True, 0.0, 5e-2, 8e-3, 0.0, 40.0),
        "hippocampus": _fit(4, "all-to-all, full", False, 6.1e-3, 6.7e-3, 1.6e-3, 1.4e-3, 946.0, 27.0),
        "hippocampus, minimal": _fit(4, "all-to-all, minimal", False, 5.3e-3, 8e-3, 3.5e-3, 0.0, 40.0),
        "hippocampus, nearest": _fit(4, "nearest-spike, full", True, 4.6e-3, 9.1e-3, 3e-3, 7.5e-9, 575.0, 47.0),
        "hippocampus, nearest, minimal": _fit(4, "nearest-spike, minimal", True, 4.6e-3, 9.1e-3, 3e-3, 0.0, 48.0),
    }

    def on_post(self) -> dict[str, Tensor]:
        change = self.r1 * (self.a2_plus + self.a3_plus * self.o2)
        return {"w": self.w + change * self.range * self.dependence.up(self.share)}

    def on_pre(self) -> dict[str, Tensor]:
        change = self.o1 * (self.a2_minus + self.a3_minus * self.r2)
        return {"w": self.w - change * self.range * self.dependence.down(self.share)}

    def pre_spike(self) -> dict[str, Tensor]:
        return {
            name: value * 0 + 1 if self.nearest else value + 1 for name, value in (("r1", self.r1), ("r2", self.r2))
        }

    def post_spike(self) -> dict[str, Tensor]:
        return {
            name: value * 0 + 1 if self.nearest else value + 1 for name, value in (("o1", self.o1), ("o2", self.o2))
        }

    @property
    def range(self) -> Tensor:
        """From the lowest weight to the highest."""
        return self.w_max - self.w_min

    @property
    def share(self) -> Tensor:
        """The weight between its bounds, 0 ... 1."""
        return (self.w - self.w_min) / self.range
