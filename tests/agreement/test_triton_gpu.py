"""The Triton back end on a GPU against Numba on the CPU: in float32 the same bits."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from tests.agreement.test_triton import drive, over_the_span
from tests.contract.test_catalogue import NEURONS

pytestmark = pytest.mark.gpu

LEARNED = sl.LIF(tau_mem=2.0, learn=("tau_mem", "v_th"))


def run(neuron: sl.Neuron, x: Tensor | list[Tensor], device: str, memory: str = "states") -> list[Tensor]:
    """Output, states and gradients, on the CPU."""
    neuron = copy.deepcopy(neuron).to(device)
    leaves = [each.to(device).requires_grad_() for each in (x if isinstance(x, list) else [x])]
    torch.manual_seed(3)
    with sl.memory(memory), sl.record(neuron, *neuron.states) as trace:
        y = neuron(*leaves)
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y).to(device)
    gradients = torch.autograd.grad((y * weights).sum(), [*leaves, *neuron.parameters()], materialize_grads=True)
    return [t.detach().cpu() for t in (y, *trace.values(), *gradients)]


def assert_equal(given: list[Tensor], wanted: list[Tensor], parameters: int) -> None:
    """Parameter gradients are summed over neurons in float64 in another order."""
    last = len(wanted) - parameters
    for a, b in zip(given[:last], wanted[:last], strict=True):
        assert torch.equal(a, b)
    for a, b in zip(given[last:], wanted[last:], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NEURONS)
def test_the_catalogue(name: str) -> None:
    neuron = NEURONS[name]
    x = over_the_span(neuron, 16, 3, 700)
    assert_equal(run(neuron, x, "cuda"), run(neuron, x, "cpu"), 0)


@pytest.mark.parametrize("memory", ["states", "recompute"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("neurons", [1, 127, 4096, 300_001])
def test_sizes_dtypes_and_memory_policies(neurons: int, dtype: torch.dtype, memory: str) -> None:
    x = drive(9, 1, neurons, dtype=dtype)
    assert_equal(run(LEARNED, x, "cuda", memory), run(LEARNED, x, "cpu"), 2)


def test_it_is_chosen_without_being_asked_for() -> None:
    x = drive(3, 1, 4).cuda()
    assert "triton" in str(sl.explain(copy.deepcopy(LEARNED).cuda(), x))
