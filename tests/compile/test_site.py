"""Calls that repeat are remembered, and every change of a neuron is noticed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import spikeloom as sl

X = torch.rand(20, 2, 6, generator=torch.Generator().manual_seed(0)) * 2


def anew(neuron: sl.Neuron, x: Tensor = X) -> Tensor:
    """By a call that nothing is remembered for."""
    y, _ = sl.unroll(neuron, x)
    return y


CHANGES: dict[str, Callable[[sl.Neuron], object]] = {
    "a number": lambda n: setattr(n, "v_th", 0.4),
    "a tensor": lambda n: setattr(n, "v_th", torch.linspace(0.1, 1.0, 6)),
    "of the integrator's step": lambda n: setattr(n, "dt", 0.25),
    "an option": lambda n: n._set_option("soft_reset", True),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_changed_neuron_runs_changed(name: str, wrapped: bool) -> None:
    neuron: sl.Neuron = sl.LIF(tau_mem=2.0)
    neuron = sl.Refractory(neuron, t_ref=1.0) if wrapped else neuron
    before = neuron(X)
    CHANGES[name](neuron)
    assert torch.equal(neuron(X), anew(neuron))
    assert not torch.equal(neuron(X), before)


def test_a_changed_surrogate_has_other_gradients() -> None:
    neuron, x = sl.LIF(tau_mem=2.0), X.clone().requires_grad_()

    def gradient() -> Tensor:
        return torch.autograd.grad(neuron(x).sum(), x)[0]

    before = gradient()
    neuron.surrogate.width = 0.9
    assert not torch.equal(gradient(), before)
    assert torch.equal(gradient(), torch.autograd.grad(anew(neuron, x).sum(), x)[0])


@pytest.mark.parametrize("policy", ["states", "recompute"])
@pytest.mark.parametrize("backend", ["numba", "reference"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_equals_the_general_call(dtype: torch.dtype, backend: str, policy: str) -> None:
    neuron, x = sl.AdaptiveLIF(tau_mem=2.0), X.to(dtype, copy=True).requires_grad_()
    with sl.backend(backend), sl.memory(policy):
        for x_given in (x, x.detach(), x[::2], x.transpose(1, 2), x.expand(20, 2, 6)):
            y, wanted = neuron(x_given), anew(neuron, x_given)
            assert torch.equal(y, wanted) and y.dtype == dtype and y.requires_grad == wanted.requires_grad
            if y.requires_grad:
                given, expected = (torch.autograd.grad(z.square().sum(), x, retain_graph=True)[0] for z in (y, wanted))
                assert torch.equal(given, expected)


def test_the_back_end_in_force_is_used() -> None:
    neuron = sl.LIF(tau_mem=2.0)
    neuron(X)
    with sl.backend("triton"), pytest.raises(sl.errors.BackendError):
        neuron(X)


def test_nan_is_refused_every_time() -> None:
    neuron, x = sl.LIF(), X.clone()
    neuron(x)
    x[3, 1, 2] = torch.nan
    for _ in range(2):
        with pytest.raises(sl.errors.NonFiniteError, match=r"neuron \[1, 2\].*from step 3"):
            neuron(x)


def test_copies_have_their_own_memory() -> None:
    neuron = sl.LIF(tau_mem=2.0)
    y = neuron(X)
    for other in (copy.deepcopy(neuron), pickle.loads(pickle.dumps(neuron))):
        assert torch.equal(other(X), y)
        other.v_th = 0.3
        assert torch.equal(other(X), anew(other)) and torch.equal(neuron(X), y)
