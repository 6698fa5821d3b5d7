"""Training for few synaptic operations: activations that count spikes, and what these cost behind them."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from ..errors import ConversionError, ParameterError
from ..neurons import IF
from ._operations import WEIGHTED, Kind, Operation, operation_of_each
from ._sites import Site
from ._statistics import Watched
from ._trace import place, traced

# Pooling that sums a window once its divisor, or its choice, is left away.
_WINDOWS = {
    nn.AvgPool1d: functional.avg_pool1d, nn.AvgPool2d: functional.avg_pool2d, nn.AvgPool3d: functional.avg_pool3d,
    nn.MaxPool1d: functional.avg_pool1d, nn.MaxPool2d: functional.avg_pool2d, nn.MaxPool3d: functional.avg_pool3d,
}  # fmt: skip


class NeuromorphicReLU(nn.Module):
    """A number of spikes: y = floor(max(x, 0)), with the gradient of max(x, 0).

    With `stochastic=True` training rounds up with the probability of the rest, so that the mean of y is max(x, 0).
    `sl.convert` puts a perfect integrator in its place that sends one spike for each unit of its input over the whole
    run, whatever the method: of a constant input that is y, as long as there are y steps.

    Shapes: any to the same. Source: Sorbaro, Liu, Bortone and Sheik 2020, "Optimizing the energy consumption of spiking
    neural networks for neuromorphic applications", Front. Neurosci. 14:662 (arXiv 1912.01268).

    >>> import torch, spikeloom as sl
    >>> sl.conversion.NeuromorphicReLU()(torch.tensor([-1.0, 0.9, 2.5]))
    tensor([0., 0., 2.])
    """

    def __init__(self, *, stochastic: bool = False) -> None:
        super().__init__()
        self.stochastic = stochastic

    def forward(self, x: Tensor) -> Tensor:
        """Whole numbers."""
        y = x.relu()
        added = torch.rand_like(y) if self.stochastic and self.training else 0.0
        return y + ((y + added).floor() - y).detach()

    def as_site(self, steps: int) -> Site:
        """Over the run its input adds up to steps times the mean, and its spikes are worth as much."""
        theta = torch.tensor(float(steps))
        return Site(IF(v_th=theta, soft_reset=True), theta)

    def extra_repr(self) -> str:
        """How it rounds."""
        return "stochastic=True" if self.stochastic else ""


@dataclass(frozen=True)
class Operated:
    """The output of a network, and by activation its synaptic operations for each input of the batch, [B]."""

    output: Tensor
    layers: Mapping[str, Tensor]

    @property
    def total(self) -> Tensor:
        """For an input, in the mean over the batch."""
        return torch.stack(list(self.layers.values())).sum(0).mean()

    def penalty(self, target: float) -> Tensor:
        """((S - target) / target)^2 of the `total` S. Raises: ParameterError for a target not above 0."""
        if not 0.0 < target < float("inf"):
            raise ParameterError("target of synaptic operations", expected="a number above 0", got=target)
        return ((self.total - target) / target) ** 2


class SynapticOperations(nn.Module):
    """Runs a network and adds up what its activations cost as numbers of spikes: S = sum over units of y x fan-out.

    Gradients flow through y, so that the sum may be part of a loss. The fan-out of a unit is the number of connections
    that its spike takes in the layers of weights behind: that of a convolution is less at an edge, pooling between
    hands each spike on, a maximum too. Inputs of the network itself are not counted. Parameters are those of the
    model, which learns when this does; dropout acts in training mode.

    Shapes: inputs as of the model. Raises: ConversionError where something else than weights, sums, pooling and changes
    of shape is between two activations.
    Source: Sorbaro et al. 2020, see `NeuromorphicReLU`, the loss; fan-outs from the graph are not from there.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> counted = sl.conversion.SynapticOperations(model, torch.rand(1, 4))
    >>> found = counted(torch.rand(5, 4))
    >>> found.output.shape, found.total.shape, counted.fan_outs["_1"].unique()
    (torch.Size([5, 3]), torch.Size([]), tensor([3.]))
    """

    def __init__(self, model: nn.Module, *inputs: Tensor) -> None:
        super().__init__()
        # A copy of the modules, whose parameters and statistics stay the model's own.
        shared = {id(value): value for value in (*model.parameters(), *model.buffers())}
        self.module = traced(copy.deepcopy(model, shared).eval(), inputs)
        self.train(model.training)
        operations = operation_of_each(self.module)
        self.places = [n for n in self.module.graph.nodes if operations[n.name].kind is Kind.RECTIFIER]
        if not self.places:
            raise ConversionError(type(model).__name__, expected="a rectifier, such as nn.ReLU", got="none")
        for node in self.places:
            fan_out = _FanOut(self.module, operations, node).count()
            self.register_buffer(f"fan_out_of_{node.name}", fan_out, persistent=False)

    @property
    def fan_outs(self) -> dict[str, Tensor]:
        """Of each unit, by activation, [...]."""
        return {node.name: self.get_buffer(f"fan_out_of_{node.name}") for node in self.places}

    def forward(self, *inputs: Tensor) -> Operated:
        """Output and operations."""
        fan_outs, costs = self.fan_outs, dict[str, Tensor]()

        def seen(node: fx.Node, y: Any) -> None:
            if node.name in fan_outs:
                costs[node.name] = (y * fan_outs[node.name]).flatten(1).sum(1)

        return Operated(Watched(self.module, seen).run(*inputs), costs)


class _FanOut(fx.Interpreter):
    """How many products each unit of one activation takes part in: the slope of all sums when all weights are one."""

    def __init__(self, module: fx.GraphModule, operations: Mapping[str, Operation], start: fx.Node) -> None:
        super().__init__(copy.deepcopy(module).eval().double())
        self.operations, self.start = operations, start.name
        self.total = torch.zeros((), dtype=torch.float64)
        shape = (1, *start.meta["tensor_meta"].shape[1:])
        self.probe = torch.ones(shape, dtype=torch.float64, requires_grad=True)

    def count(self) -> Tensor:
        """Of each unit, [...]."""
        graph = self.module.graph
        assert isinstance(graph, fx.Graph)
        shapes = [node.meta["tensor_meta"].shape for node in graph.nodes if node.op == "placeholder"]
        with torch.enable_grad():
            self.run(*(torch.zeros(1, *shape[1:], dtype=torch.float64) for shape in shapes))
            if not self.total.requires_grad:
                return torch.zeros(self.probe.shape[1:])
            (slope,) = torch.autograd.grad(self.total, self.probe)
        return slope[0].float()

    def run_node(self, n: fx.Node) -> Any:
        if n.name == self.start:
            return self.probe
        if n.op == "output" or not any(_moves(self.env.get(arg)) for arg in n.all_input_nodes):
            # Only what the probe reaches counts, and that from 0.
            y = super().run_node(n)
            return torch.zeros_like(y) if isinstance(y, Tensor) and y.is_floating_point() else y
        layer = self.fetch_attr(str(n.target)) if n.op == "call_module" else None
        if layer is not None:
            (x,) = (self.env[arg] for arg in n.all_input_nodes)
            if isinstance(layer, WEIGHTED):
                self.total = self.total + _ones(layer)(x).sum()
                return torch.zeros_like(super().run_node(n))
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                return x
            if type(layer) in _WINDOWS:
                return _summed(layer, x)
        y = super().run_node(n)
        kind = self.operations[n.name].kind
        if kind in (Kind.RECTIFIER, Kind.PLAIN):
            return torch.zeros_like(y) if isinstance(y, Tensor) else y
        whole = all(bool((part == part.round()).all()) for part in (y if isinstance(y, tuple | list) else [y]))
        if kind is Kind.LINEAR and whole:
            return y
        do = "use modules, such as nn.AvgPool2d, for pooling, and nothing else between an activation and weights"
        got = f"{self.operations[n.name].label} at {place(n)}"
        expected = "weights, sums, pooling or changes of shape"
        raise ConversionError("fan-out of an activation", expected=expected, got=got, do=do)


def _moves(value: Any) -> bool:
    return (
        any(map(_moves, value))
        if isinstance(value, tuple | list)
        else isinstance(value, Tensor) and value.requires_grad
    )


def _summed(layer: Any, x: Tensor) -> Tensor:
    """Pooling without its divisor, or its choice."""
    size = (layer.kernel_size,) * (x.dim() - 2) if isinstance(layer.kernel_size, int) else layer.kernel_size
    return _WINDOWS[type(layer)](x, size, layer.stride, layer.padding, layer.ceil_mode) * math.prod(size)


def _ones(layer: nn.Module) -> nn.Module:
    """The layer with all weights one."""
    twin = copy.deepcopy(layer)
    assert isinstance(twin.weight, Tensor)
    twin.weight.data = torch.ones_like(twin.weight.data)
    return twin.requires_grad_(False)
