"""Rules on whole spike trains, all synapses at each step: the definition, in plain PyTorch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .. import random
from ..errors import DTypeError, ParameterError, ShapeError, UnknownNameError
from .handler import Handler
from .rule import Rule

State = dict[str, Tensor]


@dataclass
class Learned:
    """Weights, and the state to go on from."""

    w: Tensor
    state: State = field(default_factory=dict)


def learn(
    rule: Rule,
    w: Tensor,
    pre: Tensor,
    post: Tensor,
    *,
    signals: Mapping[str, Tensor] | None = None,
    variables: Mapping[str, Tensor] | None = None,
    state: State | None = None,
    causal: bool = True,
    seed: int = 0,
) -> Learned:
    """Apply a rule to spike trains: time after time, to weights [out, in], in every batch element on its own copy.

    In each step first traces decay, then the events of that step act in the order that `Rule` states. `causal` says
    that a spike of `pre` may have caused one of `post` in the same step, as in layers of `nn`; it then comes first.

    Shapes: w [out, in] or [B, out, in], pre [T, B, in], post [T, B, out]; `signals` (declared inputs) and `variables`
    (states of the postsynaptic neuron) by name, [T, B, out]; returns weights [B, out, in]. Their mean over the batch
    is the usual weight of the next batch. `state` is that of an earlier piece of the same trains.

    Raises: ShapeError, DTypeError, UnknownNameError, ParameterError.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 20, 1, 1)
    >>> pre[5], post[8] = 1.0, 1.0
    >>> rule = sl.plasticity.STDP(a_plus=0.1, tau_plus=20.0)
    >>> sl.plasticity.learn(rule, torch.full((1, 1), 0.5), pre, post).w
    tensor([[[0.5861]]])
    """
    run = _Dense(rule, w, pre, post, signals or {}, variables or {}, state, causal, seed)
    for t in range(len(pre)):
        run.step(t)
    return Learned(run.values["w"], run.kept())


class _Dense:
    """Values of all variables: of presynaptic neurons [B, 1, in], of postsynaptic ones [B, out, 1], of synapses."""

    def __init__(
        self,
        rule: Rule,
        w: Tensor,
        pre: Tensor,
        post: Tensor,
        signals: Mapping[str, Tensor],
        variables: Mapping[str, Tensor],
        state: State | None,
        causal: bool,
        seed: int,
    ) -> None:
        self.rule, self.pre, self.post, self.causal, self.seed = rule, pre, post, causal, seed
        _verify(rule, w, pre, post, signals, variables)
        self.signals = {name: signals.get(name, torch.zeros_like(post)) for name in rule.inputs}
        self.variables = variables
        size = (pre.shape[1], post.shape[2], pre.shape[2])
        self.values: dict[str, Tensor] = {"w": w.expand(size).clone()}
        self.values |= {n: w.new_full(size, value) for n, value in rule.at_rest().items()}
        self.values |= {name: w.new_zeros(size[0], 1, size[2]) for name in rule.pre_traces}
        self.values |= {name: w.new_zeros(size[0], size[1], 1) for name in rule.post_traces}
        # They begin at what they follow; from 0 mV it would take long to reach a resting potential.
        first = {name: variables[trace.of][:1] for name, trace in rule.post_traces.items() if trace.of}
        self.values |= {name: value[0].unsqueeze(-1) for name, value in first.items() if len(value)}
        self.steps = 0
        for name, value in (state or {}).items():
            if name == "steps":
                self.steps = int(value)
            else:
                self.values[name] = value.clone()
        self.params = {n: torch.as_tensor(v, dtype=torch.float64) for n, v in rule.param_values().items()}
        self.dt = float(rule.param_values()["dt"])
        fading = {name: trace for name, trace in rule.post_traces.items() if not trace.of}
        decaying: dict[str, Any] = {**rule.pre_traces, **fading, **rule.synapse_states}
        self.decays = {name: math.exp(-self.dt / rule.time_constant(item)) for name, item in decaying.items()}
        self.every = _steps_between(rule)

    def step(self, t: int) -> None:
        """All events of one time."""
        rule = self.rule
        if self.steps:
            for name, decay in self.decays.items():
                self.values[name] = self.values[name] * decay
        pre, post = self.pre[t].unsqueeze(1) != 0, self.post[t].unsqueeze(-1) != 0
        if self.causal:
            # Nothing of this time is known yet of the postsynaptic neuron.
            silent = {name: torch.zeros_like(signal[t]).unsqueeze(-1) for name, signal in self.signals.items()}
            silent["spiked"] = torch.zeros_like(self.post[t]).unsqueeze(-1)
            self.arrive(pre, self.states_at(max(0, t - 1)) | silent)
        now = self.states_at(t) | {name: signal[t].unsqueeze(-1) for name, signal in self.signals.items()}
        now["spiked"] = post.to(self.post.dtype)
        for name, trace in rule.post_traces.items():
            if trace.of:
                share = -math.expm1(-self.dt / rule.time_constant(trace))
                self.values[name] = self.values[name] + share * (now[trace.of] - self.values[name])
        self.change("on_post", post, now)
        for name in rule.inputs:
            self.change(f"on_{name}", now[name] != 0, now)
        if not self.causal:
            self.arrive(pre, now)
        self.spike("post_spike", post, now)
        for name, trace in rule.post_traces.items():
            if trace.by:
                self.values[name] = self.values[name] + float(rule.number(trace.jump)) * now[trace.by]
        if rule.has("on_step") and self.steps and self.steps % self.every == 0:
            where = torch.ones_like(post)
            if rule.has("when"):
                where = Handler(rule, "when").step(self._bound(now))["when"]
            self.change("on_step", where, now)
        self.steps += 1

    def states_at(self, t: int) -> State:
        """Of the postsynaptic neurons, what the rule reads."""
        late = {n: round(float(self.rule.number(s.late)) / self.dt) for n, s in self.rule.post_states.items()}
        return {name: self.variables[name][max(0, t - steps)].unsqueeze(-1) for name, steps in late.items()}

    def arrive(self, pre: Tensor, now: State) -> None:
        """Presynaptic spikes."""
        self.change("on_pre", pre, now)
        self.spike("pre_spike", pre, now)

    def _bound(self, now: State) -> dict[str, Any]:
        return {**self.params, **self.values, **now}

    def change(self, name: str, where: Tensor, now: State) -> None:
        """What an event does to the synapses `where` it happens."""
        if self.rule.has(name) and where.any():
            handler = Handler(self.rule, name)
            bound = self._bound(now) | self._drawn()
            for label, value in handler.step(bound).items():
                self.values[label] = torch.where(where, value.to(self.values[label].dtype), self.values[label])

    def spike(self, name: str, where: Tensor, now: State) -> None:
        """What spikes do to traces of a side."""
        handler = Handler(self.rule, name)
        if handler.own:
            for label, value in handler.step(self._bound(now)).items():
                self.values[label] = torch.where(where, value.to(self.values[label].dtype), self.values[label])

    def _drawn(self) -> State:
        """Noise of each synapse, by its place in the weights, and of each batch element."""
        size = self.values["w"].shape
        index = torch.arange(math.prod(size)).view(size)
        return {
            name: getattr(random, noise.distribution)(self.seed, purpose, index, self.steps).to(self.values["w"].dtype)
            for purpose, (name, noise) in enumerate(self.rule.noises.items())
        }

    def kept(self) -> State:
        """All but the weights."""
        kept = {name: value for name, value in self.values.items() if name != "w"}
        return kept | {"steps": torch.tensor(self.steps)}


def _steps_between(rule: Rule) -> int:
    values = rule.param_values()
    return max(1, round(float(values["every"]) / float(values["dt"]))) if rule.has("on_step") else 1


def _verify(rule: Rule, w: Tensor, pre: Tensor, post: Tensor, signals: Any, variables: Any) -> None:
    name = type(rule).__name__
    for label, value in {"w": w, "pre": pre, "post": post, **signals, **variables}.items():
        if not isinstance(value, Tensor) or not value.is_floating_point():
            got = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise DTypeError(f"{label} of {name}", expected="a floating-point tensor", got=got)
        if not bool(torch.isfinite(value).all()):
            raise ParameterError(f"{label} of {name}", expected="finite numbers", got="NaN or infinity")
    if pre.dim() != 3 or post.dim() != 3 or pre.shape[:2] != post.shape[:2]:
        got = f"{list(pre.shape)} and {list(post.shape)}"
        raise ShapeError(f"pre and post of {name}", expected="[T, B, in] and [T, B, out]", got=got)
    size = (pre.shape[1], post.shape[2], pre.shape[2])
    if tuple(w.shape) not in (size, size[1:]):
        raise ShapeError(f"w of {name}", expected=f"{list(size[1:])} or {list(size)}", got=list(w.shape))
    for what, given, declared in (("signal", signals, rule.inputs), ("variable", variables, rule.post_states)):
        for label, value in given.items():
            if label not in declared:
                raise UnknownNameError(f"{what} of {name}", label, declared)
            if value.shape != post.shape:
                raise ShapeError(f"{what} {label} of {name}", expected=list(post.shape), got=list(value.shape))
    for label in rule.post_states:
        if label not in variables:
            do = f"give variables={{{label!r}: ...}}"
            raise ParameterError(f"variable {label} of {name}", expected="given", got="none", do=do)
