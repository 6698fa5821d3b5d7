"""The tempotron on spike times: highest potentials in closed form, and training by a kernel that visits spikes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .. import random
from ..compile import Table, invoke, native
from ._tempotron_kernel import EPOCH, learn_epoch

# Epochs whose order is drawn at once.
_TOGETHER = 64


@dataclass
class Highest:
    """The highest potential of each trial and output, [B, out], and its time in ms; -inf where there is no input."""

    v: Tensor
    time: Tensor


@dataclass
class Events:
    """Spikes of trials in the order of time: afferent, decays since the spike before, [B, n]; how many, [B]."""

    times: Tensor
    afferent: Tensor
    mem: Tensor
    syn: Tensor
    spikes: Tensor

    @classmethod
    def of(cls, times: Tensor, tau_mem: float, tau_syn: float) -> Events:
        """Of times [B, in, n]."""
        flat, place = times.double().flatten(1).sort(dim=1, stable=True)
        spikes = torch.isfinite(flat).sum(1)
        longest = int(spikes.max()) if len(spikes) else 0
        flat, afferent = flat[:, :longest].contiguous(), (place // times.shape[2])[:, :longest].contiguous()
        gaps = torch.where(torch.isfinite(flat), flat, 0.0).diff(dim=1, prepend=flat[:, :1]).clamp(min=0.0)
        return cls(flat, afferent, torch.exp(-gaps / tau_mem), torch.exp(-gaps / tau_syn), spikes)


@dataclass
class Response:
    """K(s) = v_0 (exp(-s / tau_mem) - exp(-s / tau_syn)) with a peak of 1."""

    tau_mem: float
    tau_syn: float

    @property
    def ratio(self) -> float:
        return self.tau_mem / self.tau_syn

    @property
    def v_0(self) -> float:
        peak = math.exp(-math.log(self.ratio) / (self.ratio - 1.0))
        return 1.0 / (peak * (1.0 - 1.0 / self.ratio))

    def psp(self, times: Tensor, now: Tensor) -> Tensor:
        """Responses of all afferents at times [B, out]: [B, out, in]."""
        since = now.unsqueeze(-1).unsqueeze(-1) - times.double().unsqueeze(1)
        past = since > 0
        since = torch.where(past, since, 0.0)
        parts = torch.exp(-since / self.tau_mem) - torch.exp(-since / self.tau_syn)
        return self.v_0 * torch.where(past, parts, 0.0).sum(-1)

    def highest(self, w: Tensor, times: Tensor, enough: float = math.inf) -> Highest:
        """Above 0, of weights [out, in]; from the first that is `enough` on there is no more input.

        After a spike there is a peak where slow exp(-s / tau_mem) - fast exp(-s / tau_syn) is level, if no other spike
        comes before. The definition: every spike of every trial in turn.
        """
        events, ratio = Events.of(times, self.tau_mem, self.tau_syn), self.ratio
        size = (len(times), len(w))
        slow, fast, best = (torch.zeros(size, dtype=torch.float64) for _ in range(3))
        found, open_ = torch.full(size, -math.inf, dtype=torch.float64), torch.ones(size, dtype=torch.bool)
        n = events.times.shape[1]
        later = torch.cat([events.times, events.times.new_full((size[0], 1), math.inf)], 1)
        weights = w.double().T[events.afferent]
        for k in range(n):
            there = (k < events.spikes).unsqueeze(1) & open_
            slow = slow * events.mem[:, k : k + 1] + weights[:, k]
            fast = fast * events.syn[:, k : k + 1] + weights[:, k]
            rising = there & (slow > 0) & (fast > 0) & (ratio * fast > slow)
            part = torch.where(rising, slow / (ratio * fast), 1.0)
            peak = -self.tau_mem * torch.log(part) / (ratio - 1.0)
            wait = torch.minimum(peak, (later[:, k + 1] - later[:, k]).unsqueeze(1))
            v = self.v_0 * (slow * torch.exp(-wait / self.tau_mem) - fast * torch.exp(-wait / self.tau_syn))
            better = rising & (v > best)
            reached = better & (v >= enough)
            best = torch.where(better, v, best)
            now = events.times[:, k : k + 1] + torch.where(reached, peak, wait)
            found, open_ = torch.where(better, now, found), open_ & ~reached
        return Highest(best, found)


def train(
    response: Response,
    w: Tensor,
    times: Tensor,
    target: Tensor,
    rates: list[float],
    threshold: tuple[float, bool],
    *,
    momentum: float,
    seed: int,
) -> tuple[Tensor, list[int]]:
    """Weights after at most one epoch for each learning rate, and how many outputs were wrong in each.

    `threshold`: where it spikes, and whether input after the spike has no effect.
    """
    v_th, shunt = threshold
    events = Events.of(times, response.tau_mem, response.tau_syn)
    quiet = response.highest(torch.ones(1, w.shape[1]), times).time
    since = quiet - events.times
    last = (since >= 0).sum(1) - 1
    since = since.gather(1, last.clamp(min=0).unsqueeze(1)).flatten() if since.shape[1] else quiet.flatten()
    constants = torch.tensor([response.ratio, response.v_0, v_th, 0.0, momentum, float(shunt)], dtype=torch.float64)
    learned, before = w.double().clone().contiguous(), torch.zeros(w.shape, dtype=torch.float64)
    wrong, trials = torch.zeros(len(w), dtype=torch.int64), torch.arange(len(times))
    order = torch.zeros(_TOGETHER, len(times), dtype=torch.int64)
    arrays = {
        "afferent": events.afferent, "mem": events.mem, "syn": events.syn, "spikes": events.spikes,
        "target": target.double().contiguous(), "quiet_spike": last, "order": order, "constants": constants,
        "quiet_mem": torch.exp(-since / response.tau_mem), "quiet_syn": torch.exp(-since / response.tau_syn),
        "w": learned, "before": before, "wrong": wrong,
    }  # fmt: skip
    sizes = {"trials": len(times), "inputs": w.shape[1], "longest": events.times.shape[1], "outputs": len(w)}
    table = Table.of(EPOCH, **sizes, **{name: value.numpy() for name, value in arrays.items()})
    kernel, counts = native(learn_epoch, "float64"), list[int]()
    for epoch, rate in enumerate(rates):
        if epoch % _TOGETHER == 0:
            epochs = torch.arange(epoch, epoch + _TOGETHER).unsqueeze(1)
            order.copy_(random.uniform(seed, 0, trials, epochs).argsort(1))
        constants[3] = rate
        invoke(kernel, table, 0, len(w), epoch % _TOGETHER)
        counts.append(int(wrong.sum()))
        if not counts[-1]:
            break
    return learned.to(w.dtype), counts
