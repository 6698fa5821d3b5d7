"""Activations whose bound is trained, so that it can be the threshold of the neurons that take their place."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, fx, nn

from ..errors import ConversionError, ParameterError
from ._operations import Kind, operation_of_each
from ._statistics import statistics
from ._trace import traced
from .convert import batches_of
from .thresholds import Percentile


class Clipping(nn.Module, ABC):
    """Abstract: an activation between 0 and a bound lambda that training moves.

    `sl.convert` makes lambda the threshold of the neurons: they saturate where the activation did in training.

    Shapes: any to the same. Raises: ParameterError for a bound not above 0; ConversionError at conversion, if training
    has left it there.
    """

    def __init__(self, bound: float = 2.0) -> None:
        super().__init__()
        if not 0.0 < bound < float("inf"):
            raise ParameterError(f"bound of {type(self).__name__}", expected="a number above 0", got=bound)
        self.bound = nn.Parameter(torch.tensor(float(bound)))

    @property
    def value(self) -> float:
        """The bound as a number."""
        return float(self.bound.detach())

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """The activation."""

    def as_rectifier(self) -> tuple[float, float]:
        """Slope below 0, and greatest value."""
        return 0.0, self.value

    def as_threshold(self) -> Tensor:
        """What one spike is worth."""
        if not self.value > 0.0:
            do = "train with a lower learning rate, or a smaller penalty of the bound"
            raise ConversionError(f"bound of {type(self).__name__}", expected="> 0", got=self.value, do=do)
        return self.bound.detach().clone()

    def extra_repr(self) -> str:
        """The bound."""
        return f"bound={self.value:.4g}"


class TCL(Clipping):
    """Trainable clipping: y = min(max(x, 0), lambda), dy/dlambda = 1 where x >= lambda.

    Shapes and raises as `Clipping`. Source: Ho and Chang 2021, "TCL: an ANN-to-SNN conversion with trainable clipping
    layers", DAC, where lambda begins at 2 or 4 and has an L2 penalty.

    >>> import torch, spikeloom as sl
    >>> sl.conversion.TCL(2.0)(torch.tensor([-1.0, 0.5, 3.0])).tolist()
    [0.0, 0.5, 2.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x < self.bound, x.relu(), self.bound)


class QCFS(Clipping):
    """Quantised clip-floor-shift: y = lambda clip(floor(x L / lambda + 1/2) / L, 0, 1), L = `levels`.

    That is the rate, in L steps, of a neuron with threshold lambda that begins at lambda / 2 and receives x. The
    backward pass takes rounding for the identity: dy/dx = 1 and dy/dlambda = (y - x) / lambda where 0 <= x < lambda, 0
    and 0 below, 0 and 1 above.

    Shapes as `Clipping`. Raises: ParameterError. Source: Bu, Fang, Ding, Dai, Yu and Huang 2022, "Optimal ANN-SNN
    conversion for high-accuracy and ultra-low-latency spiking neural networks", ICLR, equation of the activation.

    >>> import torch, spikeloom as sl
    >>> sl.conversion.QCFS(1.0, levels=2)(torch.tensor([-1.0, 0.2, 0.3, 0.8, 3.0])).tolist()
    [0.0, 0.0, 0.5, 1.0, 1.0]
    """

    def __init__(self, bound: float = 2.0, *, levels: int = 8) -> None:
        super().__init__(bound)
        if isinstance(levels, bool) or not isinstance(levels, int) or levels < 1:
            raise ParameterError("levels of QCFS", expected="a whole number >= 1", got=repr(levels))
        self.levels = levels

    def forward(self, x: Tensor) -> Tensor:
        u = (x / self.bound).clamp(0.0, 1.0)
        rounded = (u.detach() * self.levels + 0.5).floor() / self.levels
        return self.bound * (u + (rounded - u).detach())

    def extra_repr(self) -> str:
        """Bound and levels."""
        return f"{super().extra_repr()}, levels={self.levels}"


def with_activations(
    model: nn.Module, calibration: Any, activation: Clipping, *, percent: float = 99.9, images: int = 512
) -> fx.GraphModule:
    """A copy of a trained model in which each rectifier is an activation of this kind.

    Each place has a copy of `activation`, whose bound begins at a percentile of the model's values there on calibration
    data, as `sl.convert` takes them. ReLU in any spelling, ReLU6 and hardtanh are replaced; leaky rectifiers stay what
    they are. Layers are shared by no two models. What depends on `self.training` within a `forward` of the user's own,
    such as `F.dropout`, is that of evaluation; layers of PyTorch know both modes.

    Raises: ConversionError for a model that cannot be traced or has no rectifier; ParameterError for calibration data.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> sl.conversion.with_activations(model, torch.rand(64, 4), sl.conversion.QCFS(levels=4)).relu_1
    QCFS(bound=..., levels=4)
    """
    batches = batches_of(calibration, images)
    module = traced(copy.deepcopy(model).eval(), batches[0])
    known = operation_of_each(module)
    places = [
        node
        for node in module.graph.nodes
        if (of := known[node.name]).kind is Kind.RECTIFIER and of.slope == 0.0 and not of.own
    ]
    if not places:
        raise ConversionError(type(model).__name__, expected="a rectifier, such as nn.ReLU", got="none")
    found = statistics(module, places, batches)
    for number, node in enumerate(places, 1):
        new, values = copy.deepcopy(activation), found[node.name]
        assert values.highest is not None
        start = Percentile(percent).of(values.samples.flatten(), values.highest.max())
        with torch.no_grad():
            # A place that is silent on calibration data keeps the bound that was given.
            new.bound.copy_(start if start > 0 else new.bound)
        _replace(module, node, new, f"relu_{number}")
    module.delete_all_unused_submodules()
    module.recompile()
    return module.train(model.training)


def _replace(module: fx.GraphModule, node: fx.Node, new: nn.Module, name: str) -> None:
    while hasattr(module, name):
        name += "_"
    module.add_submodule(name, new)
    with module.graph.inserting_after(node):
        put = module.graph.call_module(name, (node.all_input_nodes[0],))
    put.meta, put.stack_trace = dict(node.meta), node.stack_trace
    node.replace_all_uses_with(put)
    module.graph.erase_node(node)
