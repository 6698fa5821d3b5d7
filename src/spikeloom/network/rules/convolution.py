"""The rule in which neurons on a grid share the weights of a kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compile import Table
from ...errors import DTypeError, ParameterError, ShapeError
from ._space_kernels import CONVOLUTION, convolution
from .explicit import scaled
from .rule import Listing, Rule, whole

if TYPE_CHECKING:
    from ..projection import Projection


class Convolution(Rule):
    """Targets see a window of the sources, all through the same weights.

        y[j] = sum_k kernel[k] x[j stride - padding + k]

    The kernel is [*window] where both populations have that many dimensions, 1 to 3, or [targets' channels, sources'
    channels, *window] where their first dimension counts channels. As in PyTorch, it is not mirrored. A target has
    synapses to sources only, not to the padding. In one dimension, the matrix of weights is a Toeplitz matrix. The
    `weight` of the connection scales the kernel.

    Raises: ShapeError, DTypeError, ParameterError.
    """

    by_source = True

    def __init__(self, kernel: Any, *, stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0) -> None:
        try:
            self.window = np.array(kernel, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DTypeError("Convolution.kernel", expected="an array", got=repr(kernel)) from error
        if not 1 <= self.window.ndim <= 5 or not self.window.size:
            raise ShapeError("Convolution.kernel", expected="1 to 3 dimensions", got=list(self.window.shape))
        if not np.isfinite(self.window).all():
            got = self.window[~np.isfinite(self.window)][0]
            raise ParameterError("Convolution.kernel", expected="finite numbers", got=got)
        self.stride, self.padding = stride, padding

    def kernel(self) -> Callable[..., None]:
        return convolution

    def _sizes(self, projection: Projection) -> tuple[tuple[int, ...], ...]:
        """Channels and sizes of sources, of targets and of the kernel. Raises: ShapeError."""
        name = f"Convolution of {projection.name}"
        for end, view in (("sources", projection.pre), ("targets", projection.post)):
            if not np.array_equal(view.indices, np.arange(view.population.size)):
                raise ShapeError(f"{end} of {name}", expected="a whole population", got=repr(view))
        pre, post, kernel = projection.pre.population.shape, projection.post.population.shape, self.window.shape
        sizes = (pre, post, kernel)
        if len(kernel) != len(pre) + 1:
            sizes = ((1, *pre), (1, *post), (1, 1, *kernel))
        n = len(sizes[0]) - 1
        if not 1 <= n <= 3 or len(sizes[1]) != n + 1 or len(sizes[2]) != n + 2:
            expected = f"populations whose shapes suit a kernel of {list(kernel)}"
            raise ShapeError(name, expected=expected, got=f"{list(pre)} and {list(post)}")
        return sizes

    def _layout(self, projection: Projection) -> list[tuple[int, ...]]:
        """The entries of CONVOLUTION, in order. Raises: ShapeError, ParameterError."""
        name = f"Convolution of {projection.name}"
        pre, post, kernel = self._sizes(projection)
        n = len(pre) - 1
        stride, padding = _each(f"stride of {name}", self.stride, n, 1), _each(f"padding of {name}", self.padding, n, 0)
        if kernel[1] != pre[0]:
            raise ShapeError(name, expected=f"sources of {kernel[1]} channels", got=pre[0])
        pairs = zip(pre[1:], kernel[2:], stride, padding, strict=True)
        sizes = (kernel[0], *((size + 2 * p - k) // s + 1 for size, k, s, p in pairs))
        if sizes != post:
            shown = len(projection.post.population.shape)
            raise ShapeError(name, expected=f"targets of shape {list(sizes[-shown:])}", got=list(post[-shown:]))
        ones, zeros = (1,) * (3 - n), (0,) * (3 - n)
        blocks = [(pre[0], *ones, *pre[1:]), (post[0], *ones, *post[1:]), (kernel[0], *ones, *kernel[2:])]
        return [*blocks, (*ones, *stride), (*zeros, *padding)]

    def verify(self, projection: Projection) -> None:
        self._layout(projection)

    def entries(self, projection: Projection) -> Table:
        numbers = [np.array(row, dtype=np.int64) for row in self._layout(projection)]
        return Table.of(CONVOLUTION, **dict(zip(CONVOLUTION._fields, numbers, strict=True)))

    def listing(self, projection: Projection) -> Listing:
        return Listing(self.window.shape, 0, 1)

    def weights(self, projection: Projection, weight: Any) -> Any:
        return scaled(self, projection, self.window.ravel(), weight)

    def __repr__(self) -> str:
        return f"Convolution({list(self.window.shape)}, stride={self.stride}, padding={self.padding})"


def _each(what: str, value: Any, dimensions: int, least: int) -> tuple[int, ...]:
    values = tuple(value) if np.ndim(value) else (value,) * dimensions
    if len(values) != dimensions or any(whole(what, v) < least for v in values):
        raise ParameterError(what, expected=f"a whole number >= {least}, or {dimensions} of them", got=repr(value))
    return tuple(int(v) for v in values)
