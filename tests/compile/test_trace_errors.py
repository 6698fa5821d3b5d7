"""Statements that cannot be compiled: the error names file, line and method, and says what to write instead."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import TraceError

CAPTURED = torch.ones(3)
Charge = Callable[[sl.Neuron], dict[str, object]]


class Stated(sl.Neuron):
    """A neuron to which each test gives a charge."""

    i = sl.Input("1", "input")
    v = sl.State(0.0, "1", "potential")
    output = "v"


def _if(self: Stated) -> dict[str, object]:
    return {"v": self.v if self.v > 0 else self.i}


def _and(self: Stated) -> dict[str, object]:
    return {"v": torch.where((self.v > 0) and (self.i > 0), 1.0, 0.0)}


def _chained_comparison(self: Stated) -> dict[str, object]:
    return {"v": torch.where(0 < self.v < 1, 1.0, 0.0)}


def _math(self: Stated) -> dict[str, object]:
    return {"v": math.exp(self.v)}


def _float(self: Stated) -> dict[str, object]:
    return {"v": self.i + float(self.v)}


def _item(self: Stated) -> dict[str, object]:
    return {"v": self.i + self.v.item()}


def _builtin_max(self: Stated) -> dict[str, object]:
    return {"v": max(self.v, self.i)}


def _sum(self: Stated) -> dict[str, object]:
    return {"v": self.v.sum()}


def _mean(self: Stated) -> dict[str, object]:
    return {"v": self.i - torch.mean(self.i)}


def _captured(self: Stated) -> dict[str, object]:
    return {"v": self.v + CAPTURED}


def _captured_first(self: Stated) -> dict[str, object]:
    return {"v": CAPTURED * self.v}


def _undeclared(self: Stated) -> dict[str, object]:
    return {"v": self.v + self.tau_memm}  # type: ignore[operator]


def _index(self: Stated) -> dict[str, object]:
    return {"v": self.v[0]}


def _stack(self: Stated) -> dict[str, object]:
    return {"v": torch.stack([self.v, self.i])}


def _in_place(self: Stated) -> dict[str, object]:
    return {"v": self.v.add_(self.i)}


def _augmented(self: Stated) -> dict[str, object]:
    v = self.v
    v[0] = 1.0
    return {"v": v}


def _random(self: Stated) -> dict[str, object]:
    return {"v": self.v + torch.rand_like(self.v)}


def _integer(self: Stated) -> dict[str, object]:
    return {"v": self.v.to(torch.int64)}


def _no_lowering(self: Stated) -> dict[str, object]:
    return {"v": torch.lgamma(self.v)}


def _matrix(self: Stated) -> dict[str, object]:
    return {"v": self.v @ self.i}


def _raises(self: Stated) -> dict[str, object]:
    return {"v": self.v + {}["missing"]}


CONDITIONS = (_if, _and, _chained_comparison, _math, _float, _item, _builtin_max)
OTHERS = (
    _sum, _mean, _captured, _captured_first, _undeclared, _index, _stack, _in_place, _augmented, _random, _integer,
    _no_lowering, _matrix, _raises,
)  # fmt: skip


def message(charge: Charge) -> str:
    kind = type("Stated", (Stated,), {"charge": charge, "__doc__": "A statement."})
    with pytest.raises(TraceError) as caught:
        kind()(torch.zeros(2, 1, 3))
    return str(caught.value)


@pytest.mark.parametrize("charge", [*CONDITIONS, *OTHERS], ids=lambda charge: charge.__name__.strip("_"))
def test_the_message_names_file_line_and_method(charge: Charge) -> None:
    said = message(charge)
    lines, first = inspect.getsourcelines(charge)
    places = [f"{__file__}:{first + k} in Stated.{charge.__name__}" for k in range(1, len(lines))]
    assert any(place in said for place in places), said


@pytest.mark.parametrize("charge", CONDITIONS, ids=lambda charge: charge.__name__.strip("_"))
def test_conditions_are_told_of_where(charge: Charge) -> None:
    assert "torch.where(condition, a, b)" in message(charge)


@pytest.mark.parametrize(
    "charge",
    [_sum, _mean, _index, _in_place, _random, _no_lowering, _matrix, _stack],
    ids=lambda c: c.__name__.strip("_"),
)
def test_other_functions_are_told_of_elementwise_ones(charge: Charge) -> None:
    assert "elementwise" in message(charge)


@pytest.mark.parametrize("charge", [_captured, _captured_first], ids=lambda charge: charge.__name__.strip("_"))
def test_a_captured_tensor_is_told_of_param(charge: Charge) -> None:
    said = message(charge)
    assert "shape [3]" in said
    assert "Declare it as a Param" in said


def test_an_undeclared_attribute_is_named() -> None:
    assert "tau_memm" in message(_undeclared)


@pytest.mark.parametrize("result", [[1.0], "v", None, (1.0, 2.0)])
def test_a_result_that_is_no_value(result: object) -> None:
    said = message(lambda self: {"v": result})
    assert "expected an elementwise result" in said
    assert "return a tensor" in said.lower()


@pytest.mark.parametrize("method", ["deliver", "derivative", "charge", "reset"])
def test_a_state_that_is_not_declared(method: str) -> None:
    """A misspelt state must not be ignored: nothing would ever change it."""

    def misspelt(self: sl.LIF) -> dict[str, Tensor]:
        return {"u": self.v}

    kind = type("Misspelt", (sl.LIF,), {method: misspelt, "__doc__": "Misspelt."})
    with pytest.raises(sl.errors.SpikeloomError, match="'u'"):
        kind()(torch.zeros(2, 1, 3))


def test_a_method_that_returns_no_dict() -> None:
    with pytest.raises(TraceError):
        type("Stated", (Stated,), {"charge": lambda self: self.v, "__doc__": "."})()(torch.zeros(2, 1, 3))


def test_a_neuron_without_dynamics() -> None:
    with pytest.raises((TraceError, NotImplementedError), match="states neither derivative"):
        Stated()(torch.zeros(2, 1, 3))


def test_an_autograd_function_is_told_of_surrogates() -> None:
    class Step(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
            return (x >= 0).to(x.dtype)

        @staticmethod
        def backward(ctx, g: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
            return g

    with pytest.raises(TraceError):
        type("Stated", (Stated,), {"charge": lambda self: {"v": Step.apply(self.v)}, "__doc__": "."})()(
            torch.zeros(2, 1, 3)
        )


def test_the_reference_refuses_the_same() -> None:
    with sl.backend("reference"):
        assert "torch.where" in message(_if)


def test_a_failed_trace_is_not_remembered() -> None:
    wrong = [True]

    def charge(self: Stated) -> dict[str, object]:
        return {"v": self.v.sum() if wrong[0] else self.v + self.i}

    neuron = type("Stated", (Stated,), {"charge": charge, "__doc__": "."})()
    with pytest.raises(TraceError):
        neuron(torch.ones(2, 1, 3))
    wrong[0] = False
    assert neuron(torch.ones(2, 1, 3)).flatten().tolist() == [1, 1, 1, 2, 2, 2]


def test_numpy_scalars_and_scalar_tensors_are_constants() -> None:
    def charge(self: Stated) -> dict[str, object]:
        return {"v": self.i * np.float32(2.0) + torch.tensor(0.5) + self.v * np.float64(0)}

    neuron = type("Stated", (Stated,), {"charge": charge, "__doc__": "."})()
    assert neuron(torch.ones(1, 1, 1)).item() == 2.5
