"""Complex numbers of a step: pairs of real ones, so that programs stay real.

A statement writes `self.z * torch.exp(...)`; where it is traced, `Complex` stands for its values, with the names of
PyTorch's functions and the formulas in real and imaginary part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..errors import TraceError

_ORDER = "complex numbers have no order: compare .real, .imag or abs()"
_KNOWN = (
    "for complex values there are + - * / **, exp, log, sqrt, abs, angle, conj, real, imag, where, complex and polar"
)


class Complex:
    """A traced complex number."""

    def __init__(self, real: Any, imag: Any) -> None:
        self.real, self.imag = real, imag

    @property
    def dtype(self) -> torch.dtype:
        """torch.complex64, whatever the state's dtype will be."""
        return torch.complex64

    @property
    def shape(self) -> torch.Size:
        """That of a scalar."""
        return torch.Size(())

    def __repr__(self) -> str:
        return f"Complex({self.real}, {self.imag})"

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Sequence[type], arguments: Sequence[Any] = (), options: dict[str, Any] | None = None
    ) -> Any:
        return apply(function.__name__, arguments, options or {})

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **options: apply(name, (self, *arguments), options)

    def __bool__(self) -> bool:
        raise TraceError("a condition on a traced value cannot be compiled", do="write torch.where(condition, a, b)")

    __hash__ = object.__hash__


def _operator(name: str, reflected: bool) -> Callable[..., Any]:
    return lambda *arguments: apply(name, arguments[::-1] if reflected else arguments, {})


for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Complex, f"__{_name}__", _operator(_name, reflected=False))
    setattr(Complex, f"__r{_name}__", _operator(_name, reflected=True))
for _name in ("neg", "pos", "abs", "eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Complex, f"__{_name}__", _operator(_name, reflected=False))


class _Pair(NamedTuple):
    real: Any
    imag: Any


def is_complex(value: object) -> bool:
    """Whether a value is a complex one: traced, a number or a tensor."""
    return isinstance(value, Complex | complex) or (isinstance(value, Tensor) and value.is_complex())


def makes_complex(name: str) -> bool:
    """Whether a function gives a complex result for real arguments."""
    return name in ("complex", "polar")


def parts(value: Any) -> tuple[Any, Any]:
    """Real and imaginary part; that of a real value is zero."""
    if isinstance(value, Tensor) and not value.is_complex():
        return value, torch.zeros_like(value)
    return (value.real, value.imag) if is_complex(value) else (value, 0.0)


def joined(real: Any, imag: Any) -> Any:
    """The complex value of two parts: an ordinary tensor, or one that stands for it while a step is traced."""
    if isinstance(real, Tensor) and isinstance(imag, Tensor):
        return torch.complex(real, imag)
    return Complex(real, imag)


def apply(name: str, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """A function of PyTorch of which an argument or the result is complex."""
    # Tensor.__rsub__(tensor, traced) and the like arrive under the operator's own name.
    plain = name.strip("_")
    if plain.startswith("r") and plain[1:] in _FUNCTIONS and plain not in _FUNCTIONS:
        plain, arguments = plain[1:], arguments[::-1]
    function = _FUNCTIONS.get(plain)
    if function is None or (name.endswith("_") and not name.startswith("__")):
        do = _ORDER if plain in ("lt", "le", "gt", "ge", "maximum", "minimum", "max", "min", "clamp") else _KNOWN
        raise TraceError(f"{name} of a complex value cannot be compiled", do=do)
    try:
        result = function(*(_pair(a) for a in arguments), **options)
    except TypeError as reason:
        raise TraceError(f"{name} of a complex value cannot be compiled: {reason}", do=_KNOWN) from None
    return Complex(*result) if isinstance(result, _Pair) else result


def _pair(value: Any) -> _Pair:
    if isinstance(value, Tensor):
        if value.numel() != 1:
            do = "declare it as a Param, so that the compiler knows it, and read it as self.<name>"
            raise TraceError(f"a tensor of shape {list(value.shape)} that is not declared meets a complex value", do=do)
        value = value.item()
    return _Pair(*parts(value))


def _of(function: Callable[..., Any], *values: Any) -> Any:
    """A real function of parts that may be plain numbers."""
    return function(*(torch.tensor(v, dtype=torch.float64) if isinstance(v, int | float) else v for v in values))


def _add(x: _Pair, y: _Pair) -> _Pair:
    return _Pair(x.real + y.real, x.imag + y.imag)


def _sub(x: _Pair, y: _Pair) -> _Pair:
    return _Pair(x.real - y.real, x.imag - y.imag)


def _mul(x: _Pair, y: _Pair) -> _Pair:
    return _Pair(x.real * y.real - x.imag * y.imag, x.real * y.imag + x.imag * y.real)


def _div(x: _Pair, y: _Pair) -> _Pair:
    """Squares of the divisor must be in the range of the state's precision."""
    if isinstance(y.imag, int | float) and y.imag == 0:
        return _Pair(x.real / y.real, x.imag / y.real)
    size = y.real * y.real + y.imag * y.imag
    product = _mul(x, _conj(y))
    return _Pair(product.real / size, product.imag / size)


def _neg(x: _Pair) -> _Pair:
    return _Pair(-x.real, -x.imag)


def _conj(x: _Pair) -> _Pair:
    return _Pair(x.real, -x.imag)


def _is_zero(x: _Pair) -> Any:
    return _of(torch.logical_and, _of(torch.eq, x.real, 0.0), _of(torch.eq, x.imag, 0.0))


def _abs(x: _Pair) -> Any:
    """With slope 0 at 0."""
    zero = _is_zero(x)
    return _of(torch.where, zero, 0.0, _of(torch.hypot, _of(torch.where, zero, 1.0, x.real), x.imag))


def _angle(x: _Pair) -> Any:
    zero = _is_zero(x)
    return _of(torch.where, zero, 0.0, _of(torch.atan2, x.imag, _of(torch.where, zero, 1.0, x.real)))


def _polar(size: _Pair, angle: _Pair) -> _Pair:
    return _Pair(size.real * _of(torch.cos, angle.real), size.real * _of(torch.sin, angle.real))


def _exp(x: _Pair) -> _Pair:
    return _polar(_Pair(_of(torch.exp, x.real), 0.0), _Pair(x.imag, 0.0))


def _log(x: _Pair) -> _Pair:
    return _Pair(_of(torch.log, _abs(x)), _angle(x))


def _pow(x: _Pair, y: _Pair) -> _Pair:
    """Whole powers up to 4 are products."""
    if isinstance(y.real, int | float) and isinstance(y.imag, int | float) and complex(*y) in (0, 1, 2, 3, 4):
        product = _Pair(1.0, 0.0)
        for _ in range(int(y.real)):
            product = _mul(product, x)
        return product
    return _exp(_mul(y, _log(x)))


def _sqrt(x: _Pair) -> _Pair:
    """From the larger of the result's parts, so that nothing cancels."""
    zero = _is_zero(x)
    real = _of(torch.where, zero, 1.0, x.real)
    large = _of(torch.sqrt, (_of(torch.abs, real) + _of(torch.hypot, real, x.imag)) / 2)
    small = x.imag / (2 * large)
    right, up = _of(torch.ge, real, 0.0), _of(torch.ge, x.imag, 0.0)
    turned = _Pair(_of(torch.abs, small), _of(torch.where, up, large, -large))
    result = _where(_Pair(right, 0.0), _Pair(large, small), turned)
    return _where(_Pair(zero, 0.0), _Pair(0.0, 0.0), result)


def _where(condition: _Pair, x: _Pair, y: _Pair) -> _Pair:
    return _Pair(*(_of(torch.where, condition.real, a, b) for a, b in zip(x, y, strict=True)))


def _eq(x: _Pair, y: _Pair) -> Any:
    return _of(torch.logical_and, _of(torch.eq, x.real, y.real), _of(torch.eq, x.imag, y.imag))


def _detach(x: _Pair) -> _Pair:
    return _Pair(*(part if isinstance(part, int | float) else part.detach() for part in x))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": _add,
    "sub": _sub,
    "subtract": _sub,
    "mul": _mul,
    "multiply": _mul,
    "div": _div,
    "truediv": _div,
    "divide": _div,
    "neg": _neg,
    "negative": _neg,
    "pos": lambda x: x,
    "positive": lambda x: x,
    "pow": _pow,
    "square": lambda x: _mul(x, x),
    "reciprocal": lambda x: _div(_Pair(1.0, 0.0), x),
    "exp": _exp,
    "log": _log,
    "sqrt": _sqrt,
    "abs": _abs,
    "absolute": _abs,
    "angle": _angle,
    "real": lambda x: x.real,
    "imag": lambda x: x.imag,
    "conj": _conj,
    "conj_physical": _conj,
    "resolve_conj": lambda x: x,
    "complex": lambda real, imag: _Pair(real.real, imag.real),
    "polar": _polar,
    "where": _where,
    "eq": _eq,
    "ne": lambda x, y: _of(torch.logical_not, _eq(x, y)),
    "detach": _detach,
    "clone": lambda x: x,
}
