"""What a plastic projection keeps, and what can be done with it between runs."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DTypeError, ParameterError, UnknownNameError
from ..plasticity import Rule
from ._plastic_source import RuleSource
from ._seeds import PLASTICITY, subseed
from .recorders import whole_steps

if TYPE_CHECKING:
    from ._plastic_part import PlasticPart
    from .projection import Projection

# Traces are swept once in so many time constants, and at least once in so many steps.
_CONSTANTS, _LONGEST = 6.0, 4096


class Learning:
    """The plasticity of a projection.

    Between runs the engine's arrays are the truth; while there is no engine, `kept` has them in an order that does not
    depend on threads.
    """

    def __init__(self, projection: Projection, rule: Rule, dendritic: int) -> None:
        if not isinstance(rule, Rule):
            do = "for example plasticity=sl.plasticity.STDP()"
            raise DTypeError(f"plasticity of {projection.name}", expected="a rule of plasticity", got=repr(rule), do=do)
        self.projection, self.rule = projection, copy.deepcopy(rule)
        network, post = projection.pre.network, projection.post.population
        self.rule.dt = network.dt
        self._verify()
        self.late = projection.shift == 0
        # Spikes of the neuron are told to its synapses after the way back, twice the way there: see `connect`.
        self.back = 2 * dendritic
        self.source = RuleSource(self.rule)
        self.on = True
        real = projection.real
        self.arrays = {name: np.zeros((network.batch, post.size), dtype=real) for name in self.rule.post_traces}
        self.ring = np.zeros((self.back + 1, *post.fired.shape), dtype=np.uint8) if self.back else None
        self.told = post.fired if self.ring is None else np.zeros_like(post.fired)
        self.seeds = np.array([subseed(network.seed, PLASTICITY, projection.number, r) for r in range(network.batch)])
        self.constants = np.zeros(max(1, len(self.source.constants)), dtype=real)
        self.factors: dict[str, NDArray[np.float64]] = {}
        self.shares: dict[str, NDArray[Any]] = {}
        self.every = 1
        self.parts: list[PlasticPart] = []
        self.kept: dict[str, NDArray[Any]] = {}
        self._order: NDArray[np.int64] | None = None
        self.refresh()

    def _verify(self) -> None:
        post, rule = self.projection.post.population, self.rule
        label = f"plasticity of {self.projection.name}"
        for name, state in rule.post_states.items():
            if state.of not in post.states:
                raise UnknownNameError(f"{label}: {name} reads a state of {post.name}", state.of, post.states)
            if post.states[state.of].dtype != np.dtype(self.projection.real):
                raise DTypeError(f"{label}: {name}", expected="a real state", got=post.states[state.of].dtype)
        weight = self.projection.weight
        low, high = (float(rule.param_values()[name]) for name in ("w_min", "w_max"))
        given = np.asarray(weight) if isinstance(weight, float | np.ndarray) else np.array([low])
        if len(np.atleast_1d(given)) and not (low <= given.min() and given.max() <= high):
            got = f"{given.min():g} ... {given.max():g}"
            do = "give w_min and w_max with the rule"
            raise ParameterError(f"weight of {self.projection.name}", expected=f"{low:g} ... {high:g}", got=got, do=do)

    def refresh(self) -> None:
        """Take over the rule's present parameters."""
        rule, dt = self.rule, self.projection.dt
        self.constants[: len(self.source.constants)] = self.source.values()
        if rule.has("on_step"):
            self.every = whole_steps(f"every of {type(rule).__name__}", float(rule.param_values()["every"]), dt)
        named: dict[str, Any] = {**rule.pre_traces, **rule.post_traces, **rule.synapse_states}
        for name in self.source.scaled:
            tau = rule.time_constant(named[name])
            period = int(min(max(1, round(_CONSTANTS * tau / dt)), _LONGEST))
            self.factors[name] = np.exp(-dt / tau * np.arange(period + 1))
        for name in self.source.follow:
            share = -math.expm1(-dt / rule.time_constant(named[name]))
            self.shares[name] = np.array([share], dtype=self.projection.real)

    def receptor(self, name: str) -> str:
        """Name, among the inputs of the postsynaptic population, of what arrives for the rule."""
        if name not in self.rule.inputs:
            raise UnknownNameError(f"input of the plasticity of {self.projection.name}", name, self.rule.inputs)
        return f"{self.projection.name}: {name}"

    # Between the engine's arrays and those in an order of their own.

    def adopt(self, parts: list[PlasticPart], step: int) -> None:
        """The engine was built: give it what is kept."""
        self.parts, self._order = parts, None
        for k, name in enumerate(self.source.scaled):
            factors = self.factors[name]
            factor = factors[step % (len(factors) - 1)]
            for part in parts:
                part.now[2 * k : 2 * k + 2] = factor, 1.0 / factor
        if self.kept:
            self._scatter(self.kept)
            self.kept = {}

    def release(self) -> None:
        """The engine goes: keep what it has."""
        if self.parts:
            self.kept = self.gathered()
            self.parts, self._order = [], None

    def _places(self) -> NDArray[np.int64]:
        """Where each synapse of the parts, one after the other, stands when they are ordered by pre, post and delay."""
        if self._order is None:
            columns = [part.synapses() for part in self.parts]
            pre, post, delay = (np.concatenate(column) for column in zip(*columns, strict=True))
            # Those alike in all three are in one part, in an order that does not depend on it.
            self._order = np.lexsort((delay, post, pre))
        return self._order

    def gathered(self) -> dict[str, NDArray[Any]]:
        """Weights and states of synapses in order, presynaptic traces by source and delay."""
        order = self._places()
        found = {"w": np.concatenate([part.rows.weights for part in self.parts])[order]}
        for name in self.rule.synapse_states:
            found[name] = np.concatenate([part.arrays[name] for part in self.parts])[order]
        classes = self.projection.delay_steps
        for name in self.rule.pre_traces:
            table = np.zeros((len(self.seeds), self.projection.pre.population.size, len(classes)), self.projection.real)
            for part in self.parts:
                used, source, delay = self._segments(part, classes)
                table[:, source, delay] = part.arrays[name][:, used]
            found[name] = table
        return found

    def _scatter(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        order = self._places()
        edges = np.cumsum([0, *(len(part.rows.weights) for part in self.parts)])
        for name in ("w", *self.rule.synapse_states):
            whole = np.empty_like(arrays[name])
            whole[order] = arrays[name]
            for part, first, last in zip(self.parts, edges[:-1], edges[1:], strict=True):
                target = part.rows.weights if name == "w" else part.arrays[name]
                target[:] = whole[first:last]
        classes = self.projection.delay_steps
        for name in self.rule.pre_traces:
            for part in self.parts:
                used, source, delay = self._segments(part, classes)
                part.arrays[name][:, used] = arrays[name][:, source, delay]

    @staticmethod
    def _segments(part: PlasticPart, classes: NDArray[np.int64]) -> tuple[Any, Any, Any]:
        """Segments with synapses: which, their sources, their delays by place among the delays."""
        used = np.flatnonzero(part.rows.segments[:, 0] > 0)
        return used, part.columns.source[used], np.searchsorted(classes, part.columns.delay[used])

    def weights(self) -> NDArray[Any] | None:
        """Present weights by source, target and delay; None before anything was built."""
        if self.parts:
            return np.concatenate([part.rows.weights for part in self.parts])[self._places()]
        return self.kept.get("w")
