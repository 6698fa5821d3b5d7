"""What stands elementwise around a neuron, folded into its kernel.

The neuron's input becomes scale x + shift + residual, and the sum of its output over time one more state. The fused
statement is an ordinary statement, so that the compiler derives kernel and gradients as for any other.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from .. import compile as compiler
from ..errors import SpikeloomError
from ..neurons import Neuron
from ..neurons._session import sessions_of
from ..parameters import Input, Param, State, Value
from ._layout import is_channels_last, moved
from .read_out import Count

# Names that no neuron declares.
SCALE, SHIFT, RESIDUAL, COUNT, FIRED = "fused_scale", "fused_shift", "fused_residual", "fused_count", "fused_fired"


class Fused:
    """A neuron's statement with an affine map and an addition before it and a sum over time behind it.

    With `as_bool`, whether there is a spike is a state of truth values, of a byte each.
    """

    def __init__(self, neuron: Neuron, params: tuple[str, ...], residual: bool, count: bool, as_bool: bool) -> None:
        self.neuron, self.added, self.residual, self.count, self.as_bool = neuron, params, residual, count, as_bool
        (self.input,) = neuron.inputs

    @property
    def params(self) -> dict[str, Param]:
        """The neuron's, and scale and shift."""
        return {**self.neuron.params, **{name: _PARAMS[name] for name in self.added}}

    @property
    def states(self) -> dict[str, State]:
        """The neuron's, the sum so far, and whether there was a spike."""
        return {
            **self.neuron.states, **({COUNT: _COUNT} if self.count else {}), **({FIRED: _FIRED} if self.as_bool else {})
        }  # fmt: skip

    @property
    def inputs(self) -> dict[str, Input]:
        """The neuron's, and what is added to it."""
        return {**self.neuron.inputs, **({RESIDUAL: _RESIDUAL} if self.residual else {})}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.neuron, name)

    def step(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One step of the neuron on the changed input."""
        i = values[self.input]
        i = i * values[SCALE] if SCALE in self.added else i
        i = i + values[SHIFT] if SHIFT in self.added else i
        i = i + values[RESIDUAL] if self.residual else i
        result = self.neuron.step({**values, self.input: i})
        s = result[self.neuron.output]
        counted = {COUNT: values[COUNT] + s} if self.count else {}
        return result | counted | ({FIRED: s > 0.5} if self.as_bool else {})

    def key(self) -> Hashable:
        """The neuron's, and what is added."""
        return (Fused, self.added, self.residual, self.count, self.as_bool, self.neuron.key())


_PARAMS = {
    SCALE: Param(1.0, "1", "factor of the input, per channel"),
    SHIFT: Param(0.0, "1", "summand of the input, per channel"),
}
_RESIDUAL = Input("1", "summand of the input")
_COUNT = State(0.0, "1", "sum of the output over time")
_FIRED = State(0.0, "1", "whether there was a spike", dtype=torch.bool)


@cache
def _kind(name: str) -> type[Fused]:
    """Errors speak of a statement by its class, and the user's is the neuron's."""
    return type(name, (Fused,), {})


class Observer:
    """A forward pre-hook that does not keep a neuron from being fused: it is told the plan instead."""

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """The neuron is called by itself."""
        raise NotImplementedError

    def tell(self, module: nn.Module, plan: compiler.Plan, fused: tuple[str, ...]) -> None:
        """The neuron runs fused with what is named."""
        raise NotImplementedError


def unwatched(module: nn.Module) -> bool:
    """Whether nobody sees that the module itself is not called: no hooks, and no `forward` of its instance's own."""
    hooks = (module._forward_hooks, module._backward_hooks, module._backward_pre_hooks)
    before = module._forward_pre_hooks.values()
    return (
        not any(hooks)
        and all(isinstance(hook, Observer) for hook in before)
        and "forward" not in module.__dict__
        and not _has_any_global_hook()  # type: ignore[no-untyped-call]
    )


def fusable(module: object) -> TypeGuard[Neuron]:
    """Whether a module is a neuron that runs as every neuron does, on one input."""
    if not isinstance(module, Neuron) or type(module).forward is not Neuron.forward:
        return False
    return len(module.inputs) == 1 and module.integrator.compiled and unwatched(module)


@dataclass
class Around:
    """What a neuron is fused with; `names` says it for `explain`. `as_bool`: spikes are truth values."""

    scale: Tensor | None = None
    shift: Tensor | None = None
    residual: Tensor | None = None
    count: Count | None = None
    as_bool: bool = False
    names: tuple[str, ...] = ()

    def params(self) -> dict[str, Value]:
        """Scale and shift, where there is one."""
        return {n: v for n, v in ((SCALE, self.scale), (SHIFT, self.shift)) if v is not None}


def advance(neuron: Neuron, x: Tensor, around: Around) -> Tensor:
    """The neuron's output [T, B, *features] on x, or its read-out [B, *features]; sessions see what they always see."""
    sessions = sessions_of(neuron)
    alone = not around.names and not around.as_bool
    if not sessions and alone and not neuron._forward_pre_hooks and not is_channels_last(x, 2):
        return neuron.run((x,), {})
    if sessions and around.as_bool:
        return advance(neuron, x, replace(around, as_bool=False)) > 0.5
    state = next((given for session in sessions if (given := session.begin(neuron)) is not None), None)
    recorded = [v for session in sessions for v in session.variables if v in neuron.variables]
    output = FIRED if around.as_bool else neuron.output
    outputs = tuple(dict.fromkeys([*([] if around.count else [output]), *recorded]))
    call = _Call(neuron, x, around, state, outputs)
    produced, final = call.run()
    total = final.pop(COUNT, None)
    for session in sessions:
        session.end(neuron, produced, final)
    if around.count is None or total is None:
        return produced[output]
    return around.count.finished(total, x.shape[0])


class _Call:
    """One call of a fused neuron, in the memory order of its input."""

    def __init__(
        self, neuron: Neuron, x: Tensor, around: Around, state: dict[str, Tensor] | None, outputs: tuple[str, ...]
    ) -> None:
        self.neuron, self.around, self.outputs = neuron, around, outputs
        added = around.params()
        residual, count = around.residual is not None, around.count is not None
        plain = not (added or residual or count or around.as_bool)
        self.statement: compiler.Statement = (
            neuron if plain else _kind(type(neuron).__name__)(neuron, tuple(added), residual, count, around.as_bool)
        )
        self.values: dict[str, Value] = {**neuron.param_values(), **added}
        self.inputs = {next(iter(neuron.inputs)): x}
        if around.residual is not None:
            dtype = torch.promote_types(x.dtype, around.residual.dtype)
            self.inputs = {name: x.to(dtype) for name in self.inputs} | {RESIDUAL: around.residual.to(dtype)}
        self.state = state
        if state is not None and count:
            self.state = {**state, COUNT: torch.zeros((), device=x.device).expand(x.shape[1:])}
        # The index of a neuron, by which noise is drawn, follows the order of the axes.
        self.moved = is_channels_last(x, 2) and not neuron.noises

    def run(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Outputs and final state."""
        if self.moved:
            try:
                return self._run_moved()
            except SpikeloomError:
                pass  # said anew, in the caller's order of axes
        self._tell(self.values, self.inputs)
        return compiler.run(self.statement, self.values, self.inputs, self.state, self.outputs)

    def _run_moved(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The channel axis last, as in memory."""
        full = next(iter(self.inputs.values())).dim()
        inputs = {name: x.movedim(2, -1) for name, x in self.inputs.items()}
        values = moved(self.values, full - 2)
        state = None
        if self.state is not None:
            state = {name: v.movedim(1, -1) if v.dim() == full - 1 else v for name, v in self.state.items()}
        self._tell(values, inputs)
        produced, final = compiler.run(self.statement, values, inputs, state, self.outputs)
        back = {name: v.movedim(-1, 1) if v.dim() == full - 1 else v for name, v in final.items()}
        return {name: y.movedim(-1, 2) for name, y in produced.items()}, back

    def _tell(self, values: Mapping[str, Value], inputs: Mapping[str, Tensor]) -> None:
        for hook in self.neuron._forward_pre_hooks.values():
            if isinstance(hook, Observer):
                plan = compiler.prepare(self.statement, values, inputs, self.state, self.outputs).plan
                hook.tell(self.neuron, plan, self.around.names)
