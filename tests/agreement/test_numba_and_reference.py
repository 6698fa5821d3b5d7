"""The numba back end against the reference, bit for bit where no polynomial stands for a library function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.compile import _numba

SIZES = (1, 63, 1000, 4097)
LENGTHS = (1, 2, 33)


class Result(NamedTuple):
    """All that a run of a neuron yields."""

    y: Tensor
    recorded: tuple[Tensor, ...]
    state: tuple[Tensor, ...]
    gradients: tuple[Tensor, ...]

    def tensors(self) -> tuple[Tensor, ...]:
        """One after another."""
        return (self.y, *self.recorded, *self.state, *self.gradients)


def run(neuron: sl.Neuron, x: Tensor, name: str, variables: tuple[str, ...] = ("v",)) -> Result:
    """Forward, and backward of a loss on output, recorded variables and final state."""
    leaf = x.detach().requires_grad_()
    with sl.backend(name), sl.record(neuron, *variables) as trace:
        y, state = sl.unroll(neuron, leaf)
    recorded, final = tuple(trace[v] for v in variables), tuple(state[""].values())
    loss = sum((weighted(t) for t in (y, *recorded, *final)), torch.zeros(()))
    return Result(y, recorded, final, torch.autograd.grad(loss, [leaf, *neuron.parameters()]))


def weighted(y: Tensor) -> Tensor:
    return (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum()


def drive(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return (4 * torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) - 0.5).to(dtype)


def assert_same_bits(given: Result, wanted: Result) -> None:
    for a, b in zip(given.tensors(), wanted.tensors(), strict=True):
        assert a.dtype == b.dtype
        assert torch.isfinite(b).all()
        assert torch.equal(a, b)


def lif(tau: Tensor | float = 2.0, **options: object) -> sl.LIF:
    """The arctangent's slope 1 / (1 + z^2) needs no library function, so every operation is exactly rounded."""
    return sl.LIF(tau_mem=tau, learn=("tau_mem", "v_th"), **options)


@pytest.mark.parametrize("steps", LENGTHS)
@pytest.mark.parametrize("neurons", SIZES)
def test_sizes(neurons: int, steps: int) -> None:
    x = drive(steps, 1, neurons)
    assert_same_bits(run(lif(), x, "numba"), run(lif(), x, "reference"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_dtypes(dtype: torch.dtype) -> None:
    x = drive(9, 3, 21, dtype=dtype)
    given, wanted = run(lif(), x, "numba"), run(lif(), x, "reference")
    assert_same_bits(given, wanted)
    assert given.y.dtype == given.recorded[0].dtype == given.gradients[0].dtype == dtype
    assert given.state[0].dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_enters_and_leaves_by_rounding_alone(dtype: torch.dtype) -> None:
    """State is float32: the spikes are those of the same numbers in float32, and potentials are rounded at the end."""
    x = drive(9, 3, 21, dtype=dtype)
    with torch.no_grad(), sl.record(neuron := lif(), "v") as trace:
        y = neuron(x)
        v = trace["v"]
        whole = neuron(x.float())
    assert torch.equal(y, whole.to(dtype))
    assert torch.equal(v, trace["v"].to(dtype))


@pytest.mark.parametrize(
    "neuron",
    [
        lif(soft_reset=True),
        lif(detach_reset=False),
        lif(soft_reset=True, detach_reset=False, decay_input=False),
        sl.IF(learn=("c_mem",)),
        sl.AdaptiveLIF(tau_mem=2.0, tau_adapt=7.0, learn=("beta", "tau_adapt")),
        sl.CurrentLIF(tau_mem=3.0, tau_syn=2.0, learn=("tau_syn",)),
        sl.LeakyIntegrator(tau_mem=2.0, learn=("tau_mem", "v_rest")),
        sl.Refractory(sl.LIF(tau_mem=2.0), t_ref=2.0, learn=("tau_mem",)),
        lif(surrogate=sl.surrogate.SuperSpike()),
        lif(surrogate=sl.surrogate.Triangle()),
        lif(surrogate=sl.surrogate.Rectangle()),
    ],
    ids=repr,
)
def test_neurons_without_library_functions_in_the_loop(neuron: sl.Neuron) -> None:
    x = drive(17, 2, 63)
    assert_same_bits(run(neuron, x, "numba"), run(neuron, x, "reference"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "surrogate", [sl.surrogate.Sigmoid(), sl.surrogate.Gaussian(), sl.surrogate.Exponential()], ids=repr
)
def test_slopes_with_library_functions(surrogate: sl.surrogate.Surrogate, dtype: torch.dtype) -> None:
    """Spikes stay equal; gradients differ by the error of exp, 2e-7 in float32, through at most 17 steps and sums."""
    x = drive(17, 2, 63, dtype=dtype)
    given, wanted = (run(lif(surrogate=surrogate), x, name) for name in ("numba", "reference"))
    assert torch.equal(given.y, wanted.y)
    assert torch.equal(given.recorded[0], wanted.recorded[0])
    tolerance = 2e-5 if dtype == torch.float32 else 1e-12
    for a, b in zip(given.gradients, wanted.gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance * float(b.abs().max()))


LAYOUTS: dict[str, Callable[[], Tensor]] = {
    "every second step": lambda: drive(18, 3, 7, 4, 5)[::2],
    "steps in reverse": lambda: drive(9, 3, 7, 4, 5).flip(0),
    "transposed features": lambda: drive(9, 3, 5, 4, 7).transpose(2, 4),
    "part of the features": lambda: drive(9, 3, 14, 4, 5)[:, :, 3:10],
    "batch before time": lambda: drive(3, 9, 7, 4, 5).transpose(0, 1),
    "time last": lambda: drive(3, 7, 4, 5, 9).movedim(-1, 0),
    "constant in time": lambda: drive(1, 3, 7, 4, 5).expand(9, -1, -1, -1, -1),
    "constant in the batch": lambda: drive(9, 1, 7, 4, 5).expand(-1, 3, -1, -1, -1),
    "constant": lambda: drive(1, 1, 1, 1, 1).expand(9, 3, 7, 4, 5),
    "channels last": lambda: drive(27, 7, 4, 5).contiguous(memory_format=torch.channels_last).unflatten(0, (9, 3)),
    "behind an offset": lambda: drive(9 * 3 * 7 * 4 * 5 + 3).narrow(0, 3, 9 * 3 * 7 * 4 * 5).view(9, 3, 7, 4, 5),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_layouts(layout: str) -> None:
    x = LAYOUTS[layout]()
    assert x.shape == (9, 3, 7, 4, 5)
    given = run(lif(), x, "numba")
    assert_same_bits(given, run(lif(), x, "reference"))
    assert_same_bits(given, run(lif(), x.clone(memory_format=torch.contiguous_format), "numba"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(7,), (7, 4, 5), (1, 4), (7, 1, 5), (1,)], ids=str)
def test_parameter_tensors(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    tau = 1.5 + drive(*shape, seed=1).abs()
    x = drive(9, 3, 7, 4, 5, dtype=dtype)
    given = run(lif(tau), x, "numba")
    assert_same_bits(given, run(lif(tau), x, "reference"))
    assert given.gradients[1].shape == shape


def test_a_gradient_that_is_strided_or_constant() -> None:
    """What reaches the backward kernel from later layers has any layout."""
    x = drive(9, 3, 8)
    found = []
    for name in ("numba", "reference"):
        leaf = x.clone().requires_grad_()
        with sl.backend(name):
            y = lif()(leaf)
        (y.transpose(0, 2)[::2] * drive(4, 3, 9)).sum().backward()
        found.append(leaf.grad)
    assert torch.equal(*found)


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Fresh memory of the numba back end holds NaN, truth values hold True."""
    empty, count = _numba.empty, [0]

    def fill(*shape: int, dtype: torch.dtype) -> Tensor:
        count[0] += 1
        return empty(*shape, dtype=dtype).fill_(True if dtype == torch.bool else torch.nan)

    monkeypatch.setattr(_numba, "empty", fill)
    yield count


@pytest.mark.parametrize("neuron", [lif(), sl.Refractory(sl.LIF(tau_mem=2.0), learn=("tau_mem",))], ids=repr)
@pytest.mark.parametrize("neurons", [63, 4097])
def test_every_buffer_is_written_before_it_is_read(neuron: sl.Neuron, neurons: int, poisoned: list[int]) -> None:
    x = drive(9, 1, neurons)
    assert_same_bits(run(neuron, x, "numba"), run(neuron, x, "reference"))
    assert poisoned[0] >= 3, "the fixture poisons nothing"


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("shape", [(33, 1, 4097), (40, 16, 257), (33, 5, 4, 300)], ids=str)
def test_results_do_not_depend_on_the_number_of_threads(shape: tuple[int, ...], threads: Callable[[int], None]) -> None:
    """All above 32 768 element updates, below which there is one thread anyway."""
    x = drive(*shape)
    tau = 1.5 + drive(shape[2], seed=1).abs()
    results = []
    for count in (1, 2, 3):
        threads(count)
        results += [(run(lif(), x, "numba"), run(lif(tau), x, "numba"))]
    for one, per_channel in results[1:]:
        assert_same_bits(one, results[0][0])
        assert_same_bits(per_channel, results[0][1])


@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 0, 3), (4, 2, 0)], ids=str)
def test_nothing_to_do(shape: tuple[int, ...]) -> None:
    for name in ("numba", "reference"):
        result = run(lif(), torch.zeros(shape), name)
        assert result.y.shape == shape
        assert result.gradients[0].shape == shape
        assert result.gradients[1] == 0


def test_inputs_are_left_as_they_were() -> None:
    x = drive(9, 3, 8)
    kept, state = x.clone(), {"": {"v": torch.full((3, 8), 0.5)}}
    for name in ("numba", "reference"):
        with sl.backend(name):
            _, after = sl.unroll(lif(), x, state)
        assert torch.equal(x, kept)
        assert (state[""]["v"] == 0.5).all()
        assert after[""]["v"].data_ptr() != state[""]["v"].data_ptr()
