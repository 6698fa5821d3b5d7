"""Places where negative values have neurons of their own."""

from __future__ import annotations

import copy

from torch import Tensor

from ..neurons import Neuron
from ._sites import Site, added_up


class Opposite(Site):
    """Two populations, one of which takes the input and the other `slope` times its negative; no spike is negative.

    Their difference is what the layers behind receive: synapses of the second population have the opposite weights.
    The result has -1 for a spike of the second; where both send in one step they cancel, and count as none.

    Shapes: [T, B, channels, ...] to the same.
    """

    def __init__(self, neuron: Neuron, scale: Tensor, *, slope: float = 1.0) -> None:
        super().__init__(neuron, scale)
        # First potentials of one may be adjusted, and are not the other's.
        self.other, self.slope = copy.deepcopy(neuron), slope

    def spikes(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        """Of the first population less those of the second."""
        first, second = self._both(added_up(x, bias, residual))
        return first - second

    def events(self, x: Tensor) -> Tensor:
        """Of the first population and of the second, also where they cancel."""
        first, second = self._both(x)
        return first + second

    def _both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = added_up(x, self.shift, None)
        return self.neuron(x), self.other(-self.slope * x)
