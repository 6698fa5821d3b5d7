"""The public contract test of rules: what holds for every rule of the catalogue, and should for yours."""

from __future__ import annotations

import copy
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import plasticity
from ..errors import ParameterError, UnknownNameError
from ..neurons import Neuron
from ..parameters import Input, Option, Param, State
from ..plasticity import Rule
from .devices import SpikeTimes
from .network import Network
from .projection import Projection
from .rules import AllToAll, OneToOne

_STEPS, _SOURCES, _NEURONS = 80, 6, 70
# What makes a neuron spike, and what it takes.
_FORCE, _THRESHOLD = 1e9, 1e6


def check_rule(rule: Rule) -> None:
    """Check that a rule keeps what every rule promises; raises AssertionError saying which promise and how.

    Parameters are verified and named, weights stay between their bounds, nothing happens without spikes (but in rules
    that say `spontaneous`), copies behave alike; the rule in the simulator, event by event, equals its definition on
    spike trains, `sl.plasticity.learn`, in steps full of coincident events, with delays on both sides of the synapse,
    on any number of threads, run in pieces, and continued from a checkpoint; frozen weights do not change.

    >>> import spikeloom as sl
    >>> sl.check_rule(sl.plasticity.STDP())
    """
    probe = copy.deepcopy(rule)
    if rule.has("on_step"):
        # Several times in a short run.
        probe.every = 5.0
    for promise in _PROMISES:
        try:
            promise(probe)
        except AssertionError as error:
            name = promise.__name__.strip("_").replace("_", " ")
            raise AssertionError(f"{rule!r} breaks the promise that {name}: {error}") from error


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _declarations_are_complete(rule: Rule) -> None:
    _require(bool(rule.handlers()), "it states no event")
    for name, item in rule.params.items():
        _require(bool(item.meaning.strip()), f"parameter {name} has no meaning")
    meanings = {name: trace.meaning for name, trace in (*rule.pre_traces.items(), *rule.post_traces.items())}
    meanings |= {name: state.meaning for name, state in rule.synapse_states.items()}
    for name, meaning in meanings.items():
        _require(bool(meaning.strip()), f"{name} has no meaning")
    _require(bool((type(rule).__doc__ or "").strip()), "it has no docstring")


def _bad_parameters_are_refused(rule: Rule) -> None:
    for name in rule.declared(Param):
        probe = copy.deepcopy(rule)
        try:
            setattr(probe, name, math.nan)
        except ParameterError as error:
            _require(name in str(error), f"the message does not name {name}: {error}")
        else:
            raise AssertionError(f"{name} = NaN passes")
    try:
        setattr(rule, "misspelt", 1.0)  # noqa: B010 (a name that no type knows)
    except UnknownNameError:
        return
    raise AssertionError("a parameter that does not exist can be set")


def _weights_stay_between_bounds(rule: Rule) -> None:
    trains = _Trains(rule, chance=0.5)
    values = rule.param_values()
    learned = trains.learn(rule, causal=True, end_trial=True)
    _require(bool(torch.isfinite(learned).all()), "weights are not finite")
    inside = (learned >= float(values["w_min"]) - 1e-12) & (learned <= float(values["w_max"]) + 1e-12)
    _require(bool(inside.all()), f"weights from {float(learned.min()):g} to {float(learned.max()):g}")


def _nothing_happens_without_spikes(rule: Rule) -> None:
    if rule.spontaneous:
        return
    trains = _Trains(rule, chance=0.0)
    _require(bool((trains.learn(rule, causal=False) == trains.w).all()), "weights change")


def _something_happens_with_spikes(rule: Rule) -> None:
    trains = _Trains(rule)
    for causal in (False, True):
        learned = trains.learn(rule, causal=causal, end_trial=True)
        states = [trains.state[name] != rest for name, rest in rule.at_rest().items()]
        _require(any(bool(found.any()) for found in [learned != trains.w, *states]), "no synapse changes")


def _copies_behave_alike(rule: Rule) -> None:
    trains = _Trains(rule)
    again = copy.deepcopy(rule)
    _require(repr(again) == repr(rule) and again.key() == rule.key(), "a copy is another rule")
    same = trains.learn(again, causal=True) == trains.learn(rule, causal=True)
    _require(bool(same.all()), "a copy learns otherwise")


def _events_equal_the_definition(rule: Rule) -> None:
    trains = _Trains(rule)
    for late, way in ((False, (1.0, None)), (False, (2.0, 1.0)), (True, (1.0, None))):
        simulated = trains.simulate(rule, late=late, delay=way[0], axonal=way[1])
        back = 0 if way[1] is None else int(way[0])
        total = int(way[0] + (way[1] or 0.0))
        wanted = trains.learn(rule, causal=late, delay=total, back=2 * back, variables=simulated.variables)
        error = float((torch.as_tensor(simulated.weights) - wanted).abs().max())
        _require(error < 1e-9, f"they differ by {error:g} with {'late' if late else 'ordinary'} input, delays {way}")


def _threads_pieces_and_checkpoints_change_nothing(rule: Rule) -> None:
    trains = _Trains(rule)
    whole = trains.simulate(rule, late=False, delay=1.0, axonal=None).weights
    for threads, pieces in ((2, [_STEPS]), (1, [7, 1, _STEPS - 8]), (2, [31, _STEPS - 31])):
        for resumed in {False, len(pieces) == 2}:
            run = trains.simulate(rule, late=False, delay=1.0, threads=threads, pieces=pieces, resumed=resumed)
            how = f"{threads} threads, pieces of {pieces} steps, {'resumed' if resumed else 'in one go'}"
            _require(bool((run.weights == whole).all()), f"weights differ with {how}")


def _frozen_weights_do_not_change(rule: Rule) -> None:
    trains = _Trains(rule)
    frozen = trains.simulate(rule, late=False, delay=1.0, frozen=True).weights
    _require(bool((torch.as_tensor(frozen) == trains.w).all()), "they do")


_PROMISES = (
    _declarations_are_complete,
    _bad_parameters_are_refused,
    _weights_stay_between_bounds,
    _nothing_happens_without_spikes,
    _something_happens_with_spikes,
    _copies_behave_alike,
    _events_equal_the_definition,
    _threads_pieces_and_checkpoints_change_nothing,
    _frozen_weights_do_not_change,
)


@dataclass
class _Simulated:
    weights: NDArray[np.float64]
    variables: dict[str, Tensor]


class _Trains:
    """Random spikes on both sides, and random weights [out, in] of a rule."""

    def __init__(self, rule: Rule, chance: float = 0.1) -> None:
        generator = np.random.default_rng(5)
        self.pre = generator.random((_STEPS, _SOURCES)) < chance
        # Whether what arrives when a run ends has been seen yet depends on the kind of input.
        self.pre[-4:] = False
        self.post = generator.random((_STEPS, _NEURONS)) < chance
        self.signals = {name: generator.random((_STEPS, _NEURONS)) < chance for name in rule.inputs}
        values = rule.param_values()
        low, high = (float(np.clip(float(values[name]), -2.0, 2.0)) for name in ("w_min", "w_max"))
        drawn = low + (high - low) * generator.uniform(0.2, 0.8, (_NEURONS, _SOURCES))
        self.w = torch.as_tensor(drawn)
        # Of the noise in the simulator; what synapses were left with by the definition.
        self.seed, self.state = 0, dict[str, Tensor]()

    def learn(
        self,
        rule: Rule,
        *,
        causal: bool,
        delay: int = 1,
        back: int = 0,
        variables: dict[str, Tensor] | None = None,
        end_trial: bool = False,
    ) -> Tensor:
        """By the definition, spikes at the times at which the simulator has them at the synapse."""
        rule = copy.deepcopy(rule)
        rule.dt = 1.0
        # A source spikes at the end of step k, at time k + 1; the neuron that it makes spike does so two steps later.
        pre, post = (torch.zeros(_STEPS, 1, n, dtype=torch.float64) for n in (_SOURCES, _NEURONS))
        _mark(pre, self.pre, 1 + delay)
        _mark(post, self.post, 3 + back)
        signals = {name: torch.zeros_like(post) for name in self.signals}
        for name, train in self.signals.items():
            _mark(signals[name], train, 2)
        known = variables or {name: torch.zeros_like(post) for name in rule.post_states}
        learned = plasticity.learn(
            rule, self.w, pre, post, signals=signals, variables=known, causal=causal, seed=self.seed
        )
        self.state = learned.state
        if end_trial and rule.has("on_trial"):
            counts = {name: learned.state[name].squeeze(1) for name in rule.pre_traces}
            counts |= {name: learned.state[name].squeeze(-1) for name in rule.post_traces}
            return plasticity.end_trial(rule, self.w, counts).w[0]
        return learned.w[0]

    def simulate(
        self,
        rule: Rule,
        *,
        late: bool,
        delay: float,
        axonal: float | None = None,
        threads: int = 1,
        pieces: list[int] | None = None,
        resumed: bool = False,
        frozen: bool = False,
    ) -> _Simulated:
        """In a network whose neurons are made to spike."""
        network, projection = self._network(rule, late, delay, axonal, threads)
        assert projection.learning is not None
        projection.learning.on = not frozen
        self.seed = int(projection.learning.seeds[0])
        states = {state.of for state in rule.post_states.values()}
        cells = projection.post.population
        first = {name: cells.states[name].copy() for name in states}
        seen: dict[str, list[NDArray[np.float64]]] = {name: [] for name in states}
        if states:
            network.record(cells, *states)
        for number, steps in enumerate(pieces or [_STEPS]):
            if resumed and number:
                network, projection = self._resumed(network, rule, late, delay, axonal)
                cells = projection.post.population
            result = network.run(float(steps))
            for name in states:
                seen[name].append(np.asarray(result[cells.name][name].values))
        variables = {}
        for name, state in rule.post_states.items():
            whole = np.concatenate([first[state.of], *seen[state.of]])[:_STEPS]
            variables[name] = torch.as_tensor(whole, dtype=torch.float64).unsqueeze(1)
        drawn = projection.synapses()
        weights = np.zeros((_NEURONS, _SOURCES))
        weights[drawn.post, drawn.pre] = drawn.weight
        return _Simulated(weights, variables)

    def _resumed(
        self, network: Network, rule: Rule, late: bool, delay: float, axonal: float | None
    ) -> tuple[Network, Projection]:
        """Another network, with another number of threads, continued from a checkpoint of this one."""
        again, projection = self._network(rule, late, delay, axonal, 1)
        if rule.post_states:
            again.record(projection.post.population, *{state.of for state in rule.post_states.values()})
        with tempfile.TemporaryDirectory() as folder:
            network.save(Path(folder) / "checkpoint.safetensors")
            again.restore(Path(folder) / "checkpoint.safetensors")
        return again, projection

    def _network(
        self, rule: Rule, late: bool, delay: float, axonal: float | None, threads: int
    ) -> tuple[Network, Projection]:
        network = Network(dt=1.0, seed=2, threads=threads, dtype=torch.float64)
        pre = network.population(_SOURCES, _source(self.pre), name="pre")
        force = network.population(_NEURONS, _source(self.post), name="force")
        cells = network.population(_NEURONS, _Cell(late=late), name="cells")
        network.connect(force, cells, OneToOne(), weight=_FORCE, delay=1.0, receptor="force")
        projection = network.connect(
            pre, cells, AllToAll(), weight=self.w.T.numpy().copy(), delay=delay, axonal_delay=axonal, plasticity=rule,
            receptor="learning",
        )  # fmt: skip
        assert isinstance(projection, Projection) and projection.learning is not None
        for name, train in self.signals.items():
            teacher = network.population(_NEURONS, _source(train), name=name)
            network.connect(teacher, cells, OneToOne(), delay=1.0, receptor=projection.learning.receptor(name))
        return network, projection


def _mark(train: Tensor, spikes: NDArray[np.bool_], shift: int) -> None:
    kept = spikes[: max(0, len(train) - shift)]
    train[shift : shift + len(kept), 0] = torch.as_tensor(kept, dtype=train.dtype)


def _source(train: NDArray[np.bool_]) -> SpikeTimes:
    return SpikeTimes([list(1.0 + np.flatnonzero(channel)) for channel in train.T])


class _Cell(Neuron):
    """Spikes where it is forced to, whatever its synapses do."""

    late = Option(False, "whether synapses move the potential at the end of a step")
    force, learning = Input("1", "what makes it spike"), Input("1", "what comes through the synapses")
    v, i_syn = State(0.0, "1", "membrane potential"), State(0.0, "1", "synaptic current")

    @property
    def late_inputs(self) -> frozenset[str]:
        return frozenset({"learning"}) if self.late else frozenset()

    def charge(self) -> dict[str, Tensor]:
        return {"v": 0.9 * self.v + 0.1 * self.i_syn + self.force, "i_syn": 0.8 * self.i_syn + self.learning}

    def threshold(self) -> Tensor:
        return self.v - _THRESHOLD

    def reset(self) -> dict[str, Tensor]:
        return {"v": torch.zeros_like(self.v)}
