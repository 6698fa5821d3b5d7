"""A neuron's own loop in plain PyTorch, as fast as a careful user would write it by hand.

Running the statement's `step` on ordinary tensors would be an unfair loop: it differentiates its derivative anew at
every step and states a spike as a function minus itself. Here every operation that is left after the compiler's
simplifications is one call of PyTorch, what depends on parameters alone is computed once, time is taken apart by
`unbind` and put together by `stack`, and a spike is an autograd function with its slope written out.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.compile._loop import INPUT, PARAM, STATE, Loop
from spikeloom.compile._operations import OPERATIONS
from spikeloom.compile._program import Instruction
from spikeloom.compile._reference import evaluate

Slope = Callable[[Tensor], Tensor]


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u: Tensor, slope: Slope) -> Tensor:
        ctx.save_for_backward(u)
        ctx.slope = slope
        return (u >= 0).to(u.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (u,) = ctx.saved_tensors
        return gradient * ctx.slope(u), None


def _slope(surrogate: sl.surrogate.Surrogate) -> Slope:
    """Written out for the arctangent, which the catalogue has by default; else by differentiation."""
    if type(surrogate) is sl.surrogate.ATan:
        values = surrogate.param_values()
        width, height = float(values["width"]), float(values["height"])
        return lambda u: height / (1 + (u / width) ** 2)

    def differentiated(u: Tensor) -> Tensor:
        with torch.enable_grad():
            leaf = u.detach().requires_grad_()
            return torch.autograd.grad(surrogate.smooth(leaf).sum(), leaf)[0]

    return differentiated


class PlainLoop:
    """The loop of one neuron whose parameters are numbers; called with its inputs [T, ...], it returns the output."""

    def __init__(self, neuron: sl.Neuron, loop: Loop) -> None:
        self.neuron, self.loop = neuron, loop
        self.params = {name: torch.tensor(float(value)).double() for name, value in neuron.param_values().items()}
        hoisted = evaluate(loop.prologue, {PARAM + name: p for name, p in self.params.items()}, torch.float64)
        self.hoisted = {name: value.float() for name, value in hoisted.items()}
        self.slope = _slope(neuron.option("surrogate"))
        self.calls = [self._call(step) for step in loop.inference.body]

    def _call(self, step: Instruction) -> tuple[str, Callable[..., Tensor], list[str | Tensor]]:
        made = {each.name: each for each in self.loop.inference.body}
        source = made.get(str(step.arguments[0]))
        function, arguments = OPERATIONS[step.operation].evaluate, step.arguments
        if step.operation == "real" and source is not None and source.operation == "ge":
            # A comparison becomes a number: a spike.
            function, arguments = self._spike, source.arguments
        constants = {float: torch.float32, int: torch.int32, bool: torch.bool}
        return (
            step.name,
            function,
            [
                argument if isinstance(argument, str) else torch.tensor(argument, dtype=constants[type(argument)])
                for argument in arguments
            ],
        )

    def _spike(self, x: Tensor, y: Tensor) -> Tensor:
        return _Spike.apply(x - y, self.slope)

    def _rest(self, like: Tensor) -> dict[str, Tensor]:
        rests = {name: state.rest for name, state in self.neuron.states.items()}
        values = {name: self.params[rest] if isinstance(rest, str) else rest for name, rest in rests.items()}
        return {name: torch.full_like(like, float(value)) for name, value in values.items()}

    def __call__(self, *inputs: Tensor) -> Tensor:
        state, program, outputs = self._rest(inputs[0][0]), self.loop.inference, []
        for step in zip(*(x.unbind() for x in inputs), strict=True):
            known = {
                **self.hoisted,
                **{STATE + name: value for name, value in state.items()},
                **{INPUT + name: x for name, x in zip(self.loop.inputs, step, strict=True)},
            }
            for name, function, arguments in self.calls:
                known[name] = function(*(known[a] if isinstance(a, str) else a for a in arguments))
            state = {name: known[str(program.outputs[STATE + name])] for name in state}
            outputs.append(known[str(program.outputs[self.neuron.output])])
        return torch.stack(outputs)
