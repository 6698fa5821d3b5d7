"""Linear products by every candidate against torch.nn.functional.linear."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from spikeloom import products
from spikeloom.errors import BackendError
from spikeloom.products import _kernels
from tests.products.agreement import TOLERANCE, assert_agree, graded, identical, run, spikes

CANDIDATES = [
    (name, dtype)
    for name in ("dense", "onednn", "event")
    for dtype in (torch.float32, torch.float64, torch.bfloat16)
    if name != "onednn" or dtype is torch.float32
]
# Rows, inputs and outputs: one, less and more than a word, a tile, a chunk, a register and a block of registers.
SIZES = [(1, 1, 1), (7, 5, 3), (65, 33, 17), (2, 784, 10), (1100, 70, 130), (64, 64, 256), (130, 31, 128)]


def given(rows: int, inputs: int, outputs: int, dtype: torch.dtype, x: Tensor) -> tuple[Tensor, ...]:
    weight, bias, grad = torch.randn(outputs, inputs), torch.randn(outputs), torch.randn(rows, outputs)
    return x, weight.to(dtype), bias.to(dtype), grad.to(dtype)


@pytest.mark.parametrize("kind", [spikes, graded])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("name", "dtype"), CANDIDATES)
def test_value_and_gradients(
    name: str, dtype: torch.dtype, size: tuple[int, int, int], kind: Callable[..., Tensor]
) -> None:
    values = given(*size, dtype, kind(*size[:2], dtype=dtype))
    with products.using(name):
        ours = run(products.linear, *values)
    assert_agree(ours, run(F.linear, *values), dtype)


@pytest.mark.parametrize("name", ["dense", "onednn", "event"])
@pytest.mark.parametrize("p", [0.0, 1.0])
def test_no_spike_and_all_spikes(name: str, p: float) -> None:
    values = given(40, 50, 20, torch.float32, spikes(40, 50, p=p))
    with products.using(name):
        assert_agree(run(products.linear, *values), run(F.linear, *values), torch.float32)


@pytest.mark.parametrize("name", ["dense", "onednn", "event"])
def test_axes_before_the_last_no_bias_and_strides(name: str) -> None:
    whole = spikes(5, 4, 66, 40)
    for x in (whole[:, :, :33], whole[..., ::2], whole.transpose(2, 3), whole[:1].expand(5, 4, 66, 40)):
        weight, grad = torch.randn(70, 2 * x.shape[-1])[:, ::2], torch.randn(*x.shape[:-1], 70)
        with products.using(name):
            ours = run(products.linear, x, weight, None, grad)
        assert_agree(ours, run(F.linear, x, weight, None, grad), torch.float32)


@pytest.mark.parametrize("name", ["auto", "dense", "onednn", "event"])
def test_empty(name: str) -> None:
    for rows, inputs, outputs in ((0, 5, 3), (5, 3, 0), (4, 0, 3)):
        values = given(rows, inputs, outputs, torch.float32, torch.ones(rows, inputs))
        with products.using(name):
            assert_agree(run(products.linear, *values), run(F.linear, *values), torch.float32)


def test_values_that_are_not_quite_spikes() -> None:
    x = spikes(70, 40)
    x[3, 7], x[69, 39], x[0, 0] = -1.0, torch.nan, -0.0
    weight, bias = torch.randn(9, 40), torch.randn(9)
    with products.using("event"):
        y = products.linear(x, weight, bias)
    wanted = F.linear(x, weight, bias)
    assert bool(y[69].isnan().all())
    torch.testing.assert_close(y[:69], wanted[:69], rtol=0.0, atol=TOLERANCE[torch.float32] * 10)


@pytest.mark.parametrize("kind", [spikes, graded])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_events_add_up_in_the_same_order_on_any_number_of_threads(
    dtype: torch.dtype, kind: Callable[..., Tensor]
) -> None:
    values = given(2100, 300, 70, dtype, kind(2100, 300, dtype=dtype))
    x, weight, bias, _ = values
    results = []
    for threads in (1, 2, 3, 7):
        torch.set_num_threads(threads)
        with products.using("event"):
            y, _, *rest = run(products.linear, *values)  # the input gradient is PyTorch's
        results.append([y, *rest])
    assert all(identical(results[0], other) for other in results[1:])
    order = bias.clone()
    for k in range(300):
        order = order + x[5, k] * weight[:, k]
    assert torch.equal(results[0][0][5], order)


def test_autocast_multiplies_in_bfloat16_and_keeps_master_weights() -> None:
    for name in ("auto", "dense", "event"):
        values = given(600, 100, 60, torch.float32, spikes(600, 100))
        with products.using(name), torch.autocast("cpu", torch.bfloat16):
            ours, theirs = run(products.linear, *values), run(F.linear, *values)
        assert ours[0].dtype is torch.bfloat16
        assert [grad.dtype for grad in ours[1:]] == [torch.float32] * 3
        assert_agree(ours, theirs, torch.bfloat16)


def test_no_gradient_where_none_is_wanted() -> None:
    x, weight, bias = spikes(300, 200), torch.randn(100, 200, requires_grad=True), torch.randn(100)
    y = products.linear(x, weight, bias)
    y.sum().backward()
    torch.testing.assert_close(weight.grad, x.sum(0).expand(100, 200), rtol=1e-5, atol=1e-5)
    assert x.grad is None and bias.grad is None
    with torch.no_grad():
        assert not products.linear(x, weight, bias).requires_grad
    frozen = spikes(300, 200).requires_grad_()
    products.linear(frozen, weight.detach(), bias).sum().backward()
    torch.testing.assert_close(frozen.grad, weight.detach().sum(0).expand(300, 200), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", ["dense", "event"])
def test_the_backward_pass_can_be_differentiated(name: str) -> None:
    x = spikes(6, 5, dtype=torch.float64).requires_grad_()
    weight, bias = (torch.randn(*s, dtype=torch.float64, requires_grad=True) for s in ((4, 5), (4,)))
    with products.using(name):
        torch.autograd.gradgradcheck(products.linear, (x, weight, bias), fast_mode=True)

    def penalty(function: Callable[..., Tensor]) -> tuple[Tensor, ...]:
        first = torch.autograd.grad(function(x, weight, bias).tanh().sum(), (x, weight, bias), create_graph=True)
        return torch.autograd.grad(sum((g**2).sum() for g in first), (x, weight, bias))

    with products.using(name):
        ours = penalty(products.linear)
    for a, b in zip(ours, penalty(F.linear), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_a_weight_changed_between_forward_and_backward_is_refused() -> None:
    weight = torch.randn(3, 5, requires_grad=True)
    x = spikes(4, 5).requires_grad_()
    with products.using("event"):
        y = products.linear(x, weight)
    with torch.no_grad():
        weight.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_the_backward_pass_runs_as_the_forward_pass_did() -> None:
    values = given(50, 40, 30, torch.float32, spikes(50, 40))
    x, weight, bias, grad = (v.requires_grad_() for v in values)
    with products.using("event"):
        y = products.linear(x, weight, bias)
    with products.watched() as seen:
        y.backward(grad.detach())
    chosen = {choice.operation: choice.chosen for choice in seen}
    assert chosen == {"input gradient": "dense", "weight gradient": "event"}


# What PyTorch imports for forward-mode differentiation warns of itself.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
def test_transforms_and_other_tensors_are_left_to_pytorch() -> None:
    x, weight, bias = spikes(300, 200), torch.randn(100, 200), torch.randn(100)
    stacked = torch.stack([weight, 2 * weight])
    mapped = torch.vmap(products.linear, (None, 0, None))(x, stacked, bias)
    assert torch.equal(mapped, torch.vmap(F.linear, (None, 0, None))(x, stacked, bias))
    tangent = torch.func.jvp(lambda w: products.linear(x, w, bias), (weight,), (weight,))[1]
    torch.testing.assert_close(tangent, F.linear(x, weight))
    assert products.linear(x.to("meta"), weight.to("meta"), bias.to("meta")).shape == (300, 100)
    with products.using("event"), pytest.raises(BackendError, match="event"):
        products.linear(x.to("meta"), weight.to("meta"), bias.to("meta"))


def test_by_name_a_product_works_or_raises() -> None:
    double, half = (spikes(4, 5, dtype=dtype) for dtype in (torch.float64, torch.float16))
    with products.using("onednn"), pytest.raises(BackendError, match="onednn"):
        products.linear(double, torch.randn(3, 5, dtype=torch.float64))
    with products.using("event"), pytest.raises(BackendError, match="event"):
        products.linear(half, torch.randn(3, 5).half())


@pytest.mark.parametrize("name", ["auto", "event"])
def test_what_does_not_fit_is_refused_as_pytorch_does(name: str) -> None:
    with products.using(name):
        for x, weight, bias in (
            (spikes(4, 5), torch.randn(3, 6), None),
            (spikes(4, 5), torch.randn(3, 5), torch.randn(4)),
            (spikes(4, 5), torch.randn(3, 5).double(), None),
        ):
            with pytest.raises(RuntimeError):
                products.linear(x, weight, bias)


@pytest.mark.parametrize("listing", _kernels._LISTINGS)
@pytest.mark.parametrize("kind", [spikes, graded])
def test_both_ways_to_list_spikes(listing: str, kind: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    if listing == "vectors" and _kernels._listing() != "vectors":
        pytest.skip("needs AVX-512 and LLVM 19")
    monkeypatch.setattr(_kernels, "_listing", lambda: listing)
    for name in ("forward_sums", "weight_sums"):
        monkeypatch.setattr(_kernels, name, getattr(_kernels, name).__wrapped__)
    values = given(1500, 70, 20, torch.float32, kind(1500, 70))
    with products.using("event"):
        assert_agree(run(products.linear, *values), run(F.linear, *values), torch.float32)
