"""The chronotron's E-learning: spikes are moved, added and removed."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Param
from ._spike_times import SpikeTimeRule
from .trial import Change


class ChronotronE(SpikeTimeRule):
    """E-learning: descent of the cost of making the actual spike train from the desired one.

    Spikes are paired such that the cost, 1 for a spike without partner and ((t_o - t_d) / tau_q)^2 / 2 for a pair, is
    least. With lambda_i(t) the potential of synapse i per weight,

        dw_i = lr (sum over missing spikes lambda_i(t_d) - sum over spikes too many lambda_i(t_o)
                   + gamma / tau_q^2 sum over pairs (t_o - t_d) lambda_i(t_o))

    Targets: spike trains, [T, B, out]. `error` is the number of spikes at wrong times, missing ones included.
    Source: Florian 2012, PLoS ONE 7:e40233, section "E-learning"; not from there: the neuron's reset is soft, and
    lambda knows nothing of resets. Raises: ParameterError, ShapeError, DTypeError.

    >>> import torch, spikeloom as sl
    >>> x, target = torch.zeros(50, 1, 2), torch.zeros(50, 1, 1)
    >>> x[13, 0, 0] = x[40, 0, 1] = target[20] = 1.0
    >>> sl.plasticity.ChronotronE(lr=0.01).update(torch.zeros(1, 2), x, target).w  # the first, at its peak
    tensor([[0.0100, 0.0000]])
    """

    lr = Param(0.005, "weight", "learning rate", at_least=0.0)
    tau_q = Param(10.0, "ms", "distance in time at which spikes lose touch", low=0.0)
    gamma = Param(10.0, "ms", "weight of moves against that of additions and removals", at_least=0.0)

    def change(self, w: Tensor, filtered: Tensor, target: Tensor) -> Change:
        spikes = self.respond_to(w, filtered)
        asked = torch.zeros_like(target)
        for b, o in (spikes != target).any(0).nonzero().tolist():
            actual, desired = (train[:, b, o].nonzero().flatten().tolist() for train in (spikes, target))
            asked[:, b, o] = self._asked(actual, desired, torch.zeros_like(target[:, b, o]))
        dw = float(self.lr) * torch.einsum("tbo,tbi->boi", asked, filtered[0])
        return Change(dw, (target - spikes).abs().sum(0))

    def _asked(self, actual: list[int], desired: list[int], asked: Tensor) -> Tensor:
        """How much potential is wanted at each time."""
        pairs = self._pairs(actual, desired)
        asked[desired] += 1.0
        asked[actual] -= 1.0
        for t, d in pairs:
            asked[d] -= 1.0
            asked[t] += 1.0 + float(self.gamma) / float(self.tau_q) ** 2 * (t - d) * float(self.dt)
        return asked

    def _pairs(self, actual: list[int], desired: list[int]) -> list[tuple[int, int]]:
        """Partners in the cheapest alignment."""
        scale = float(self.dt) / float(self.tau_q)
        rows: list[list[tuple[float, list[tuple[int, int]]]]] = [[(float(j), []) for j in range(len(desired) + 1)]]
        for i, t in enumerate(actual):
            row: list[tuple[float, list[tuple[int, int]]]] = [(i + 1.0, [])]
            for j, d in enumerate(desired):
                cost, pairs = rows[-1][j]
                moved = (cost + ((t - d) * scale) ** 2 / 2, [*pairs, (t, d)])
                single = [(c + 1.0, p) for c, p in (rows[-1][j + 1], row[j])]
                row.append(min(moved, *single, key=lambda way: way[0]))
            rows.append(row)
        return rows[-1][-1][1]
