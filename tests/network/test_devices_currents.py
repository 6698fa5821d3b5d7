"""Input currents, against the neuron called with the same input, bit for bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.errors import DTypeError, ParameterError, ShapeError, UnknownNameError
from spikeloom.network import AlternatingCurrent, DirectCurrent, NoiseCurrent, StepCurrent
from spikeloom.network.devices import Current

DT, STEPS, N = 0.1, 300, 5
PARAMETERS = {"tau_mem": 10.0, "v_th": 1.0}


def inputs(device: Current, *, n: int = N, **given: Any) -> NDArray[Any]:
    """What neurons receive in each step, [steps, n]: that by which a potential without leak rises."""
    net = nw.Network(dt=DT, seed=2, threads=given.pop("threads", None), dtype=torch.float64)
    cells = net.population(n, sl.IF(v_th=1e30, c_mem=DT), name="cells")
    net.connect(device, given.pop("view", lambda c: c)(cells), **given)
    net.record(cells, "v")
    v = np.concatenate([net.run(t)["cells"]["v"].values for t in (12.3, 7.7, 10.0)])
    return np.diff(v, axis=0, prepend=0.0)


def simulated(device: Current, **given: Any) -> NDArray[Any]:
    net = nw.Network(dt=DT, seed=2)
    cells = net.population(N, sl.LIF(**PARAMETERS), name="cells")
    net.connect(device, cells, **given)
    net.record(cells, "s", "v")
    result = net.run(STEPS * DT)["cells"]
    spikes = np.zeros((STEPS, N))
    spikes[np.rint(result.times / DT).astype(int) - 1, result.neurons] = 1
    return np.stack([spikes, result["v"].values])


def called(current: NDArray[Any]) -> NDArray[Any]:
    """The same neuron, called with currents [steps, n]."""
    neuron = sl.LIF(**PARAMETERS, dt=DT)
    x = torch.as_tensor(np.broadcast_to(current, (STEPS, N)).astype(np.float32))[:, None]
    with sl.record(neuron, "v") as seen:
        spikes = neuron(x)
    return np.stack([spikes[:, 0].numpy(), seen["v"][:, 0].numpy()])


def times() -> NDArray[Any]:
    """When steps begin, as a column."""
    return (np.arange(STEPS) * DT)[:, None]


def test_direct_current() -> None:
    amplitude = np.array([0.5, 1.2, 1.5, -1.0, 4.0])
    np.testing.assert_array_equal(simulated(DirectCurrent(amplitude)), called(amplitude))


def test_direct_current_fires_with_its_period() -> None:
    """T = tau ln(i / (i - v_th)), rounded up to whole steps."""
    spikes, _ = simulated(DirectCurrent(2.0))
    period = math.ceil(10.0 * math.log(2.0) / DT)
    assert np.flatnonzero(spikes[:, 0]).tolist() == [k * period - 1 for k in range(1, STEPS // period + 1)]


def test_span_weight_and_delay() -> None:
    """On in the steps that begin from start to before stop, both later by the delay."""
    wave = np.where((times() > 4.95) & (times() < 14.95), 3.0, 0.0)
    found = simulated(DirectCurrent(1.5, start=5.0, stop=15.0), weight=2.0)
    np.testing.assert_array_equal(found, called(wave))
    found = simulated(DirectCurrent(1.5, start=5.0, stop=15.0), weight=2.0, delay=3.0)
    np.testing.assert_array_equal(found, called(np.roll(wave, 30, axis=0)))


def test_step_current() -> None:
    """From the step on that begins at its time; one for all, or one for each."""
    wave = np.select([times() < 0.95, times() < 9.95], [0.0, 1.3], 0.7)
    np.testing.assert_array_equal(simulated(StepCurrent([1.0, 10.0], [1.3, 0.7])), called(wave))
    each = np.array([1.0, 2.0, -1.0, 0.0, 3.0])
    found = simulated(StepCurrent([1.0, 10.0], [1.3 * each, 0.7 * each]))
    np.testing.assert_array_equal(found, called(wave * each))


def test_alternating_current() -> None:
    phase = 2 * np.pi * 40.0 * times() * 1e-3
    wave = 1.1 + 0.9 * np.sin(phase + np.deg2rad(30.0))
    np.testing.assert_allclose(inputs(AlternatingCurrent(0.9, 40.0, 30.0, 1.1)), np.repeat(wave, N, 1), atol=1e-12)
    own = np.arange(5) * 10.0
    found = inputs(AlternatingCurrent(0.9, own, 30.0))
    np.testing.assert_allclose(found, 0.9 * np.sin(phase / 40.0 * own + np.deg2rad(30.0)), atol=1e-12)


@pytest.mark.parametrize("device", [DirectCurrent(2.0), AlternatingCurrent(1.0, 9.0, 90.0), NoiseCurrent(5.0, 1.0)])
def test_only_the_view(device: Current) -> None:
    found = inputs(device, view=lambda cells: cells[[7, 300, 2]], n=400, weight=[1.0, 2.0, 3.0])
    assert np.flatnonzero(found.any(0)).tolist() == [2, 7, 300]
    if not isinstance(device, NoiseCurrent):
        np.testing.assert_allclose(found[:, [2, 300]], found[:, [7]] * [3.0, 2.0], atol=1e-12)


def test_noise() -> None:
    """Normal, new in each interval and for each neuron, held in between."""
    found = inputs(NoiseCurrent(1.5, 0.5, interval=0.4), n=2000)
    held = found.reshape(STEPS // 4, 4, 2000)
    np.testing.assert_allclose(held, np.broadcast_to(held[:, :1], held.shape), atol=1e-12)
    z = (held[:, 0] - 1.5) / 0.5
    size = z.size
    assert abs(z.mean()) < 4.5 / np.sqrt(size)
    assert abs(z.var() - 1) < 4.5 * np.sqrt(2 / size)
    assert abs((z[1:] * z[:-1]).mean()) < 4.5 / np.sqrt(size)
    assert abs((z[:, 1:] * z[:, :-1]).mean()) < 4.5 / np.sqrt(size)


def test_noise_moves_a_leaky_potential_as_stated() -> None:
    net = nw.Network(dt=DT, seed=4)
    cells = net.population(4000, sl.LIF(tau_mem=5.0, v_th=1e9))
    net.connect(NoiseCurrent(0.0, 2.0, interval=0.5), cells)
    net.run(40.0)
    q = math.exp(-0.5 / 5.0)
    assert abs(cells["v"].std() / (2.0 * math.sqrt((1 - q) / (1 + q))) - 1) < 4.5 / math.sqrt(2 * 4000)


@pytest.mark.parametrize(
    "device",
    [
        NoiseCurrent(np.linspace(0, 1, 200), np.linspace(1, 2, 200), interval=0.3, start=1.0),
        AlternatingCurrent(1.0, np.linspace(1, 50, 200)),
        StepCurrent([0.0, 3.0], np.arange(400.0).reshape(2, 200)),
    ],
)
def test_same_for_parts(device: Current) -> None:
    expected = inputs(device, n=200, threads=1)
    for threads in (2, 3):
        np.testing.assert_array_equal(inputs(device, n=200, threads=threads), expected)


def test_the_current_input_is_found() -> None:
    """Beside inputs for spikes; the same current gives the same potential as without synapses."""
    net = nw.Network(dt=DT, seed=2)
    wrapped = sl.Refractory(
        sl.synapses.Receptors(sl.LIF(**PARAMETERS), e=sl.synapses.Exponential(), keep_input=True), t_ref=1.0
    )
    plain = net.population(3, sl.Refractory(sl.LIF(**PARAMETERS), t_ref=1.0))
    synaptic = net.population(3, wrapped)
    for cells in (plain, synaptic):
        net.connect(DirectCurrent(1.7), cells)
    net.run(20.0)
    np.testing.assert_allclose(synaptic["v"], plain["v"], rtol=1e-5)


@pytest.mark.parametrize(
    "neuron",
    [
        sl.synapses.Receptors(sl.LIF(), e=sl.synapses.Exponential()),
        sl.CurrentLIF(),
        sl.LIF(decay_input=False),
        sl.synapses.Receptors(sl.LIF(), e=sl.synapses.Delta()),
    ],
    ids=["receptors", "CurrentLIF", "jumping LIF", "Delta"],
)
def test_no_input_for_a_current(neuron: sl.Neuron) -> None:
    net = nw.Network(dt=DT)
    with pytest.raises(ParameterError, match="keep_input=True"):
        net.connect(DirectCurrent(1.0), net.population(3, neuron))


def test_wrong_inputs() -> None:
    net = nw.Network(dt=DT)
    cells = net.population(3, sl.synapses.Receptors(sl.LIF(), exc=sl.synapses.Exponential(), keep_input=True))
    with pytest.raises(ParameterError, match="for weighted spikes"):
        net.connect(DirectCurrent(1.0), cells, receptor="exc")
    with pytest.raises(UnknownNameError, match="'exc'"):
        net.connect(DirectCurrent(1.0), cells, receptor="exz")
    with pytest.raises(ParameterError, match="neurons to connect to"):
        net.connect(DirectCurrent(1.0), net.population(2, nw.Poisson(1.0)))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: DirectCurrent(math.nan), ParameterError, "finite"),
        (lambda: DirectCurrent("1"), DTypeError, "number"),  # type: ignore[arg-type]
        (lambda: DirectCurrent(1.0, start=2.0, stop=1.0), ParameterError, "start < stop"),
        (lambda: StepCurrent([2.0, 1.0], [1.0, 2.0]), ParameterError, "increasing"),
        (lambda: StepCurrent([1.0, 2.0], [1.0]), ShapeError, "one for each time"),
        (lambda: StepCurrent([math.nan], [1.0]), ParameterError, "finite"),
        (lambda: AlternatingCurrent(1.0, math.inf), ParameterError, "finite"),
        (lambda: AlternatingCurrent([1.0, 2.0], [1.0, 2.0, 3.0]), ShapeError, "one length"),
        (lambda: NoiseCurrent(0.0, -1.0), ParameterError, "standard deviations"),
        (lambda: NoiseCurrent(0.0, 1.0, interval=0.0), ParameterError, "interval"),
    ],
)
def test_bad_currents(make: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("device", "message"),
    [
        (DirectCurrent([1.0, 2.0]), "each of 5"),
        (NoiseCurrent(0.0, [1.0, 2.0]), "each of 5"),
        (NoiseCurrent(0.0, 1.0, interval=0.25), "multiples of dt"),
        (StepCurrent([0.25], [1.0]), "multiples of dt"),
        (DirectCurrent(1.0, stop=0.33), "0.3 is nearest"),
    ],
)
def test_currents_that_do_not_fit(device: Current, message: str) -> None:
    net = nw.Network(dt=DT)
    with pytest.raises((ParameterError, ShapeError), match=message):
        net.connect(device, net.population(N, sl.LIF()))
