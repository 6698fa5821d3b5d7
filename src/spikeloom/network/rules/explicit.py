"""Rules that are given every pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ...compile import Table
from ...errors import DTypeError, ParameterError, ShapeError
from ._kernels import LISTED_PAIRS, listed_pairs
from .rule import Listing, Rule

if TYPE_CHECKING:
    from ..projection import Projection


class Explicit(Rule):
    """Pairs from two arrays: sources and targets, as indices into what is connected.

    A pair that is given twice has two synapses. Arrays of weights and delays are in the order of the pairs.

    Raises: ShapeError, DTypeError for other than two arrays of whole numbers of one length; ParameterError where an
    index is out of range.
    """

    def __init__(self, sources: Any, targets: Any) -> None:
        self.sources, self.targets = _indices("Explicit.sources", sources), _indices("Explicit.targets", targets)
        if len(self.sources) != len(self.targets):
            got = f"{len(self.sources)} and {len(self.targets)}"
            raise ShapeError("Explicit", expected="as many sources as targets", got=got)

    def kernel(self) -> Callable[..., None]:
        return listed_pairs

    def entries(self, projection: Projection) -> Table:
        return Table.of(LISTED_PAIRS, sources=self.sources, targets=self.targets, count=len(self.sources))

    def verify(self, projection: Projection) -> None:
        ends = {"sources": (self.sources, projection.pre), "targets": (self.targets, projection.post)}
        for name, (indices, view) in ends.items():
            outside = indices[indices >= len(view)]
            if len(outside):
                expected = f"indices from 0 to {len(view) - 1}"
                raise ParameterError(f"Explicit.{name} of {projection.name}", expected=expected, got=int(outside[0]))

    def listing(self, projection: Projection) -> Listing:
        return Listing((len(self.sources),), 0, 1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.sources)} pairs)"


class FromSparse(Rule):
    """A synapse for each entry of a SciPy sparse matrix, or each nonzero one of an array, [sources, targets].

    Weights are the entries, scaled by the `weight` of the connection; an array of delays has the order of the entries
    by rows. Of a sparse matrix explicit zeros are synapses, and repeated entries are summed.

    Raises: ShapeError, DTypeError; ParameterError for entries that are not finite.
    """

    def __init__(self, matrix: Any) -> None:
        if not sparse.issparse(matrix):
            matrix = _dense(matrix)
        rows = sparse.csr_array(matrix)
        rows.sum_duplicates()
        self.shape: tuple[int, int] = rows.shape
        self.values = np.asarray(rows.data, dtype=np.float64)
        if not np.isfinite(self.values).all():
            got = self.values[~np.isfinite(self.values)][0]
            raise ParameterError("FromSparse.matrix", expected="finite numbers", got=got)
        sources = np.repeat(np.arange(self.shape[0], dtype=np.int32), np.diff(rows.indptr))
        self.pairs = Explicit(sources, rows.indices)

    def kernel(self) -> Callable[..., None]:
        return self.pairs.kernel()

    def entries(self, projection: Projection) -> Table:
        return self.pairs.entries(projection)

    def verify(self, projection: Projection) -> None:
        expected = (len(projection.pre), len(projection.post))
        if self.shape != expected:
            what = f"FromSparse.matrix of {projection.name}"
            raise ShapeError(what, expected=f"[sources, targets] = {list(expected)}", got=list(self.shape))

    def listing(self, projection: Projection) -> Listing:
        return self.pairs.listing(projection)

    def weights(self, projection: Projection, weight: Any) -> Any:
        return scaled(self, projection, self.values, weight)

    def __repr__(self) -> str:
        return f"FromSparse({list(self.shape)}, {len(self.values)} synapses)"


def scaled(rule: Rule, projection: Projection, values: NDArray[np.float64], weight: Any) -> NDArray[np.float64]:
    """The weights of a rule times the number that a connection gives as weight."""
    if not isinstance(weight, float):
        what = f"weight of {projection.name}"
        expected = f"a number, by which the weights of {type(rule).__name__} are multiplied"
        raise ParameterError(what, expected=expected, got=type(weight).__name__)
    return values * weight


def _indices(what: str, given: Any) -> NDArray[np.int32]:
    array = np.asarray(given)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise DTypeError(what, expected="whole numbers", got=f"an array of {array.dtype}")
    if array.ndim != 1:
        raise ShapeError(what, expected="[synapses]", got=list(array.shape))
    if len(array) >= 1 << 31:
        raise ShapeError(what, expected="fewer than 2**31 synapses", got=len(array), do="connect in several calls")
    if len(array) and (array.min() < 0 or array.max() >= 1 << 31):
        got = int(array.min() if array.min() < 0 else array.max())
        raise ParameterError(what, expected="indices >= 0 of neurons", got=got)
    return np.ascontiguousarray(array, dtype=np.int32)


def _dense(given: Any) -> NDArray[np.float64]:
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DTypeError("FromSparse.matrix", expected="a sparse matrix or an array", got=repr(given)) from error
    if array.ndim != 2:
        raise ShapeError("FromSparse.matrix", expected="[sources, targets]", got=list(array.shape))
    return array
