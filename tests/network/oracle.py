"""A network computed without the engine: all synapses are looked at in each step, all neurons run their definition.

What it computes is what the docstring of `Network` and `docs/numerics.md` say. A spike of step m has the time
(m + 1) dt. With a delay of d steps it is an input of step m + 1 + d, which begins at that time; inputs that jump the
potential at the end of a step are those of step m + d, which ends then. Neurons advance by `neuron.step` on tensors in
float64, and by the reference back end in float32. The connections are drawn anew from `spikeloom.random`, as the rule's
docstring says.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

import spikeloom as sl
from spikeloom import compile as compiler
from spikeloom import network as nw
from spikeloom import random
from spikeloom.compile._arguments import NOISE
from spikeloom.network import Network, Population, Projection
from spikeloom.network._seeds import POPULATION, subseed
from spikeloom.neurons import _plain

Whole = NDArray[np.int64]
Real = NDArray[np.float64]
# Purposes of the random numbers of a projection.
WEIGHTS, DELAYS = 1, 2


class Synapses(NamedTuple):
    """One entry for each synapse: neurons by index in their populations, delay in steps of dt."""

    pre: Whole
    post: Whole
    weight: Real
    delay: Whole


class Drawn(NamedTuple):
    """Pairs by index in the views, and what random numbers each synapse has: a pair of entity and index."""

    pre: Whole
    post: Whole
    entity: Whole
    index: Whole


def fixed_in_degree(projection: Projection, rule: nw.FixedInDegree) -> Drawn:
    """Source k of a target comes from word k mod 2 of draw k div 2, the target itself left out where it must be."""
    n_pre, n_post = len(projection.pre), len(projection.post)
    post = np.repeat(np.arange(n_post), rule.degree)
    k = np.tile(np.arange(rule.degree), n_post)
    x, y = random.bits(projection.seed, 0, torch.as_tensor(post), torch.as_tensor(k >> 1))
    word = np.where(k & 1, y.numpy(), x.numpy())
    own = projection.self_index()[post] if not rule.autapses else np.full(len(post), n_pre)
    source = word * (n_pre - (own < n_pre)) >> 32
    return Drawn(source + (source >= own), post, post, k)


def synapses_of(projection: Projection) -> Synapses:
    """The synapses of a projection, in the order in which its rule draws them.

    Pairs of rules other than `FixedInDegree` are those that the projection lists.
    """
    rule = projection.rule
    if isinstance(rule, nw.FixedInDegree) and rule.multapses:
        drawn = fixed_in_degree(projection, rule)
        pre, post, weight, delay = drawn.pre, drawn.post, _weights(projection, drawn), _delays(projection, drawn)
    else:
        pre, post, weight, after = projection.synapses()
        delay = np.rint(after / projection.dt).astype(np.int64)
    return Synapses(projection.pre.indices[pre], projection.post.indices[post], np.asarray(weight, np.float64), delay)


def _weights(projection: Projection, drawn: Drawn) -> Real:
    weight = projection.weight
    if isinstance(weight, float):
        return np.full(len(drawn.pre), weight)
    if isinstance(weight, np.ndarray):
        return np.asarray(weight.ravel()[drawn.index])
    entity, index = torch.as_tensor(drawn.entity), torch.as_tensor(drawn.index)
    found = np.full(len(drawn.pre), np.nan)
    for attempt in range(1000):
        purpose = WEIGHTS + 4 * attempt
        x, _ = random.bits(projection.seed, purpose, entity, index)
        z = random.normal(projection.seed, purpose, entity, index)
        values = weight.transformed((x.double().numpy() + 0.5) * 2.0**-32, z.numpy())
        good = np.isnan(found) & (values >= weight.low) & (values <= weight.high)
        found[good] = values[good]
        if not np.isnan(found).any():
            break
    return found


def _delays(projection: Projection, drawn: Drawn) -> Whole:
    """In steps; a distribution's quantile at a uniform number, rounded to steps."""
    axonal = projection.axonal_delay
    assert isinstance(axonal, float)
    total = np.full(len(drawn.pre), round(axonal / projection.dt))
    delay, dt = projection.delay, projection.dt
    if not isinstance(delay, nw.Distribution):
        steps = np.rint(np.asarray(delay, dtype=np.float64) / dt).astype(np.int64)
        return total + (steps.ravel()[drawn.index] if steps.ndim else steps)
    x, _ = random.bits(projection.seed, DELAYS, torch.as_tensor(drawn.entity), torch.as_tensor(drawn.index))
    u = (x.double().numpy() + 0.5) * 2.0**-32
    inside = delay.cdf(delay.high) - delay.cdf(delay.low)
    step, below = 0, np.ones(len(u), dtype=bool)
    while below.any():
        # Up to here it would have been rounded to `step`.
        edge = min(max((step + 0.5) * dt, delay.low), delay.high)
        below &= u > (delay.cdf(edge) - delay.cdf(delay.low)) / inside
        total += below
        step += 1
    return total


class _Table(NamedTuple):
    """All synapses onto one input of one population, in the order in which simultaneous ones are added."""

    population: Whole
    pre: Whole
    post: Whole
    weight: NDArray[Any]
    # Steps from that of the spike to that of the input.
    lag: Whole


class Oracle:
    """Takes over the states of a network that has not run; `run` returns spikes, [steps, batch, n] by population."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.real = np.float64 if network.dtype == torch.float64 else np.float32
        cells = [p for p in network.populations if isinstance(p.neuron, sl.Neuron)]
        self.states = {(p.number, run): _state(p, run) for p in cells for run in range(network.batch)}
        self.neurons = {(p.number, run): _neuron(p, run) for p in cells for run in range(network.batch)}
        self.tables = {(p.number, name): self._table(p, name) for p in network.populations for name in p.inputs}
        # Where the neurons of each population stand in the columns of the history, [step, run, neuron].
        self.first = np.concatenate([[0], np.cumsum([p.size for p in network.populations])])
        self.history = np.zeros((0, network.batch, self.first[-1]), dtype=bool)

    def run(self, steps: int) -> dict[str, NDArray[np.bool_]]:
        """Advance; spikes of these steps."""
        began, runs = len(self.history), range(self.network.batch)
        self.history = np.concatenate([self.history, np.zeros((steps, *self.history.shape[1:]), dtype=bool)])
        for step in range(began, began + steps):
            now = [np.concatenate([self._step(p, run, step) for p in self.network.populations]) for run in runs]
            self.history[step] = now
        new = self.history[began:]
        return {p.name: new[..., self.first[p.number] :][..., : p.size] for p in self.network.populations}

    def state(self, population: Population, name: str) -> NDArray[Any]:
        """The variable now, [batch, n]."""
        runs = range(self.network.batch)
        return np.concatenate([self.states[population.number, run][name].numpy() for run in runs])

    def _table(self, population: Population, name: str) -> _Table:
        rows = []
        for projection in self.network.projections:
            if projection.post.population is not population or projection.receptor != name:
                continue
            found = synapses_of(projection)
            lag = found.delay + (0 if name in population.late_inputs else 1)
            count = len(found.pre)
            # Synapses with a weight each come first; then the earlier spike, the source, and where all have one
            # weight the weight; last the order in which they were drawn.
            uniform = isinstance(projection.weight, float)
            shared = found.weight if uniform else np.zeros(count)
            source = np.full(count, projection.pre.population.number)
            rows.append((np.full(count, uniform), -lag, source, found.pre, shared, found.post, found.weight))
        if not rows:
            nothing = np.zeros(0, dtype=np.int64)
            return _Table(nothing, nothing, nothing, np.zeros(0, self.real), nothing)
        columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
        order = np.lexsort(columns[4::-1])
        _, lag, source, pre, _, post, weight = (column[order] for column in columns)
        return _Table(source, pre, post, weight.astype(self.real), -lag)

    def _step(self, population: Population, run: int, step: int) -> NDArray[np.bool_]:
        """One step of one population; who spiked."""
        key = population.number, run
        source = population.neuron
        if isinstance(source, nw.SpikeTimes):
            spiking = source.places[np.rint(source.times / self.network.dt) == step + 1]
            return np.isin(np.arange(population.size), spiking)
        neuron, state = self.neurons[key], dict(self.states[key])
        inputs = {name: self._arriving(population, name, run, step) for name in neuron.inputs}
        given = {name: torch.as_tensor(x).view(1, 1, -1) for name, x in inputs.items()}
        if neuron.noises:
            seed = subseed(self.network.seed, POPULATION, population.number, run)
            state[NOISE] = torch.tensor([seed, step])
        if self.real is np.float64:
            produced, final = _plain.run(neuron, given, state, ("s",), {})
        else:
            with sl.backend("reference"):
                produced, final = compiler.run(neuron, neuron.param_values(), given, state, ("s",))
        self.states[key] = {name: value.detach() for name, value in final.items() if name != NOISE}
        return np.asarray(produced["s"].detach().numpy().reshape(-1) != 0)

    def _arriving(self, population: Population, name: str, run: int, step: int) -> NDArray[Any]:
        """What the synapses on one input add up to."""
        table = self.tables[population.number, name]
        emitted = step - table.lag
        due = (emitted >= 0) & self.history[emitted, run, self.first[table.population] + table.pre]
        total = np.zeros(population.size, dtype=self.real)
        np.add.at(total, table.post[due], table.weight[due])
        return total


def _state(population: Population, run: int) -> dict[str, torch.Tensor]:
    return {name: torch.as_tensor(array[run : run + 1].copy()) for name, array in population.states.items()}


def _neuron(population: Population, run: int) -> sl.Neuron:
    """With the parameters of one run."""
    neuron = copy.deepcopy(population.neuron)
    assert isinstance(neuron, sl.Neuron)
    for name, value in population.parameters.items():
        if isinstance(value, torch.Tensor) and value.dim() == 2:
            setattr(neuron, name, value[run])
    return neuron


def trains(result: nw.Result, population: Population) -> NDArray[np.bool_]:
    """The recorded spikes of a run from time 0 as `Oracle.run` has them."""
    network = population.network
    steps = round((result.stop - result.start) / network.dt)
    first = round(result.start / network.dt)
    found = np.zeros((steps, network.batch, population.size), dtype=bool)
    here = result.events.lane // network.batch == population.number
    found[result.events.step[here] - first, result.events.lane[here] % network.batch, result.events.neuron[here]] = True
    return found
