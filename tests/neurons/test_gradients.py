"""Gradients against a loop over time written by hand in PyTorch, and against finite differences."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

import spikeloom as sl
from spikeloom.surrogate import Smoothed

STEPS, BATCH, CHANNELS, WIDTH = 11, 3, 4, 5


class ArcTangent(torch.autograd.Function):
    """Step forward, 1 / (1 + (pi x)^2) backward."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        return gradient / (1 + (math.pi * x) ** 2)


@dataclass(frozen=True)
class Choice:
    """Options of a LIF."""

    soft_reset: bool
    detach_reset: bool
    decay_input: bool


CHOICES = [Choice(*flags) for flags in itertools.product((False, True), repeat=3)]


def by_hand(x: Tensor, choice: Choice, tau: Tensor, v_th: Tensor, v: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Spikes and potentials of a LIF with v_rest = v_reset = 0, r = 1, dt = 1."""
    v = torch.zeros_like(x[0]) if v is None else v
    decay = torch.exp(-1 / tau)
    spikes, potentials = [], []
    for i in x:
        v = decay * v + ((1 - decay) * i if choice.decay_input else i)
        s = ArcTangent.apply(v - v_th)
        through = s.detach() if choice.detach_reset else s
        v = v - through * v_th if choice.soft_reset else v * (1 - through)
        spikes.append(s)
        potentials.append(v)
    return torch.stack(spikes), torch.stack(potentials)


def drive(choice: Choice, seed: int = 0) -> Tensor:
    """Inputs that make about a third of the neurons spike at each step."""
    x = torch.randn(STEPS, BATCH, CHANNELS, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return (2 * x + 2 if choice.decay_input else x / 2 + 0.5).requires_grad_()


def lif(choice: Choice, tau: Tensor | float = 2.0, v_th: Tensor | float = 1.0) -> sl.LIF:
    options = {"soft_reset": choice.soft_reset, "detach_reset": choice.detach_reset, "decay_input": choice.decay_input}
    return sl.LIF(tau_mem=tau, v_th=v_th, learn=("tau_mem", "v_th"), **options).double()


def weighted(y: Tensor) -> Tensor:
    """A loss in which every element counts differently."""
    return (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum()


def assert_close(given: Tensor, wanted: Tensor) -> None:
    """Equal up to the order of sums: 660 terms of float64."""
    torch.testing.assert_close(given, wanted, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("shape", [(), (CHANNELS,), (CHANNELS, WIDTH)], ids=["number", "per channel", "per neuron"])
@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_lif_equals_the_loop_by_hand(choice: Choice, shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(3)
    tau = 1.5 + 2 * torch.rand(shape, dtype=torch.float64, generator=generator)
    v_th = 0.8 + 0.4 * torch.rand(shape, dtype=torch.float64, generator=generator)
    x, neuron = drive(choice), lif(choice, tau.float(), v_th.float())
    y = neuron(x)
    given = torch.autograd.grad(weighted(y), [x, neuron.raw_tau_mem, neuron.raw_v_th])

    # tau_mem is bounded below by 0 and so learned as its logarithm; v_th is unbounded and learned as it is.
    raw_tau = neuron.raw_tau_mem.detach().clone().requires_grad_()
    raw_th = neuron.raw_v_th.detach().clone().requires_grad_()
    leading = (*shape, *[1] * (2 - len(shape) if shape else 0))
    spikes, _ = by_hand(x, choice, raw_tau.exp().view(leading), raw_th.view(leading))
    wanted = torch.autograd.grad(weighted(spikes), [x, raw_tau, raw_th])
    assert torch.equal(y, spikes)
    assert 0.05 < y.mean() < 0.8
    for g, w in zip(given, wanted, strict=True):
        assert g.shape == w.shape
        assert_close(g, w)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_initial_state_and_recorded_potential(choice: Choice) -> None:
    x, neuron = drive(choice, seed=5), lif(choice)
    v = torch.rand(
        BATCH, CHANNELS, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(4)
    ).requires_grad_()
    with sl.record(neuron, "v") as trace:
        y, final = sl.unroll(neuron, x, {"": {"v": v}})
    loss = weighted(y) + weighted(trace["v"] ** 2) + weighted(final[""]["v"])
    given = torch.autograd.grad(loss, [x, v, neuron.raw_tau_mem])

    raw_tau = neuron.raw_tau_mem.detach().clone().requires_grad_()
    spikes, potentials = by_hand(x, choice, raw_tau.exp(), torch.ones((), dtype=torch.float64), v)
    wanted_loss = weighted(spikes) + weighted(potentials**2) + weighted(potentials[-1])
    assert_close(trace["v"], potentials)
    for g, w in zip(given, torch.autograd.grad(wanted_loss, [x, v, raw_tau]), strict=True):
        assert_close(g, w)


def smoothed(kind: type[sl.Neuron], learn: tuple[str, ...], **options: object) -> sl.Neuron:
    """A neuron with graded spikes and a reset that is differentiated: its gradient is that of its output."""
    smooth = Smoothed(of=sl.surrogate.ATan())
    return kind(learn=learn, surrogate=smooth, detach_reset=False, **options).double()


@pytest.mark.parametrize(
    "neuron",
    [
        smoothed(sl.LIF, ("tau_mem", "v_th", "v_reset"), tau_mem=2.0),
        smoothed(sl.LIF, ("tau_mem", "v_th", "v_reset"), tau_mem=2.0, soft_reset=True),
        smoothed(sl.LIF, ("tau_mem",), tau_mem=torch.tensor([1.5, 3.0])),
        smoothed(sl.LIF, ("v_th", "v_rest"), tau_mem=2.0, v_th=torch.tensor([[0.9, 1.0, 1.1], [0.7, 0.8, 1.2]])),
        smoothed(sl.LIF, ("tau_mem", "v_th"), tau_mem=torch.tensor([[1.5], [3.0]])),
        smoothed(sl.CurrentLIF, ("tau_mem", "tau_syn", "r"), tau_mem=3.0, tau_syn=2.0),
        smoothed(sl.AdaptiveLIF, ("tau_mem", "tau_adapt", "beta"), tau_mem=2.0, tau_adapt=5.0),
        smoothed(sl.IF, ("c_mem",), c_mem=3.0),
        sl.LeakyIntegrator(tau_mem=2.0, learn=("tau_mem", "v_rest", "r")).double(),
    ],
    ids=repr,
)
def test_parameter_gradients_against_finite_differences(neuron: sl.Neuron) -> None:
    x = torch.rand(5, 2, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(6)).mul(2)
    learned = list(neuron.parameters())
    given = torch.autograd.grad(weighted(neuron(x)), learned)
    # Central differences err by O(eps^2) = 1e-10 times the third derivative, and by rounding: 1e-12 / eps = 1e-7,
    # because the propagator of coupled states is doubled twelve times.
    eps = 1e-5
    for parameter, gradient in zip(learned, given, strict=True):
        for index in itertools.product(*map(range, parameter.shape)):
            sides = []
            for sign in (1, -1):
                with torch.no_grad():
                    parameter[index] += sign * eps
                    sides.append(weighted(neuron(x)))
                    parameter[index] -= sign * eps
            assert abs(gradient[index] - (sides[0] - sides[1]) / (2 * eps)) <= 1e-6


def test_functional_call_takes_the_place_of_the_parameters() -> None:
    """What ensembles, meta-learning and torch.func build on."""
    neuron, x = sl.LIF(tau_mem=2.0, learn=("tau_mem",)), torch.full((6, 1, 1), 1.5)
    wanted = sl.LIF(tau_mem=5.0)(x)
    assert torch.equal(functional_call(neuron, {"raw_tau_mem": torch.tensor(5.0).log()}, (x,)), wanted)


def test_gradient_flows_through_pieces_as_through_the_whole() -> None:
    choice = CHOICES[1]
    x, neuron = drive(choice), lif(choice)
    whole = torch.autograd.grad(weighted(neuron(x)), [x, neuron.raw_tau_mem])
    first, state = sl.unroll(neuron, x[:4])
    second, _ = sl.unroll(neuron, x[4:], state)
    pieces = torch.autograd.grad(weighted(torch.cat([first, second])), [x, neuron.raw_tau_mem])
    assert_close(pieces[0], whole[0])
    assert_close(pieces[1], whole[1])


def test_only_what_asks_for_a_gradient_gets_one() -> None:
    choice = CHOICES[1]
    x, neuron = drive(choice), lif(choice)
    weighted(neuron(x.detach())).backward()
    alone = neuron.raw_tau_mem.grad.clone()
    neuron.zero_grad()
    weighted(neuron(x)).backward()
    assert torch.equal(neuron.raw_tau_mem.grad, alone)
    with torch.no_grad():
        assert not neuron(x).requires_grad
