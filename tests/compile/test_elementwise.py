"""Every operation and function that a statement may use: its value and its derivative are those of PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import spikeloom as sl
from spikeloom.compile import _differentiate, _numba_source
from spikeloom.compile._functions import FUNCTIONS
from spikeloom.compile._operations import OPERATIONS

Function = Callable[..., Tensor]


def _positive(x: Tensor) -> Tensor:
    return torch.abs(x) + 0.125


# The operations, on arguments for which they are defined.
PRIMITIVE: dict[str, Function] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "neg": torch.neg,
    "abs": torch.abs,
    "sign": torch.sign,
    "floor": torch.floor,
    "sqrt": lambda x: torch.sqrt(_positive(x)),
    "exp": torch.exp,
    "expm1": torch.expm1,
    "log": lambda x: torch.log(_positive(x)),
    "log1p": lambda x: torch.log1p(_positive(x) - 1),
    "pow": lambda x, y: torch.pow(_positive(x), y),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "erf": torch.erf,
    "atan": torch.atan,
    "sin": torch.sin,
    "cos": torch.cos,
    "minimum": torch.minimum,
    "maximum": torch.maximum,
    "lt": lambda x, y: (x < y).float(),
    "le": lambda x, y: (x <= y).float(),
    "gt": lambda x, y: (x > y).float(),
    "ge": lambda x, y: (x >= y).float(),
    "eq": lambda x, y: (x == y).float(),
    "ne": lambda x, y: (x != y).float(),
    "and": lambda x, y: ((x > 0) & (y > 0)).float(),
    "or": lambda x, y: ((x > 0) | (y > 0)).float(),
    "not": lambda x: (~(x > 0)).float(),
    "where": lambda x, y: torch.where(x > 1, x, y),
    "real": lambda x: (x > 0).float() * 2,
}
# The others, which are written in terms of operations, and ways to write them.
DERIVED: dict[str, Function] = {
    "ceil": torch.ceil,
    "remainder": lambda x, y: torch.remainder(x, _positive(y)),
    "square": torch.square,
    "reciprocal": lambda x: torch.reciprocal(_positive(x)),
    "rsqrt": lambda x: torch.rsqrt(_positive(x)),
    "erfc": torch.erfc,
    "cosh": torch.cosh,
    "sinh": torch.sinh,
    "log2": lambda x: torch.log2(_positive(x)),
    "log10": lambda x: torch.log10(_positive(x)),
    "clamp": lambda x: torch.clamp(x, -1.0, 0.75),
    "clamp_min": lambda x: torch.clamp_min(x, 0.25),
    "clamp_max": lambda x: x.clamp(max=0.25),
    "hardtanh": functional.hardtanh,
    "relu": torch.relu,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
    "softplus": lambda x: functional.softplus(10 * x, beta=2.0),
    "isnan": lambda x: torch.where(torch.isnan(x), 1.0, x),
    "masked_fill": lambda x, y: x.masked_fill(y > 0, 0.5),
    "zeros_like": lambda x: x + torch.zeros_like(x),
    "ones_like": lambda x: x * torch.ones_like(x),
    "full_like": lambda x: x * torch.full_like(x, 3.0),
    "alpha": lambda x, y: torch.add(x, y, alpha=3),
    "alpha_sub": lambda x, y: torch.sub(x, y, alpha=-0.5),
    "rsub": lambda x, y: torch.rsub(x, y) - 2.5,
    "reflected": lambda x: 1 - x + 2 / _positive(x),
    "reflected_power": lambda x: 2**x,
    "square_root": lambda x: _positive(x) ** 0.5,
    "powers": lambda x: x**2 + 2 * x**3 - x**4 + _positive(x) ** -3 + x**0 + x**1,
    "fraction_power": lambda x: _positive(x) ** 1.7,
    "remainder_operator": lambda x: x % 0.75,
    "max_method": lambda x, y: torch.max(x, y) - torch.min(x, y),
    "where_numbers": lambda x, y: torch.where(x > y, 1.0, -x),
    "truth": lambda x, y: torch.logical_xor(x > 0, y > 0).to(x.dtype) * x,
    "scalar_tensor": lambda x: x * torch.tensor(1.5),
    "detach": lambda x: x * x.detach(),
    "unchanged": lambda x: x.clone().contiguous().double(),
}
ALL = {**PRIMITIVE, **DERIVED}
# They steer gradients and are gone from a finished program.
MARKS = {"alias", "detach"}


def arity(function: Function) -> int:
    """How many arguments a function of the tables takes; PyTorch's own do not tell."""
    for count in (1, 2):
        try:
            function(*[torch.ones(())] * count)
        except TypeError:
            continue
        return count
    raise AssertionError(f"{function} takes neither one nor two tensors")


def calculator(functions: dict[str, Function]) -> sl.Neuron:
    """A neuron with one state per function, which is its value for the inputs x and y of the step."""
    names = {name: f"of_{name}" for name in functions}
    sizes = {name: arity(function) for name, function in functions.items()}

    def charge(self: sl.Neuron) -> dict[str, Tensor]:
        given = (self.x, self.y)  # type: ignore[attr-defined]
        return {label: functions[name](*given[: sizes[name]]) for name, label in names.items()}

    body: dict[str, object] = {label: sl.State(0.0, "1", name) for name, label in names.items()}
    body |= {"__doc__": "Functions.", "x": sl.Input("1", "first"), "y": sl.Input("1", "second"), "charge": charge}
    body |= {"output": next(iter(names.values()))}
    kind: type[sl.Neuron] = type("Calculator", (sl.Neuron,), body)
    return kind()


def results(neuron: sl.Neuron, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    with sl.record(neuron, *neuron.states) as trace:
        neuron(x, y)
    return {name.removeprefix("of_"): value for name, value in trace.items()}


def arguments(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Two steps: the first with special values, the second ordinary, both with ties."""
    special = torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 0.5], dtype=dtype)
    grid = torch.cartesian_prod(special, special).view(1, 1, 64, 2)
    generator = torch.Generator().manual_seed(0)
    ordinary = 3 * torch.randn(1, 1, 64, 2, dtype=dtype, generator=generator)
    ordinary[0, 0, :8, 1] = ordinary[0, 0, :8, 0]
    x, y = torch.cat([grid, ordinary]).unbind(-1)
    return x.contiguous(), y.contiguous()


# Not exactly rounded by one of the two: numba's square root is, PyTorch's with MKL is not.
ROUNDED = {"sqrt", "exp", "expm1", "log", "log1p", "pow", "tanh", "sigmoid", "erf", "atan", "sin", "cos"}


def test_the_tables_are_complete() -> None:
    assert set(PRIMITIVE) == set(OPERATIONS) - MARKS
    aliases = {
        "absolute", "and", "arctan", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "bool", "clip", "clone",
        "contiguous", "divide", "double", "float", "float_power", "greater", "greater_equal", "invert", "less",
        "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "mod", "multiply", "negative",
        "not_equal", "or", "sgn", "subtract", "to", "true_divide", "truediv", "type", "type_as", "xor",
    }  # fmt: skip
    assert set(FUNCTIONS) - aliases <= set(ALL)


def test_every_operation_has_a_numba_template() -> None:
    assert set(_numba_source._TEMPLATES) == set(OPERATIONS) - MARKS


def test_every_operation_of_real_numbers_has_a_derivative_unless_it_is_flat() -> None:
    real = {name for name, operation in OPERATIONS.items() if operation.signature.endswith(">r")}
    assert real - set(_differentiate._RULES) - MARKS == {"sign", "floor", "real"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_operations(backend: str, dtype: torch.dtype) -> None:
    x, y = arguments(dtype)
    with sl.backend(backend):
        found = results(calculator(PRIMITIVE), x, y)
    wrong = {}
    for name, function in PRIMITIVE.items():
        wanted = function(*(x, y)[: arity(function)]).to(dtype)
        # The stated error of the vector mathematics, or of a library's function in float64; the rest is equal.
        tolerance = (5e-7 if dtype == torch.float32 else 4e-15) if name in ROUNDED else 0.0
        if not torch.allclose(found[name], wanted, rtol=tolerance, atol=tolerance, equal_nan=True):
            k = int(
                (~torch.isclose(found[name], wanted, rtol=tolerance, atol=tolerance, equal_nan=True))
                .flatten()
                .nonzero()[0]
            )
            wrong[name] = [t.flatten()[k].item() for t in (x, y, found[name], wanted)]
    assert not wrong, f"arguments, found, wanted: {wrong}"


@pytest.mark.parametrize("name", ALL)
def test_value_and_derivative(name: str) -> None:
    """Reference in float64 against PyTorch's autograd on the same expression."""
    function = ALL[name]
    x, y = (t[1:].clone() for t in arguments(torch.float64))
    count = arity(function)
    leaves = [x.requires_grad_(), y.requires_grad_()][:count]
    wanted = function(*leaves).double()
    with sl.backend("reference"):
        neuron = calculator({name: function})
        found = neuron(x, y)
    torch.testing.assert_close(found, wanted, rtol=1e-13, atol=1e-13)
    if not wanted.requires_grad:
        return
    weights = torch.linspace(1, 2, x.numel(), dtype=x.dtype).view_as(x)
    slopes = torch.autograd.grad((wanted * weights).sum(), leaves, allow_unused=True)
    for leaf, slope, given in zip(leaves, slopes, torch.autograd.grad((found * weights).sum(), leaves), strict=True):
        torch.testing.assert_close(given, torch.zeros_like(leaf) if slope is None else slope, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in ALL if name not in {"isnan", "lt", "le", "gt", "ge", "eq", "ne"}])
def test_nan_stays_nan(name: str) -> None:
    """A function that hides NaN would hide an error, except where PyTorch itself does."""
    function = ALL[name]
    x = torch.tensor([math.nan, 0.5], dtype=torch.float64).view(2, 1, 1)
    y = torch.full_like(x, 0.5)
    wanted = function(*(x, y)[: arity(function)]).double()
    with sl.backend("reference"):
        found = calculator({name: function})(x, y)
    assert torch.equal(found.isnan(), wanted.isnan())
