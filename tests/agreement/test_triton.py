"""The Triton back end, in Triton's interpreter on the CPU, against the reference and against Numba.

Triton kernels use Numba's formulas, and every operation in them is exactly rounded, so the two agree bit for bit.
What the interpreter cannot show is whether a GPU compiles and runs them: see tests/compile/test_triton_compiles.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import Tensor

import spikeloom as sl
from spikeloom.compile import _triton
from spikeloom.errors import BackendError, NonFiniteError
from tests.agreement.test_generated_statements import TREES, Tree, generated
from tests.contract.test_catalogue import NEURONS

pytest.importorskip("triton")


@pytest.fixture(autouse=True)
def interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")


class Result(NamedTuple):
    """All that a run of a neuron yields."""

    y: Tensor
    recorded: tuple[Tensor, ...]
    state: tuple[Tensor, ...]
    gradients: tuple[Tensor, ...]

    def tensors(self) -> tuple[Tensor, ...]:
        """One after another."""
        return (self.y, *self.recorded, *self.state, *self.gradients)


def run(
    neuron: sl.Neuron, x: Tensor | list[Tensor], name: str, *, memory: str = "states", segments: int | None = None
) -> Result:
    """Forward, and backward of a loss on output, recorded states and final state."""
    leaves = [each.detach().requires_grad_() for each in (x if isinstance(x, list) else [x])]
    torch.manual_seed(3)
    with sl.backend(name), sl.memory(memory, segments=segments), sl.record(neuron, *neuron.states) as trace:
        if len(leaves) == 1:
            y, state = sl.unroll(neuron, leaves[0])
            final = tuple(state[""][v] for v in neuron.states)
        else:
            # A stream has one input.
            y, final = neuron(*leaves), ()
    recorded = tuple(trace[v] for v in neuron.states)
    real = [t for t in (y, *recorded, *final) if t.is_floating_point() and t.requires_grad]
    loss = sum((weighted(t) for t in real), torch.zeros(()))
    wrt = [*leaves, *neuron.parameters()]
    return Result(y, recorded, final, torch.autograd.grad(loss, wrt, materialize_grads=True))


def weighted(y: Tensor) -> Tensor:
    return (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum()


def drive(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return (4 * torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) - 0.5).to(dtype)


def assert_same_bits(given: Result, wanted: Result) -> None:
    for a, b in zip(given.tensors(), wanted.tensors(), strict=True):
        assert a.dtype == b.dtype
        assert torch.isfinite(b).all()
        assert torch.equal(a, b)


def assert_close(given: Result, wanted: Result, tolerance: float) -> None:
    assert torch.equal(given.y, wanted.y)
    for a, b in zip(given.tensors(), wanted.tensors(), strict=True):
        size = float(b.detach().double().abs().max())
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance * (1 + size))


def lif(tau: Tensor | float = 2.0, **options: object) -> sl.LIF:
    return sl.LIF(tau_mem=tau, learn=("tau_mem", "v_th"), **options)


def over_the_span(neuron: sl.Neuron, *shape: int) -> list[Tensor]:
    """Inputs between the values that the neuron declares."""
    spans = [item.span for item in neuron.inputs.values()]
    return [low + (high - low) * (drive(*shape, seed=k) + 0.5) / 4 for k, (low, high) in enumerate(spans)]


@pytest.mark.parametrize("name", NEURONS)
def test_the_catalogue(name: str) -> None:
    """Bit for bit what Numba computes, which `check_neuron` compares with the reference."""
    neuron = NEURONS[name]
    x = over_the_span(neuron, 5, 1, 131)
    assert_same_bits(run(neuron, x, "triton"), run(neuron, x, "numba"))


@pytest.mark.parametrize("surrogate", [sl.surrogate.Sigmoid(), sl.surrogate.Gaussian(), sl.surrogate.SuperSpike()])
def test_surrogates(surrogate: sl.surrogate.Surrogate) -> None:
    neuron, x = lif(surrogate=surrogate, detach_reset=False), drive(7, 2, 65)
    assert_same_bits(run(neuron, x, "triton"), run(neuron, x, "numba"))


@pytest.mark.parametrize("steps", [1, 2, 19])
@pytest.mark.parametrize("neurons", [1, 127, 128, 300])
def test_sizes(neurons: int, steps: int) -> None:
    x = drive(steps, 1, neurons)
    assert_same_bits(run(lif(), x, "triton"), run(lif(), x, "reference"))


@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 0, 3), (4, 2, 0)], ids=str)
def test_nothing_to_do(shape: tuple[int, ...]) -> None:
    result = run(lif(), torch.zeros(shape), "triton")
    assert result.y.shape == result.gradients[0].shape == shape
    assert result.gradients[1] == 0


LAYOUTS: dict[str, Callable[[], Tensor]] = {
    "every second step": lambda: drive(18, 3, 7, 4)[::2],
    "steps in reverse": lambda: drive(9, 3, 7, 4).flip(0),
    "part of the features": lambda: drive(9, 3, 14, 4)[:, :, 3:10],
    "batch before time": lambda: drive(3, 9, 7, 4).transpose(0, 1),
    "constant in time": lambda: drive(1, 3, 7, 4).expand(9, -1, -1, -1),
    "constant": lambda: drive(1, 1, 1, 1).expand(9, 3, 7, 4),
    "behind an offset": lambda: drive(9 * 3 * 7 * 4 + 3).narrow(0, 3, 9 * 3 * 7 * 4).view(9, 3, 7, 4),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_layouts(layout: str) -> None:
    x = LAYOUTS[layout]()
    assert x.shape == (9, 3, 7, 4)
    assert_same_bits(run(lif(), x, "triton"), run(lif(), x, "reference"))


def test_a_gradient_that_is_strided() -> None:
    found = []
    for name in ("triton", "reference"):
        leaf = drive(9, 3, 8).requires_grad_()
        with sl.backend(name):
            y = lif()(leaf)
        (y.transpose(0, 2)[::2] * drive(4, 3, 9)).sum().backward()
        found.append(leaf.grad)
    assert torch.equal(*found)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(7,), (7, 4, 5), (1, 4)], ids=str)
def test_parameter_tensors(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    tau = 1.5 + drive(*shape, seed=1).abs()
    x = drive(5, 2, 7, 4, 5, dtype=dtype)
    given = run(lif(tau), x, "triton")
    assert_same_bits(given, run(lif(tau), x, "reference"))
    assert given.gradients[1].shape == shape


@pytest.mark.parametrize(("dtype", "error"), [(torch.float16, 0.0), (torch.bfloat16, 2.0**-7)])
def test_half_precision(dtype: torch.dtype, error: float) -> None:
    """State is float32, so spikes are equal. The interpreter cuts bfloat16 off where a GPU rounds: one last digit."""
    x = drive(9, 3, 21, dtype=dtype)
    given, wanted = run(lif(), x, "triton"), run(lif(), x, "reference")
    assert torch.equal(given.y, wanted.y)
    for a, b in zip(given.tensors(), wanted.tensors(), strict=True):
        assert a.dtype == b.dtype
        # Parameter gradients sum over what was cut off before.
        torch.testing.assert_close(a, b, rtol=error, atol=error * float(b.detach().abs().max()))


@pytest.mark.parametrize("segments", [1, 2, 3, 4, 10, None])
@pytest.mark.parametrize("neuron", [lif(), sl.Refractory(sl.CurrentLIF(), learn=("tau_mem", "tau_syn"))], ids=repr)
def test_recomputed_segments(neuron: sl.Neuron, segments: int | None) -> None:
    x = drive(10, 1, 130)
    given = run(neuron, x, "triton", memory="recompute", segments=segments)
    assert_same_bits(given, run(neuron, x, "numba"))


class Diverse(sl.Neuron):
    """States of every kind, a parameter that only some steps read, noise."""

    p = sl.Param(0.7, "1", "parameter")
    i = sl.Input("1", "input")
    v = sl.State(0.1, "1", "potential")
    count = sl.State(0, "1", "spikes so far", dtype=torch.int32)
    odd = sl.State(0, "1", "whether their number is odd", dtype=torch.bool)
    past = sl.State(0.0, "1", "potential one step ago")

    def charge(self) -> dict[str, Tensor]:
        drift = torch.where(self.odd, self.p * self.v, 0.3 * self.past)
        return {"v": drift + torch.tanh(self.i) * 0.8 + 0.01 * (self.count % 5), "past": self.v}

    def threshold(self) -> Tensor:
        return self.v - 0.6

    def reset(self) -> dict[str, Tensor]:
        count = self.count + 1
        return {"v": self.v - self.p, "count": count, "odd": (count & 1) == 1}


@pytest.mark.parametrize("memory", ["states", "recompute"])
def test_integer_and_boolean_states(memory: str) -> None:
    neuron, x = Diverse(learn=("p",)), drive(8, 2, 70)
    given = run(neuron, x, "triton", memory=memory)
    assert given.state[1].max() >= 2
    assert_same_bits(given, run(neuron, x, "numba"))
    assert_close(given, run(neuron, x, "reference"), 2e-5)


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Fresh memory of the back end holds NaN, integers and truth values hold ones."""
    rows, count = _triton.Allocator.rows, [0]

    def fill(self: _triton.Allocator, dtype: torch.dtype, steps: int | None = None) -> Tensor:
        count[0] += 1
        return rows(self, dtype, steps).fill_(torch.nan if dtype.is_floating_point else 1)

    monkeypatch.setattr(_triton.Allocator, "rows", fill)
    yield count


@pytest.mark.parametrize("memory", ["states", "recompute"])
def test_every_buffer_is_written_before_it_is_read(memory: str, poisoned: list[int]) -> None:
    neuron, x = Diverse(learn=("p",)), drive(7, 1, 130)
    assert_same_bits(run(neuron, x, "triton", memory=memory), run(neuron, x, "numba"))
    assert poisoned[0] >= 3, "the fixture poisons nothing"


def test_inputs_are_left_as_they_were() -> None:
    x = drive(9, 3, 8)
    kept, state = x.clone(), {"": {"v": torch.full((3, 8), 0.5)}}
    with sl.backend("triton"):
        _, after = sl.unroll(lif(), x, state)
    assert torch.equal(x, kept)
    assert (state[""]["v"] == 0.5).all()
    assert after[""]["v"].data_ptr() != state[""]["v"].data_ptr()


def test_a_state_that_becomes_nan_is_refused() -> None:
    x = drive(9, 3, 50)
    x[4, 2, 49] = torch.nan
    with sl.backend("triton"), pytest.raises(NonFiniteError, match=r"\[2, 49\].*NaN from step 4"):
        lif()(x)


def test_random_numbers_are_those_of_other_back_ends() -> None:
    neuron, x = sl.Noisy(lif(), sigma=0.3), drive(6, 2, 70)
    given = run(neuron, x, "triton")
    assert_same_bits(given, run(neuron, x, "numba"))
    assert not torch.equal(given.recorded[0], run(lif(), x, "triton").recorded[0])


def test_on_the_cpu_it_must_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    neuron, x = lif(), drive(3, 1, 4)
    assert "numba" in str(sl.explain(neuron, x))
    monkeypatch.delenv("TRITON_INTERPRET")
    with sl.backend("triton"), pytest.raises(BackendError, match="runs on a GPU"):
        neuron(x)


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(tree=TREES, hard=st.booleans(), detach=st.booleans())
@example(tree=("both", "p", "p", "i"), hard=False, detach=True)
@example(tree=("mul", ("maximum", "v", "i"), ("minimum", ("sin", "p"), "v")), hard=False, detach=False)
def test_generated_statements(tree: Tree, hard: bool, detach: bool) -> None:
    neuron = generated(tree, hard)(learn=("p",), detach_reset=detach)
    x = torch.randn(7, 3, 5, generator=torch.Generator().manual_seed(0))
    assert_same_bits(run(neuron, x, "triton"), run(neuron, x, "numba"))
