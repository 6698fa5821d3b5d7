"""Traces against the convolution that they state, and smoothing against its closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikeloom.coding import (
    alpha_trace,
    double_exponential_trace,
    exponential_trace,
    kernel_trace,
    smoothed_decisions,
    smoothed_labels,
)
from spikeloom.errors import DTypeError, ParameterError, ShapeError

TRACES: dict[str, tuple[Callable[..., Tensor], Callable[[float], float]]] = {
    "exponential": (lambda x, **k: exponential_trace(x, tau=7.0, **k), lambda s: math.exp(-s / 7)),
    "alpha": (lambda x, **k: alpha_trace(x, tau=7.0, **k), lambda s: s / 7 * math.exp(1 - s / 7)),
    "double": (
        lambda x, **k: double_exponential_trace(x, tau_rise=2.0, tau_decay=6.0, **k),
        # The peak is at 3 ln 3, where the two are 3^(-1/2) and 3^(-3/2).
        lambda s: (math.exp(-s / 6) - math.exp(-s / 2)) / (3**-0.5 - 3**-1.5),
    ),
    "kernel": (lambda x, dt: kernel_trace(x, torch.tensor([1.0, -2.0, 0.5], dtype=x.dtype)), lambda s: 0.0),
}


def train(seed: int, steps: int = 40, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(steps, 2, 3, generator=generator, dtype=torch.float64) < 0.2).to(dtype)


@pytest.mark.parametrize("name", ["exponential", "alpha", "double"])
@given(seed=st.integers(0, 1000), dt=st.floats(0.05, 20.0))
def test_traces_are_sums_of_shifted_kernels(name: str, seed: int, dt: float) -> None:
    trace, kernel = TRACES[name]
    spikes = train(seed)
    k = torch.tensor([kernel(n * dt) for n in range(len(spikes))], dtype=torch.float64)
    expected = sum(
        torch.cat((torch.zeros(t, 2, 3).double(), k[: len(k) - t].view(-1, 1, 1) * spikes[t]))
        for t in range(len(spikes))
    )
    # Rounding of 40 steps in float64, relative to sums of a few peaks of 1.
    assert torch.allclose(trace(spikes, dt=dt), expected, rtol=1e-12, atol=1e-13)
    assert torch.allclose(kernel_trace(spikes, k), expected, rtol=1e-12, atol=1e-13)


@given(data=st.data(), steps=st.integers(1, 9), length=st.integers(1, 12))
def test_kernel_trace_by_definition(data: st.DataObject, steps: int, length: int) -> None:
    x, k = (data.draw(st.lists(st.integers(-5, 5), min_size=n, max_size=n)) for n in (steps, length))
    expected = [sum(k[n] * x[t - n] for n in range(min(t + 1, length))) for t in range(steps)]
    y = kernel_trace(torch.tensor(x).double().view(-1, 1), torch.tensor(k).double())
    assert y.flatten().tolist() == expected


@pytest.mark.parametrize("name", TRACES)
def test_traces_are_causal_linear_and_move_with_time(name: str) -> None:
    trace = TRACES[name][0]
    one, two = train(1), train(2)
    y = trace(one, dt=1.0)
    later = two.clone()
    later[:20] = one[:20]
    assert torch.equal(trace(later, dt=1.0)[:20], y[:20])
    assert torch.allclose(trace(2.0 * one - two, dt=1.0), 2.0 * y - trace(two, dt=1.0), atol=1e-12)
    shifted = torch.cat((torch.zeros(5, 2, 3).double(), one))
    assert torch.allclose(trace(shifted, dt=1.0)[5:], y, atol=1e-12)
    assert not trace(shifted, dt=1.0)[:5].any()


@pytest.mark.parametrize("name", TRACES)
def test_traces_are_differentiable(name: str) -> None:
    x = train(0, steps=5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: TRACES[name][0](x, dt=1.0), (x,))


def test_kernels_are_learnable() -> None:
    k = torch.tensor([0.5, -1.0, 0.2], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda k: kernel_trace(train(0, steps=6), k), (k,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_precision(dtype: torch.dtype) -> None:
    for trace, _ in TRACES.values():
        y = trace(train(3, dtype=dtype), dt=1.0)
        assert y.dtype == torch.float32
        assert torch.allclose(y.double(), trace(train(3), dt=1.0), atol=1e-5)


@given(cut=st.integers(1, 39))
def test_a_stream_goes_on_where_it_was_cut(cut: int) -> None:
    spikes = train(4)
    whole = exponential_trace(spikes, tau=9.0, dt=0.5)
    first = exponential_trace(spikes[:cut], tau=9.0, dt=0.5)
    second = exponential_trace(spikes[cut:], tau=9.0, dt=0.5, initial=first[-1])
    assert torch.allclose(torch.cat((first, second)), whole, atol=1e-13)


@given(tau=st.floats(1.0, 40.0), dt=st.floats(0.1, 3.0))
def test_a_lasting_change_of_decision_shows_after_ln2_tau(tau: float, dt: float) -> None:
    # The old label's trace is a^k (1 - a^n) / (1 - a), the new one's (1 - a^k) / (1 - a): equal where a^k = 1 / 2.
    long = math.ceil(40 * tau / dt)
    expected = math.log(2) * tau / dt
    if abs(expected - round(expected)) < 1e-3:
        return
    labels = torch.tensor([1] * long + [0] * (math.ceil(expected) + 2)).view(-1, 1)
    smooth = smoothed_decisions(labels, classes=2, tau=tau, dt=dt).flatten().tolist()
    assert smooth[:long] == [1] * long
    assert smooth[long:].index(0) == math.ceil(expected) - 1


def test_smoothing_flips_less() -> None:
    draw = torch.Generator().manual_seed(0)
    labels = torch.where(torch.rand(400, 8, generator=draw) < 0.3, torch.randint(10, (400, 8), generator=draw), 4)
    smooth = smoothed_decisions(labels, classes=10, tau=10.0)
    flips = [(y[1:] != y[:-1]).sum().item() for y in (labels, smooth)]
    assert flips[1] < 0.05 * flips[0]
    assert (smooth[20:] == 4).all()


@pytest.mark.parametrize("name", TRACES)
def test_wrong_input_is_refused(name: str) -> None:
    trace = TRACES[name][0]
    with pytest.raises(ShapeError):
        trace(torch.zeros(5), dt=1.0)
    with pytest.raises(ShapeError, match="time >= 1"):
        trace(torch.zeros(0, 3), dt=1.0)
    with pytest.raises(DTypeError):
        trace(torch.zeros(5, 3, dtype=torch.int64), dt=1.0)
    with pytest.raises(ParameterError, match="finite"):
        trace(torch.tensor([[0.0], [math.nan]]), dt=1.0)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf, "1"])
def test_times_that_are_none_are_refused(bad: Any) -> None:
    x = torch.zeros(5, 3)
    for name, call in (
        ("tau", lambda: exponential_trace(x, tau=bad)),
        ("dt", lambda: exponential_trace(x, tau=1.0, dt=bad)),
        ("tau", lambda: alpha_trace(x, tau=bad)),
        ("tau_rise", lambda: double_exponential_trace(x, tau_rise=bad, tau_decay=2.0)),
        ("tau_decay", lambda: double_exponential_trace(x, tau_rise=1.0, tau_decay=bad)),
        ("tau", lambda: smoothed_labels(torch.zeros(5, 3, 2), tau=bad)),
    ):
        with pytest.raises(ParameterError, match=name):
            call()


def test_what_does_not_fit_is_refused() -> None:
    x = torch.zeros(5, 3)
    with pytest.raises(ParameterError, match="tau_rise < tau_decay"):
        double_exponential_trace(x, tau_rise=3.0, tau_decay=3.0)
    with pytest.raises(ShapeError, match="initial"):
        exponential_trace(x, tau=1.0, initial=torch.zeros(2))
    for kernel in (torch.zeros(0), torch.zeros(2, 2)):
        with pytest.raises(ShapeError, match="kernel"):
            kernel_trace(x, kernel)
    with pytest.raises(ParameterError, match="kernel"):
        kernel_trace(x, torch.tensor([math.nan]))
    with pytest.raises(ShapeError, match="classes"):
        smoothed_labels(x, tau=1.0)
    with pytest.raises(DTypeError, match="int64"):
        smoothed_decisions(x, classes=3, tau=1.0)
    with pytest.raises(ShapeError, match=r"\[time, batch\]"):
        smoothed_decisions(torch.zeros(0, 3, dtype=torch.int64), classes=3, tau=1.0)
    with pytest.raises(ParameterError, match="class numbers 0 to 2"):
        smoothed_decisions(torch.tensor([[3]]), classes=3, tau=1.0)
    with pytest.raises(DTypeError, match="int64"):
        smoothed_decisions([[1]], classes=3, tau=1.0)  # type: ignore[arg-type]
