"""First spikes whose effect lasts: the sooner a neuron fires, the longer it drives those behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..errors import ParameterError
from ..neurons import IF, Refractory
from ._operations import Kind, Operation
from ._opposite import Opposite
from ._sites import Site
from .methods import Method
from .thresholds import Percentile, Threshold


class Lasting(Site):
    """Neurons as in another site, behind each spike of which a constant current flows from then on."""

    lasting = True

    def __init__(self, site: Site) -> None:
        super().__init__(site.neuron, site.scale)
        self.site = site

    def spikes(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        """The current; where it changes, there the spike is."""
        return self.site.spikes(x, bias=bias, residual=residual).cumsum(0)

    def events(self, x: Tensor) -> Tensor:
        """The spikes themselves."""
        return self.site.events(x)


@dataclass(frozen=True)
class InverseTimeCode(Method):
    """An activation is the inverse of the time to the first spike, and layers do not wait for each other.

    v_i(t) = sum_j w_ij (t - t_j) over inputs j that have spiked, + b_i t; neuron i spikes once, where v_i reaches k
    times the `threshold`, so that with constant inputs the first layer has k / t_i = activation / threshold. k is such
    that the activation of `smallest` thresholds spikes in the last step, and 1 where that would be less: more steps are
    finer ones. Deeper layers begin to sum before all inputs are there: the order of values is kept, and the mean
    output, the last layer's potential over T, is no estimate of the original's. Networks trained with `ClampedReLU`
    have no small activations, whose spikes come late or never. Negative values have a second population.

    Raises: ParameterError for a smallest that is not above 0, and at most 1.
    Source: Rueckauer and Liu 2018, "Conversion of analog to spiking neural networks using sparse temporal coding",
    ISCAS, the base model; its threshold that moves with inputs still to come is not here, and the second population
    and `smallest` are not from there.

    >>> import torch, spikeloom as sl
    >>> code = sl.conversion.InverseTimeCode()
    >>> code.encode(torch.tensor([[1.0, 0.5, 0.25, 0.1]]), 5)[:, 0].T
    tensor([[1., 1., 1., 1., 1.],
            [0., 1., 1., 1., 1.],
            [0., 0., 0., 1., 1.],
            [0., 0., 0., 0., 0.]])
    """

    threshold: Threshold = field(default_factory=lambda: Percentile(99.9))
    channelwise: bool = False
    smallest: float = 0.125

    def __post_init__(self) -> None:
        if not 0.0 < self.smallest <= 1.0:
            raise ParameterError("InverseTimeCode.smallest", expected="0 < smallest <= 1", got=self.smallest)

    def site(self, operation: Operation, scale: Tensor, steps: int) -> Site:
        neuron = Refractory(IF(v_th=max(1.0, self.smallest * steps) * scale), once=True)
        below = 1.0 if operation.kind is Kind.FUNCTION else operation.slope
        return Lasting(Opposite(neuron, scale, slope=below) if below else Site(neuron, scale))


class ClampedReLU(nn.Module):
    """y = x between `low` and 1, 0 below and 1 above: values too small to be told by a first spike in time are none.

    `sl.convert` takes 1 for the threshold. Shapes: any to the same. Raises: ParameterError unless 0 <= low < 1.
    Source: Rueckauer and Liu 2018, ISCAS, clamped ReLU; the bound of 1 in training is ours.

    >>> import torch, spikeloom as sl
    >>> sl.conversion.ClampedReLU(0.1)(torch.tensor([-1.0, 0.05, 0.5, 2.0])).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """

    def __init__(self, low: float = 0.1) -> None:
        super().__init__()
        if not 0.0 <= low < 1.0:
            raise ParameterError("low of ClampedReLU", expected="0 <= low < 1", got=low)
        self.low = low

    def forward(self, x: Tensor) -> Tensor:
        """The activation."""
        return torch.where(x > self.low, x, 0.0).clamp(max=1.0)

    def as_rectifier(self) -> tuple[float, float]:
        """Slope below 0, and greatest value."""
        return 0.0, 1.0

    def as_threshold(self) -> Tensor:
        """What one spike is worth."""
        return torch.tensor(1.0)

    def extra_repr(self) -> str:
        """The least value."""
        return f"low={self.low:g}"
