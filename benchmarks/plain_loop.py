"""A neuron's own loop in plain PyTorch, as fast as a careful user would write it by hand.

Running the statement's `step` on ordinary tensors would be an unfair loop: it differentiates its derivative anew at
every step and states a spike as a function minus itself. Here every operation that is left after the compiler's
simplifications is one call of PyTorch, what depends on parameters alone is computed once, time is taken apart by
`unbind` and put together by `stack`, and a spike is an autograd function with its slope written out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.compile._loop import INPUT, PARAM, STATE, Loop, _Roles
from spikeloom.compile._operations import OPERATIONS
from spikeloom.compile._program import Builder, Instruction
from spikeloom.compile._reference import evaluate
from spikeloom.compile._trace import node_of

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


Step = tuple[str, Callable[..., Tensor], list[str | Tensor]]
_CONSTANTS = {float: torch.float32, int: torch.int32, bool: torch.bool}


class PlainLoop:
    """The loop of one neuron whose parameters are numbers; called with its inputs [T, ...], it returns the output."""

    def __init__(self, neuron: sl.Neuron, loop: Loop) -> None:
        self.neuron, self.inputs, self.results = neuron, loop.inputs, loop.inference.outputs
        self.params = _params(neuron)
        hoisted = evaluate(loop.prologue, {PARAM + name: p for name, p in self.params.items()}, torch.float64)
        self.hoisted = {name: value.float() for name, value in hoisted.items()}
        self.slope = _slope(neuron.option("surrogate"))
        self.calls = [self._call(step, loop.inference.body) for step in loop.inference.body]

    def _call(self, step: Instruction, body: Sequence[Instruction]) -> Step:
        made = {each.name: each for each in body}
        source = made.get(str(step.arguments[0]))
        if step.operation == "real" and source is not None and source.operation == "ge":
            # A comparison becomes a number: a spike.
            return step.name, self._spike, _arguments(source)
        return step.name, OPERATIONS[step.operation].evaluate, _arguments(step)

    def _spike(self, x: Tensor, y: Tensor) -> Tensor:
        return _Spike.apply(x - y, self.slope)

    def _rest(self, like: Tensor) -> dict[str, Tensor]:
        rests = {name: state.rest for name, state in self.neuron.states.items()}
        values = {name: self.params[rest] if isinstance(rest, str) else rest for name, rest in rests.items()}
        dtypes = {name: state.dtype or like.dtype for name, state in self.neuron.states.items()}
        return {name: torch.full_like(like, float(value), dtype=dtypes[name]) for name, value in values.items()}

    def __call__(self, *inputs: Tensor) -> Tensor:
        state, outputs = self._rest(inputs[0][0]), []
        for step in zip(*(x.unbind() for x in inputs), strict=True):
            known = {
                **self.hoisted,
                **{STATE + name: value for name, value in state.items()},
                **{INPUT + name: x for name, x in zip(self.inputs, step, strict=True)},
            }
            for name, function, arguments in self.calls:
                known[name] = function(*(known[a] if isinstance(a, str) else a for a in arguments))
            state = {name: known[str(self.results[STATE + name])] for name in state}
            outputs.append(known[str(self.results[self.neuron.output])])
        return torch.stack(outputs)


class StatedLoop(PlainLoop):
    """The loop as the statement says it, with a spike as a function minus itself and values without gradient detached.

    For neurons with several surrogates, or that detach a value themselves, which `PlainLoop` cannot see.
    """

    def __init__(self, neuron: sl.Neuron) -> None:
        builder, roles = Builder(), _Roles(neuron, ())
        with torch.enable_grad():
            step = neuron.step(roles.values(builder))
        nodes = {name: node_of(value, name, builder, roles.states.get(name, "r")) for name, value in step.items()}
        self.neuron, self.inputs, self.params = neuron, tuple(roles.inputs), _params(neuron)
        self.results = {**{STATE + name: nodes[name] for name in neuron.states}, neuron.output: nodes[neuron.output]}
        self.hoisted = {PARAM + name: value for name, value in self.params.items()}
        self.calls = []
        for each in builder.body:
            call = (each.name, OPERATIONS[each.operation].evaluate, _arguments(each))
            if all(source in self.hoisted for source in each.sources):
                self.hoisted[each.name] = call[1](*(self.hoisted[a] if isinstance(a, str) else a for a in call[2]))
            else:
                self.calls.append(call)
        self.hoisted = {name: v.float() if v.is_floating_point() else v for name, v in self.hoisted.items()}


def _params(neuron: sl.Neuron) -> dict[str, Tensor]:
    return {name: torch.tensor(float(value)).double() for name, value in neuron.param_values().items()}


def _arguments(step: Instruction) -> list[str | Tensor]:
    return [a if isinstance(a, str) else torch.tensor(a, dtype=_CONSTANTS[type(a)]) for a in step.arguments]
