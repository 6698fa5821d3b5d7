"""The closed set of operations: emitted and differentiated as PyTorch defines them."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.compile import _differentiate, _functions, _numba
from spikeloom.compile._operations import OPERATIONS

NEURONS = 257
REMOVED_BEFORE_EMISSION = {"detach"}
POSITIVE = {"log", "sqrt", "pow", "log10", "log2", "rsqrt"}
ABOVE_MINUS_ONE = {"log1p"}


def operands(name: str, count: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Numbers of both signs where the operation is defined, some of them equal and some zero."""
    generator = torch.Generator().manual_seed(len(name))
    given = [3 * torch.randn(1, 1, NEURONS, dtype=torch.float64, generator=generator) for _ in range(count)]
    for x in given:
        x[..., :8] = torch.tensor([1.0, -1.0, 2.0, 0.5, -0.5, 3.0, -3.0, 1.0], dtype=torch.float64)
    if count > 1:
        given[1][..., 3:20] = given[0][..., 3:20]
    if name in POSITIVE:
        given[0] = given[0].abs() + 0.01
    if name in ABOVE_MINUS_ONE:
        given[0] = given[0].abs() - 0.99
    return [x.to(dtype) for x in given]


def applied(function: object, arity: int, *, kinds: str) -> type[sl.Neuron]:
    """A neuron whose state is one function of its inputs; truth values are the signs of inputs."""

    class Applied(sl.Neuron):
        """One function of up to three inputs."""

        x = sl.Input("1", "first argument")
        y = sl.Input("1", "second argument")
        z = sl.Input("1", "third argument")
        v = sl.State(0.0, "1", "result")
        output = "v"

        def charge(self) -> dict[str, Tensor]:
            given = (self.x, self.y, self.z)[:arity]
            result = function(*(g > 0 if kind == "b" else g for g, kind in zip(given, kinds, strict=True)))
            return {"v": torch.where(result, 1.0, 0.0) if result.dtype == torch.bool else result}

    return Applied


def run(neuron: sl.Neuron, name: str, arguments: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Result and gradients of the inputs that are used."""
    leaves = [x.clone().requires_grad_() for x in arguments]
    inputs = [*leaves, *[torch.zeros_like(leaves[0])] * (3 - len(leaves))]
    with sl.backend(name):
        y = neuron(*inputs)
    weights = torch.linspace(1, 2, y.numel(), dtype=y.dtype).view_as(y)
    return y.detach(), list(torch.autograd.grad((y * weights).sum(), leaves))


def test_every_operation_has_a_numba_template() -> None:
    assert set(_numba._TEMPLATES) == set(OPERATIONS) - REMOVED_BEFORE_EMISSION


def test_every_template_takes_as_many_arguments_as_the_operation() -> None:
    for name, template in _numba._TEMPLATES.items():
        text = template.format(*["argument"] * len(OPERATIONS[name].arguments))
        assert text.count("argument") >= len(OPERATIONS[name].arguments), name


def test_every_operation_of_real_numbers_has_a_derivative_or_none_by_intent() -> None:
    flat = {"sign", "floor", "detach", "real"}
    real = {name for name, operation in OPERATIONS.items() if operation.signature.endswith(">r")}
    assert set(_differentiate._RULES) == real - flat


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - REMOVED_BEFORE_EMISSION))
def test_operation_equals_pytorch(name: str, dtype: torch.dtype) -> None:
    operation = OPERATIONS[name]
    if name == "real":
        neuron = applied(lambda x: x.to(torch.float32), 1, kinds="b")()
    else:
        neuron = applied(operation.evaluate_traced if hasattr(operation, "evaluate_traced") else FUNCTION[name],
                         len(operation.arguments), kinds=operation.arguments)()
    arguments = operands(name, len(operation.arguments), dtype)
    truth = [x > 0 if kind == "b" else x for x, kind in zip(arguments, operation.arguments, strict=True)]
    wanted = operation.evaluate(*truth).to(dtype)
    found, _ = run(neuron, "numba", arguments)
    # 4e-7 is the largest stated error of the vector mathematics; what is exactly rounded is equal.
    tolerance = {torch.float32: 4e-7, torch.float64: 1e-15}[dtype]
    if name in {"exp", "expm1", "log", "log1p", "pow", "tanh", "sigmoid", "erf", "atan", "sin", "cos"}:
        torch.testing.assert_close(found, wanted, rtol=tolerance, atol=tolerance)
    else:
        assert torch.equal(found, wanted)
