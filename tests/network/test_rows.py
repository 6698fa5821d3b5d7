"""Rows of synapses: what is stored is what is listed, on any number of parts, through any views, with any weights."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import spikeloom as sl
from spikeloom.errors import DTypeError, ParameterError, RoundedDelayWarning, ShapeError
from spikeloom.network import DistanceDelay, Exponential, LogNormal, Network, Normal, Projection, Uniform, View, rules
from spikeloom.network._engine import Engine
from spikeloom.network._parts import Part
from spikeloom.network._rows import Rows

DT = 0.1


class Stored(NamedTuple):
    """One entry per synapse, ordered: neurons by index in their populations, delay as the engine counts it."""

    pre: np.ndarray[Any, Any]
    post: np.ndarray[Any, Any]
    delay: np.ndarray[Any, Any]
    weight: np.ndarray[Any, Any]

    @classmethod
    def of(cls, *columns: Any) -> Stored:
        order = np.lexsort(columns[::-1])
        return cls(*(np.asarray(column)[order] for column in columns))


def stored(engine: Engine, projection: Projection) -> Stored:
    """What the engine has of the only projection between two populations."""
    found = [_stored(part, rows, projection) for part in engine.parts for rows in part.rows]
    return Stored.of(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def _stored(part: Part, rows: Rows, projection: Projection) -> tuple[Any, ...]:
    pre, post = projection.pre.population, projection.post.population
    first = rows.bundle.first_row[pre.number]
    places, segments = [], []
    for row in range(first, first + pre.size):
        segment = rows.row_segment[row]
        while rows.segments[segment, 1] < 0x3FFFFFFF:
            segments += [segment] * int(rows.segments[segment, 0])
            segment += 1
        places += [row - first] * int(rows.row_place[row + 1] - rows.row_place[row])
    low, high = part.bounds[post.number]
    targets = np.asarray(rows.targets[: len(places)]).astype(int) - part.slots[post.number, projection.receptor]
    mine = (targets >= 0) & (targets < high - low)
    weights = rows.weights[segments] if rows.bundle.uniform else rows.weights[: len(places)]
    columns = (np.array(places, int), targets + low, rows.segments[segments, 1], weights)
    return tuple(column[mine] for column in columns)


def listed(projection: Projection) -> Stored:
    """What the projection says of itself."""
    pre, post, weight, delay = projection.synapses()
    steps = np.rint(delay / DT).astype(int) + projection.shift
    return Stored.of(projection.pre.indices[pre], projection.post.indices[post], steps, weight)


def assert_same(a: Stored, b: Stored) -> None:
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


MATRIX = sparse.random_array((200, 200), density=0.05, rng=np.random.default_rng(1))
RULES: tuple[rules.Rule, ...] = (
    rules.OneToOne(),
    rules.AllToAll(autapses=False),
    rules.Bernoulli(0.1),
    rules.FixedInDegree(7),
    rules.FixedInDegree(150, autapses=False, multapses=False),
    rules.FixedOutDegree(9, autapses=False),
    rules.FixedOutDegree(20, multapses=False),
    rules.FixedTotalNumber(5000),
    rules.FixedTotalNumber(5000, autapses=False, multapses=False),
    rules.Explicit([1, 2, 3, 3], [5, 4, 150, 150]),
    rules.FromSparse(MATRIX),
    rules.Convolution([0.5, 1.0, 2.0], padding=1),
    rules.DistanceDependent(rules.Gaussian(0.9, 0.1), 1.0, autapses=False),
)


def name_of(rule: rules.Rule) -> str:
    return f"{type(rule).__name__}{RULES.index(rule)}"


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_synapses_are_the_same_on_any_number_of_parts(rule: rules.Rule) -> None:
    weight = 2.0 if isinstance(rule, rules.FromSparse | rules.Convolution) else LogNormal(0.0, 1.0, high=5.0)
    before: Stored | None = None
    for threads in (1, 2, 3, 5):
        net = Network(dt=DT, seed=5, threads=threads)
        cells = net.population(200, sl.LIF())
        made = net.connect(cells, cells, rule, weight=weight, delay=Normal(1.5, 0.5, low=0.1))
        assert isinstance(made, Projection)
        found = listed(made)
        assert len(made) == len(found.pre)
        assert_same(stored(net.build(), made), found)
        assert_same(found, before or found)
        before = found


@st.composite
def views(draw: Any, size: int) -> Any:
    """What `population[...]` may be given."""
    kind = draw(st.sampled_from(["slice", "indices", "mask"]))
    if kind == "slice":
        ends = st.none() | st.integers(-size, size)
        return slice(draw(ends), draw(ends), draw(st.sampled_from([None, 1, 2, 7, -1, -3])))
    if kind == "indices":
        return draw(st.lists(st.integers(0, size - 1), unique=True, max_size=size).map(lambda k: np.array(k, int)))
    return np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_views_are_connected_as_they_number_their_neurons(data: st.DataObject) -> None:
    net = Network(dt=DT, seed=2, threads=data.draw(st.sampled_from([1, 2, 3])))
    a, b = net.population(150, sl.LIF()), net.population(130, sl.LIF())
    post = data.draw(st.sampled_from([a, b]))
    pre_index, post_index = data.draw(views(150)), data.draw(views(post.size))
    sources, targets = a[pre_index], post[post_index]
    np.testing.assert_array_equal(sources.indices, np.arange(150)[pre_index])
    choices = [rules.AllToAll(), rules.Bernoulli(0.3), rules.FixedTotalNumber(0)]
    if len(sources) and len(targets):
        choices += [rules.FixedInDegree(3), rules.FixedOutDegree(5), rules.FixedTotalNumber(77)]
    rule = data.draw(st.sampled_from(choices))
    varied = data.draw(st.booleans())
    weight = Uniform(0.0, 1.0) if varied else 0.5
    made = net.connect(sources, targets, rule, weight=weight, delay=Exponential(2.0, low=0.1) if varied else 1.5)
    assert isinstance(made, Projection)
    assert_same(stored(net.build(), made), listed(made))
    if isinstance(rule, rules.AllToAll):
        assert (made.matrix() != 0).sum() == len(sources) * len(targets)


def test_no_neuron_is_connected_to_itself_through_views() -> None:
    net = Network(dt=DT)
    cells = net.population(100, sl.LIF())
    for rule in (
        rules.AllToAll(autapses=False),
        rules.Bernoulli(0.9, autapses=False),
        rules.FixedInDegree(30, autapses=False),
        rules.FixedInDegree(30, autapses=False, multapses=False),
        rules.FixedOutDegree(30, autapses=False),
        rules.FixedTotalNumber(900, autapses=False),
        rules.FixedTotalNumber(900, autapses=False, multapses=False),
        rules.DistanceDependent(rules.Disc(1.0, 2.0), autapses=False),
    ):
        made = net.connect(cells[80:20:-1], cells[1::2], rule)
        assert isinstance(made, Projection)
        pre, post, _, _ = made.synapses()
        assert len(pre) and (made.pre.indices[pre] != made.post.indices[post]).all()


def between(n_pre: int, n_post: int, dtype: torch.dtype = torch.float32) -> tuple[Network, View, View]:
    net = Network(dt=DT, dtype=dtype)
    return net, net.population(n_pre, sl.LIF()), net.population(n_post, sl.LIF())


ARRAYS: tuple[tuple[rules.Rule, tuple[int, ...], Any], ...] = (
    (rules.AllToAll(), (4, 5), lambda pre, post, _: (pre, post)),
    (rules.FixedInDegree(3), (5, 3), lambda _, post, k: (post, k % 3)),
    (rules.FixedOutDegree(2), (4, 2), lambda pre, _, k: (pre, k % 2)),
    (rules.Explicit([3, 0], [0, 4]), (2,), lambda _pre, _post, k: (k,)),
)


@pytest.mark.parametrize("flat", [False, True], ids=["shaped", "flat"])
@pytest.mark.parametrize("case", ARRAYS, ids=lambda case: type(case[0]).__name__)
def test_arrays_have_the_layout_of_the_rule(case: Any, flat: bool) -> None:
    rule, shape, place = case
    weights = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    delays = weights * DT
    net, a, b = between(4, 5)
    made = net.connect(
        a, b, rule, weight=weights.ravel() if flat else weights, delay=delays.ravel() if flat else delays
    )
    assert isinstance(made, Projection)
    pre, post, weight, delay = made.synapses()
    expected = weights[place(pre, post, np.arange(len(pre)))]
    np.testing.assert_array_equal(weight, expected)
    np.testing.assert_allclose(delay, expected * DT)
    assert_same(stored(net.build(), made), listed(made))


@pytest.mark.parametrize("what", ["weight", "delay"])
def test_arrays_of_another_size_are_refused(what: str) -> None:
    net, a, b = between(4, 5)
    with pytest.raises(ShapeError, match=r"\[4, 5\]"):
        net.connect(a, b, rules.AllToAll(), **{what: np.ones((5, 4))})
    with pytest.raises(ShapeError, match="does not number"):
        net.connect(a, b, rules.Bernoulli(0.5), **{what: np.ones(20)})
    with pytest.raises(DTypeError, match=what):
        net.connect(a, b, rules.AllToAll(), **{what: "1.0"})


def test_rounded_delays_are_reported() -> None:
    net, a, b = between(4, 5)
    with pytest.warns(RoundedDelayWarning, match="1.04 ms"):
        made = net.connect(a, b, rules.AllToAll(), delay=1.04)
    assert isinstance(made, Projection)
    np.testing.assert_allclose(made.synapses().delay, 1.0)


@pytest.mark.parametrize("rule", [rules.Bernoulli(0.3), rules.FixedInDegree(9), rules.FixedTotalNumber(2000)], ids=repr)
def test_weights_can_be_set(rule: rules.Rule) -> None:
    net = Network(dt=DT, threads=2)
    cells = net.population(200, sl.LIF())
    made = net.connect(cells[::-1], cells, rule, weight=Normal(1.0, 0.2), delay=Uniform(1.0, 2.0))
    assert isinstance(made, Projection)
    before = made.synapses()
    built = net.build()
    weights = np.arange(len(made), dtype=np.float64)
    made.set_weights(weights)
    after = made.synapses()
    np.testing.assert_array_equal(after.weight, weights.astype(np.float32))
    for name in ("pre", "post", "delay"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert net.build() is not built
    assert_same(stored(net.build(), made), listed(made))
    with pytest.raises(ShapeError, match=f"{len(made)} synapses"):
        made.set_weights(weights[1:])
    with pytest.raises(ParameterError, match="finite"):
        made.set_weights(weights * np.nan)


def test_weights_that_are_given_back_change_no_spike() -> None:
    """The pairs become a list, whose order is that in which they were drawn."""
    runs = []
    for again in (False, True):
        net = Network(dt=DT, seed=4)
        cells = net.population(300, sl.LIF(tau_mem=20.0), initial={"v": Uniform(0.0, 1.5)})
        made = net.connect(cells, cells, rules.Bernoulli(0.1), weight=Normal(3.0, 1.0), delay=Uniform(1.0, 3.0))
        assert isinstance(made, Projection)
        if again:
            made.set_weights(made.synapses().weight)
        net.record(cells)
        net.run(30.0)
        runs.append(cells["v"].copy())
    assert np.ptp(runs[0]) > 0.1
    np.testing.assert_array_equal(*runs)


def test_matrix_adds_up_multapses() -> None:
    net, a, b = between(4, 5)
    made = net.connect(a, b, rules.Explicit([1, 1, 2], [0, 0, 4]), weight=[1.0, 2.0, 4.0])
    assert isinstance(made, Projection)
    expected = np.zeros((4, 5))
    expected[1, 0], expected[2, 4] = 3.0, 4.0
    np.testing.assert_array_equal(made.matrix().toarray(), expected)


def test_parts_of_more_inputs_than_two_bytes_count() -> None:
    net, a, b = between(50, 70_000)
    made = net.connect(a, b, rules.FixedInDegree(3), weight=Normal(1.0, 0.1), delay=Uniform(1.0, 2.0))
    assert isinstance(made, Projection)
    engine = net.build()
    assert all(part.inputs > 1 << 16 or engine.threads > 1 for part in engine.parts)
    assert_same(stored(engine, made), listed(made))


def test_weights_in_float64() -> None:
    net, a, b = between(60, 50, torch.float64)
    made = net.connect(a, b, rules.AllToAll(), weight=Normal(1.0, 0.1))
    assert isinstance(made, Projection)
    assert made.synapses().weight.dtype == np.float64
    assert_same(stored(net.build(), made), listed(made))


PROCEDURAL: tuple[rules.Rule, ...] = (
    rules.Bernoulli(0.1),
    rules.Bernoulli(0.1, autapses=False),
    rules.FixedOutDegree(40),
    rules.FixedOutDegree(200, multapses=False),
    rules.AllToAll(),
    rules.DistanceDependent(rules.Gaussian(0.5, 0.1), autapses=False),
)


@pytest.mark.parametrize("varied", [False, True], ids=["weight", "weights"])
@pytest.mark.parametrize("rule", PROCEDURAL, ids=lambda rule: f"{type(rule).__name__}{PROCEDURAL.index(rule)}")
def test_procedural_synapses_are_those_that_are_stored(rule: rules.Rule, varied: bool) -> None:
    """Potentials bit for bit: with two runs, through views, on one to three threads."""
    found = []
    for threads, tried in ((1, rule), (1, rules.Procedural(rule)), (3, rules.Procedural(rule))):
        net = Network(dt=DT, seed=5, threads=threads, batch=2)
        lif = sl.LIF(tau_mem=20.0)
        cells = net.population(700, lif, initial={"v": Uniform(0.0, 1.5)})
        view = cells[650:50:-2]
        weight = Normal(1.0, 0.5, low=0.0) if varied else 1.0
        made = net.connect(view, view, tried, weight=weight, delay=1.5)
        assert isinstance(made, Projection)
        net.run(12.0)
        found.append((made.synapses(), cells["v"].copy()))
        if tried is not rule:
            # A few thousand bytes that stand in for all rows.
            assert net.build().memory() < 16 * 700 * threads + 1000
    (synapses, v), *others = found
    assert len(synapses.pre)
    for other_synapses, other_v in others:
        for one, other in zip(synapses, other_synapses, strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(v, other_v)


def test_procedural_convolution_shares_its_weights() -> None:
    found = []
    for tried in (lambda rule: rule, rules.Procedural):
        net = Network(dt=DT, seed=5)
        image = net.population(neuron=sl.LIF(tau_mem=5.0), shape=(20, 30), initial={"v": Uniform(0.0, 1.5)})
        rule = rules.Convolution(np.arange(9.0).reshape(3, 3), padding=1)
        net.connect(image, image, tried(rule), weight=0.5, delay=1.0)
        net.run(5.0)
        found.append(image["v"].copy())
    np.testing.assert_array_equal(*found)


def test_delays_by_distance_are_stored() -> None:
    net = Network(dt=DT, threads=2)
    cells = net.population(neuron=sl.LIF(), shape=(12, 12))
    made = net.connect(cells, cells, rules.Bernoulli(0.5), delay=DistanceDelay(1.0, 0.3))
    assert isinstance(made, Projection)
    assert_same(stored(net.build(), made), listed(made))
