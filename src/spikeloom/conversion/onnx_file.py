"""Networks in ONNX files, as modules of PyTorch."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn

from ..errors import ConversionError, DataError, MissingPackageError
from ._onnx_operators import OPERATORS, Values


def read_onnx(path: str | Path) -> fx.GraphModule:
    """The network in an ONNX file, of PyTorch's own layers, in evaluation mode.

    The file is read and checked by the package `onnx`, which `pip install spikeloom[onnx]` installs. Operators become
    `torch.nn` layers with the file's weights, and calls; nodes carry the names of their results. Inputs and outputs
    are those of the graph: a single output, float32 weights. Files that keep weights beside them are read with them.

    Raises: MissingPackageError; DataError where there is no such file, or none of ONNX; ConversionError, which lists
    all operators that are not known here.

    >>> import spikeloom as sl
    >>> sl.conversion.read_onnx("absent.onnx")
    Traceback (most recent call last):
    ...
    spikeloom.errors.DataError: ONNX file absent.onnx: expected an existing file, got none. Check the path.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"ONNX file {path}", expected="an existing file", got="none", do="check the path")
    onnx = _package()
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except Exception as error:  # whatever protobuf raises about damaged files
        do = "write it with torch.onnx.export or onnx.save"
        got = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"ONNX file {path}", expected="a model that onnx.checker accepts", got=got, do=do) from error
    _check_known(model.graph, path)
    return _Reader(onnx, model, path).module()


def _package() -> Any:
    try:
        return importlib.import_module("onnx")
    except ImportError as error:
        do = "pip install spikeloom[onnx]"
        raise MissingPackageError("package onnx", expected="it to be installed", got="none", do=do) from error


def _check_known(graph: Any, path: Path) -> None:
    unknown = sorted({_shown(node) for node in graph.node if node.op_type not in OPERATORS or node.domain})
    if unknown:
        do = f"known are {', '.join(sorted(OPERATORS))}"
        raise ConversionError(f"operators in {path}", expected="known ones", got=", ".join(unknown), do=do)
    if len(graph.output) != 1:
        names = ", ".join(output.name for output in graph.output)
        raise ConversionError(f"outputs of {path}", expected="one", got=names, do="export the part that makes one")


def _shown(node: Any) -> str:
    return f"{node.domain}.{node.op_type}" if node.domain else str(node.op_type)


class _Reader:
    """Nodes of the file, one after another, become nodes of a graph of PyTorch."""

    def __init__(self, onnx: Any, model: Any, path: Path) -> None:
        self.onnx, self.source, self.path = onnx, model.graph, path
        self.root, self.graph = nn.Module(), fx.Graph()
        self.values = Values(self.root, self.graph)

        known = onnx.shape_inference.infer_shapes(model).graph
        for each in (*known.input, *known.value_info):
            self.values.ranks[each.name] = len(each.type.tensor_type.shape.dim)

    def module(self) -> fx.GraphModule:
        for each in self.source.initializer:
            self.values.constants[each.name] = self._tensor(each)
        for given in self.source.input:
            if given.name not in self.values.constants:
                self.values.nodes[given.name] = self.graph.placeholder(_name(given.name))
        for node in self.source.node:
            if node.op_type == "Constant":
                self.values.constants[node.output[0]] = self._constant(node)
                continue
            label = _name(node.name or node.output[0])
            attributes = {each.name: self.onnx.helper.get_attribute_value(each) for each in node.attribute}
            try:
                found = OPERATORS[node.op_type](self.values, label, tuple(node.input), attributes)
            except _REFUSED as error:
                what = f"{node.op_type} {node.name or node.output[0]!r} in {self.path}"
                raise ConversionError(what, expected="a form that is known here", got=str(error)) from error
            if isinstance(found, Tensor):
                self.values.constants[node.output[0]] = found
            else:
                self.values.nodes[node.output[0]] = found
        self.graph.output(self.values.node(self.source.output[0].name))
        self.graph.lint()
        return fx.GraphModule(self.root, self.graph, _name(self.source.name or self.path.stem)).eval()

    def _tensor(self, given: Any) -> Tensor:
        values = self.onnx.numpy_helper.to_array(given, base_dir=str(self.path.parent))
        return torch.from_numpy(values.copy())

    def _constant(self, node: Any) -> Tensor:
        (given,) = node.attribute
        value = self.onnx.helper.get_attribute_value(given)
        return self._tensor(value) if given.name == "value" else torch.as_tensor(value)


# What operators raise where they meet a form of theirs that they do not know.
_REFUSED = (KeyError, ValueError, NotImplementedError)


def _name(text: str) -> str:
    """One that a module or a variable may have."""
    name = "".join(_plain(text))
    return name if name[:1].isalpha() else f"n_{name}"


def _plain(text: str) -> Iterator[str]:
    for letter in text:
        yield letter if letter.isascii() and letter.isalnum() else "_"
