"""From a module to the graph of what it computes, with file and line of each operation."""

from __future__ import annotations

import operator
import re
import traceback
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from ..errors import ConversionError

_TORCH = str(Path(torch.__file__).parent)


class _Tracer(fx.Tracer):
    """Remembers where each operation was called."""

    def __init__(self) -> None:
        super().__init__()
        self.record_stack_traces = True

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        """Layers of PyTorch and of this package as wholes; a `Sequential` of PyTorch is looked into."""
        own = module.__module__.startswith(("torch.nn", "torch.ao.nn", "spikeloom."))
        return own and not isinstance(module, nn.Sequential)


def traced(model: nn.Module, inputs: Sequence[Tensor]) -> fx.GraphModule:
    """The graph of a module in evaluation mode, with the shapes that these inputs have in it.

    Raises: ConversionError where the module decides by values, or fails.
    """
    tracer = _Tracer()
    try:
        graph = tracer.trace(model)
    except Exception as error:
        raise ConversionError(
            f"{type(model).__name__} cannot be traced: {_place(error)}",
            expected="operations that do not depend on values",
            got=str(error).splitlines()[0],
            do="move the decision out of forward, or write it with torch.where",
        ) from error
    module = _without_changes_in_place(fx.GraphModule(tracer.root, graph, type(model).__name__))
    try:
        ShapeProp(module).propagate(*inputs)
    except Exception as error:
        shapes = ", ".join(str(list(x.shape)) for x in inputs)
        raise ConversionError(
            f"{type(model).__name__} fails on the calibration data, {shapes}",
            expected="inputs that the module accepts",
            got=str(error.__cause__ or error).splitlines()[0],
        ) from error
    return module


# Calls that change their first argument, and those that give the result instead.
_IN_PLACE = {
    operator.iadd: operator.add, operator.isub: operator.sub, operator.imul: operator.mul,
    operator.itruediv: operator.truediv, torch.relu_: torch.relu, nn.functional.relu_: nn.functional.relu,
}  # fmt: skip


def _without_changes_in_place(module: fx.GraphModule) -> fx.GraphModule:
    """The same graph with new tensors for those that it changes, which later operations then use."""
    for layer in module.modules():
        if getattr(layer, "inplace", False) is True:
            layer.inplace = False  # type: ignore[assignment]
    order = {node: number for number, node in enumerate(module.graph.nodes)}
    for node in module.graph.nodes:
        changes = node.kwargs.get("inplace") is True or node.target in _IN_PLACE
        if node.op == "call_method" and str(node.target).endswith("_") and not str(node.target).startswith("__"):
            node.target, changes = str(node.target).removesuffix("_"), True
        if changes and isinstance(node.args[0], fx.Node):
            now = order[node]
            later = [user for user in node.args[0].users if order[user] > now]
            for user in later:
                user.replace_input_with(node.args[0], node)
        if node.op == "call_function":
            node.target = _IN_PLACE.get(node.target, node.target)
        node.kwargs = {name: value for name, value in node.kwargs.items() if name != "inplace"}
    module.recompile()
    return module


def place(node: fx.Node) -> str:
    """Where an operation was called, as far as it is known: file and line."""
    calls = re.findall(r'File "([^"]+)", line (\d+)', node.stack_trace or "")
    own = [(file, line) for file, line in calls if not file.startswith(_TORCH)]
    return f"{own[-1][0]}:{own[-1][1]}" if own else "a line of PyTorch's own"


def _place(error: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(_TORCH)]
    own = [f for f in frames if f.filename != __file__]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else "no line of it was reached"
