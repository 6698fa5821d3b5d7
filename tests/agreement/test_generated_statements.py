"""Statements nobody thought of: generated dynamics, numba against the reference against a plain loop under autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import Tensor

import spikeloom as sl

# A tree is a leaf's name, a number, or a tuple (operation, *trees).
Tree = Any

# Each keeps finite arguments finite, and away from where its derivative is infinite.
OPERATIONS: dict[str, tuple[int, Callable[..., Tensor]]] = {
    "add": (2, torch.add),
    "sub": (2, torch.sub),
    "mul": (2, torch.mul),
    "div": (2, lambda a, b: a / (1 + b * b)),
    "neg": (1, torch.neg),
    "abs": (1, torch.abs),
    "exp": (1, lambda a: torch.exp(torch.clamp(a, -3.0, 3.0))),
    "expm1": (1, lambda a: torch.expm1(torch.clamp(a, max=2.0))),
    "log": (1, lambda a: torch.log(a * a + 0.5)),
    "log1p": (1, lambda a: torch.log1p(torch.abs(a))),
    "sqrt": (1, lambda a: torch.sqrt(a * a + 0.25)),
    "square": (1, lambda a: torch.tanh(a) ** 2),
    "tanh": (1, torch.tanh),
    "sigmoid": (1, torch.sigmoid),
    "erf": (1, torch.erf),
    "atan": (1, torch.atan),
    "sin": (1, torch.sin),
    "cos": (1, torch.cos),
    "floor": (1, lambda a: a - torch.floor(a)),
    "minimum": (2, torch.minimum),
    "maximum": (2, torch.maximum),
    "where": (3, lambda a, b, c: torch.where(a > 0.1, b, c)),
    "both": (3, lambda a, b, c: torch.where((a > 0) & ~(b >= 0.3), c, a)),
    "detach": (1, lambda a: a.detach()),
}

LEAVES = st.sampled_from(["v", "i", "p"]) | st.sampled_from([-1.3, -0.7, 0.45, 0.9, 1.7])


def _branches(trees: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    def branch(name: str) -> st.SearchStrategy[Tree]:
        return st.tuples(st.just(name), *[trees] * OPERATIONS[name][0])

    return st.sampled_from(sorted(OPERATIONS)).flatmap(branch)


TREES = st.recursive(LEAVES, _branches, max_leaves=12)


def value(tree: Tree, neuron: sl.Neuron) -> Tensor:
    if isinstance(tree, str):
        return getattr(neuron, tree)
    if isinstance(tree, float):
        return torch.tensor(tree, dtype=torch.float64)
    return OPERATIONS[tree[0]][1](*(value(branch, neuron) for branch in tree[1:]))


def generated(tree: Tree, hard: bool) -> type[sl.Neuron]:
    """A neuron whose potential follows the tree, bounded so that it cannot grow without limit."""

    class Generated(sl.Neuron):
        """Generated dynamics."""

        p = sl.Param(0.53, "1", "parameter and threshold")
        i = sl.Input("1", "input")
        # Off zero, where ties of minimum and maximum and the corner of abs would be the rule.
        v = sl.State(0.137, "1", "potential")

        def charge(self) -> dict[str, Tensor]:
            return {"v": 0.3 * self.v + torch.tanh(value(tree, self)) + 0.1 * self.i}

        def threshold(self) -> Tensor:
            return self.v - self.p

        def reset(self) -> dict[str, Tensor]:
            return {"v": torch.full_like(self.v, 0.0731) if hard else self.v - self.p}

    return Generated


def plain_loop(neuron: sl.Neuron, x: Tensor) -> Tensor:
    """`step` on ordinary tensors, one after another."""
    params = {name: torch.as_tensor(v, dtype=torch.float64) for name, v in neuron.param_values().items()}
    state = {"v": torch.full_like(x[0], 0.137)}
    spikes = []
    for i in x:
        result = neuron.step({**params, **state, "i": i})
        state = {"v": result["v"]}
        spikes.append(result["s"])
    return torch.stack(spikes)


def gradients(run: Callable[[Tensor], Tensor], neuron: sl.Neuron, x: Tensor) -> tuple[Tensor, ...]:
    leaf = x.clone().requires_grad_()
    y = run(leaf)
    loss = (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum() + 0 * neuron.raw_p
    return (y, *torch.autograd.grad(loss + 0 * leaf.sum(), [leaf, neuron.raw_p]))


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(tree=TREES, hard=st.booleans(), detach=st.booleans())
@example(tree=("sub", "v", "v"), hard=True, detach=False)
@example(tree=("where", "i", ("mul", "v", "p"), ("detach", "p")), hard=False, detach=True)
@example(tree=("where", "p", "v", "i"), hard=True, detach=True)
@example(tree=("both", "p", "p", "i"), hard=False, detach=True)
@example(tree=("mul", ("maximum", "v", "i"), ("minimum", ("sin", "p"), "v")), hard=False, detach=False)
def test_generated_statements(tree: Tree, hard: bool, detach: bool) -> None:
    """float64: functions of two libraries differ by some 1e-16, which 7 steps of slope below 100 each may amplify."""
    neuron = generated(tree, hard)(learn=("p",), detach_reset=detach).double()
    x = torch.randn(7, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    wanted = gradients(lambda x: plain_loop(neuron, x), neuron, x)
    for name in ("reference", "numba"):
        with sl.backend(name):
            found = gradients(neuron, neuron, x)
        assert torch.equal(found[0], wanted[0])
        for a, b in zip(found[1:], wanted[1:], strict=True):
            assert torch.isfinite(b).all()
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9 * (1 + float(b.abs().max())))


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    tree=TREES,
    segments=st.integers(1, 9),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
    strided=st.booleans(),
    backend=st.sampled_from(["numba", "reference"]),
)
def test_recomputed_segments(tree: Tree, segments: int, dtype: torch.dtype, strided: bool, backend: str) -> None:
    """Bit for bit what keeping every step gives, whatever the statement, the segments, the dtype and the strides."""
    neuron = generated(tree, hard=True)(learn=("p",))
    x = torch.randn(14, 3, 5, generator=torch.Generator().manual_seed(0)).to(dtype)
    x = x[::2] if strided else x[:7]
    with sl.backend(backend):
        with sl.memory("states"):
            wanted = gradients(neuron, neuron, x)
        with sl.memory("recompute", segments=segments):
            found = gradients(neuron, neuron, x)
    assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(tree=TREES)
def test_a_parameter_that_varies(tree: Tree) -> None:
    """Held at one value over time it gives what the number gives, and its gradients add up to the number's."""
    neuron = generated(tree, hard=False)().double()
    x = torch.randn(7, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    p = torch.full((7,), 0.53, dtype=torch.float64, requires_grad=True)
    learning = generated(tree, hard=False)(learn=("p",)).double()
    given, wanted = neuron(x, p=p), learning(x)
    assert torch.equal(given, wanted)
    (found,) = torch.autograd.grad(given.sum() + 0 * p.sum(), p)
    (expected,) = torch.autograd.grad(wanted.sum() + 0 * learning.raw_p, learning.raw_p)
    torch.testing.assert_close(
        found.sum(), expected, rtol=1e-5, atol=1e-5 * (1 + float(expected.abs())), check_dtype=False
    )
