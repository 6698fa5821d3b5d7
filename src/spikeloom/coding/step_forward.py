"""Step-forward code: a base line that follows the signal in steps, and a spike for each."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_positive, check_sequence, wide
from spikeloom.coding.delta import delta_decode, first_value, follow, two_channels
from spikeloom.coding.encoder import DecodableEncoder


def step_forward(x: Tensor, *, threshold: float) -> Tensor:
    """Spikes where a signal is more than the threshold above or below a base line, which then steps after it.

    Equation: B starts at x[0]; s = +1 if x > B + threshold, -1 if x < B - threshold, else 0; B <- B + threshold s.
    Channel 0 is 1 where s = +1, channel 1 where s = -1. This is `delta` but for the strict comparison, with which a
    signal that changes by exactly the threshold stays silent; `delta_decode` decodes both, within the threshold where
    the signal changes by no more than the threshold per step.
    Shapes: x [time, batch, *features], finite -> spikes [time, batch, 2, *features], 0/1, not differentiable.
    Raises: ParameterError (NaN, threshold not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> step_forward(torch.tensor([0.0, 0.5, 1.2, 1.0, 0.1]).view(5, 1), threshold=0.5).squeeze().T.tolist()
    [[0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]

    Reference: Kasabov et al. (2016), Evolving spatio-temporal data machines based on the NeuCube neuromorphic
    framework, Neural Netw. 78:1-14 (step-forward algorithm); Petro, Kasabov and Kiss (2020), Selection and optimization
    of temporal spike encoding methods for spiking neural networks, IEEE Trans. Neural Netw. Learn. Syst. 31:358-370.
    """
    signal = wide(check_sequence("x of step_forward", x))
    threshold = check_positive("threshold of step_forward", threshold)
    return two_channels(follow(signal, signal[0], threshold, reached=torch.gt)).to(x.dtype)


class StepForward(DecodableEncoder):
    """Signals as steps of a base line, up and down; see `step_forward`.

    >>> StepForward(threshold=0.1)(torch.rand(20, 4, 3)).shape
    torch.Size([20, 4, 2, 3])
    """

    of_sequence = True

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        self.threshold = check_positive("threshold of StepForward", threshold)

    @classmethod
    def example(cls) -> Self:
        """A threshold of 0.1."""
        return cls(threshold=0.1)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [time, batch, *features]; nothing is drawn."""
        return step_forward(x, threshold=self.threshold)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `delta_decode`."""
        return delta_decode(wide(spikes), first_value(spikes[0, :, 0], initial), threshold=self.threshold)
