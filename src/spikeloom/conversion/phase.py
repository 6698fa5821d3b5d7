"""Phase and burst codes: spikes whose worth follows a clock, or the burst that they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..errors import ParameterError
from ..neurons import Bursting, Neuron, WeightedSpikes
from ._operations import Kind, Operation
from ._sites import Site, added_up, by_channel
from .methods import Method
from .thresholds import Maximum, Threshold


class _Weighted(Site):
    """Neurons of a unit threshold, whose graded spikes have the mean of x over the scale, divided by `gain`."""

    weighted = True

    def __init__(self, neuron: Neuron, scale: Tensor, *, gain: float, below: float = 0.0) -> None:
        super().__init__(neuron, scale)
        self.gain, self.below = gain, below

    def spikes(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        """What the neurons send; negative values by a second population."""
        x = added_up(x, bias, residual)
        i = x / (self.gain * by_channel(self.scale, x))
        s: Tensor = self.neuron(i)
        return self.gain * (s - self.below * self.neuron(-i) if self.below else s)


def _below(operation: Operation) -> float:
    return 1.0 if operation.kind is Kind.FUNCTION else operation.slope


@dataclass(frozen=True)
class PhaseCode(Method):
    """Weighted spikes: in step k of a period a spike is worth 2^-(1 + k) thresholds, by a clock common to all layers.

    Layers do not wait for each other: what arrives too late for the large weights of a period is sent in the next ones.
    The mean is an answer after each period, which is the run where that is shorter.

    Raises: ParameterError for steps that are no whole periods.
    Source: Kim, Kim, Huh, Lee and Choi 2018, "Deep neural networks with weighted spikes", Neurocomputing 311; there
    biases and thresholds are scaled by the phase, here biases are constant currents.

    >>> import spikeloom as sl
    >>> sl.conversion.PhaseCode().window(32)
    8
    """

    threshold: Threshold = field(default_factory=Maximum)
    channelwise: bool = False
    period: int = 8

    def __post_init__(self) -> None:
        if not 1 <= self.period <= 23:
            raise ParameterError("PhaseCode.period", expected="1...23 steps", got=self.period)

    def window(self, steps: int) -> int:
        period = min(steps, self.period)
        if steps % period:
            raise ParameterError("steps of a phase code", expected=f"whole periods of {period}", got=steps)
        return period

    def site(self, operation: Operation, scale: Tensor, steps: int) -> Site:
        period = self.window(steps)
        return _Weighted(
            WeightedSpikes(period=torch.tensor(float(period))), scale, gain=period, below=_below(operation)
        )


@dataclass(frozen=True)
class BurstCode(Method):
    """Bursts: each spike of a burst is worth `beta` times the one before it, the first one `first` thresholds.

    Source: Park, Kim, Choe and Yoon 2019, "Fast and efficient information transmission with burst spikes in deep
    spiking neural networks", DAC (arXiv 1809.03142), where beta = 2 and the first threshold is 0.125.

    >>> import torch, spikeloom as sl
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> x = torch.rand(64, 4)
    >>> spiking = sl.convert(model, x, sl.conversion.BurstCode(), steps=64)
    >>> bool((spiking(x) - model(x)).abs().max() < 0.02)
    True
    """

    threshold: Threshold = field(default_factory=Maximum)
    channelwise: bool = False
    first: float = 0.125
    beta: float = 2.0

    def __post_init__(self) -> None:
        if not (0.0 < self.first < float("inf") and 1.0 <= self.beta < float("inf")):
            got = f"first = {self.first}, beta = {self.beta}"
            raise ParameterError("BurstCode", expected="first > 0 and beta >= 1", got=got)

    def site(self, operation: Operation, scale: Tensor, steps: int) -> Site:
        return _Weighted(Bursting(beta=torch.tensor(self.beta)), scale, gain=self.first, below=_below(operation))
