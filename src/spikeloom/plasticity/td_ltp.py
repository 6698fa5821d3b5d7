"""Temporal-difference learning of spiking actors and critics."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError, ShapeError
from ..parameters import Declared, Input, Param
from .rule import PreTrace, Rule, SynapseState


class TDLTP(Rule):
    """TD-LTP: dw/dt = eta delta e, delta the TD error, e the coincidences of spikes and the potentials before them.

    A postsynaptic spike leaves what its presynaptic partner contributed to the potential, sum_i eps(t - t_i) with
    eps(s) = (exp(-s/tau_m) - exp(-s/tau_s)) / (1 - tau_s/tau_m); e is that filtered by kappa(s) = (exp(-s/tau_k) -
    exp(-s/upsilon_k)) / (tau_k - upsilon_k). The same rule holds for the critic, whose rate is the value, and the
    actor, which decides. `delta` is an input of each step; multiply it by dt (`Critic` does).

    Source: Frémaux, Sprekeler and Gerstner 2013, PLoS Comput. Biol. 9:e1003024, "TD-LTP".

    >>> import torch, spikeloom as sl
    >>> pre, post, delta = torch.zeros(3, 200, 1, 1)
    >>> pre[5], post[10], delta[100] = 1.0, 1.0, 1.0
    >>> rule = sl.plasticity.TDLTP(eta=1.0)
    >>> sl.plasticity.learn(rule, torch.full((1, 1), 0.5), pre, post, signals={"delta": delta}).w
    tensor([[[0.5017]]])
    """

    family = "reward"

    eta = Param(0.1, "weight", "learning rate")
    tau_m = Param(20.0, "ms", "decay of the postsynaptic potential", low=0.0)
    tau_s = Param(5.0, "ms", "rise of the postsynaptic potential", low=0.0)
    tau_k = Param(200.0, "ms", "decay of eligibility", low=0.0)
    upsilon_k = Param(50.0, "ms", "rise of eligibility", low=0.0)

    delta = Input("1", "temporal-difference error, times dt")
    slow = PreTrace("tau_m", "presynaptic spikes, decay of the potential")
    fast = PreTrace("tau_s", "presynaptic spikes, rise of the potential")
    e_slow = SynapseState(0.0, "1", "coincidences, decay of eligibility", tau="tau_k")
    e_fast = SynapseState(0.0, "1", "coincidences, rise of eligibility", tau="upsilon_k")

    def verify(self) -> None:
        """Raise ParameterError where a rise is not shorter than its decay."""
        super().verify()
        values = self.param_values()
        for rise, decay in (("tau_s", "tau_m"), ("upsilon_k", "tau_k")):
            if not float(values[rise]) < float(values[decay]):
                got = f"{float(values[rise]):g} and {float(values[decay]):g} ms"
                raise ParameterError("TDLTP", expected=f"{rise} < {decay}", got=got)

    def on_post(self) -> dict[str, Tensor]:
        potential = (self.slow - self.fast) / (1 - self.tau_s / self.tau_m)
        return {"e_slow": self.e_slow + potential, "e_fast": self.e_fast + potential}

    def on_delta(self) -> dict[str, Tensor]:
        e = (self.e_slow - self.e_fast) / (self.tau_k - self.upsilon_k)
        return {"w": self.w + self.eta * self.delta * e}


class Critic(Declared):
    """The value that a group of spiking neurons stands for, and its temporal-difference error, step by step.

    v(t) = scale mean_i (Y_i * kappa)(t) + v_0, kappa as in `TDLTP`, mean over the neurons; delta = dv/dt - v/tau_r + r.
    dv/dt is the difference to the step before over dt; rewards r are rates, 1/ms.

    Shapes: spikes [B, neurons]; returns [B, 1], which broadcasts to the neurons taught. Raises: ShapeError.
    Source: Frémaux, Sprekeler and Gerstner 2013, PLoS Comput. Biol. 9:e1003024, Models.

    >>> import torch, spikeloom as sl
    >>> critic = sl.plasticity.Critic(v_0=1.0, tau_r=100.0)
    >>> state, delta = critic.step(None, torch.zeros(1, 50), torch.tensor([0.01]))
    >>> round(float(delta), 6)
    0.0
    """

    dt = Param(1.0, "ms", "time step", low=0.0)
    tau_r = Param(4000.0, "ms", "time constant with which rewards are discounted", low=0.0)
    scale = Param(1000.0, "ms", "value of a mean rate of 1 spike per ms")
    v_0 = Param(0.0, "1", "value of silence")
    tau_k = Param(200.0, "ms", "decay of a spike's value", low=0.0)
    upsilon_k = Param(50.0, "ms", "rise of a spike's value", low=0.0)

    def step(self, state: Tensor | None, spikes: Tensor, reward: Tensor) -> tuple[Tensor, Tensor]:
        """State [B, 3] (two traces, the value), and delta dt [B, 1] of this step; reward [B] is a rate, 1/ms."""
        if spikes.dim() != 2 or reward.shape != spikes.shape[:1]:
            got = f"{list(spikes.shape)} and {list(reward.shape)}"
            raise ShapeError("spikes and reward of Critic", expected="[B, neurons] and [B]", got=got)
        if state is None:
            state = spikes.new_zeros(len(spikes), 3)
            state[:, 2] = self.v_0
        rate = spikes.mean(1)
        slow = state[:, 0] * torch.exp(-self.dt / self.tau_k) + rate
        fast = state[:, 1] * torch.exp(-self.dt / self.upsilon_k) + rate
        v = self.v_0 + self.scale * (slow - fast) / (self.tau_k - self.upsilon_k)
        delta = v - state[:, 2] + self.dt * (reward - v / self.tau_r)
        return torch.stack([slow, fast, v], 1).to(state.dtype), delta.unsqueeze(1).to(state.dtype)
