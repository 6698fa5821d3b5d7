"""Few-spike code: the binary digits of an activation, or spikes of a gate that computes another function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..errors import ParameterError
from ..neurons import FewSpikes, WeightedSpikes
from ._operations import Kind, Operation
from ._sites import Site
from ._windows import Windowed
from .methods import Method
from .thresholds import Maximum, Threshold

# Of functions as they are called, those of which `FewSpikes.gate` has tables.
_GATES = {"gelu": "gelu", "silu": "swish", "sigmoid": "sigmoid", "tanh": "tanh"}
# Within which they were fitted.
_RANGE = 8.0


@dataclass(frozen=True)
class FewSpikeCode(Method):
    """Few-spike neurons, one window of as many steps as the run has for each layer: K steps tell K bits.

    Activations are rounded down to alpha 2^-K, where alpha is the `threshold`, and clipped at alpha (1 - 2^-K); with
    `rounding` to the nearest. Negative values, of a leaky rectifier or of another function, are those of a second
    population. GELU, SiLU, sigmoid and tanh are computed by the spikes of gates, which want 16, 16, 12 and 13 steps at
    least and inputs between -8 and 8; `gates` has further ones by the function's name, of `fit_few_spikes`. Other
    functions are told as they are and sent in bits.

    Raises: ParameterError for less steps than a gate has.
    Source: Stoeckl and Maass 2021, "Optimized spiking neurons can classify images with high accuracy through temporal
    coding with two spikes", Nature Machine Intelligence 3 (arXiv 2002.00860); `rounding` is not from there.

    >>> import torch, spikeloom as sl
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> x = torch.rand(64, 4)
    >>> spiking = sl.convert(model, x, sl.conversion.FewSpikeCode(), steps=12)
    >>> bool((spiking(x) - model(x)).abs().max() < 0.01), spiking.latency()
    (True, 24)
    """

    threshold: Threshold = field(default_factory=Maximum)
    channelwise: bool = False
    rounding: bool = False
    gates: Mapping[str, FewSpikes] = field(default_factory=dict)

    def window(self, steps: int) -> int:
        return steps

    def site(self, operation: Operation, scale: Tensor, steps: int) -> Site:
        name = operation.label.rpartition("(")[2].rstrip(")").lower()
        if operation.kind is Kind.FUNCTION and (name in self.gates or name in _GATES):
            gate = self.gates[name] if name in self.gates else FewSpikes.gate(_GATES[name])
            return Windowed(_lengthened(gate, steps, operation.label), scale, steps, gate=True)
        below = 1.0 if operation.kind is Kind.FUNCTION else operation.slope
        added = 2.0 ** -(steps + 1) if self.rounding else 0.0
        # What FewSpikes.relu(steps, alpha=1.0) does, by a program that is the same for any number of steps.
        digits = WeightedSpikes(period=torch.tensor(float(steps)), carried=False)
        return Windowed(digits, scale, steps, below=below, added=added)


def _lengthened(gate: FewSpikes, steps: int, label: str) -> FewSpikes:
    """The gate with steps behind it in which it is silent."""
    more = steps - len(gate.kept("v_th"))
    if more < 0:
        expected, do = f"at least the {steps - more} steps of its gate", "convert for more steps, or give another gate"
        raise ParameterError(f"steps of few-spike neurons for {label}", expected=expected, got=steps, do=do)
    silent = torch.full((more,), torch.finfo(torch.float32).max), torch.zeros(more), torch.ones(more)
    tables = [torch.cat([gate.kept(name), rest]) for name, rest in zip(("v_th", "h", "d"), silent, strict=True)]
    return FewSpikes(*tables)
