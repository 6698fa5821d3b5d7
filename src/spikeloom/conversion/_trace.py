"""From a module to the graph of what it computes, with file and line of each operation."""

from __future__ import annotations

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
    module = fx.GraphModule(tracer.root, graph, type(model).__name__)
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


def place(node: fx.Node) -> str:
    """Where an operation was called, as far as it is known: file and line."""
    calls = re.findall(r'File "([^"]+)", line (\d+)', node.stack_trace or "")
    own = [(file, line) for file, line in calls if not file.startswith(_TORCH)]
    return f"{own[-1][0]}:{own[-1][1]}" if own else "the graph"


def _place(error: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(_TORCH)]
    own = [f for f in frames if f.filename != __file__]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else "no line of it was reached"
