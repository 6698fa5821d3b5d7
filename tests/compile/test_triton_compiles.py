"""Triton compiles our kernels for GPUs that are not there: NVIDIA's and AMD's, down to machine code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import spikeloom as sl
from spikeloom.compile import _triton
from spikeloom.compile._kernel import Variant
from spikeloom.compile._loop import build_loop

pytest.importorskip("triton")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Triton is made for Linux")

TARGETS = [("cuda", 80, 32), ("cuda", 90, 32), ("hip", "gfx942", 64), ("hip", "gfx1100", 32)]
POINTERS = {torch.float32: "*fp32", torch.float64: "*fp64", torch.bfloat16: "*bf16", torch.int32: "*i32"}


@pytest.fixture(autouse=True)
def compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))


def everything() -> type[sl.Neuron]:
    """A neuron whose step uses every elementary function."""

    class Everything(sl.Neuron):
        """All functions."""

        p = sl.Param(0.7, "1", "parameter")
        i = sl.Input("1", "input")
        v = sl.State(0.1, "1", "potential")

        def charge(self) -> dict[str, torch.Tensor]:
            x, p = self.v + self.i, self.p
            smooth = (
                torch.exp(-x * x) + torch.expm1(x) + torch.log(x * x + 1) + torch.log1p(x * x) + torch.sqrt(x * x + p)
            )
            bounded = torch.tanh(x) + torch.sigmoid(x) + torch.erf(x) + torch.atan(x) + torch.sin(x) + torch.cos(x)
            others = torch.atan2(x, p) + torch.hypot(x, p) + torch.abs(x) ** p + torch.log2(x * x + p)
            whole = torch.floor(x) + torch.round(x) + torch.trunc(x) + torch.fmod(x, p) + torch.remainder(x, p)
            return {"v": smooth + bounded + others + whole}

        def threshold(self) -> torch.Tensor:
            return self.v - self.p

        def reset(self) -> dict[str, torch.Tensor]:
            return {"v": 0.0}

    return Everything


def compiled(
    part: _triton.Compiled, dtype: torch.dtype, stream: torch.dtype, target: tuple[str, int | str, int]
) -> dict[str, Any]:
    """What a kernel becomes, stage by stage, down to machine code."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    function = _triton.jitted(part.source, part.name, False)
    types, aligned = {}, {}
    for k, name in enumerate(("steps", "segment", "neurons", *part.arguments)):
        if name in ("steps", "segment", "neurons", "seed", "first") or name.startswith("stride_"):
            types[name] = "i32"
        elif name == "nan_found":
            types[name] = "*i32"
        else:
            streamed = name.startswith(("in_", "out_", "to_", "grad_"))
            types[name] = POINTERS[stream if streamed else dtype]
            aligned[(k,)] = [["tt.divisibility", 16]]
    source = ASTSource(fn=function, signature={**types, "BLOCK": "constexpr"}, constexprs={"BLOCK": 256}, attrs=aligned)
    return triton.compile(source, target=GPUTarget(*target), options=_triton.OPTIONS).asm


def assert_exact(stages: dict[str, Any], dtype: torch.dtype) -> None:
    """There is machine code, and in float32 every operation of NVIDIA's is rounded as on the CPU."""
    assert stages.get("cubin") or stages.get("hsaco")
    if dtype == torch.float32 and "ptx" in stages:
        assert "fma." not in stages["ptx"], "a fused operation rounds once where the CPU rounds twice"
        assert "approx" not in stages["ptx"]
        assert "div.full" not in stages["ptx"], "an approximate quotient"


CASES = [
    *((target, torch.float32, False) for target in TARGETS),
    *((target, torch.float32, True) for target in TARGETS[1:3]),
    *((target, torch.bfloat16, False) for target in TARGETS[1:3]),
    (TARGETS[1], torch.float64, True),
]


@pytest.mark.parametrize(("target", "stream", "recompute"), CASES, ids=str)
def test_lif(target: tuple[str, int | str, int], stream: torch.dtype, recompute: bool) -> None:
    dtype = torch.float64 if stream == torch.float64 else torch.float32
    loop = build_loop(sl.LIF(), ("s",), frozenset({"i", "tau_mem"}))
    kernel = _triton.build(loop, Variant(dtype, True, frozenset({loop.hoisted[0]}), stream, recompute))
    for part in (kernel._forward, kernel._backward):
        assert_exact(compiled(part, dtype, stream, target), dtype)


@pytest.mark.parametrize(
    ("target", "dtype"),
    [(TARGETS[1], torch.float32), (TARGETS[1], torch.float64), (TARGETS[2], torch.float32)],
    ids=str,
)
def test_every_function(target: tuple[str, int | str, int], dtype: torch.dtype) -> None:
    loop = build_loop(everything()(), ("s",), frozenset({"i", "p"}))
    kernel = _triton.build(loop, Variant(dtype, True, frozenset(), dtype))
    for part in (kernel._forward, kernel._backward):
        assert_exact(compiled(part, dtype, dtype, target), dtype)
