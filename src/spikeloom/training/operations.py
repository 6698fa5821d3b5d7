"""Counting operations: what spikes cost, beside the same network without them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from spikeloom.errors import ShapeError

_Weighted = nn.Linear | nn.Conv2d


@dataclass(frozen=True)
class LayerOperations:
    """Operations of one layer of weights, per sample.

    `macs`: multiply-accumulates of one pass without spikes. `spiking`: whether all inputs were spikes.
    `synaptic`: operations caused by spikes, over all time steps; 0 if not spiking.
    `dense`: multiply-accumulates over all time steps; 0 if spiking.
    """

    name: str
    macs: float
    spiking: bool
    synaptic: float
    dense: float


@dataclass(frozen=True)
class Operations:
    """Operations of a network, per sample: layer by layer, and in sum.

    `uncounted` names what has matrices of weights too and is not in the sums: layers of other kinds, or not run.
    """

    layers: tuple[LayerOperations, ...]
    uncounted: tuple[str, ...]

    @property
    def macs(self) -> float:
        """Multiply-accumulates of one pass through the same layers without spikes."""
        return sum(layer.macs for layer in self.layers)

    @property
    def synaptic(self) -> float:
        """Accumulates caused by spikes, over all time steps, in the layers that spikes enter."""
        return sum(layer.synaptic for layer in self.layers)

    @property
    def dense(self) -> float:
        """Multiply-accumulates over all time steps, in the layers that other values enter."""
        return sum(layer.dense for layer in self.layers)


@dataclass(frozen=True)
class EnergyCost:
    """Energy of one operation; by default 32-bit floating point in 45 nm at 0.9 V.

    Units: picojoules. `mac` = multiplication 3.7 + addition 0.9, `accumulate` = addition 0.9.

    Reference: Horowitz (2014), Computing's energy problem, ISSCC, pp. 10-14, figure 1.1.9.
    """

    mac: float = 4.6
    accumulate: float = 0.9

    def without_spikes(self, operations: Operations) -> float:
        """Estimated energy of one pass without spikes, in picojoules per sample.

        An estimate from arithmetic alone: memory, which often costs more, and neuron updates are left out.
        """
        return self.mac * operations.macs

    def with_spikes(self, operations: Operations) -> float:
        """Estimated energy of all time steps with spikes, in picojoules per sample, with the same omissions."""
        return self.mac * operations.dense + self.accumulate * operations.synaptic


def count_operations(model: nn.Module, x: Tensor) -> Operations:
    """Run the model on x in evaluation mode and count the operations of its nn.Linear and nn.Conv2d layers, per sample.

    Equation: synaptic operations = sum over inputs of (times it was 1) x (its fan-out). The fan-out of an input of
    a convolution is the number of outputs that it reaches: less at an edge, so padding is not counted anywhere. A layer
    that is not given spikes (the first one under a direct current, one behind average pooling) multiplies: its
    operations are counted apart, as often as they are done, which is every step unless the caller does a constant
    input once for all. Spikes are 0 or 1, or what all of a step share and is not the same in every step, as in a
    code of weighted spikes, whose sum is multiplied once. A bias costs nothing, a weight of zero as much as any.
    Shapes: x [time, batch, *features].
    Raises: ShapeError.

    >>> counts = count_operations(nn.Linear(3, 10), torch.tensor([[[1.0, 0.0, 1.0]], [[0.0, 0.0, 1.0]]]))
    >>> counts.macs, counts.synaptic, counts.dense
    (30.0, 30.0, 0.0)

    Reference: Merolla et al. (2014), Science 345:668-673, for the synaptic operation as the unit of work.
    """
    if x.ndim < 2 or 0 in x.shape[:2]:
        raise ShapeError("x", expected="[time, batch, *features], none empty", got=f"shape {tuple(x.shape)}")
    counted = {name: module for name, module in model.named_modules() if isinstance(module, _Weighted)}
    inputs = {name: _Inputs(x.shape[0]) for name in counted}
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(in_evaluation(model))
        for name, module in counted.items():
            stack.callback(module.register_forward_pre_hook(inputs[name].see, with_kwargs=True).remove)
        model(x)
    layers = tuple(_layer(name, module, inputs[name], x) for name, module in counted.items() if inputs[name].active)
    return Operations(layers, tuple(_uncounted(model, {layer.name for layer in layers})))


@dataclass
class _Inputs:
    """What entered a layer: how often each position was not zero, how many passes, and whether all were spikes."""

    steps: int
    active: dict[torch.Size, Tensor] = field(default_factory=dict)
    passes: dict[torch.Size, int] = field(default_factory=dict)
    spiking: bool = True

    def see(self, module: nn.Module, arguments: tuple[Tensor, ...], named: dict[str, Tensor]) -> None:
        x = arguments[0] if arguments else named["input"]
        # Time and batch are folded together or apart; positions are what the layer itself looks at.
        rows = x.reshape(-1, *x.shape[-_axes(module) :])
        shape = rows.shape[1:]
        self.spiking = self.spiking and self._spikes(rows)
        self.active[shape] = self.active.get(shape, 0) + (rows != 0).sum(0)
        self.passes[shape] = self.passes.get(shape, 0) + len(rows)

    def _spikes(self, rows: Tensor) -> bool:
        if bool(((rows == 0) | (rows == 1)).all()):
            return True
        if self.steps == 1 or rows.numel() == self.steps or len(rows) % self.steps:
            return False
        # Weighted spikes: in each step one value, by the clock.
        by_step = rows.reshape(self.steps, -1)
        value = by_step.gather(1, by_step.abs().argmax(1, keepdim=True))
        sent = value[value != 0]
        clocked = bool((sent != sent[:1]).any())
        return clocked and bool(((by_step == 0) | (by_step == value)).all())


def _layer(name: str, module: _Weighted, inputs: _Inputs, x: Tensor) -> LayerOperations:
    steps, batch = x.shape[:2]
    synaptic = macs = dense = 0.0
    for shape, active in inputs.active.items():
        fan_out = _fan_out(module, shape, x.device)
        passes = inputs.passes[shape] / batch
        synaptic += float((active * fan_out).sum()) / batch
        dense += passes * float(fan_out.sum())
        # A constant current may pass a layer once for all steps: that is one pass as well.
        macs += max(passes / steps, 1.0) * float(fan_out.sum())
    return LayerOperations(
        name, macs, inputs.spiking, synaptic if inputs.spiking else 0.0, 0.0 if inputs.spiking else dense
    )


def _fan_out(module: _Weighted, shape: torch.Size, device: torch.device) -> Tensor:
    """How many products each input takes part in: the slope of the summed output when all weights are one."""
    if isinstance(module, nn.Linear):
        return torch.full(shape, float(module.out_features), dtype=torch.float64, device=device)
    twin = nn.Conv2d(
        module.in_channels,
        module.out_channels,
        module.kernel_size,  # type: ignore[arg-type]
        module.stride,  # type: ignore[arg-type]
        module.padding,  # type: ignore[arg-type]
        module.dilation,  # type: ignore[arg-type]
        module.groups,
        bias=False,
        padding_mode=module.padding_mode,
        device=device,
        dtype=torch.float64,
    )
    nn.init.ones_(twin.weight)
    with torch.enable_grad():
        probe = torch.zeros(shape, dtype=torch.float64, device=device, requires_grad=True)
        (slope,) = torch.autograd.grad(twin(probe.unsqueeze(0)).sum(), probe)
    return slope


def _axes(module: nn.Module) -> int:
    return 1 if isinstance(module, nn.Linear) else 3


def _uncounted(model: nn.Module, counted: set[str]) -> Iterator[str]:
    for name, module in model.named_modules():
        if name not in counted and any(_is_matrix(weight) for weight in module.parameters(recurse=False)):
            yield name


def _is_matrix(weight: Tensor) -> bool:
    # A value per channel, [channels, 1, 1], is no matrix.
    return sum(size > 1 for size in weight.shape) >= 2


@contextmanager
def in_evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while: batch normalisation must not learn from being measured."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
