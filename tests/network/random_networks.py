"""Random small networks, as hypothesis draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import torch

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.network import Network, rules
from spikeloom.synapses import Alpha, Conductance, Delta, Exponential, Receptors


@dataclass(frozen=True)
class Kind:
    """A neuron, and what makes some of them spike: where v begins, and a parameter that drives on."""

    neuron: Callable[[], sl.Neuron]
    start: tuple[float, float] = (0.0, 1.1)
    driven: tuple[str, float, float] = ("v_rest", -0.2, 1.4)
    # Weights are in units of this.
    scale: float = 1.0


def _lif() -> sl.Neuron:
    return sl.LIF(tau_mem=10.0)


def _delta() -> sl.Neuron:
    return sl.Refractory(Receptors(sl.LIF(tau_mem=10.0, dt=0.1), exc=Delta()), t_ref=0.5)


def _currents() -> sl.Neuron:
    lif = sl.LIF(tau_mem=10.0, dt=0.1)
    return sl.Refractory(Receptors(lif, exc=Exponential(), inh=Alpha(tau_syn=1.0)), t_ref=0.5)


def _conductances() -> sl.Neuron:
    lif = sl.LIF(tau_mem=10.0, dt=0.1, integrator=sl.neurons.ExponentialEuler())
    return Receptors(lif, exc=Exponential(tau_syn=2.0), inh=Conductance(Exponential(tau_syn=3.0), e_rev=-1.0))


def _adex() -> sl.Neuron:
    return Receptors(sl.neurons.AdEx(dt=0.1), exc=Exponential(), inh=Exponential(tau_syn=2.0))


def _noisy() -> sl.Neuron:
    return sl.neurons.Noisy(sl.LIF(tau_mem=10.0, dt=0.1), sigma=0.5)


EXACT = {"lif": Kind(_lif), "delta": Kind(_delta), "currents": Kind(_currents)}
KINDS = {
    **EXACT,
    "conductances": Kind(_conductances),
    "izhikevich": Kind(lambda: sl.neurons.Izhikevich(dt=0.1), (-70.0, 30.0), ("a", 0.02, 0.1), 30.0),
    "adex": Kind(_adex, (-70.0, -45.0), ("v_rest", -75.0, -40.0), 300.0),
    "noisy": Kind(_noisy),
}

SLICES = [slice(None), slice(None, None, 2), slice(3, None), slice(None, None, -1)]


@dataclass(frozen=True)
class Connection:
    """What `connect` is given; populations by number, the receptor too."""

    pre: int
    post: int
    rule: nw.Rule
    weight: Any
    delay: Any
    axonal_delay: float
    receptor: int
    pre_part: slice
    post_part: slice


@dataclass(frozen=True)
class Form:
    """A network on paper."""

    populations: tuple[tuple[str, int], ...]
    connections: tuple[Connection, ...]
    seed: int = 1
    batch: int = 1
    threads: int = 1
    # Whether the driving parameter differs from run to run.
    per_run: bool = False

    def build(self, dtype: torch.dtype, **changes: Any) -> Network:
        """The network, with neurons that spike at first and some that go on."""
        form = replace(self, **changes)
        net = Network(dt=0.1, seed=form.seed, batch=form.batch, threads=form.threads, dtype=dtype)
        for number, (name, size) in enumerate(form.populations):
            if name == "source":
                net.record(net.population(size, _source(form.seed, size), name=f"{name} {number}"))
                continue
            kind = KINDS[name]
            parameter, low, high = kind.driven
            start = nw.Uniform(*kind.start)
            added = net.population(size, kind.neuron(), name=f"{name} {number}", initial={"v": start})
            drawn = nw.Uniform(low, high).sample(form.seed, number, size * form.batch).reshape(form.batch, size)
            added[parameter] = drawn if form.per_run else drawn[0]
            net.record(added)
        for c in form.connections:
            target = net.populations[c.post]
            receptor = target.inputs[c.receptor % len(target.inputs)]
            views = net.populations[c.pre][c.pre_part], target[c.post_part]
            net.connect(*views, c.rule, weight=c.weight, delay=c.delay, axonal_delay=c.axonal_delay, receptor=receptor)
        return net


def _source(seed: int, size: int) -> nw.SpikeTimes:
    """Half of the channels spike at times of their own."""
    numbers = np.random.default_rng(seed)
    chosen = numbers.random((100, size)) < 0.05
    chosen[:, ::2] = False
    steps, channels = np.nonzero(chosen)
    return nw.SpikeTimes((steps + 1) * 0.1, channels=channels)


def several_rules(draw: st.DrawFn, sizes: tuple[int, int], same: bool, exact: bool) -> list[nw.Rule]:
    """Rules that fit views of these sizes; `same` if both may hold one neuron."""
    n_pre, n_post = sizes
    degree, alone = draw(st.integers(0, 9)), draw(st.booleans()) and not (same and min(sizes) < 3)
    fewer = min(degree, n_pre - 1)
    numbers = np.random.default_rng(degree)
    pre, post = numbers.integers(0, n_pre, 3 * degree), numbers.integers(0, n_post, 3 * degree)
    found: list[nw.Rule] = [
        rules.FixedInDegree(degree, autapses=not alone),
        rules.FixedInDegree(fewer, autapses=not alone, multapses=False),
        rules.FixedOutDegree(degree, autapses=not alone),
        rules.FixedTotalNumber(10 * degree, autapses=not alone),
        rules.Bernoulli(0.1 * degree, autapses=not alone),
        rules.Explicit(pre, post),
    ]
    if n_pre * n_post < 2000:
        found.append(rules.AllToAll(autapses=not alone))
    if n_pre == n_post:
        found.append(rules.OneToOne())
    # Procedural synapses are added in another order than stored ones.
    return found if exact else [*found, rules.Procedural(rules.Bernoulli(0.1 * degree, autapses=not alone))]


@st.composite
def connections(draw: st.DrawFn, populations: tuple[tuple[str, int], ...], *, exact: bool) -> Connection:
    """One connection; `exact` leaves out weights that are not the same bits in float32."""
    targets = [number for number, (name, _) in enumerate(populations) if name != "source"]
    pre, post = draw(st.integers(0, len(populations) - 1)), draw(st.sampled_from(targets))
    (_, size), (target, size_post) = populations[pre], populations[post]
    mean = KINDS[target].scale * draw(st.sampled_from([-0.83, 0.37, 1.93]))
    spread = nw.Uniform(mean, mean + 0.7 * abs(mean))
    others: list[Any] = [] if exact else [nw.Normal(mean, abs(mean), low=-2.0 * abs(mean)), nw.LogNormal(0.0, 1.0)]
    weight = draw(st.sampled_from([mean, spread, *others]))
    pre_part = draw(st.sampled_from(SLICES)) if size > 5 else slice(None)
    post_part = draw(st.sampled_from(SLICES)) if size_post > 5 else slice(None)
    sizes = len(range(size)[pre_part]), len(range(size_post)[post_part])
    rule = draw(st.sampled_from(several_rules(draw, sizes, pre == post, exact)))
    shortest = 0.1 if target == "delta" else draw(st.sampled_from([0.0, 0.1]))
    spreads = [nw.Uniform(shortest, 0.7), nw.Normal(0.8, 0.5, low=shortest, high=4.0)]
    delay = draw(st.sampled_from([shortest, 0.3, 1.5, *([] if isinstance(rule, rules.Procedural) else spreads)]))
    axonal, receptor = draw(st.sampled_from([0.0, 0.0, 0.4])), draw(st.integers(0, 1))
    return Connection(pre, post, rule, weight, delay, axonal, receptor, pre_part, post_part)


@st.composite
def forms(draw: st.DrawFn, *, exact: bool = False) -> Form:
    """A network of up to three populations, and now and then a source."""
    names = draw(st.lists(st.sampled_from(sorted(EXACT if exact else KINDS)), min_size=1, max_size=3))
    names += ["source"] * draw(st.booleans())
    populations = tuple((name, draw(st.sampled_from([1, 7, 40, 130]))) for name in names)
    several = draw(st.lists(connections(populations, exact=exact), min_size=1, max_size=5))
    seed, batch = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 3))
    return Form(populations, tuple(several), seed, batch, draw(st.integers(1, 4)), draw(st.booleans()))
