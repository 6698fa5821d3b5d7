"""A neuron inside a graph that torch.compile captures: one operation, whatever the number of steps.

Imported only while a graph is captured, since PyTorch's graph capture takes a second to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor
from torch._dynamo import nonstrict_trace

if TYPE_CHECKING:
    from .neuron import Neuron


@nonstrict_trace
def run(neuron: Neuron, inputs: tuple[Tensor, ...], varying: dict[str, Tensor]) -> Tensor:
    """The output of a neuron; not looked into by the capture, but run with its stand-ins for tensors."""
    return neuron.run(inputs, varying)
