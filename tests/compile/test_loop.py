"""From a statement to its loop: what is computed once, what is accumulated, and how long that takes to find out."""

from __future__ import annotations

import time

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.compile._loop import Loop


def loop_of(neuron: sl.Neuron) -> Loop:
    return neuron.plan(torch.rand(2, 1, 3, requires_grad=True)).loop


@pytest.mark.parametrize(
    "neuron",
    [sl.LIF(learn=("tau_mem",)), sl.CurrentLIF(learn=("tau_mem", "tau_syn")), sl.AdaptiveLIF(learn=("tau_adapt",))],
    ids=repr,
)
def test_time_constants_cost_nothing_in_the_loop(neuron: sl.Neuron) -> None:
    """Decay factors and their derivatives are computed before and after the loop over time."""
    loop = loop_of(neuron)
    assert loop.backward is not None
    for program in (loop.inference, loop.forward, loop.backward):
        assert not {step.operation for step in program.body} & {"exp", "expm1", "log", "pow"}
    assert {step.operation for step in loop.prologue.body} & {"exp", "mul"}


def test_lif_is_few_operations() -> None:
    """Decay, drive, sum, distance, comparison, spike, reset: nothing is left of what only carried gradients."""
    assert len(loop_of(sl.LIF()).inference.body) <= 8


def test_a_learned_parameter_adds_at_most_four_sums() -> None:
    for names in (("tau_mem",), ("tau_mem", "v_th"), ("tau_mem", "v_th", "v_rest", "v_reset", "r")):
        backward = loop_of(sl.LIF(learn=names)).backward
        assert backward is not None
        assert 0 < sum(label.startswith("sum_") for label in backward.outputs) <= 4 * len(names)


class Chain(sl.Neuron):
    """A parameter that passes through sums of itself: 2^16 paths through 48 operations."""

    p = sl.Param(1.0, "1", "start of the chain")
    q = sl.Param(0.5, "1", "link of the chain")
    i = sl.Input("1", "input")
    v = sl.State(0.0, "1", "potential")
    output = "v"

    def charge(self) -> dict[str, Tensor]:
        c = self.p
        for _ in range(16):
            c = c * self.q + c * 0.5
        return {"v": 0.5 * self.v + c * self.i}


def test_compiling_takes_time_in_proportion_to_the_statement() -> None:
    """Paths through a program are not enumerated: that would take seconds here, and forever for a little more."""
    neuron, x = Chain(learn=("p", "q")), torch.ones(3, 1, 1)
    before = time.perf_counter()
    with sl.backend("reference"):
        y = neuron(x)
    assert time.perf_counter() - before < 1.0
    # c = p (q + 1/2)^16 = 1, so dc/dp = 1 and dc/dq = 16; the outputs add up to 1 + 1.5 + 1.75.
    y.sum().backward()
    assert neuron.raw_p.grad == 4.25
    assert neuron.raw_q.grad == 68.0


class Gated(sl.Neuron):
    """A condition on a parameter, which is computed once, decides in every step."""

    p = sl.Param(1.0, "1", "gate")
    i = sl.Input("1", "input")
    v = sl.State(0.0, "1", "potential")
    output = "v"

    def charge(self) -> dict[str, Tensor]:
        is_open = self.p > 0.5
        return {"v": torch.where(is_open & (self.i > 0), self.v, 0.0) + torch.where(~is_open, 3.0, self.i)}


@pytest.mark.parametrize("backend", ["reference", "numba"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_conditions_on_parameters_stay_conditions(backend: str, dtype: torch.dtype) -> None:
    x = torch.ones(3, 1, 2, dtype=dtype)
    with sl.backend(backend):
        assert Gated()(x)[:, 0, 0].tolist() == [1, 2, 3]
        assert Gated(p=0.0)(x)[:, 0, 0].tolist() == [3, 3, 3]
        assert Gated(p=torch.tensor([0.0, 1.0]))(x)[-1, 0].tolist() == [3, 3]
        assert Gated(p=torch.tensor([0.0, 1.0]))(x)[0, 0].tolist() == [3, 1]
