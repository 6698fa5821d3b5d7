"""Where NaN came from, once a kernel has found one."""

from __future__ import annotations

from typing import NoReturn

import torch

from ..errors import NonFiniteError
from ._kernel import Buffers, ForwardResult, Span
from ._plan import Plan


def refuse_nan(plan: Plan, span: Span, hoisted: Buffers, inputs: Buffers, states: Buffers) -> NoReturn:
    """NaN in a state variable never leaves it, so kernels look at the final state, at 1/T of the cost."""
    step, after = _first_nan(plan, span, hoisted, inputs, states)
    real = {name: after[name] for name in plan.loop.real_states}
    name, value = next((n, v) for n, v in real.items() if torch.isnan(v).any())
    neuron = [int(i) for i in torch.isnan(value.view(plan.shape)).nonzero()[0]]
    where = f"{plan.name}.{name} of neuron {neuron} (batch index first)"
    for label, x in inputs.items():
        bad = torch.isnan(x).any(dim=1).nonzero()
        if len(bad):
            do = "look at the layer or the data before it"
            raise NonFiniteError(f"{where} became NaN: its input {label!r} is NaN from step {int(bad[0])}", do=do)
    do = "check parameters, input scale and dt"
    raise NonFiniteError(f"{where} became NaN in step {step} of {plan.steps} steps", do=do)


def _first_nan(plan: Plan, span: Span, hoisted: Buffers, inputs: Buffers, states: Buffers) -> tuple[int, Buffers]:
    """The first step after which a state is NaN, counted from 0, and the states after it: by bisection."""

    def run(steps: int) -> ForwardResult:
        part = {name: x[:steps] for name, x in inputs.items()}
        return plan.kernel.forward(span._replace(steps=steps), hoisted, part, states)

    finite, high = 0, span.steps
    while high - finite > 1:
        middle = (finite + high) // 2
        finite, high = (finite, middle) if run(middle).nan else (middle, high)
    return high - 1, run(high).states
