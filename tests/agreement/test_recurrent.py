"""The compiled recurrent loop against one step after another on the reference back end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.compile import Feedback, _numba, _recurrent, _recurrent_kernel
from spikeloom.compile._recurrent_product import product_address
from spikeloom.neurons import Neuron


class Result(NamedTuple):
    """All that a run of a layer yields; forward first."""

    forward: dict[str, Tensor]
    gradients: dict[str, Tensor]


def sixtyfourths(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0, scale: float = 1.0) -> Tensor:
    """Numbers whose sums are exact in whatever order they are added."""
    values = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * scale
    return (torch.round(values * 64) / 64).to(dtype)


def layer_of(neuron: Neuron, n: int, delay: int = 1, dtype: torch.dtype = torch.float32) -> sl.nn.Recurrent:
    weight = sixtyfourths(n, n, seed=1, scale=0.7)
    return sl.nn.Recurrent(neuron, weight, delay=delay).to(torch.float64 if dtype == torch.float64 else torch.float32)


def run(layer: sl.nn.Recurrent, x: Tensor, name: str = "auto", variables: tuple[str, ...] = ("v",)) -> Result:
    """Forward from a state with spikes in flight, backward of a loss on output, recorded variables and final state."""
    leaf = x.detach().requires_grad_()
    batch, dtype = x.shape[1], layer.weight.dtype
    begin = {name: torch.full((batch, x.shape[2]), 0.25, dtype=dtype) for name in layer.neuron.states}
    in_flight = (sixtyfourths(layer.delay, batch, x.shape[2], seed=2) > 0).to(dtype)
    start = {name: value.requires_grad_() for name, value in {**begin, "in_flight": in_flight}.items()}
    with sl.backend(name), sl.record(layer, *variables) as trace:
        y, state = sl.unroll(layer, leaf, {"neuron": start})
    forward = {"y": y, **{f"{v} recorded": trace[f"neuron.{v}"] for v in variables}}
    forward |= {f"final {label}": value for label, value in state["neuron"].items()}
    loss = sum((weighted(value.to(torch.float64)) for value in forward.values()), torch.zeros((), dtype=torch.float64))
    leaves = {"x": leaf, **dict(layer.named_parameters()), **start}
    found = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
    return Result(forward, dict(zip(leaves, found, strict=True)))


def weighted(y: Tensor) -> Tensor:
    return (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum()


def assert_agree(given: Result, wanted: Result, tolerance: float = 2e-5) -> None:
    """Forward bit for bit; gradients are sums in another order, of at most some hundred terms and steps."""
    for part, exact in ((given.forward, wanted.forward), (given.gradients, wanted.gradients)):
        assert part.keys() == exact.keys()
        for label, value in exact.items():
            assert torch.isfinite(value).all(), label
            assert part[label].dtype == value.dtype, label
            if part is given.forward:
                assert torch.equal(part[label], value), label
            else:
                size = float(value.detach().abs().max()) if value.numel() else 0.0
                torch.testing.assert_close(part[label], value, rtol=tolerance, atol=tolerance * size, msg=label)


def assert_same_bits(given: Result, wanted: Result) -> None:
    for part, exact in zip(given, wanted, strict=True):
        assert all(torch.equal(part[label], value) for label, value in exact.items())


def lif(**options: object) -> sl.LIF:
    """Halving and a rational slope: with inputs in sixty-fourths few operations round at all."""
    return sl.LIF(tau_mem=2.0, integrator=sl.neurons.Euler(), learn=("tau_mem", "v_th"), **options)


@pytest.mark.parametrize("steps", [1, 2, 17])
@pytest.mark.parametrize("delay", [1, 2, 3])
@pytest.mark.parametrize(("batch", "n"), [(1, 1), (3, 7), (9, 63)])
def test_sizes_and_delays(batch: int, n: int, steps: int, delay: int) -> None:
    layer, x = layer_of(lif(), n, delay), sixtyfourths(steps, batch, n)
    given = run(layer, x)
    assert_agree(given, run(layer, x, "reference"))
    assert n == 1 or given.gradients["weight"].abs().sum() > 0
    assert n == 1 or given.gradients["in_flight"].abs().sum() > 0


@pytest.mark.parametrize(
    "neuron",
    [
        lif(soft_reset=True, detach_reset=False),
        lif(decay_input=False),
        sl.AdaptiveLIF(tau_mem=2.0, tau_adapt=7.0, learn=("beta",)),
        sl.CurrentLIF(tau_mem=3.0, tau_syn=2.0, learn=("tau_syn",)),
        sl.LeakyIntegrator(tau_mem=20.0, learn=("tau_mem", "v_rest")),
        sl.Refractory(sl.AdaptiveLIF(tau_mem=2.0), t_ref=2.0, learn=("tau_mem",)),
        lif(surrogate=sl.surrogate.Triangle()),
    ],
    ids=repr,
)
def test_neurons_and_wrappers(neuron: Neuron) -> None:
    """float64, in which decays and currents that round differently do not move a spike in 12 steps."""
    layer, x = layer_of(neuron, 21, 2, torch.float64), sixtyfourths(12, 5, 21, dtype=torch.float64)
    given, wanted = (run(layer, x, name) for name in ("auto", "reference"))
    for part, exact in zip(given, wanted, strict=True):
        for label, value in exact.items():
            size = 1 + float(value.detach().abs().max())
            torch.testing.assert_close(part[label], value, rtol=1e-9, atol=1e-10 * size, msg=label)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_dtypes(dtype: torch.dtype) -> None:
    layer, x = layer_of(lif(), 21, dtype=dtype), sixtyfourths(9, 3, 21, dtype=dtype)
    given = run(layer, x)
    tolerance = {torch.float64: 1e-12, torch.bfloat16: 1e-2, torch.float16: 1e-3}[dtype]
    assert_agree(given, run(layer, x, "reference"), tolerance)
    assert given.forward["y"].dtype == given.gradients["x"].dtype == dtype
    assert given.forward["final v"].dtype == layer.weight.dtype


LAYOUTS: dict[str, Callable[[], Tensor]] = {
    "every second step": lambda: sixtyfourths(18, 3, 20)[::2],
    "steps in reverse": lambda: sixtyfourths(9, 3, 20).flip(0),
    "part of the features": lambda: sixtyfourths(9, 3, 41)[:, :, 11:31],
    "batch before time": lambda: sixtyfourths(3, 9, 20).transpose(0, 1),
    "constant in time": lambda: sixtyfourths(1, 3, 20).expand(9, -1, -1),
    "constant": lambda: torch.full((1, 1, 1), 1.5).expand(9, 3, 20),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_layouts(layout: str) -> None:
    x, layer = LAYOUTS[layout](), layer_of(lif(), 20)
    given = run(layer, x)
    assert_agree(given, run(layer, x, "reference"))
    assert_same_bits(given, run(layer, x.clone(memory_format=torch.contiguous_format)))


def test_a_transposed_weight() -> None:
    x, layer = sixtyfourths(9, 3, 20), layer_of(lif(), 20)
    turned = sl.nn.Recurrent(layer.neuron, layer.weight.detach().t().contiguous().t())
    assert not turned.weight.is_contiguous()
    assert_agree(run(turned, x), run(layer, x))


def test_parameters_per_neuron() -> None:
    tau = 1.5 + sixtyfourths(20, seed=3, dtype=torch.float64).abs()
    layer = layer_of(sl.LIF(tau_mem=tau, learn=("tau_mem",)), 20, 2, torch.float64)
    x = sixtyfourths(9, 3, 20, dtype=torch.float64)
    given, wanted = run(layer, x), run(layer, x, "reference")
    assert torch.equal(given.forward["y"], wanted.forward["y"])
    torch.testing.assert_close(given.gradients, wanted.gradients)


def test_a_gradient_that_is_strided_or_absent() -> None:
    layer, x, found = layer_of(lif(), 8), sixtyfourths(9, 3, 8), []
    for name in ("auto", "reference"):
        leaf = x.clone().requires_grad_()
        with sl.backend(name):
            y, state = sl.unroll(layer, leaf)
        loss = (y.transpose(0, 2)[::2] * sixtyfourths(4, 3, 9, seed=4)).sum()
        (from_y,) = torch.autograd.grad(loss, leaf, retain_graph=True)
        found.append((from_y, *torch.autograd.grad(state["neuron"]["v"].sum(), [leaf, layer.weight])))
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("cached", [1, 1 << 16], ids=["blocks of four rows", "one block"])
@pytest.mark.parametrize("share", [-1.0, 0.35, 2.0], ids=["always dense", "mixed", "zeros always skipped"])
def test_every_way_to_multiply_gives_the_same_bits(share: float, cached: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights with all their bits: the sums are in the same order."""
    x = 1.5 * torch.rand(23, 11, 37, generator=torch.Generator().manual_seed(0))
    layer = sl.nn.Recurrent(lif(), torch.randn(37, 37, generator=torch.Generator().manual_seed(1)) / 4)
    wanted = run(layer, x)
    assert 0.05 < wanted.forward["y"].mean() < 0.8
    monkeypatch.setattr(_recurrent_kernel, "product_address", partial(product_address, dense=share, cached=cached))
    assert_same_bits(run(layer, x), wanted)


def test_the_size_of_a_group_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, layer = torch.rand(9, 70, 5, generator=torch.Generator().manual_seed(0)) * 2, layer_of(lif(), 5)
    wanted = run(layer, x)
    monkeypatch.setattr(_recurrent_kernel, "_CACHED", 0)
    assert_same_bits(run(layer, x), wanted)


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize(("batch", "n"), [(16, 128), (3, 700), (41, 67)])
def test_results_do_not_depend_on_the_number_of_threads(batch: int, n: int, threads: Callable[[int], None]) -> None:
    """All above 32 768 element updates, below which there is one thread anyway."""
    x = 2 * torch.rand(20, batch, n, generator=torch.Generator().manual_seed(0))
    layer = sl.nn.Recurrent(lif(), torch.randn(n, n, generator=torch.Generator().manual_seed(1)) / n**0.5)
    results = []
    with sl.products.using("event"):
        for count in (1, 2, 3):
            threads(count)
            results.append(run(layer, x))
    for other in results[1:]:
        assert_same_bits(other, results[0])


def test_every_buffer_is_written_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    x, layer, count = sixtyfourths(9, 7, 21), layer_of(lif(), 21, 2), [0]
    wanted, empty = run(layer, x), _numba.empty

    def poisoned(*shape: int, dtype: torch.dtype) -> Tensor:
        count[0] += 1
        return empty(*shape, dtype=dtype).fill_(True if dtype == torch.bool else torch.nan)

    for module in (_numba, _recurrent_kernel):
        monkeypatch.setattr(module, "empty", poisoned)
    assert_same_bits(run(layer, x), wanted)
    assert count[0] >= 4, "nothing was poisoned"


@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 0, 3)], ids=str)
def test_nothing_to_do(shape: tuple[int, ...]) -> None:
    layer = layer_of(lif(), 3, 2)
    for name in ("auto", "reference"):
        result = run(layer, torch.zeros(shape), name)
        assert result.forward["y"].shape == shape
        assert (result.gradients["weight"] == 0).all()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_operation_for_captured_graphs_passes_the_checks_of_torch_library() -> None:
    neuron, weight = lif(), sixtyfourths(4, 4, seed=1).requires_grad_()
    given = {"i": sixtyfourths(5, 2, 4).requires_grad_()}
    feedback = Feedback("s", "i", 2)
    call = _recurrent._call(neuron, neuron.param_values(), given, None, ("s",), feedback, weight, None, None)
    plan, origin, tensors = _recurrent._prepared(call)
    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in tensors]
    arguments = leaves, weight, sixtyfourths(2, 2, 4, seed=2).requires_grad_(), origin, plan.number
    torch.library.opcheck(torch.ops.spikeloom.advance_recurrent.default, arguments)
