"""The Neural Engineering Framework: tuning curves, decoders, dynamics and pointers against what theory says."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from scipy.linalg import circulant

import spikeloom as sl
from spikeloom.errors import ParameterError, ShapeError, UnknownNameError
from spikeloom.network import nef


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_tuning_curves_pass_through_what_was_drawn() -> None:
    ensemble = nef.Ensemble(50, 3, radius=2.0, seed=1)
    at_radius = ensemble.rates(2.0 * ensemble.encoders).diagonal()
    torch.testing.assert_close(at_radius, ensemble.max_rates)
    begins = 2.0 * ensemble.intercepts.unsqueeze(1) * ensemble.encoders
    assert bool((ensemble.rates(begins - 1e-6 * ensemble.encoders).diagonal() == 0).all())
    assert bool((ensemble.rates(begins + 1e-6 * ensemble.encoders).diagonal() > 0).all())
    torch.testing.assert_close(ensemble.encoders.norm(dim=1), torch.ones(50, dtype=torch.float64))


@pytest.mark.parametrize("dt", [0.1, 0.5])
def test_spikes_come_at_the_rates_of_the_curve(dt: float) -> None:
    ensemble = nef.Ensemble(200, dt=dt, seed=2)
    x = torch.full((round(2000 / dt), 1, 1), 0.6)
    counts = ensemble.spikes(x).sum((0, 1)) / 2
    expected = ensemble.rates(x[0])[0]
    # A period is a whole number of steps: up to dt / 2 from the mean, which is exact; 1 spike in 2 s is the end.
    assert bool(((counts - expected).abs() <= 1.0 + expected**2 * dt / 2 * 1e-3).all())
    assert float(counts.mean()) == pytest.approx(float(expected.mean()), rel=0.01)


def test_decoders_are_the_least_squares_solution() -> None:
    generator = torch.Generator().manual_seed(0)
    a, y = (torch.rand(40, n, generator=generator, dtype=torch.float64) for n in (8, 2))
    plain = torch.linalg.lstsq(a, y).solution.T
    torch.testing.assert_close(nef.solve(a, y, noise=0.0), plain)
    noisy = torch.linalg.solve(a.T @ a + 40 * 0.3**2 * torch.eye(8, dtype=torch.float64), a.T @ y).T
    torch.testing.assert_close(nef.solve(a, y, noise=0.3), noisy)


def test_decoders_are_the_same_whenever_they_are_asked_for() -> None:
    one, two = nef.Ensemble(20, 2, seed=3), nef.Ensemble(20, 2, seed=3)
    first = one.solve(torch.square)
    torch.testing.assert_close(one.solve(torch.square), first, atol=0, rtol=0)
    torch.testing.assert_close(two.solve(torch.square), first, atol=0, rtol=0)
    inside = one.points(2000).norm(dim=1)
    # Of a disc, a quarter lies within half of the radius.
    assert float(inside.max()) <= 1.0
    assert float((inside < 0.5).double().mean()) == pytest.approx(0.25, abs=0.04)


def test_distortion_falls_as_one_over_the_number_of_neurons() -> None:
    x = torch.linspace(-1, 1, 501, dtype=torch.float64).unsqueeze(1)
    sizes, errors = (25, 100, 400), []
    for size in sizes:
        ensembles = [nef.Ensemble(size, seed=seed) for seed in range(4)]
        wrong = [e.rates(x) @ e.solve(torch.square, points=x, noise=0.01).T - x**2 for e in ensembles]
        errors.append(float(torch.stack(wrong).square().mean().sqrt()))
    assert np.polyfit(np.log(sizes), np.log(errors), 1)[0] == pytest.approx(-1.0, abs=0.2)


def test_filtered_spikes_are_the_sum_of_kernels() -> None:
    times, tau = [3.0, 4.0, 17.0], 6.0
    trains = sl.network.SpikeTrains.of([times, [9.0]], stop=30.0)
    found = nef.decode(trains, torch.tensor([[0.002, -0.001]]), tau=tau, every=0.001)[:, 0]
    now = 0.001 * np.arange(1, 30_001)

    def kernel(at: float) -> np.ndarray:
        return np.where(now > at, np.exp(-(now - at) / tau), 0.0) / tau * 1e3

    expected = 0.002 * sum(map(kernel, times)) - 0.001 * kernel(9.0)
    # One bin of 1 us is 1e-3 / tau of a kernel.
    off = np.min(np.abs(now[:, None] - np.array([*times, 9.0])), axis=1) > 0.002
    np.testing.assert_allclose(found[off], expected[off], atol=2e-4)


def test_a_connection_computes_a_function_and_a_transform() -> None:
    net = sl.network.Network(dt=0.1, seed=1, threads=1)
    one = nef.SpikingEnsemble(net, nef.Ensemble(300, 2, radius=1.5, seed=1), name="one")
    two = nef.SpikingEnsemble(
        net, nef.Ensemble(200, 1, radius=2.0, seed=2), name="two", tau_syn={"fast": 5.0, "slow": 50.0}
    )
    product = one.ensemble.solve(lambda x: x[:, :1] * x[:, 1:])
    turned = torch.tensor([[0.25, -0.5]])
    two.receive(one, product, transform=0.5, receptor="fast")
    two.receive(one, one.ensemble.solve(), transform=turned, receptor="slow")
    one.drive([0.6, -0.7])
    net.record(two.cells)
    told = two.decode(net.run(800.0, progress=False), tau=50.0)[400:, 0].mean()
    assert told == pytest.approx(0.5 * 0.6 * -0.7 + 0.25 * 0.6 + 0.5 * 0.7, abs=0.03)


def test_an_oscillator_turns_at_its_frequency() -> None:
    net, omega = sl.network.Network(dt=0.5, seed=1, threads=1), 2 * math.pi / 1000.0
    cells = nef.SpikingEnsemble(net, nef.Ensemble(300, 2, dt=0.5, radius=1.2, seed=3), name="x", tau_syn=100.0)
    turn = torch.tensor([[0.0, -omega], [omega, 0.0]])
    own, _ = nef.feedback(turn, torch.zeros(2, 1), tau_syn=100.0)
    cells.receive(cells, cells.ensemble.solve(), transform=own)
    cells.drive([[1.0, 0.0], [0.0, 0.0]], [0.0, 100.0])
    net.record(cells.cells)
    told = cells.decode(net.run(2300.0, progress=False), tau=20.0)[300:]
    angle = np.unwrap(np.arctan2(told[:, 1], told[:, 0]))
    assert np.hypot(*told.T).min() > 0.5
    assert np.polyfit(np.arange(len(angle)), angle, 1)[0] == pytest.approx(omega, rel=0.05)


def test_an_integrator_holds_only_with_feedback() -> None:
    held = {}
    for feedback in (1.0, 0.0):
        net = sl.network.Network(dt=0.5, seed=1, threads=1)
        cells = nef.SpikingEnsemble(net, nef.Ensemble(300, dt=0.5, seed=1), name="x", tau_syn=100.0)
        cells.receive(cells, cells.ensemble.solve(), transform=feedback)
        cells.drive([[0.5], [0.0]], [0.0, 30.0])
        net.record(cells.cells)
        told = cells.decode(net.run(1500.0, progress=False), tau=50.0)[:, 0]
        held[feedback] = told[1450:].mean() / told[400:450].mean() if feedback else told[1450:].mean()
    assert held[1.0] == pytest.approx(1.0, abs=0.15)
    assert abs(held[0.0]) < 0.05


def test_binding_is_circular_convolution_and_is_undone() -> None:
    a, b, other = nef.pointers(3, 24, seed=5)
    torch.testing.assert_close(nef.bind(a, b), torch.from_numpy(circulant(a.numpy())) @ b)
    torch.testing.assert_close(nef.bind(nef.bind(a, b), nef.inverse(a)), b)
    assert abs(float(nef.similarity(nef.bind(nef.bind(a, b), nef.inverse(other)), b))) < 0.6
    rough = nef.pointers(200, 256, unitary=False, seed=1)
    found = nef.similarity(nef.bind(nef.bind(rough[:100], rough[100:]), nef.inverse(rough[:100])), rough[100:])
    # |A|^2 of a Gaussian coefficient is exponential, for which mean / root mean square is 1 / sqrt(2).
    assert float(found.mean()) == pytest.approx(math.sqrt(0.5), abs=0.02)


def test_spiking_neurons_bind_and_unbind() -> None:
    a, b, other = nef.pointers(3, 16, seed=1).unsqueeze(1)
    convolution = nef.CircularConvolution(16, neurons=100, seed=1)
    bound = convolution.spikes(a, b, duration=250.0)
    assert float(nef.similarity(bound, nef.bind(a, b))) > 0.9
    assert float(nef.similarity(convolution.spikes(bound, nef.inverse(a), duration=250.0), b)) > 0.8
    assert float(nef.similarity(convolution.spikes(bound, nef.inverse(other), duration=250.0), b)) < 0.6


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"size": 0}, ParameterError, "size"),
        ({"max_rates": (100.0, 600.0)}, ParameterError, "487.8"),
        ({"max_rates": (200.0, 100.0)}, ParameterError, "rising"),
        ({"intercepts": (0.0, 1.0)}, ParameterError, "below 1"),
        ({"radius": math.nan}, ParameterError, "radius"),
        ({"dt": -0.1}, ParameterError, "dt"),
        ({"encoders": torch.zeros(10, 1)}, ParameterError, "none of them 0"),
        ({"encoders": torch.ones(10, 2)}, ShapeError, r"\[10, 1\]"),
    ],
)
def test_bad_ensembles(given: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        nef.Ensemble(**{"size": 10, **given})  # type: ignore[arg-type]


def test_bad_connections() -> None:
    net = sl.network.Network(dt=0.1, seed=1)
    cells = nef.SpikingEnsemble(net, nef.Ensemble(10), name="x")
    with pytest.raises(ParameterError, match=r"Make the ensemble with dt=0\.1"):
        nef.SpikingEnsemble(net, nef.Ensemble(10, dt=0.5))
    with pytest.raises(UnknownNameError, match="receptor of x"):
        cells.receive(cells, cells.ensemble.solve(), receptor="y")
    with pytest.raises(ShapeError, match=r"transform to x"):
        cells.receive(cells, cells.ensemble.solve(), transform=torch.eye(2))
    with pytest.raises(ShapeError, match="vectors that drive x"):
        cells.drive([0.1, 0.2])
    with pytest.raises(ShapeError, match="decoders of x"):
        cells.receive(cells, torch.zeros(1, 9))
    with pytest.raises(ParameterError, match="such as PES"):
        cells.teach(cells.receive(cells, cells.ensemble.solve()), cells, cells.ensemble.solve())
    with pytest.raises(ShapeError, match="x of Ensemble"):
        cells.ensemble.rates(torch.zeros(3, 2))
