"""Networks in ONNX files: what is read computes what the file says, by the reference implementation of `onnx`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn

import spikeloom as sl
from spikeloom.errors import ConversionError, DataError, MissingPackageError

RANDOM = np.random.default_rng(0)


def values(*shape: int) -> Any:
    return (RANDOM.normal(size=shape) * 0.4).astype(np.float32)


def saved(path: Path, shape: tuple[int, ...], nodes: list[Any], constants: dict[str, Any], *, opset: int = 18) -> Path:
    """A model from `x` [N, *shape] to `y`."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    kept = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "net", [x], [y], kept), opset_imports=[helper.make_opsetid("", opset)], ir_version=8
    )
    onnx.save(onnx.shape_inference.infer_shapes(model), str(path))
    return path


def agrees(path: Path, *shape: int) -> nn.Module:
    x = RANDOM.normal(size=(3, *shape)).astype(np.float32)
    (wanted,) = ReferenceEvaluator(str(path)).run(None, {"x": x})
    read = sl.conversion.read_onnx(path)
    found = read(torch.from_numpy(x))
    assert found.shape == wanted.shape
    assert np.abs(found.detach().numpy() - wanted).max() < 1e-5
    return read


node = helper.make_node
ONE: dict[str, tuple[tuple[int, ...], list[Any], dict[str, Any]]] = {
    "Conv, groups and pads that differ": (
        (4, 7, 7),
        [node("Conv", ["x", "w", "b"], ["y"], group=2, pads=[0, 1, 1, 2], strides=[2, 1])],
        {"w": values(6, 2, 3, 3), "b": values(6)},
    ),
    "Conv of one axis": ((3, 9), [node("Conv", ["x", "w"], ["y"], dilations=[2])], {"w": values(5, 3, 3)}),
    "Gemm": (
        (5,), [node("Gemm", ["x", "w", "b"], ["y"], alpha=0.5, beta=2.0)], {"w": values(5, 4), "b": values(1, 4)},
    ),
    "Gemm, transposed, one bias": (
        (5,), [node("Gemm", ["x", "w", "b"], ["y"], transB=1)], {"w": values(4, 5), "b": values(1)},
    ),
    "MatMul": ((5,), [node("MatMul", ["x", "w"], ["m"]), node("Add", ["m", "b"], ["y"])],
        {"w": values(5, 4), "b": values(4)}),
    "BatchNormalization": (
        (3, 5), [node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], epsilon=0.01)],
        {"s": values(3), "b": values(3), "m": values(3), "v": np.abs(values(3)) + np.float32(0.5)},
    ),
    "MaxPool": ((2, 7, 7), [node("MaxPool", ["x"], ["y"], kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1)], {}),
    "AveragePool": ((2, 6, 6), [node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])], {}),
    "AveragePool with pads": (
        (2, 6, 6),
        [node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[0, 0, 1, 1], count_include_pad=1)], {},
    ),
    "GlobalAveragePool": ((2, 6, 6), [node("GlobalAveragePool", ["x"], ["y"])], {}),
    "GlobalMaxPool": ((2, 6, 6), [node("GlobalMaxPool", ["x"], ["y"])], {}),
    "Clip": ((5,), [node("Clip", ["x", "", "high"], ["y"])], {"high": np.float32(0.3)}),
    "Reshape": ((2, 6), [node("Reshape", ["x", "to"], ["y"])], {"to": np.array([-1, 3, 4])}),
    "Reshape to rows": ((2, 6), [node("Reshape", ["x", "to"], ["y"])], {"to": np.array([0, -1])}),
    "Transpose": ((2, 6), [node("Transpose", ["x"], ["y"], perm=[0, 2, 1])], {}),
    "ReduceMean": ((2, 6), [node("ReduceMean", ["x", "axes"], ["y"], keepdims=0)], {"axes": np.array([2])}),
    "Squeeze": ((2, 1), [node("Squeeze", ["x", "axes"], ["y"])], {"axes": np.array([2])}),
    "Concat": ((3,), [node("Neg", ["x"], ["n"]), node("Concat", ["x", "n"], ["y"], axis=1)], {}),
    "Constant": (
        (3,),
        [
            node("Constant", [], ["c"], value=numpy_helper.from_array(np.array([2.0, 3.0, 4.0], np.float32))),
            node("Div", ["x", "c"], ["y"]),
        ],
        {},
    ),
    "Softmax": ((4,), [node("Softmax", ["x"], ["y"], axis=1)], {}),
    **{name: ((4,), [node(name, ["x"], ["y"])], {}) for name in (
        "Relu", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "Softplus", "HardSwish", "Identity", "Flatten")},
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_operators(name: str, tmp_path: Path) -> None:
    shape, nodes, constants = ONE[name]
    agrees(saved(tmp_path / "one.onnx", shape, nodes, constants), *shape)


def residual(path: Path) -> Path:
    nodes = [
        node("Conv", ["x", "w1"], ["c1"], pads=[1, 1, 1, 1], name="/first/Conv"),
        node("BatchNormalization", ["c1", "s", "b", "m", "v"], ["n1"]),
        node("Relu", ["n1"], ["r1"]), node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p1", "w2"], ["c2"], pads=[1, 1, 1, 1]), node("Add", ["c2", "p1"], ["sum"]),
        node("Relu", ["sum"], ["r2"]), node("GlobalAveragePool", ["r2"], ["pooled"]),
        node("Flatten", ["pooled"], ["flat"]), node("Gemm", ["flat", "w3", "b"], ["y"], transB=1),
    ]  # fmt: skip
    ones = np.ones(4, np.float32)
    constants = {
        "w1": values(4, 1, 3, 3), "w2": values(4, 4, 3, 3), "w3": values(4, 4), "s": ones, "b": values(4),
        "m": values(4), "v": 2 * ones,
    }  # fmt: skip
    return saved(path, (1, 8, 8), nodes, constants)


def test_a_network_is_read_and_converted(tmp_path: Path) -> None:
    model = agrees(residual(tmp_path / "residual.onnx"), 1, 8, 8)
    x = torch.rand(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    spiking = sl.convert(model, x, "channel-wise", steps=256)
    assert not any(isinstance(each, nn.modules.batchnorm._BatchNorm) for each in spiking.modules())
    assert len(spiking.sites) == 2 and not spiking.graded
    wanted = model(x)
    assert (spiking(x) - wanted).abs().mean() < 0.05 * wanted.std()
    assert "_first_Conv" in dict(model.named_modules()) or "n__first_Conv" in dict(model.named_modules())


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="existing file"):
        sl.conversion.read_onnx(tmp_path / "absent.onnx")
    (tmp_path / "text.onnx").write_text("nothing of the kind")
    with pytest.raises(DataError, match=r"onnx\.checker"):
        sl.conversion.read_onnx(tmp_path / "text.onnx")
    nodes = [node("Cos", ["x"], ["c"]), node("Erf", ["c"], ["d"]), node("Relu", ["d"], ["y"])]
    with pytest.raises(ConversionError, match="got Cos, Erf") as caught:
        sl.conversion.read_onnx(saved(tmp_path / "odd.onnx", (3,), nodes, {}))
    assert "BatchNormalization" in str(caught.value)
    nodes = [node("Reshape", ["x", "to"], ["y"])]
    with pytest.raises(ConversionError, match="axis must be that of the batch"):
        sl.conversion.read_onnx(saved(tmp_path / "batch.onnx", (3,), nodes, {"to": np.array([64, 3])}))
    nodes = [node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER")]
    with pytest.raises(ConversionError, match="SAME_UPPER"):
        sl.conversion.read_onnx(saved(tmp_path / "same.onnx", (1, 5, 5), nodes, {"w": values(2, 1, 3, 3)}))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingPackageError, match=r"spikeloom\[onnx\]"):
        sl.conversion.read_onnx(tmp_path / "odd.onnx")
