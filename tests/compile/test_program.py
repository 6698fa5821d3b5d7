"""Programs and the builder: malformed ones are refused, every simplification is exact, dead code goes."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeloom.compile._operations import OPERATIONS
from spikeloom.compile._program import Builder, Instruction, Node, Program, select
from spikeloom.compile._reference import evaluate


@pytest.mark.parametrize(
    "program",
    [
        Program({}, (Instruction("a", "neg", ("x",)),), {}),
        Program({"x": "r"}, (Instruction("a", "neg", ("b",)), Instruction("b", "neg", ("x",))), {}),
        Program({"x": "r"}, (Instruction("a", "neg", ("x",)), Instruction("a", "abs", ("x",))), {}),
        Program({"x": "r"}, (Instruction("x", "neg", (1.0,)),), {}),
        Program({"x": "b"}, (Instruction("a", "neg", ("x",)),), {}),
        Program({"x": "r"}, (Instruction("a", "where", ("x", 1.0, 0.0)),), {}),
        Program({"x": "r"}, (Instruction("a", "add", ("x",)),), {}),
        Program({"x": "r"}, (Instruction("a", "neg", ("x", 1.0)),), {}),
        Program({"x": "r"}, (Instruction("a", "neg", (True,)),), {}),
        Program({"x": "r"}, (), {"y": "a"}),
    ],
    ids=["unknown", "too early", "twice", "input again", "kind", "condition", "too few", "too many", "truth", "output"],
)
def test_a_malformed_program_is_refused(program: Program) -> None:
    with pytest.raises(AssertionError, match=r"malformed|before it is defined"):
        program.verify()


def test_a_program_reads_as_text() -> None:
    program = Program({"x": "r"}, (Instruction("a", "add", ("x", 1.0)),), {"y": "a"}).verify()
    assert str(program) == "a = add(x, 1.0)\n-> y = a"


def test_select_drops_what_no_output_needs() -> None:
    body = [
        Instruction("a", "add", ("x", "y")),
        Instruction("dead", "exp", ("z",)),
        Instruction("b", "mul", ("a", "a")),
        Instruction("after", "neg", ("b",)),
    ]
    kinds = {"x": "r", "y": "r", "z": "r"}
    program = select(body, kinds, {"out": "b"})
    assert [step.name for step in program.body] == ["a", "b"]
    assert set(program.inputs) == {"x", "y"}
    # What is given need not be computed.
    shorter = select(body, {**kinds, "a": "r"}, {"out": "b"})
    assert [step.name for step in shorter.body] == ["b"]
    assert set(shorter.inputs) == {"a"}


def test_select_passes_constants_and_inputs_through() -> None:
    program = select([], {"x": "r", "y": "r"}, {"one": 1.0, "same": "x"})
    assert program == Program({"x": "r"}, (), {"one": 1.0, "same": "x"})


def test_the_same_value_is_computed_once() -> None:
    b = Builder()
    x = b.input("x")
    assert b.emit("exp", x) == b.emit("exp", x)
    assert b.emit("add", x, 1.0) == b.emit("add", x, True)
    assert b.emit("where", b.emit("gt", x, 0.0), x, 1.0) != b.emit("where", b.emit("ge", x, 0.0), x, 1.0)
    assert len(b.body) == 6


def test_constants_are_folded() -> None:
    b = Builder()
    b.input("x")
    assert b.emit("add", 1.0, b.emit("exp", 0.0)) == 2.0
    assert b.emit("gt", 1.0, 2.0) is False
    assert b.emit("where", True, 3.0, 4.0) == 3.0
    assert b.body == []


def test_kinds_are_converted_where_an_operation_wants_the_other() -> None:
    b = Builder()
    flag = b.emit("gt", b.input("x"), 0.0)
    assert b.kind(b.emit("add", flag, 1.0)) == "r"
    assert b.kind(b.emit("and", flag, "x")) == "b"
    select(b.body, b.inputs, {"y": b.emit("mul", flag, "x")})


class Unsimplified(Builder):
    """A builder without rules: what the simplified program must equal."""

    def _simplified(self, operation: str, arguments: tuple[Node, ...]) -> Node | None:
        return super()._simplified(operation, arguments) if not any(isinstance(a, str) for a in arguments) else None


# Numbers that rules look for, one that is no power of two, and the values 'x', 'y', '-x', '-y', '!c', ...
CONSTANTS = st.sampled_from([0.0, 1.0, -1.0, 2.0, -0.5, 4.0, 3.0, 0.3])
REALS = CONSTANTS | st.sampled_from(["x", "y", "negative x", "negative y", "truth"])
# pow is left out: whole powers become products, which differ from the library's function in the last bit.
OPERATION_NAMES = st.sampled_from(sorted(set(OPERATIONS) - {"pow", "detach"}))
FINITE = st.floats(min_value=-1e100, max_value=1e100, allow_subnormal=False)


def node(b: Builder, name: Node, kind: str) -> Node:
    """A value by its description in `REALS`, as a real number or as a truth value."""
    x, y = "x", "y"
    if kind == "b":
        flag = b.emit("gt", x, y)
        return {0.0: False, 1.0: True, "x": flag, "negative x": b.emit("not", flag)}.get(name, b.emit("lt", x, 0.5))  # type: ignore[arg-type]
    if name == "truth":
        return b.emit("real", b.emit("gt", x, y))
    negative = isinstance(name, str) and name.startswith("negative ")
    return b.emit("neg", name.removeprefix("negative ")) if negative and isinstance(name, str) else name


@given(operation=OPERATION_NAMES, names=st.tuples(REALS, REALS, REALS), x=FINITE, y=FINITE)
def test_simplification_is_exact(operation: str, names: tuple[Node, Node, Node], x: float, y: float) -> None:
    """For finite numbers, up to the sign of zero; where the plain operation is not finite, nothing is promised."""
    values = {"x": torch.tensor(x, dtype=torch.float64), "y": torch.tensor(y, dtype=torch.float64)}
    results = []
    for b in (Unsimplified(), Builder()):
        b.input("x")
        b.input("y")
        kinds = OPERATIONS[operation].arguments
        result = b.emit(operation, *(node(b, name, kind) for name, kind in zip(names, kinds, strict=False)))
        program = select(
            b.body, b.inputs, {"result": b.emit("where", result, 1.0, 2.0) if b.kind(result) == "b" else result}
        )
        results.append(evaluate(program, values, torch.float64)["result"])
    if torch.isfinite(results[0]):
        assert results[1] == results[0]


@given(
    x=st.floats(min_value=0.01, max_value=100),
    power=st.sampled_from([-4.0, -3.0, -2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0]),
)
def test_small_whole_powers_are_products(x: float, power: float) -> None:
    """At most four roundings of products and a division: 5 u, u = 1.1e-16."""
    b = Builder()
    node = b.emit("pow", b.input("x"), power)
    program = select(b.body, b.inputs, {"y": node})
    assert all(step.operation != "pow" for step in program.body)
    found = evaluate(program, {"x": torch.tensor(x, dtype=torch.float64)}, torch.float64)["y"]
    assert math.isclose(float(found), x**power, rel_tol=5.6e-16)


@pytest.mark.parametrize("power", [math.inf, -math.inf, math.nan, 5.0, 0.25])
def test_other_powers_stay_powers(power: float) -> None:
    b = Builder()
    b.emit("pow", b.input("x"), power)
    assert [step.operation for step in b.body] == ["pow"]
