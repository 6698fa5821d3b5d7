"""A handler of a rule as a statement that the compiler knows: from weight, states and traces to weight and states."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..errors import UnknownNameError
from ..parameters import Input, Noise, Param, State
from .rule import Rule

# Methods that return one value and change nothing.
CONDITIONS = ("when", "efficacy")
# What methods on neurons change, and what they may read.
_OF_NEURONS = {"pre_spike": "pre_traces", "post_spike": "spike_traces"}


class Handler:
    """One event of a rule. Its states are what the event changes; its inputs are what it reads beside them."""

    def __init__(self, rule: Rule, name: str) -> None:
        self.rule, self.name = rule, name
        self.own: tuple[str, ...] = ("w", *rule.synapse_states)
        if name in _OF_NEURONS:
            self.own = tuple(getattr(rule, _OF_NEURONS[name]))
        elif name == "when":
            self.own = ()

    @property
    def params(self) -> Mapping[str, Param]:
        """Those of the rule."""
        return self.rule.params

    @property
    def states(self) -> Mapping[str, State]:
        """What the event changes."""
        return {name: State(0.0, "1", name) for name in self.own}

    @property
    def inputs(self) -> Mapping[str, Input]:
        """What it may read: traces, states of the postsynaptic neuron, and what arrives there."""
        rule = self.rule
        of_post = (*rule.post_traces, *rule.post_states, *rule.inputs)
        if self.name == "pre_spike":
            readable: tuple[str, ...] = tuple(rule.pre_traces)
        elif self.name in ("post_spike", "when"):
            readable = of_post
        elif self.name in ("on_pre", "efficacy"):
            readable = (*rule.pre_traces, *of_post)
        else:
            readable = (*rule.pre_traces, *of_post, "spiked")
        return {name: Input("1", name) for name in readable if name not in self.own}

    @property
    def noises(self) -> Mapping[str, Noise]:
        """Those of the rule, where synapses change."""
        return self.rule.noises if "w" in self.own else {}

    def step(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The event, on values of everything declared."""
        bound = self.rule.bind(values)
        if self.name in CONDITIONS:
            return {self.name: getattr(bound, self.name)(), **{name: values[name] for name in self.own}}
        changed: dict[str, Any] = getattr(bound, self.name)()
        for name in changed:
            if name not in self.own:
                raise UnknownNameError(f"{type(self.rule).__name__}.{self.name} returns", name, self.own)
        result = {name: changed.get(name, values[name]) for name in self.own}
        if "w" in changed:
            # The lower bound last: where both are equal, that is the weight.
            w = torch.as_tensor(changed["w"]) if isinstance(changed["w"], int | float) else changed["w"]
            result["w"] = torch.maximum(torch.minimum(w, bound.value("w_max")), bound.value("w_min"))
        return result

    def key(self) -> Hashable:
        """Equal for handlers that trace to the same program."""
        return (self.rule.key(), self.name)
