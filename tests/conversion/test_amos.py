"""Circuits with at most one spike per neuron."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import AMOSCode, AMOSGate, fit_amos
from spikeloom.errors import ParameterError, ShapeError


def data(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def mlp(function: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(0)
    f = nn.ReLU() if function is None else function
    return nn.Sequential(nn.Linear(6, 16), f, nn.Linear(16, 12), f, nn.Linear(12, 3)).requires_grad_(False)


def random_gate(neurons: int) -> AMOSGate:
    generator = torch.Generator().manual_seed(2)
    tables = [
        torch.randn(*shape, generator=generator) for shape in ((neurons,), (neurons,) * 2, (neurons,), (neurons,))
    ]
    return AMOSGate(*tables)


def pipeline(gate: AMOSGate, x: Tensor) -> tuple[Tensor, Tensor]:
    """Neurons with delays, one new value [n, ...] in every step: sums in the order of values, and all spikes.

    Neuron i has value t - i in step t. A spike of neuron j reaches neuron i after i - j steps, the output after K - j.
    """
    count, values = len(gate.c), len(x)
    line = x.new_zeros(values + count, count, *x.shape[1:])
    output = x.new_zeros(values + count, *x.shape[1:])
    spikes = x.new_zeros(values + count, count, *x.shape[1:])
    for t in range(values + count - 1):
        for i in range(count):
            if 0 <= t - i < values:
                fires = gate.c[i] * x[t - i] + line[t, i] >= gate.v_th[i]
                spikes[t, i] = fires
                for later in range(i + 1, count):
                    line[t + later - i, later] += gate.h[later, i] * fires
                output[t + count - i] += gate.d[i] * fires
    return output[count:], spikes


@pytest.mark.parametrize("neurons", [1, 4, 7])
def test_gates_are_circuits_of_neurons_with_delays(neurons: int) -> None:
    gate, x = random_gate(neurons), data(9, 5) * 4 - 2
    told, spikes = pipeline(gate, x)
    assert torch.allclose(gate.value(x), told, atol=1e-5)
    # As many spikes as values at most, whatever neuron: one for each.
    assert spikes.sum(0).max() <= len(x)
    assert torch.equal(spikes.sum((0, 1)), gate.selected(x).sum((0, 1)))


def test_neurons_fire_at_threshold() -> None:
    x = torch.arange(8.0)
    assert torch.equal(AMOSGate.relu(3, alpha=8.0).value(x), x)


def test_spikes_stand_in_the_steps_of_their_neurons() -> None:
    gate, x = random_gate(4), data(3, 5)
    windows = torch.zeros(12, 5)
    windows[::4] = x
    sent = gate(windows)
    assert torch.equal(sent.view(3, 4, 5), (gate.selected(x) * gate.d.view(-1, 1, 1)).transpose(0, 1))


@pytest.mark.parametrize("bits", [1, 3, 6, 10])
@pytest.mark.parametrize("function", [nn.ReLU(), nn.LeakyReLU(0.2)])
def test_rectifiers_are_those_of_few_spikes(bits: int, function: nn.Module) -> None:
    model, x = mlp(function), data(200, 6)
    few, single = (sl.convert(model, x, method, steps=bits) for method in ("few-spikes", "amos"))
    assert torch.equal(single.sequence(x), few.sequence(x))
    assert single.latency() == few.latency() == 3 * bits


@pytest.mark.parametrize("function", [nn.Sigmoid(), nn.Tanh(), nn.SiLU(), nn.GELU(approximate="tanh")])
def test_functions_are_computed_by_spikes(function: nn.Module) -> None:
    model, x = mlp(function), data(200, 6) * 4 - 2
    spiking = sl.convert(model, x, AMOSCode(restarts=8, rounds=20), steps=8)
    # Nothing but spikes: a window has no more than eight different steps.
    assert not spiking.graded and spiking.sites["_1"].gate
    assert (spiking(x) - model(x)).abs().mean() < 0.1 * model(x).std() + 0.02


def test_functions_in_all_spellings_and_what_is_none() -> None:
    class Spelled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b, self.c, self.d = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.b(F.elu(self.a(x), 0.5))
            return self.d(self.c(x.sigmoid()).softmax(-1))  # type: ignore[no-any-return]

    model, x = Spelled().requires_grad_(False), data(100, 6) * 4 - 2
    spiking = sl.convert(model, x, AMOSCode(restarts=8, rounds=0), steps=8)
    # A softmax is no function of single values.
    assert spiking.graded == ["softmax"] and len(spiking.sites) == 3
    assert (spiking(x) - model(x)).abs().mean() < 0.02


def test_fitted_gates_are_near_and_fits_can_be_repeated() -> None:
    x = torch.linspace(-7.0, 7.0, 3001)
    gate = fit_amos(torch.sigmoid, 8, x)
    assert (gate.value(x) - torch.sigmoid(x)).abs().max() < 0.03
    # A staircase of three neurons has four levels.
    coarse, again = (fit_amos(torch.sigmoid, 3, x, restarts=8, rounds=20) for _ in range(2))
    assert (coarse.value(x) - torch.sigmoid(x)).abs().max() < 1 / 8
    assert torch.equal(coarse.h, again.h) and torch.equal(coarse.d, again.d)


def test_descent_does_not_lose_what_was_found() -> None:
    x = torch.linspace(-4.0, 4.0, 2001)
    errors = [float((fit_amos(F.silu, 8, x, restarts=8, rounds=r).value(x) - F.silu(x)).abs().max()) for r in (0, 60)]
    assert errors[1] <= errors[0] + 0.01


def test_bad_input() -> None:
    one = torch.ones(3)
    with pytest.raises(ShapeError, match=r"\[K, K\]"):
        AMOSGate(one, one, one, one)
    with pytest.raises(ParameterError, match="finite"):
        AMOSGate(one, torch.full((3, 3), float("nan")), one, one)
    with pytest.raises(ShapeError, match="whole windows of 4"):
        random_gate(4)(torch.zeros(6, 2))
    with pytest.raises(ParameterError, match="fit_amos"):
        fit_amos(torch.tanh, 0, one)
    with pytest.raises(ParameterError, match="AMOSCode"):
        AMOSCode(restarts=0)
