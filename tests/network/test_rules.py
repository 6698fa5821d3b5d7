"""Connection rules: numbers of synapses, who is connected, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse, stats

import spikeloom as sl
from spikeloom.errors import DTypeError, ParameterError, ShapeError, SpikeloomError
from spikeloom.network import Network, Normal, Population, Projection, rules

NAN, INF = float("nan"), float("inf")
# Below this a statistical test fails; seeds are fixed.
RARE = 1e-4


def connected(
    rule: rules.Rule, n_pre: int = 200, n_post: int | None = None, *, seed: int = 5, **given: Any
) -> Projection:
    """A projection between two populations, or of one to itself."""
    net = Network(seed=seed)
    pre = net.population(n_pre, sl.LIF())
    post = pre if n_post is None else net.population(n_post, sl.LIF())
    made = net.connect(pre, post, rule, **given)
    assert isinstance(made, Projection)
    return made


def counts(made: Projection) -> np.ndarray[Any, Any]:
    """How many synapses each pair has, [sources, targets]."""
    pre, post, _, _ = made.synapses()
    found = np.zeros((len(made.pre), len(made.post)), dtype=int)
    np.add.at(found, (pre, post), 1)
    return found


def test_one_to_one() -> None:
    assert (counts(connected(rules.OneToOne(), 70, 70)) == np.eye(70)).all()


@pytest.mark.parametrize("autapses", [True, False], ids=["autapses", "none"])
def test_all_to_all(autapses: bool) -> None:
    expected = np.ones((70, 70)) - (0 if autapses else np.eye(70))
    assert (counts(connected(rules.AllToAll(autapses=autapses), 70)) == expected).all()
    assert (counts(connected(rules.AllToAll(autapses=autapses), 70, 40)) == 1).all()


@pytest.mark.parametrize("multapses", [True, False], ids=["multapses", "distinct"])
@pytest.mark.parametrize("autapses", [True, False], ids=["autapses", "none"])
@pytest.mark.parametrize("degree", [0, 1, 7, 60, 150, 199])
def test_degrees_are_exact(degree: int, autapses: bool, multapses: bool) -> None:
    for axis, kind in ((0, rules.FixedInDegree), (1, rules.FixedOutDegree)):
        found = counts(connected(kind(degree, autapses=autapses, multapses=multapses)))
        assert (found.sum(axis=axis) == degree).all()
        assert multapses or found.max() <= 1
        assert autapses or not found.diagonal().any()


@pytest.mark.parametrize("multapses", [True, False], ids=["multapses", "distinct"])
@pytest.mark.parametrize("autapses", [True, False], ids=["autapses", "none"])
@pytest.mark.parametrize("number", [0, 1, 3000, 39_000])
def test_total_number_is_exact(number: int, autapses: bool, multapses: bool) -> None:
    found = counts(connected(rules.FixedTotalNumber(number, autapses=autapses, multapses=multapses)))
    assert found.sum() == number
    assert multapses or found.max(initial=0) <= 1
    assert autapses or not found.diagonal().any()


def test_total_number_of_all_pairs() -> None:
    """All pairs there are, in the small: nothing is left to chance."""
    rule = rules.FixedTotalNumber(20 * 19, autapses=False, multapses=False)
    assert (counts(connected(rule, 20)) == 1 - np.eye(20)).all()


CHOOSING: dict[str, tuple[rules.Rule, float]] = {
    "Bernoulli": (rules.Bernoulli(0.1), 0.1),
    "FixedInDegree": (rules.FixedInDegree(20), 0.1),
    "FixedInDegree, distinct": (rules.FixedInDegree(20, multapses=False), 0.1),
    "FixedInDegree, most": (rules.FixedInDegree(160, multapses=False), 0.8),
    "FixedOutDegree": (rules.FixedOutDegree(20), 0.1),
    "FixedTotalNumber": (rules.FixedTotalNumber(4000), 0.1),
    "FixedTotalNumber, distinct": (rules.FixedTotalNumber(4000, multapses=False), 0.1),
}


@pytest.mark.parametrize("name", CHOOSING)
def test_all_pairs_are_equally_likely(name: str) -> None:
    """Over many seeds: chi-square of blocks of 20 x 20 pairs; the variance over pairs is that of independent ones."""
    rule, mean = CHOOSING[name]
    total = sum(counts(connected(rule, seed=seed)) for seed in range(1, 31))
    blocks = total.reshape(10, 20, 10, 20).sum(axis=(1, 3))
    # With degrees that are fixed, sums over blocks vary less than this assumes, so only the upper tail is a failure.
    assert stats.chisquare(blocks.ravel()).pvalue > RARE
    chance = stats.binom(30, mean) if "distinct" in name or "most" in name or name == "Bernoulli" else None
    variance = total.var()
    expected = chance.var() if chance else 30 * mean
    assert abs(variance / expected - 1) < 0.05


def test_bernoulli_degrees_are_binomial() -> None:
    found = counts(connected(rules.Bernoulli(0.3), 400, 3000))
    for axis, n in ((0, 400), (1, 3000)):
        degrees = found.sum(axis=axis)
        # Moments of a binomial; the variance of a sample's variance for nearly normal values is 2 / n.
        assert abs(degrees.mean() - 0.3 * n) < 4 * np.sqrt(0.21 * n / len(degrees))
        assert abs(degrees.var() / (0.21 * n) - 1) < 4 * np.sqrt(2 / len(degrees))
    chance = stats.binom(400, 0.3)
    edges = chance.ppf(np.linspace(0, 1, 9)[1:-1])
    observed = np.bincount(np.searchsorted(edges, found.sum(axis=0)), minlength=8)
    expected = np.diff(np.concatenate([[0], chance.cdf(edges), [1]])) * 3000
    assert stats.chisquare(observed, expected).pvalue > RARE


@pytest.mark.parametrize("p", [1e-3, 1e-6])
def test_bernoulli_of_small_probability(p: float) -> None:
    made = connected(rules.Bernoulli(p), 3000, 4000)
    assert stats.binom.cdf(len(made), 12_000_000, p) > RARE
    assert stats.binom.sf(len(made) - 1, 12_000_000, p) > RARE


def test_bernoulli_of_none_and_all() -> None:
    assert len(connected(rules.Bernoulli(0.0))) == 0
    assert (counts(connected(rules.Bernoulli(1.0), 70, 2100)) == 1).all()


def test_projections_draw_independently() -> None:
    net = Network()
    cells = net.population(200, sl.LIF())
    a, b = (net.connect(cells, cells, rules.Bernoulli(0.5)) for _ in range(2))
    assert isinstance(a, Projection) and isinstance(b, Projection)
    assert abs(np.corrcoef(counts(a).ravel(), counts(b).ravel())[0, 1]) < 4 / 200


def test_explicit_pairs() -> None:
    made = connected(rules.Explicit([3, 0, 3, 3], [1, 9, 2, 1]), 5, 10, weight=[1.0, 2.0, 3.0, 4.0], delay=[1, 2, 3, 4])
    pre, post, weight, delay = made.synapses()
    assert pre.tolist() == [3, 0, 3, 3] and post.tolist() == [1, 9, 2, 1]
    assert weight.tolist() == [1.0, 2.0, 3.0, 4.0]
    np.testing.assert_allclose(delay, [1, 2, 3, 4])
    assert len(connected(rules.Explicit([], []), 5)) == 0


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.coo_array, sparse.csc_matrix, np.ndarray.tolist])
def test_matrix_comes_back(form: Callable[..., Any]) -> None:
    matrix = sparse.random_array((30, 40), density=0.2, rng=np.random.default_rng(1)).toarray()
    made = connected(rules.FromSparse(form(matrix)), 30, 40, weight=2.0)
    np.testing.assert_allclose(made.matrix().toarray(), 2 * matrix, rtol=1e-6)
    assert len(made) == np.count_nonzero(matrix)


def test_zeros_of_a_sparse_matrix_are_synapses() -> None:
    matrix = sparse.coo_array(([0.0, 1.0, 2.0], ([0, 1, 1], [1, 0, 0])), shape=(2, 2))
    assert len(connected(rules.FromSparse(matrix), 2)) == 2


CONVOLUTIONS: tuple[tuple[tuple[int, ...], tuple[int, ...], int, int], ...] = (
    ((30,), (5,), 1, 0),
    ((31,), (4,), 3, 2),
    ((9, 8), (3, 4), 2, 1),
    ((5, 6, 7), (2, 3, 3), 1, 1),
)


@pytest.mark.parametrize("channels", [False, True], ids=["plain", "channels"])
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=lambda case: f"{len(case[0])}d-stride{case[2]}")
def test_convolution_is_that_of_pytorch(case: Any, channels: bool) -> None:
    size, window, stride, padding = case
    window = (3, 2, *window) if channels else window
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(((2,) if channels else ()) + size, generator=generator, dtype=torch.float64)
    kernel = torch.randn(window, generator=generator, dtype=torch.float64)
    convolve = getattr(torch.nn.functional, f"conv{len(size)}d")
    y = convolve(x if channels else x[None], kernel if channels else kernel[None, None], stride=stride, padding=padding)
    y = y if channels else y[0]
    net = Network(dtype=torch.float64)
    pre, post = net.population(shape=x.shape, neuron=sl.LIF()), net.population(shape=y.shape, neuron=sl.LIF())
    made = net.connect(pre, post, rules.Convolution(kernel.numpy(), stride=stride, padding=padding))
    assert isinstance(made, Projection)
    np.testing.assert_allclose(made.matrix().T @ x.numpy().ravel(), y.numpy().ravel(), atol=1e-12)


def test_convolution_in_one_dimension_is_toeplitz() -> None:
    matrix = connected(rules.Convolution([1.0, 2.0, 3.0], padding=1), 6, 6).matrix().toarray()
    expected = np.zeros((6, 6))
    for offset, value in ((1, 1.0), (0, 2.0), (-1, 3.0)):
        expected += np.diag(np.full(6 - abs(offset), value), offset)
    np.testing.assert_array_equal(matrix, expected)


BAD: dict[str, tuple[Callable[[], object], type[SpikeloomError], str]] = {
    "p > 1": (lambda: rules.Bernoulli(1.5), ParameterError, "p"),
    "p < 0": (lambda: rules.Bernoulli(-0.1), ParameterError, "p"),
    "p NaN": (lambda: rules.Bernoulli(NAN), ParameterError, "p"),
    "p a string": (lambda: rules.Bernoulli("0.1"), ParameterError, "p"),  # type: ignore[arg-type]
    "p True": (lambda: rules.Bernoulli(True), ParameterError, "p"),
    "degree -1": (lambda: rules.FixedInDegree(-1), ParameterError, "degree"),
    "degree 1.5": (lambda: rules.FixedOutDegree(1.5), ParameterError, "degree"),  # type: ignore[arg-type]
    "degree NaN": (lambda: rules.FixedInDegree(NAN), ParameterError, "degree"),  # type: ignore[arg-type]
    "degree infinite": (lambda: rules.FixedInDegree(INF), ParameterError, "degree"),  # type: ignore[arg-type]
    "degree None": (lambda: rules.FixedInDegree(None), ParameterError, "degree"),  # type: ignore[arg-type]
    "number NaN": (lambda: rules.FixedTotalNumber(NAN), ParameterError, "number"),  # type: ignore[arg-type]
    "number -1": (lambda: rules.FixedTotalNumber(-1), ParameterError, "number"),
    "autapses 1": (lambda: rules.AllToAll(autapses=1), ParameterError, "autapses"),  # type: ignore[arg-type]
    "in-degree > N": (lambda: connected(rules.FixedInDegree(11, multapses=False), 10), ParameterError, "at most 10"),
    "in-degree > N - 1": (
        lambda: connected(rules.FixedInDegree(10, multapses=False, autapses=False), 10),
        ParameterError,
        "at most 9",
    ),
    "out-degree > N": (lambda: connected(rules.FixedOutDegree(5, multapses=False), 9, 4), ParameterError, "at most 4"),
    "no other": (lambda: connected(rules.FixedInDegree(1, autapses=False), 1), ParameterError, "at most 0"),
    "number > pairs": (
        lambda: connected(rules.FixedTotalNumber(101, multapses=False), 10),
        ParameterError,
        "at most 100",
    ),
    "one-to-one unequal": (lambda: connected(rules.OneToOne(), 3, 4), ShapeError, "3 and 4"),
    "source out of range": (lambda: connected(rules.Explicit([3], [0]), 3), ParameterError, "0 to 2"),
    "target negative": (lambda: rules.Explicit([0], [-1]), ParameterError, "targets"),
    "indices real": (lambda: rules.Explicit([0.5], [1]), DTypeError, "sources"),
    "indices of two lengths": (lambda: rules.Explicit([0, 1], [1]), ShapeError, "2 and 1"),
    "indices of two dimensions": (lambda: rules.Explicit([[0]], [[1]]), ShapeError, "sources"),
    "matrix transposed": (lambda: connected(rules.FromSparse(np.ones((4, 3))), 3, 4), ShapeError, r"\[3, 4\]"),
    "matrix with NaN": (lambda: rules.FromSparse([[NAN]]), ParameterError, "finite"),
    "matrix and distribution": (
        lambda: connected(rules.FromSparse(np.ones((3, 3))), 3, weight=Normal(1.0, 0.1)),
        ParameterError,
        "multiplied",
    ),
    "kernel with NaN": (lambda: rules.Convolution([1.0, NAN]), ParameterError, "finite"),
    "kernel of a string": (lambda: rules.Convolution("no"), DTypeError, "array"),
    "stride 0": (lambda: connected(rules.Convolution([1.0], stride=0), 3), ParameterError, "stride"),
    "padding -1": (lambda: connected(rules.Convolution([1.0], padding=-1), 3), ParameterError, "padding"),
    "convolution of another size": (lambda: connected(rules.Convolution([1.0, 1.0]), 3), ShapeError, r"\[2\]"),
    "kernel of two dimensions": (lambda: connected(rules.Convolution(np.ones((1, 1))), 3), ShapeError, "shape"),
    "procedural in-degree": (lambda: rules.Procedural(rules.FixedInDegree(3)), ParameterError, "sources draw"),
    "procedural twice": (lambda: rules.Procedural(rules.Procedural(rules.AllToAll())), ParameterError, "Procedural"),
    "procedural number": (lambda: rules.Procedural(0.1), DTypeError, "rule"),  # type: ignore[arg-type]
    "procedural delays": (
        lambda: connected(rules.Procedural(rules.AllToAll()), 9, delay=Normal(1.5, 0.2, low=0.1)),
        ParameterError,
        "one number",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name: str) -> None:
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()


def test_a_view_that_has_a_neuron_twice_is_refused() -> None:
    net = Network()
    cells: Population = net.population(5, sl.LIF())
    with pytest.raises(ParameterError, match="once"):
        net.connect(cells[[1, 1]], cells, rules.AllToAll())
