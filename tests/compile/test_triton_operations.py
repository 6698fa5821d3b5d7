"""Every operation of programs on Triton, over ordinary and extreme numbers, in Triton's interpreter."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from spikeloom.compile import _numba, _reference, _triton
from spikeloom.compile._kernel import Span, Variant
from spikeloom.compile._loop import Loop
from spikeloom.compile._operations import OPERATIONS
from spikeloom.compile._program import Instruction, Program
from spikeloom.compile._triton_source import KernelSource
from spikeloom.errors import BackendError

pytest.importorskip("triton")

# By signature, so that operations that take the same share a kernel.
SIGNATURES: dict[str, list[str]] = {}
for _name, _operation in OPERATIONS.items():
    if _name not in ("detach", "alias"):
        # Shifts by more than 64 bits are not defined for Numba, so integers are compared with the reference.
        _other = "reference" if _name.startswith("int_") else "numba"
        SIGNATURES.setdefault(f"{_operation.signature} {_other}", []).append(_name)
NUMBERS = [0.0, 1.0, 2.0, 3.0, 0.5, 1.5, 2.5, 1e-30, 1e-40, 1e9, 7.0, 31.0, 32.0, 33.0, 65.0, 88.8, 745.0, 2.0**31]
EXTREME = [*NUMBERS, *(-x for x in NUMBERS), math.inf, -math.inf, math.nan]

# In float64 Numba calls the C library for these, and Triton has formulas: largest relative difference from it.
ROUGH = {"pow": 2e-13, "log2": 5e-16, "atan": 5e-16, "atan2": 7e-16, "hypot": 7e-16}


@pytest.fixture(autouse=True)
def interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    # The interpreter takes as long for a large block as for a small one.
    monkeypatch.setattr(_triton, "block_size", lambda neurons: 4096)


def loop_of(names: list[str]) -> Loop:
    """One step that applies operations of the same signature to inputs, converted to what they take."""
    operation = OPERATIONS[names[0]]
    inputs = [f"x_{k}" for k in range(len(operation.arguments))]
    body, arguments = [], []
    for k, (kind, source) in enumerate(zip(operation.arguments, inputs, strict=True)):
        arguments.append(source if kind == "r" else f"m{k}")
        if kind == "i":
            body.append(Instruction(f"m{k}", "int_of_real", (source,)))
        if kind == "b":
            body.append(Instruction(f"m{k}", "gt", (source, 0.3)))
    body += [Instruction(f"n_{name}", name, tuple(arguments)) for name in names]
    converted = {"r": None, "i": "real_of_int", "b": "real"}[operation.result]
    if converted:
        body += [Instruction(f"r_{name}", converted, (f"n_{name}",)) for name in names]
    outputs = {name: f"r_{name}" if converted else f"n_{name}" for name in names}
    program = Program(dict.fromkeys(inputs, "r"), tuple(body), outputs).verify()
    none = Program({}, (), {})
    return Loop(tuple(name.removeprefix("x_") for name in inputs), {}, tuple(names), none, program, program, None, None)


def numbers(count: int, dtype: torch.dtype) -> list[Tensor]:
    """Ordinary numbers of every size, and all pairs of extreme ones."""
    generator = torch.Generator().manual_seed(0)
    extreme = torch.cartesian_prod(*[torch.tensor(EXTREME, dtype=torch.float64)] * 2)
    columns = []
    for k in range(count):
        usual = [s * torch.randn(200, dtype=torch.float64, generator=generator) for s in (0.01, 1.0, 20.0, 1000.0)]
        columns.append(torch.cat([*usual, extreme[:, k % 2]]).to(dtype)[None])
    return columns


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("signature", SIGNATURES)
def test_operations(signature: str, dtype: torch.dtype) -> None:
    names = SIGNATURES[signature]
    loop, variant = loop_of(names), Variant(dtype, False, frozenset(), dtype)
    inputs = dict(zip(loop.inputs, numbers(len(loop.inputs), dtype), strict=True))
    span = Span(1, next(iter(inputs.values())).shape[1], 1)
    other = _reference if signature.endswith("reference") else _numba
    found, wanted = (module.build(loop, variant).forward(span, {}, inputs, {}).outputs for module in (_triton, other))
    for name in names:
        a, b = found[name], wanted[name]
        if name == "fmod" and dtype == torch.float64:
            x, y = inputs.values()
            known = (x.abs() <= y.abs() * 2**52) & (y != 0) & x.isfinite()
            a, b = a[known], b[known]
        tolerance = ROUGH.get(name, 0.0) if dtype == torch.float64 else 0.0
        torch.testing.assert_close(
            a, b, rtol=tolerance, atol=0, equal_nan=True, msg=lambda text, name=name: f"{name}: {text}"
        )
        assert a.isfinite().sum() > 100, name


def test_an_operation_that_it_does_not_know_is_refused() -> None:
    source = KernelSource("forward", "float32")
    with pytest.raises(BackendError, match="'detach'"):
        source.statement(Instruction("n0", "detach", ("x",)))
