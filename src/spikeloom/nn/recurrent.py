"""A neuron layer whose output returns to its own input."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from .. import compile as compiler
from ..errors import DeviceError, DTypeError, ParameterError, ShapeError, UnknownNameError
from ..neurons import Neuron
from ..neurons._session import sessions_of
from ..products import _matrix
from ..products._choice import wanted
from ..products._plain import left_to_pytorch
from ..products._route import packed_if_useful
from ._fusion import Observer

# The name under which a state holds the outputs that are still on their way.
IN_FLIGHT = "in_flight"


class Recurrent(nn.Module):
    """A layer of n neurons connected all to all: at step t they receive x_t + W s_{t - delay}.

    W = `weight` [n, n], `weight[i, j]` from neuron j to neuron i; s is the neuron's output, spikes or, if it does not
    spike, its potential. `weight` is that matrix, or n to draw it as `nn.Linear` does, or an `nn.Linear` whose weight
    and bias are taken. It becomes a parameter that learns; `.requires_grad_(False)` fixes it. `delay` counts whole
    steps. `into` names the input that receives the current, where the neuron has several.

    On the CPU one kernel runs all steps; with few spikes the work is proportional to their number. The state that
    `unroll` returns has, besides the neuron's variables, `in_flight` [delay, B, n], the outputs that are still on
    their way, oldest first; it stands under the name of the neuron, such as "1.neuron".

    Shapes: inputs [T, B, n] to output [T, B, n]. Raises: ShapeError, DTypeError, DeviceError, ParameterError,
    UnknownNameError, and what the neuron raises.

    >>> import torch, spikeloom as sl
    >>> net = sl.nn.Sequential(nn.Linear(4, 3), sl.nn.Recurrent(sl.LIF(tau_mem=2.0), 3))
    >>> net(torch.rand(8, 1, 4)).shape
    torch.Size([8, 1, 3])
    """

    def __init__(
        self, neuron: Neuron, weight: int | Tensor | nn.Linear, *, delay: int = 1, into: str | None = None
    ) -> None:
        super().__init__()
        if not isinstance(neuron, Neuron):
            do = "for example Recurrent(sl.LIF(), 256)"
            raise DTypeError("neuron of Recurrent", expected="a Neuron", got=repr(neuron), do=do)
        self.neuron = neuron
        linear = weight if isinstance(weight, nn.Linear) else None
        self.weight = linear.weight if linear is not None else _parameter(weight)
        self.bias = linear.bias if linear is not None else None
        _check_weight(self.weight)
        self.delay = _whole_steps(delay)
        self.into = _receiver(neuron, into)

    @property
    def features(self) -> int:
        """The number of neurons."""
        return int(self.weight.shape[0])

    def forward(self, *inputs: Tensor, **varying: Tensor) -> Tensor:
        """Run from rest over `inputs`, [T, B, n] each, in the order the neuron declares; return the output, same shape.

        A parameter of the neuron given by name as a tensor [T, ...] varies with time.
        """
        if torch.compiler.is_compiling():
            from ..neurons import _graph

            return _graph.run(self, inputs, varying)  # type: ignore[arg-type]
        return self.run(inputs, varying)

    def run(self, inputs: tuple[Tensor, ...], varying: Mapping[str, Tensor]) -> Tensor:
        """What a call does."""
        named = self._named(inputs)
        sessions = sessions_of(self.neuron)
        state = next((given for session in sessions if (given := session.begin(self.neuron)) is not None), None)
        own, before = self._divided(state, named[self.into])
        feedback = compiler.Feedback(self.neuron.output, self.into, self.delay, partial(_summed, product=wanted()))
        outputs = self.neuron._wanted(sessions)
        self._tell(named, outputs, feedback)
        produced, final, after = compiler.run_recurrent(
            self.neuron, self.neuron.param_values(), named, own, outputs, feedback, self.weight, before, varying
        )
        for session in sessions:
            session.end(self.neuron, produced, {**final, IN_FLIGHT: after})
        return produced[self.neuron.output]

    def _tell(self, inputs: dict[str, Tensor], outputs: tuple[str, ...], feedback: compiler.Feedback) -> None:
        for hook in self.neuron._forward_pre_hooks.values():
            if isinstance(hook, Observer):
                values = self.neuron.param_values()
                plan = compiler.plan_recurrent(self.neuron, values, inputs, outputs, feedback, self.weight)
                steps = "1 step" if self.delay == 1 else f"{self.delay} steps"
                hook.tell(self.neuron, plan, (f"its own output through a weight, {steps} later",))

    def _named(self, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
        names = list(self.neuron.inputs)
        if len(inputs) != len(names):
            expected = f"{len(names)} of them, in this order: {', '.join(names)}"
            raise DTypeError("inputs of Recurrent", expected=expected, got=len(inputs))
        for x in inputs:
            if isinstance(x, Tensor) and (x.dim() != 3 or x.shape[2] != self.features):
                expected, do = f"[T, B, {self.features}]", "put a linear layer before it, or flatten the features"
                raise ShapeError("input of Recurrent", expected=expected, got=list(x.shape), do=do)
        named = dict(zip(names, inputs, strict=True))
        x = named[self.into]
        if isinstance(x, Tensor) and x.device != self.weight.device:
            do = f"move the module with .to({str(x.device)!r})"
            raise DeviceError("weight of Recurrent", expected=x.device, got=self.weight.device, do=do)
        return named if self.bias is None else {**named, self.into: x + self.bias}

    def _divided(self, state: dict[str, Tensor] | None, x: Tensor) -> tuple[dict[str, Tensor] | None, Tensor | None]:
        """The neuron's own state, and the outputs in flight: at rest there are none."""
        if state is None:
            return None, None
        shape = (self.delay, *x.shape[1:])
        own = {name: value for name, value in state.items() if name != IN_FLIGHT}
        in_flight = state.get(IN_FLIGHT)
        do = "continue with the state that unroll returned for this model"
        if not isinstance(in_flight, Tensor):
            raise ShapeError("state of Recurrent", expected=f"{IN_FLIGHT!r}", got=sorted(state), do=do)
        if in_flight.shape != shape:
            what = f"state {IN_FLIGHT!r} of Recurrent"
            raise ShapeError(what, expected=list(shape), got=list(in_flight.shape), do=do)
        if in_flight.device != x.device:
            what = f"state {IN_FLIGHT!r} of Recurrent"
            raise DeviceError(what, expected=x.device, got=in_flight.device, do="move it with .to()")
        return own, in_flight

    def extra_repr(self) -> str:
        """Size, and what differs from the defaults."""
        parts = [str(self.features)]
        parts += [f"delay={self.delay}"] if self.delay != 1 else []
        parts += [f"into={self.into!r}"] if len(self.neuron.inputs) > 1 else []
        return ", ".join(parts)


def _summed(gradient: Tensor, spikes: Tensor, *, product: str) -> Tensor:
    """gradient.T @ spikes, as a linear layer's weight gradient is computed."""
    if not gradient.numel() or left_to_pytorch(gradient, spikes):
        return gradient.t() @ spikes
    packed = packed_if_useful(spikes, spikes.dtype, product, keeps=True)
    return _matrix.weight_gradient(gradient, spikes, packed, product)


def _parameter(weight: Any) -> nn.Parameter:
    if isinstance(weight, nn.Parameter):
        return weight
    if isinstance(weight, Tensor):
        return nn.Parameter(weight, requires_grad=weight.is_floating_point())
    if isinstance(weight, bool) or not isinstance(weight, int):
        do = "give the number of neurons, a tensor [n, n], or nn.Linear(n, n)"
        raise DTypeError("weight of Recurrent", expected="a number or a matrix", got=repr(weight), do=do)
    if weight < 1:
        raise ParameterError("weight of Recurrent", expected="at least one neuron", got=weight)
    drawn: nn.Parameter = nn.Linear(weight, weight, bias=False).weight  # type: ignore[assignment]
    return drawn


def _check_weight(weight: Tensor) -> None:
    if not weight.is_floating_point():
        raise DTypeError("weight of Recurrent", expected="floating-point numbers", got=weight.dtype)
    if weight.dim() != 2 or weight.shape[0] != weight.shape[1]:
        do = "row i holds what neuron i receives, column j what neuron j sends"
        raise ShapeError("weight of Recurrent", expected="[n, n]", got=list(weight.shape), do=do)
    if not weight.is_meta and not bool(torch.isfinite(weight).all()):
        raise ParameterError("weight of Recurrent", expected="finite numbers", got="NaN or infinity")


def _whole_steps(delay: Any) -> int:
    if isinstance(delay, bool) or not isinstance(delay, int):
        do = "divide a delay in ms by dt"
        raise DTypeError("delay of Recurrent", expected="whole steps", got=repr(delay), do=do)
    if delay < 1:
        do = "a spike can act in the step after it at the earliest"
        raise ParameterError("delay of Recurrent", expected="at least 1 step", got=delay, do=do)
    return delay


def _receiver(neuron: Neuron, into: str | None) -> str:
    names = list(neuron.inputs)
    if into is None and len(names) == 1:
        return names[0]
    if into is None:
        do = "name the one that receives the recurrent current: into=..."
        raise ParameterError(f"{type(neuron).__name__} has several inputs, {', '.join(names)}", do=do)
    if into not in names:
        raise UnknownNameError("into of Recurrent", into, names)
    return into
