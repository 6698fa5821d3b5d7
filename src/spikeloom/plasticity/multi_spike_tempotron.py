"""The multi-spike tempotron: a number of spikes learned in continuous time."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import ParameterError
from ..neurons import Neuron
from ..parameters import Input, Param, State
from ._critical import bracket
from ._responses import double_exponential, exponential
from .trial import Change, TrialRule


class MultiSpikeTempotron(TrialRule):
    """Learns a number of spikes by the gradient of the critical threshold: dw = +-lr d theta*/dw.

        v(t) = sum_i w_i sum_(t_i < t) K(t - t_i) - v_th sum_(t_s < t) exp(-(t - t_s) / tau_mem),
        K(s) = v_0 (exp(-s / tau_mem) - exp(-s / tau_syn)), peak 1; a spike where v reaches v_th.

    theta*_k is the highest threshold at which there would be k spikes. With o spikes and d wanted, o < d raises
    theta*_(o+1), o > d lowers theta*_o. At theta* the potential touches it at a time t*, and with psp_i(t) the input of
    synapse i, E(t) = sum_(t_s < t) exp(-(t - t_s) / tau_mem) and spikes that move with weights and threshold,

        v'(t_j) dt_j = (1 + E(t_j)) d theta - psp(t_j) dw + theta / tau_mem sum_(l < j) exp(-(t_j - t_l) / tau_mem) dt_l
        (1 + E(t*)) d theta = psp(t*) dw - theta / tau_mem sum_j exp(-(t* - t_j) / tau_mem) dt_j.

    Input arrives at the points of the grid; between them the potential is solved exactly, with at most one output spike
    per step. Where no threshold gives that many spikes, the change is the input at the highest potential (not from the
    paper). Changes are steep where a potential just reaches threshold: keep `lr` small.

    Targets: numbers of spikes.
    Source: Gütig 2016, Science 351:aab4113, and its supplement; derivation as above.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(60, 1, 2)
    >>> x[5, 0, 0] = x[8, 0, 1] = 1.0
    >>> rule = sl.plasticity.MultiSpikeTempotron(lr=0.1)
    >>> rule.update(torch.tensor([[0.4, 0.5]]), x, torch.tensor([[1.0]])).w
    tensor([[0.4971, 0.5990]])
    """

    family = "supervised, trials"

    lr = Param(0.001, "weight", "learning rate", at_least=0.0)
    tau_mem = Param(15.0, "ms", "membrane time constant", low=0.0)
    tau_syn = Param(3.75, "ms", "synaptic time constant", low=0.0)
    v_th = Param(1.0, "1", "spike threshold", low=0.0)

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        if not self._syn < self._mem:
            got = f"{self._syn:g} and {self._mem:g}"
            raise ParameterError("MultiSpikeTempotron", expected="tau_syn < tau_mem", got=got)

    def filtered(self, x: Tensor) -> Tensor:
        return double_exponential(x, self._mem, self._syn, self._dt)

    def potential_of(self, w: Tensor, filtered: Tensor) -> Tensor:
        """At the points of the grid, where input arrives, before the spikes of the step that begins there."""
        parts = filtered @ w.T / float(self.v_th)
        return float(self.v_th) * (parts[0] - parts[1] + self._own(self._neuron(*parts)))

    def respond_to(self, w: Tensor, filtered: Tensor) -> Tensor:
        return (self.ahead(w, filtered) > 0).to(w.dtype)

    def ahead(self, w: Tensor, filtered: Tensor) -> Tensor:
        """Time from each step's spike to its end, 0 without spike: a spike in step n is at (n + 1) dt less that."""
        ahead: Tensor = self._neuron(*(filtered @ w.T / float(self.v_th)))
        return ahead

    def change(self, w: Tensor, filtered: Tensor, target: Tensor) -> Change:
        error = target - (self.ahead(w, filtered) > 0).sum(0)
        dw = w.new_zeros(len(target), *w.shape)
        b, n = error.nonzero(as_tuple=True)
        if len(b):
            sign = error[b, n].sign()
            spikes = target[b, n] - error[b, n]
            _, slope = self.critical(filtered[:, :, b], w[n], spikes + (sign > 0))
            dw[b, n] = (float(self.lr) * sign).unsqueeze(-1) * slope
        return Change(dw, error)

    def critical(self, filtered: Tensor, w: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
        """Critical thresholds of `count` spikes, [n], and their gradients, [n, in].

        Shapes: filtered [2, T, n, in], w [n, in], count [n]. Threshold 0 where there is none.
        """
        parts = torch.einsum("ktni,ni->ktn", filtered, w)

        neuron = self._neuron

        def counts(thresholds: Tensor) -> Tensor:
            ahead: Tensor = neuron(*(parts.unsqueeze(-1) / thresholds))
            return (ahead > 0).sum(0).to(w.dtype)

        # Between points of the grid the potential is below that of its slow part alone.
        low, high = bracket(counts, parts[0].amax(0), count, levels=16)
        theta, slope = torch.zeros_like(low), torch.zeros_like(w)
        for k in range(len(w)):
            if low[k] > 0:
                theta[k], slope[k] = high[k], self._gradient(filtered[:, :, k], parts[:, :, k], low[k], high[k])
            else:
                slope[k] = self._psp(filtered[:, int((parts[0] - parts[1])[:, k].argmax()), k], 0.0)
        return theta, slope

    def _gradient(self, filtered: Tensor, parts: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """d theta*/dw of one neuron in one trial, [in]; parts [2, T]."""
        below, ahead = (self._neuron(*(parts / theta).unsqueeze(-1).unsqueeze(-1)).flatten() for theta in (low, high))
        slow = parts[0] / high + self._own(ahead)
        fast = parts[1] / high
        last = _extra(below > 0, ahead > 0)
        spikes = (ahead[:last] > 0).nonzero().flatten().tolist()
        tau_mem, tau_syn = parts.new_tensor(self._mem), parts.new_tensor(self._syn)
        top = float(peak_time(slow[last], fast[last], tau_mem, tau_syn).clamp(0.0, self._dt))
        before, summed, by_theta, by_w = 0.0, 0.0, 0.0, torch.zeros_like(filtered[0, 0])
        for n in spikes:
            wait = self._dt - float(ahead[n])
            left = math.exp(-(n * self._dt + wait - before) / self._mem)
            before = n * self._dt + wait
            summed, by_theta, by_w = summed * left, by_theta * left, by_w * left
            rise = float(fast[n]) / self._syn * math.exp(-wait / self._syn)
            rise -= float(slow[n]) / self._mem * math.exp(-wait / self._mem)
            rise *= float(high)
            own = float(high) / self._mem
            moved_by_theta = (1.0 + summed + own * by_theta) / rise
            moved_by_w = (own * by_w - self._psp(filtered[:, n], wait)) / rise
            summed, by_theta, by_w = summed + 1.0, by_theta + moved_by_theta, by_w + moved_by_w
        left = math.exp(-(last * self._dt + top - before) / self._mem)
        own = float(high) / self._mem * left
        return (self._psp(filtered[:, last], top) - own * by_w) / (1.0 + summed * left + own * by_theta)

    @property
    def _mem(self) -> float:
        return float(self.tau_mem)

    @property
    def _syn(self) -> float:
        return float(self.tau_syn)

    @property
    def _dt(self) -> float:
        return float(self.dt)

    @property
    def _neuron(self) -> _ContinuousSpikes:
        return _ContinuousSpikes(tau_mem=self._mem, tau_syn=self._syn, dt=self._dt)

    def _own(self, ahead: Tensor) -> Tensor:
        """Response to own spikes at the beginning of each step, in units of the threshold."""
        jumps = torch.where(ahead > 0, torch.exp(-ahead / self._mem), 0.0)
        trace = exponential(jumps.reshape(len(jumps), -1, 1), math.exp(-self._dt / self._mem)).view_as(jumps)
        return -torch.cat((torch.zeros_like(trace[:1]), trace[:-1]))

    def _psp(self, parts: Tensor, wait: float) -> Tensor:
        """Both exponentials some time after a point of the grid, one less the other."""
        return parts[0] * math.exp(-wait / self._mem) - parts[1] * math.exp(-wait / self._syn)


def _extra(below: Tensor, above: Tensor) -> int:
    """The step of the spike that is there just below the critical threshold alone.

    One that crosses a point of the grid in between differs in one step and no longer in the next.
    """
    missing = below.cumsum(0) > above.cumsum(0)
    later = torch.cat((missing[1:], missing[-1:]))
    return int((missing & later).to(torch.uint8).argmax())


class _ContinuousSpikes(Neuron):
    """Spikes where mem(s) - syn(s) + h(s) = 1 at any time s within a step, at most one in a step.

    Between the points of the grid, at which input arrives, all three decay exponentially. The output is the time from
    the spike to the end of its step, 0 without spike.
    """

    tau_mem = Param(15.0, "ms", "membrane time constant", low=0.0)
    tau_syn = Param(3.75, "ms", "synaptic time constant", low=0.0)
    mem = Input("1", "slow part of the input, in units of the threshold")
    syn = Input("1", "fast part of the input, in units of the threshold")
    h = State(0.0, "1", "response to own spikes")
    ahead = State(0.0, "ms", "time from the spike to the end of the step")

    output = "ahead"

    def charge(self) -> dict[str, Tensor]:
        slow, fast = self.mem + self.h, self.syn
        top = peak_time(slow, fast, self.tau_mem, self.tau_syn).clamp(min=0.0)
        top = torch.minimum(top, self.dt)
        crossed = self._above(slow, fast, top) >= 0
        # Up to its peak the potential is concave, so that Newton's method comes from below and stays there.
        time = torch.zeros_like(slow)
        for _ in range(8):
            rise = fast / self.tau_syn * torch.exp(-time / self.tau_syn)
            rise = rise - slow / self.tau_mem * torch.exp(-time / self.tau_mem)
            step = -self._above(slow, fast, time) / torch.where(rise > 0, rise, 1.0)
            time = torch.minimum(torch.maximum(time + torch.where(rise > 0, step, 0.0), torch.zeros_like(time)), top)
        # Not 0, which says that there is no spike.
        ahead = torch.where(crossed, torch.maximum(self.dt - time, 1e-6 * self.dt), 0.0)
        jump = torch.where(crossed, torch.exp(-ahead / self.tau_mem), 0.0)
        return {"h": self.h * torch.exp(-self.dt / self.tau_mem) - jump, "ahead": ahead}

    def _above(self, slow: Tensor, fast: Tensor, time: Tensor) -> Tensor:
        return slow * torch.exp(-time / self.tau_mem) - fast * torch.exp(-time / self.tau_syn) - 1.0


def peak_time(slow: Tensor, fast: Tensor, tau_mem: Tensor, tau_syn: Tensor) -> Tensor:
    """When slow exp(-s / tau_mem) - fast exp(-s / tau_syn) is highest, s of any sign; 0 where it has no peak."""
    has = (slow > 0) & (fast > 0)
    ratio = torch.where(has, fast, 1.0) * tau_mem / (torch.where(has, slow, 1.0) * tau_syn)
    return torch.where(has, torch.log(ratio) * tau_mem * tau_syn / (tau_mem - tau_syn), 0.0)
