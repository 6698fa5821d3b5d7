"""Two and three compartments: passive closed forms, coincidence of dendrites, and the regimes of Pinsky and Rinzel."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.linalg
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import ParameterError, TraceError
from spikeloom.neurons import ExponentialEuler, PinskyRinzel, SaturatingDendrite, TwoCompartmentLIF
from spikeloom.neurons import pinsky_rinzel as kinetics

DOUBLE = torch.float64


def settled(neuron: TwoCompartmentLIF, *currents: float) -> dict[str, float]:
    """Potentials after 2000 ms of constant current."""
    inputs = [torch.full((2000, 1, 1), value, dtype=DOUBLE) for value in currents]
    with torch.no_grad(), sl.record(neuron, *(n for n in neuron.states)) as trace:
        neuron(*inputs)
    return {name: float(trace[name][-1]) for name in neuron.states}


def test_passive_pair_has_the_closed_form_of_transfer_and_input_resistance() -> None:
    """To rounding, against the 1e-3 that is asked for: the default integrator is exact."""
    g_soma, g_dend, r = 0.7, 0.4, 2.0
    pair = TwoCompartmentLIF(g_soma=g_soma, g_dend=g_dend, r=r, v_th=math.inf)
    into_dendrite = settled(pair, 0.0, 3.0)
    assert into_dendrite["v"] / into_dendrite["u_1"] == pytest.approx(g_soma / (1 + g_soma), rel=1e-9)
    into_soma = settled(pair, 3.0, 0.0)
    assert into_soma["u_1"] / into_soma["v"] == pytest.approx(g_dend / (1 + g_dend), rel=1e-9)
    assert into_soma["v"] / 3.0 == pytest.approx(r / (1 + g_soma / (1 + g_dend)), rel=1e-9)


def test_passive_pair_charges_along_its_matrix_exponential() -> None:
    given = {"tau_mem": 15.0, "tau_dend": 6.0, "g_soma": 1.3, "g_dend": 0.8}
    pair = TwoCompartmentLIF(v_th=math.inf, **given)
    matrix = np.array([[-(1 + 1.3) / 15, 1.3 / 15], [0.8 / 6, -(1 + 0.8) / 6]])
    current = torch.ones(30, 1, 1, dtype=DOUBLE)
    with torch.no_grad(), sl.record(pair, "v", "u_1") as trace:
        pair(0 * current, current)
    for n in (1, 5, 30):
        exact = np.linalg.solve(matrix, (scipy.linalg.expm(matrix * n) - np.eye(2)) @ [0.0, 1 / 6])
        np.testing.assert_allclose([float(trace[k][n - 1]) for k in ("v", "u_1")], exact, atol=1e-11)


def test_uncoupled_soma_is_lif() -> None:
    x = 4 * torch.rand(200, 2, 5, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    soma = TwoCompartmentLIF(tau_mem=5.0, g_soma=0.0)
    with torch.no_grad():
        found, wanted = soma(x, 9 * x), sl.LIF(tau_mem=5.0)(x)
    assert float(wanted.mean()) > 0.05
    assert torch.equal(found, wanted)


def three_compartments(**given: object) -> TwoCompartmentLIF:
    return TwoCompartmentLIF(
        dt=0.1, dendrites=2, tau_mem=3.0, tau_dend=4.0, g_soma=1.5, g_dend=0.05, v_th=0.6,
        dendrite=SaturatingDendrite(ceiling=1.0), integrator=ExponentialEuler(), **given,
    )  # fmt: skip


def volleys(first: float | None, second: float | None, size: float = 20.0) -> list[Tensor]:
    """The soma gets nothing; each dendrite gets a volley of 1 ms at its time, in ms, or none."""
    inputs = [torch.zeros(600, 1, 1, dtype=DOUBLE) for _ in range(3)]
    for x, at in zip(inputs[1:], (first, second), strict=True):
        if at is not None:
            x[round(at * 10) : round(at * 10) + 10] = size
    return inputs


def test_soma_is_an_and_of_its_dendrites() -> None:
    """It fires if both get a volley within 5 ms, in either order, and not for one of them however strong.

    One saturated dendrite brings v to 1.5 / (1 + 2 * 1.5) = 0.375 at most, two to 0.75; the threshold is 0.6.
    """
    neuron = three_compartments()
    with torch.no_grad():
        for gap in (0.0, 1.0, 3.0, 5.0):
            assert neuron(*volleys(10.0, 10.0 + gap)).sum() > 0, gap
            assert neuron(*volleys(10.0 + gap, 10.0)).sum() > 0, gap
        for gap in (8.0, 15.0, 30.0):
            assert neuron(*volleys(10.0, 10.0 + gap)).sum() == 0, gap
        for size in (20.0, 80.0, 320.0):
            assert neuron(*volleys(10.0, None, size)).sum() == 0, size
            assert neuron(*volleys(None, 10.0, size)).sum() == 0, size


def test_a_passive_dendrite_is_no_and() -> None:
    """What makes the difference is the saturation: without it one strong volley is enough."""
    passive = three_compartments().with_options(dendrite=sl.neurons.PassiveDendrite())
    with torch.no_grad():
        assert passive(*volleys(10.0, None, 80.0)).sum() > 0


def test_dendrites_that_cannot_be() -> None:
    with pytest.raises(ParameterError, match="dendrites >= 1"):
        TwoCompartmentLIF(dendrites=0)
    x = torch.zeros(3, 1, 1)
    with pytest.raises(TraceError, match="ExponentialEuler"):
        TwoCompartmentLIF(dendrite=SaturatingDendrite())(x, x)


# Pinsky and Rinzel.


def test_rates_are_those_of_the_paper() -> None:
    """Eq. 6 with the erratum, in its own form, away from and at the singular potentials."""
    u = torch.tensor([-20.0, 0.0, 13.1 - 1e-3, 20.0, 35.0, 45.0, 55.0, 80.0, 110.0], dtype=DOUBLE)
    x = u.numpy()

    def linear(rate: float, at: float, width: float) -> np.ndarray:
        return rate * (at - x) / (np.exp((at - x) / width) - 1)

    low = np.exp((x - 10) / 11 - (x - 6.5) / 27) / 18.975
    high = 2 * np.exp((6.5 - x) / 27)
    wanted = {
        "sodium_activation": (linear(0.32, 13.1, 4), 0.28 * (x - 40.1) / (np.exp((x - 40.1) / 5) - 1)),
        "sodium_inactivation": (0.128 * np.exp((17 - x) / 18), 4 / (1 + np.exp((40 - x) / 5))),
        "rectifier_activation": (linear(0.016, 35.1, 5), 0.25 * np.exp(0.5 - 0.025 * x)),
        "calcium_activation": (
            1.6 / (1 + np.exp(-0.072 * (x - 65))),
            0.02 * (x - 51.1) / (np.exp((x - 51.1) / 5) - 1),
        ),
        "fast_activation": (np.where(x <= 50, low, high), np.where(x <= 50, high - low, 0)),
    }
    for name, rates in wanted.items():
        for found, exact in zip(getattr(kinetics, name)(u), rates, strict=True):
            np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-15, err_msg=name)
    assert all(float(rate) > 0 for rate in kinetics.sodium_activation(torch.tensor(13.1)))


def pinsky_rinzel(coupling: list[float], currents: list[float], duration: float = 2500.0) -> list[np.ndarray]:
    """Spike times of a cell for each pair of coupling and current."""
    neuron = PinskyRinzel(g_c=torch.tensor(coupling, dtype=DOUBLE))
    x = torch.tensor(currents, dtype=DOUBLE).expand(round(duration * 100), 1, len(currents)).contiguous()
    with torch.no_grad():
        y = neuron(x)
    return [y[:, 0, k].nonzero().flatten().numpy() * 0.01 for k in range(len(currents))]


def test_pinsky_rinzel_bursts_at_weak_input_and_fires_regularly_at_strong_input_or_coupling() -> None:
    """The paper's regimes: at g_c = 2.1 bursts at about 2 Hz for 0.75, single spikes at tens of Hz for 2.5 uA/cm^2."""
    bursting, strong, coupled, alone = pinsky_rinzel([2.1, 2.1, 10.5, 0.0], [0.75, 2.5, 0.75, 0.75])
    intervals = np.diff(bursting)[-6:]
    assert set((intervals < 10).tolist()) == {True, False}
    assert all((a < 10) != (b < 10) for a, b in pairwise(intervals))
    assert 350 < intervals.max() < 650
    regular = np.diff(strong)[-20:]
    assert 15 < regular.min() < regular.max() < 30
    single = np.diff(coupled)[-3:]
    assert single.min() > 200
    assert single.std() < 0.02 * single.mean()
    # Without dendrite the soma alone is a fast regular spiker.
    lone = np.diff(alone)[-20:]
    assert lone.std() < 0.01 * lone.mean()
    assert lone.mean() < 50


def published(t: float, y: np.ndarray, current: float) -> list[float]:
    """Eqs 1 to 6 of the paper, which counts potentials from -60 mV."""
    v, u, h, n, s, c, q, ca = y

    def gate(x: float, name: str, at: float) -> float:
        alpha, beta = (float(rate) for rate in getattr(kinetics, name)(torch.tensor(at, dtype=DOUBLE)))
        return alpha - (alpha + beta) * x

    alpha, beta = (float(rate) for rate in kinetics.sodium_activation(torch.tensor(v, dtype=DOUBLE)))
    sodium = 30 * (alpha / (alpha + beta)) ** 2 * h * (v - 120)
    calcium = 10 * s**2 * (u - 140)
    potassium = (0.8 * q + 15 * c * min(ca / 250, 1)) * (u + 15)
    return [
        (-0.1 * v - sodium - 15 * n * (v + 15) + 2.1 / 0.5 * (u - v) + current / 0.5) / 3,
        (-0.1 * u - calcium - potassium + 2.1 / 0.5 * (v - u)) / 3,
        gate(h, "sodium_inactivation", v),
        gate(n, "rectifier_activation", v),
        gate(s, "calcium_activation", u),
        gate(c, "fast_activation", u),
        min(2e-5 * ca, 0.01) * (1 - q) - 0.001 * q,
        -0.13 * calcium - 0.075 * ca,
    ]


def test_pinsky_rinzel_spikes_are_those_of_its_equations() -> None:
    """Two bursts and a spike between, against an adaptive method with error control.

    The integrator is of first order: at 0.01 ms it is 0.17 ms late in the first spike and 0.9 ms early after 480 ms.
    """
    (found,) = pinsky_rinzel([2.1], [0.75], duration=520.0)

    def crossing(t: float, y: np.ndarray, current: float) -> float:
        return float(y[0] - 40)

    crossing.direction = 1  # type: ignore[attr-defined]
    start = [-4.6, -4.5, 0.999, 0.001, 0.009, 0.007, 0.01, 0.2]
    exact = solve_ivp(published, (0, 520), start, "LSODA", events=crossing, args=(0.75,), rtol=1e-6, atol=1e-8)
    wanted = exact.t_events[0]
    assert len(found) == len(wanted) == 6
    np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=0.2)
