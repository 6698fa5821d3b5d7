"""What a plastic projection keeps, and what can be done with it between runs."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DTypeError, ParameterError, ShapeError, UnknownNameError
from ..parameters import changes
from ..plasticity import PostState, Rule
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
        self._on = True
        # Parameters of the rule were last taken over after so many changes of any.
        self._seen = -1
        self._begun = False
        # What `give` has put at the synapses of each neuron, for the next step.
        self._given: dict[str, NDArray[Any]] = {}
        real = projection.real
        self.arrays = {name: np.zeros((network.batch, post.size), dtype=real) for name in self.rule.post_traces}
        self.ring = np.zeros((self.back + 1, *post.fired.shape), dtype=np.uint8) if self.back else None
        self.told = post.fired if self.ring is None else np.zeros_like(post.fired)
        # Of states that are read late: as they were in each of the last steps, and as they are read.
        late = {n: self._steps_late(state) for n, state in self.rule.post_states.items()}
        self.lags = {n: np.zeros((k + 1, network.batch, post.size), dtype=real) for n, k in late.items() if k}
        self.lagged = {name: np.zeros((network.batch, post.size), dtype=real) for name in self.lags}
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

    def _steps_late(self, state: PostState) -> int:
        late = float(self.rule.number(state.late))
        what = f"delay of {state.name} of {type(self.rule).__name__}"
        return whole_steps(what, late, self.projection.dt) if late else 0

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

    @property
    def on(self) -> bool:
        """Whether synapses change; traces go on meanwhile. May be set."""
        return self._on

    @on.setter
    def on(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise DTypeError(f"learning.on of {self.projection.name}", expected="True or False", got=repr(value))
        self._on = value
        for part in self.parts:
            part.table[self.source.entries.index("learning")] = int(value)

    def begin(self) -> None:
        """A run begins: take over what was set since the last."""
        if self._seen != changes():
            self.rule.verify()
            self.refresh()
            self._seen = changes()
        if not self._begun:
            self._follow()
            self._begun = True
        for name, value in self._given.items():
            for part in self.parts:
                part.receive(self.receptor(name), value)
        self._given.clear()

    def _follow(self) -> None:
        """What follows a state of the neuron begins there."""
        states = self.projection.post.population.states
        for name, array in self.lagged.items():
            array[...] = self.lags[name][...] = states[self.rule.post_states[name].of]
        for name in self.source.follow:
            self.arrays[name][...] = states[self.rule.post_states[self.rule.post_traces[name].of].of]

    def give(self, name: str, value: float | NDArray[Any]) -> None:
        """Let something arrive for the rule at the next step: one number, or one for each neuron of the view.

        Raises: UnknownNameError, ParameterError, ShapeError.
        """
        self.receptor(name)
        post = self.projection.post
        label = f"{name} given to {self.projection.name}"
        numbers = np.asarray(value, dtype=np.float64)
        if numbers.shape not in ((), (len(post),)):
            raise ShapeError(label, expected=f"a number or [{len(post)}]", got=list(numbers.shape))
        if not np.isfinite(numbers).all():
            raise ParameterError(label, expected="finite numbers", got=numbers[~np.isfinite(numbers)].flat[0])
        whole = self._given.setdefault(name, np.zeros(post.population.size))
        whole[post.indices] += numbers

    def end_trial(self) -> None:
        """What the rule's `on_trial` says, at all synapses; then all traces begin anew.

        Raises: ParameterError where the rule has no such event.
        """
        if not self.rule.has("on_trial"):
            do = "call reset() to let traces begin anew"
            got = f"{type(self.rule).__name__} without one"
            raise ParameterError(
                f"end_trial of {self.projection.name}", expected="a rule with on_trial", got=got, do=do
            )
        self.built()
        self.begin()
        if self.on:
            for part in self.parts:
                part.sweep("on_trial")
        self.reset()

    def reset(self) -> None:
        """Let all traces begin anew."""
        self.built()
        for array in self.arrays.values():
            array[...] = 0.0
        for part in self.parts:
            for name in self.rule.pre_traces:
                part.arrays[name][...] = 0.0
        self._follow()

    def normalise(self, total: float) -> None:
        """Scale the weights on each postsynaptic neuron to a total; those without any weight stay.

        Raises: ParameterError.
        """
        label = f"total of {self.projection.name}"
        if isinstance(total, bool) or not isinstance(total, int | float | np.floating) or not 0 < total < math.inf:
            raise ParameterError(label, expected="a number > 0", got=repr(total))
        self.built()
        for part in self.parts:
            part.normalise(float(total))

    def built(self) -> None:
        """The synapses have been made."""
        self.projection.pre.network.build()

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
            period = len(factors) - 1
            # A step that sweeps begins with what has decayed since the sweep before; where late, the last has done so.
            factor = factors[step % period or (0 if self.late else period)]
            for part in parts:
                part.now[2 * k : 2 * k + 2] = factor, 1.0 / factor
                if name in self.rule.synapse_states and not self.kept:
                    part.arrays[name] /= factor
        if self.kept:
            self._scatter(self.kept, ("w", *self.rule.synapse_states))
            self._spread(self.kept)
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
            pre, post, delay = (self._of_all(np.concatenate(column)) for column in zip(*columns, strict=True))
            # Those alike in all three are in one part, in an order that does not depend on it.
            self._order = np.lexsort((delay, post, pre))
        return self._order

    def _of_all(self, own: NDArray[Any]) -> NDArray[Any]:
        """Those of all ranks, one after the other; all ranks have to ask."""
        ranks = self.projection.pre.network.ranks
        if ranks.size == 1:
            return own
        answers = ranks.exchange(np.ascontiguousarray(own).view(np.uint8).ravel())
        return np.concatenate([np.frombuffer(answer.tobytes(), own.dtype) for answer in answers])

    def gathered(self) -> dict[str, NDArray[Any]]:
        """Weights and states of synapses in order, presynaptic traces by source and delay."""
        found = {name: self._gathered_of(name) for name in ("w", *self.rule.synapse_states)}
        classes = self.projection.delay_steps
        for name in self.rule.pre_traces:
            shape = (len(self.seeds), self.projection.pre.population.size, len(classes))
            table = np.full(shape, np.nan, self.projection.real)
            for part in self.parts:
                used, source, delay = self._segments(part, classes)
                table[:, source, delay] = part.arrays[name][:, used]
            # Parts that have a segment have the same there.
            tables = self._of_all(table.ravel()).reshape(-1, *shape)
            found[name] = np.nan_to_num(np.fmax.reduce(tables, axis=0))
        return found

    def _gathered_of(self, name: str) -> NDArray[Any]:
        found: NDArray[Any] = self._of_all(np.concatenate([part.of_synapses(name) for part in self.parts]))
        return found[self._places()]

    def _scatter(self, arrays: Mapping[str, NDArray[Any]], names: tuple[str, ...]) -> None:
        order, network = self._places(), self.projection.pre.network
        sizes = [len(part.rows.weights) for part in self.parts]
        # Those of earlier ranks come first.
        before = network.ranks.agree(sum(sizes))[: network.ranks.number].sum()
        edges = np.cumsum([before, *sizes])
        for name in names:
            whole = np.empty_like(arrays[name])
            whole[order] = arrays[name]
            for part, first, last in zip(self.parts, edges[:-1], edges[1:], strict=True):
                part.of_synapses(name)[:] = whole[first:last]

    def _spread(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Presynaptic traces, to all parts that have the segments."""
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

    @property
    def known(self) -> bool:
        """Whether weights are other than they were drawn."""
        return bool(self.parts or self.kept)

    def weights(self) -> NDArray[Any]:
        """Present weights, ordered by source, target and delay."""
        return self.state("w")

    def state(self, name: str) -> NDArray[Any]:
        """Present weights, "w", or a state of each synapse, ordered by source, target and delay; indices of the views.

        Raises: UnknownNameError.
        """
        names = ("w", *self.rule.synapse_states)
        if name not in names:
            raise UnknownNameError(f"state of synapses of {self.projection.name}", name, names)
        self.built()
        found: NDArray[Any] = self._gathered_of(name) * self._decay(name)
        return found

    def _decay(self, name: str) -> Any:
        """What decays is kept divided by its decay since some step."""
        scaled = self.source.scaled
        return self.parts[0].now[2 * scaled.index(name)] if name in scaled else 1

    def set_state(self, name: str, values: float | NDArray[Any]) -> None:
        """Set a state of synapses: one number, or one for each in the order of `state`.

        Raises: UnknownNameError, ShapeError, ParameterError.
        """
        label = f"{name} of synapses of {self.projection.name}"
        if name not in self.rule.synapse_states:
            raise UnknownNameError(f"state of synapses of {self.projection.name}", name, self.rule.synapse_states)
        before, given = self.state(name), np.asarray(values, dtype=np.float64)
        if given.shape not in ((), before.shape):
            raise ShapeError(label, expected=f"a number or {list(before.shape)}", got=list(given.shape))
        if not np.isfinite(given).all():
            raise ParameterError(label, expected="finite numbers", got=given[~np.isfinite(given)].flat[0])
        kept = np.broadcast_to(given / self._decay(name), before.shape).astype(self.projection.real)
        self._scatter({name: kept}, (name,))

    def set_weights(self, weights: NDArray[Any]) -> None:
        """Set them, in that order."""
        self.built()
        self._scatter({"w": np.asarray(weights, dtype=self.projection.real)}, ("w",))

    def carried(self) -> dict[str, NDArray[Any]]:
        """All that a checkpoint needs."""
        found = self.gathered() if self.parts else dict(self.kept)
        self._share()
        found |= {f"post {name}": array for name, array in self.arrays.items()}
        found |= {f"given {name}": array for name, array in self._given.items()}
        found |= {"fired": self.projection.post.population.fired, "flags": np.array([self._on, self._begun])}
        found |= {f"lags {name}": array for name, array in self.lags.items()}
        return found if self.ring is None else found | {"ring": self.ring, "told": self.told}

    def _share(self) -> None:
        """All ranks know of all neurons."""
        post, network = self.projection.post.population, self.projection.pre.network
        if network.ranks.size == 1:
            return
        arrays = [*self.arrays.values(), *self.lags.values(), *self.lagged.values(), post.fired]
        if self.ring is not None:
            arrays += [self.ring, self.told]
        network.build().share(post, arrays)

    def carry_on(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take it back."""
        self.parts, self._order = [], None
        own = ("w", *self.rule.synapse_states, *self.rule.pre_traces)
        self.kept = {name: arrays[name].copy() for name in own if name in arrays}
        for name, array in self.arrays.items():
            array[...] = arrays[f"post {name}"]
        self._given = {n.removeprefix("given "): a.copy() for n, a in arrays.items() if n.startswith("given ")}
        self.projection.post.population.fired[...] = arrays["fired"]
        self.on, self._begun = (bool(flag) for flag in arrays["flags"])
        for name, ring in self.lags.items():
            ring[...] = arrays[f"lags {name}"]
        if self.ring is not None:
            self.ring[...], self.told[...] = arrays["ring"], arrays["told"]
