"""Rewiring: weak synapses look for another source; each neuron keeps its number of synapses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import DTypeError, ParameterError, ShapeError
from ..parameters import Declared, Param
from ._weights import check_weights, lottery


@dataclass
class Wiring:
    """Weights [out, fan_in], the source of each synapse [out, fan_in], and which synapses are new, [out, fan_in]."""

    w: Tensor
    sources: Tensor
    new: Tensor

    def dense(self, n_sources: int) -> Tensor:
        """Weights [out, n_sources], 0 where there is no synapse."""
        return self.w.new_zeros(len(self.w), n_sources).scatter(1, self.sources, self.w)


class Rewiring(Declared):
    """Rewiring with a fixed fan-in: a synapse with w < threshold is cut and drawn anew, with weight `w_new`.

    The new source is any with which the neuron has no synapse, all equally likely; one that was just cut comes back
    only where no others are left. So sources of a neuron are distinct, before and after.

    Raises: ParameterError, UnknownNameError.
    Source: Billaudelle, Cramer, Petrovici, Schreiber, Kappel, Schemmel and Meier 2021, Structural plasticity on an
    accelerated analog neuromorphic hardware system, Neural Networks 133; that sources stay distinct is a choice.

    >>> import torch, spikeloom as sl
    >>> rewiring = sl.plasticity.Rewiring(threshold=0.1, w_new=0.3)
    >>> wiring = rewiring.start(outputs=2, fan_in=2, n_sources=4, seed=1)
    >>> wiring.w = torch.tensor([[0.05, 0.5], [0.5, 0.5]])
    >>> wiring = rewiring.update(wiring, n_sources=4, seed=1, step=1)
    >>> wiring.w
    tensor([[0.3000, 0.5000],
            [0.5000, 0.5000]])
    """

    threshold = Param(0.1, "weight", "below which a synapse is cut")
    w_new = Param(0.2, "weight", "weight of a new synapse")

    def start(self, *, outputs: int, fan_in: int, n_sources: int, seed: int = 0) -> Wiring:
        """Random sources, weights `w_new`."""
        if not 1 <= fan_in <= n_sources or outputs < 1:
            got = f"{outputs} outputs, fan_in = {fan_in}, {n_sources} sources"
            raise ParameterError("start of Rewiring", expected="outputs >= 1 and 1 <= fan_in <= n_sources", got=got)
        sources = lottery((outputs, n_sources), seed, 0, 0).argsort(dim=1, stable=True)[:, :fan_in]
        w = torch.full((outputs, fan_in), float(self.param_values()["w_new"]))
        return Wiring(w, sources, torch.ones_like(sources, dtype=torch.bool))

    def update(self, wiring: Wiring, *, n_sources: int, seed: int = 0, step: int) -> Wiring:
        """Cut and draw anew; the same for the same seed and step, which counts the calls."""
        _verify(wiring, n_sources)
        values = self.param_values()
        cut = wiring.w < float(values["threshold"])
        # The smallest numbers win: places without a synapse first, then those just cut; those that remain never.
        numbers = lottery((len(wiring.w), n_sources), seed, 1, step)
        numbers = numbers.scatter_add(1, wiring.sources, torch.where(cut, 1.0, 2.0).double())
        winners = numbers.argsort(dim=1, stable=True)
        # The k-th synapse that a neuron loses gets its k-th winner.
        turn = (cut.long().cumsum(1) - 1).clamp(min=0)
        sources = torch.where(cut, winners.gather(1, turn), wiring.sources)
        return Wiring(torch.where(cut, float(values["w_new"]), wiring.w), sources, cut)


def _verify(wiring: Wiring, n_sources: int) -> None:
    check_weights("w of Rewiring", wiring.w)
    if wiring.w.dim() != 2 or wiring.sources.shape != wiring.w.shape:
        got = f"{list(wiring.w.shape)} and {list(wiring.sources.shape)}"
        raise ShapeError("w and sources of Rewiring", expected="both [out, fan_in]", got=got)
    if wiring.sources.dtype != torch.int64:
        raise DTypeError("sources of Rewiring", expected="int64", got=wiring.sources.dtype)
    ordered = wiring.sources.sort(1).values
    if not 0 <= int(ordered.min()) <= int(ordered.max()) < n_sources or bool((ordered.diff(dim=1) == 0).any()):
        expected = f"distinct numbers from 0 to {n_sources - 1} for each neuron"
        raise ParameterError("sources of Rewiring", expected=expected, got=wiring.sources.tolist())
