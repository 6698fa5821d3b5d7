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
from spikeloom.errors import TraceError

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
    "trunc": torch.trunc,
    "round": torch.round,
    "fmod": torch.fmod,
    "sqrt": lambda x: torch.sqrt(_positive(x)),
    "exp": torch.exp,
    "expm1": torch.expm1,
    "log": lambda x: torch.log(_positive(x)),
    "log1p": lambda x: torch.log1p(_positive(x) - 1),
    "log2": lambda x: torch.log2(_positive(x)),
    "pow": lambda x, y: torch.pow(_positive(x), y),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "erf": torch.erf,
    "atan": torch.atan,
    "atan2": torch.atan2,
    "hypot": torch.hypot,
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
    "frac": torch.frac,
    "round_to_decimals": lambda x: torch.round(x, decimals=1) + torch.round(100 * x, decimals=-1),
    "remainder": torch.remainder,
    "floor_divide": lambda x, y: x + torch.floor_divide(x.detach(), y.detach()),
    "rounding_mode": lambda x, y: torch.div(x, y, rounding_mode="trunc") + torch.div(x, y, rounding_mode="floor"),
    "copysign": torch.copysign,
    "signbit": lambda x: torch.signbit(x).float(),
    "heaviside": lambda x: x * torch.heaviside(x.detach(), torch.full_like(x, 0.5)),
    "fmax": torch.fmax,
    "fmin": torch.fmin,
    "lerp": lambda x, y: torch.lerp(x, y, 0.25) + torch.lerp(x, y, 0.75) + torch.lerp(x, y, torch.sigmoid(y)),
    "addcmul": lambda x, y: torch.addcmul(x, x, y, value=0.5),
    "addcdiv": lambda x, y: torch.addcdiv(x, x, _positive(y), value=0.5),
    "isfinite": lambda x: torch.where(torch.isfinite(x), x, 7.0),
    "isinf": lambda x: torch.isinf(x).float() + 2 * torch.isposinf(x).float() + 4 * torch.isneginf(x).float(),
    "nan_to_num": lambda x: torch.nan_to_num(x, nan=1.0, posinf=2.0, neginf=-2.0),
    "exp2": torch.exp2,
    "tan": torch.tan,
    "asin": lambda x: torch.asin(0.9 * torch.sin(x)),
    "acos": lambda x: torch.acos(0.9 * torch.sin(x)),
    "asinh": torch.asinh,
    "acosh": lambda x: torch.acosh(1 + _positive(x)),
    "atanh": lambda x: torch.atanh(0.9 * torch.sin(x)),
    "sinc": torch.sinc,
    "degrees": lambda x: torch.deg2rad(x) + torch.rad2deg(x),
    "logit": lambda x: torch.logit(torch.sigmoid(x)) + torch.logit(x, eps=0.1),
    "logaddexp": torch.logaddexp,
    "xlogy": lambda x, y: torch.xlogy(x, _positive(y)),
    "ndtr": torch.special.ndtr,
    "special": lambda x: torch.special.expit(x) + torch.special.sinc(x) + torch.special.exp2(x),
    "relu6": functional.relu6,
    "threshold": lambda x: functional.threshold(x, 0.25, -1.0),
    "elu": lambda x: functional.elu(x, alpha=0.5),
    "celu": lambda x: functional.celu(x, alpha=2.0),
    "selu": functional.selu,
    "log_sigmoid": functional.logsigmoid,
    "softsign": functional.softsign,
    "silu": functional.silu,
    "mish": functional.mish,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "hardsigmoid": functional.hardsigmoid,
    "hardswish": functional.hardswish,
    "hardshrink": functional.hardshrink,
    "softshrink": lambda x: functional.softshrink(x, 0.25),
    "tanhshrink": functional.tanhshrink,
    "power_of_two_arguments": lambda x, y: torch.pow(_positive(x), y) + torch.pow(torch.relu(x), torch.relu(y)),
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
# Operations on real numbers and truth values; those on integers have tests of their own.
REAL = {
    name for name, operation in OPERATIONS.items() if "i" not in operation.signature and name != "bool_where"
} - MARKS


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
ROUNDED = {
    "sqrt", "exp", "expm1", "log", "log1p", "log2", "pow", "tanh", "sigmoid", "erf", "atan", "atan2", "hypot", "sin",
    "cos",
}  # fmt: skip


def test_the_tables_are_complete() -> None:
    assert set(PRIMITIVE) == REAL
    aliases = {
        "absolute", "and", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "bitwise_and",
        "bitwise_not", "bitwise_or", "bitwise_xor", "bool", "clip", "clone", "contiguous", "deg2rad", "divide",
        "double", "expit", "fix", "float", "float_power", "floordiv", "greater", "greater_equal", "invert", "isneginf",
        "isposinf", "less", "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "logsigmoid",
        "mod", "multiply", "negative", "not_equal", "or", "positive", "rad2deg", "sgn", "subtract", "to", "true_divide",
        "truediv", "type", "type_as", "xor",
        # Those on integers have tests of their own.
        "bitwise_left_shift", "bitwise_right_shift", "int", "lshift", "rshift",
    }  # fmt: skip
    assert {name for name in FUNCTIONS if not name.startswith("special_")} - aliases <= set(ALL)


def test_every_operation_has_a_numba_template() -> None:
    assert set(_numba_source._TEMPLATES) == set(OPERATIONS) - MARKS


def test_every_operation_of_real_numbers_has_a_derivative_unless_it_is_flat() -> None:
    real = {name for name in REAL if OPERATIONS[name].result == "r"}
    assert real - set(_differentiate._RULES) == {"sign", "floor", "trunc", "round", "real"}


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
    bound = 1e-7 if name == "hardsigmoid" else 1e-12  # PyTorch's own divides by a 6 rounded to float32
    for leaf, slope, given in zip(leaves, slopes, torch.autograd.grad((found * weights).sum(), leaves), strict=True):
        torch.testing.assert_close(given, torch.zeros_like(leaf) if slope is None else slope, rtol=bound, atol=bound)


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


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: functional.relu(x, inplace=True), "in place"),
        (lambda x: functional.silu(x, inplace=True), "in place"),
        (lambda x: x.square_(), "square_ cannot be compiled"),
        (lambda x: torch.add(x, 1.0, out=x), "add cannot be compiled"),
        (lambda x: torch.nan_to_num(x), "posinf= and neginf= must be given"),
        (lambda x: torch.rand_like(x), "rand_like cannot be compiled"),
    ],
)
def test_what_would_change_an_argument_or_is_not_known_is_refused(function: Function, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        calculator({"function": function})(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1))


# In one kernel as many as compile quickly.
CHUNKS = [dict(list(DERIVED.items())[k : k + 16]) for k in range(0, len(DERIVED), 16)]


@pytest.mark.parametrize("chunk", range(len(CHUNKS)))
def test_numba_agrees_with_the_reference(chunk: int) -> None:
    """Functions that are written in terms of operations, and their derivatives."""
    neuron = calculator(CHUNKS[chunk])
    found = {}
    for backend in ("reference", "numba"):
        x, y = (t[1:].clone().requires_grad_() for t in arguments(torch.float32))
        with sl.backend(backend):
            values = results(neuron, x, y)
        total = sum((value * torch.linspace(1, 2, value.numel())).sum() for value in values.values())
        gradients = torch.autograd.grad(total, (x, y))  # type: ignore[arg-type]
        found[backend] = {**values, "gradient of x": gradients[0], "gradient of y": gradients[1]}
    for name, wanted in found["reference"].items():
        # A few times the stated error of the vector mathematics.
        scale = 1.0 + float(wanted.detach().abs().max())
        error = float((found["numba"][name] - wanted).detach().abs().max()) / scale
        assert error <= 3e-6, f"{name}: {error}"
