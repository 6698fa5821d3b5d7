"""Gap junctions against a plain computation with the same neurons."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.errors import DTypeError, ParameterError, UnknownNameError
from spikeloom.network import GapJunction
from spikeloom.network.rules import AllToAll, Bernoulli, Explicit

DT = 0.1


def oracle(
    neuron: sl.Neuron, start: NDArray[Any], g: NDArray[Any], drive: NDArray[Any], steps: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Spikes and potentials [steps, n]: before each step all currents g (v_j - v_i), then the step of every neuron."""
    n = len(start)
    neuron = neuron.double()
    state = None
    spikes, potentials = np.zeros((steps, n)), np.zeros((steps, n))
    v = start.copy()
    for t in range(steps):
        current = drive.copy()
        for i in range(n):
            current[i] += sum(g[i, j] * (v[j] - v[i]) for j in range(n) if g[i, j])
        x = torch.as_tensor(current)[None, None]
        if state is None:
            state = {"": {"v": torch.as_tensor(v)[None].clone()}}
        s, state = sl.unroll(neuron, x, state)
        v = state[""]["v"][0].numpy().copy()
        spikes[t], potentials[t] = s[0, 0].numpy(), v
    return spikes, potentials


def simulated(
    pairs: tuple[Any, Any], g: Any, sizes: tuple[int, ...], start: NDArray[Any], drive: NDArray[Any], steps: int,
    threads: int = 1, cut: tuple[float, ...] = (),
) -> tuple[NDArray[Any], NDArray[Any]]:  # fmt: skip
    """The same with one population or two."""
    net = nw.Network(dt=DT, seed=1, threads=threads, dtype=torch.float64)
    cells = [net.population(n, sl.LIF(tau_mem=10.0), name=f"p{k}") for k, n in enumerate(sizes)]
    begin = np.cumsum([0, *sizes])
    for k, population in enumerate(cells):
        population["v"] = start[begin[k] : begin[k + 1]]
        net.connect(nw.DirectCurrent(drive[begin[k] : begin[k + 1]]), population)
        net.record(population, "s", "v")
    net.connect(cells[0], cells[-1], GapJunction(Explicit(*pairs)), weight=g)
    results = [net.run(t) for t in cut or (steps * DT,)]
    spikes, v = np.zeros((steps, begin[-1])), np.zeros((steps, begin[-1]))
    for k in range(len(sizes)):
        trains = [r[f"p{k}"] for r in results]
        v[:, begin[k] : begin[k + 1]] = np.concatenate([t["v"].values for t in trains])
        for t in trains:
            spikes[np.rint(t.times / DT).astype(int) - 1, t.neurons + begin[k]] = 1
    return spikes, v


def coupling(pairs: tuple[Any, Any], g: Any, sizes: tuple[int, ...]) -> NDArray[Any]:
    n = sum(sizes)
    found = np.zeros((n, n))
    shift = sizes[0] if len(sizes) > 1 else 0
    for a, b, w in zip(*pairs, np.broadcast_to(g, len(pairs[0])), strict=True):
        found[a, b + shift] = found[b + shift, a] = w
    return found


@pytest.mark.parametrize("sizes", [(6,), (4, 3)])
def test_against_the_oracle(sizes: tuple[int, ...]) -> None:
    """One population or two; spiking neurons, other conductances at each junction."""
    rng = np.random.default_rng(3)
    pairs = ([0, 1, 2, 3], [1, 2, 0, 1])
    g = np.array([0.4, 0.1, 0.25, 0.6])
    start, drive = rng.uniform(0, 1, sum(sizes)), rng.uniform(1.2, 2.5, sum(sizes))
    expected = oracle(sl.LIF(tau_mem=10.0, dt=DT), start, coupling(pairs, g, sizes), drive, 300)
    found = simulated(pairs, g, sizes, start, drive, 300)
    assert expected[0].sum() > 10
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("sizes", [(200,), (150, 130)])
@pytest.mark.parametrize("threads", [2, 3])
def test_same_for_parts_and_pieces(sizes: tuple[int, ...], threads: int) -> None:
    """Bits do not depend on the number of parts, nor on how a run is cut up (odd numbers of steps too)."""
    rng = np.random.default_rng(4)
    pairs = (rng.integers(0, sizes[0], 600), rng.integers(0, sizes[-1], 600))
    start, drive = rng.uniform(0, 1, sum(sizes)), rng.uniform(1.2, 2.5, sum(sizes))
    expected = simulated(pairs, 0.05, sizes, start, drive, 120)
    found = simulated(pairs, 0.05, sizes, start, drive, 120, threads=threads, cut=(3.1, 0.1, 4.4, 4.4))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert expected[0].any()


def test_two_cells_relax_as_stated() -> None:
    """Without drive, the difference of two potentials decays at (1 + 2 g r) / tau, their sum at 1 / tau."""
    net = nw.Network(dt=0.01, dtype=torch.float64)
    cells = net.population(2, sl.LIF(tau_mem=10.0, v_th=5.0), initial={"v": [1.0, 0.0]})
    net.connect(cells[:1], cells[1:], GapJunction(AllToAll()), weight=0.5)
    net.run(7.0)
    a, b = cells["v"]
    np.testing.assert_allclose(a + b, math.exp(-0.7), rtol=1e-9)
    np.testing.assert_allclose(a - b, math.exp(-0.7 * 2.0), rtol=1e-3)


def test_one_junction_for_two_neurons() -> None:
    """However often a rule draws a pair, and none of a neuron with itself."""
    both = simulated(([0, 1, 0, 2, 2], [1, 0, 1, 2, 1]), 0.3, (3,), np.array([1.0, 0.0, 0.5]) / 2, np.zeros(3), 20)
    once = simulated(([0, 1], [1, 2]), 0.3, (3,), np.array([1.0, 0.0, 0.5]) / 2, np.zeros(3), 20)
    np.testing.assert_array_equal(both[1], once[1])


def test_potentials_set_between_runs() -> None:
    """The next step sees what was written."""
    net = nw.Network(dt=DT)
    cells = net.population(2, sl.IF(v_th=1e9, c_mem=DT))
    net.connect(cells, cells, GapJunction(Explicit([0], [1])), weight=0.25)
    net.run(0.3)
    cells["v"] = [4.0, 0.0]
    net.run(0.1)
    np.testing.assert_allclose(cells["v"], [3.0, 1.0])
    cells["v"] = [0.0, 8.0]
    net.run(0.1)
    np.testing.assert_allclose(cells["v"], [2.0, 6.0])


def test_runs_are_apart() -> None:
    net = nw.Network(dt=DT, batch=2)
    cells = net.population(2, sl.IF(v_th=1e9, c_mem=DT), initial={"v": np.array([[4.0, 0.0], [0.0, 0.0]])})
    net.connect(cells, cells, GapJunction(Explicit([0], [1])), weight=0.25)
    net.run(0.1)
    np.testing.assert_allclose(cells["v"], [[3.0, 1.0], [0.0, 0.0]])


def test_random_junctions_between_kinds() -> None:
    """Different neurons, synapses beside the current input, a rule and a distribution: charge is conserved."""
    net = nw.Network(dt=DT, seed=3, threads=2, dtype=torch.float64)
    one = net.population(90, sl.IF(v_th=1e9, c_mem=DT), initial={"v": nw.Normal(0.0, 1.0)})
    inner = sl.synapses.Receptors(sl.IF(v_th=1e9, c_mem=2 * DT), e=sl.synapses.Exponential(), keep_input=True)
    two = net.population(80, inner, initial={"v": nw.Normal(1.0, 1.0)})
    net.connect(one, two, GapJunction(Bernoulli(0.1)), weight=nw.Uniform(0.0, 0.1))
    before = one["v"].sum() + 2 * two["v"].sum()
    spread = one["v"].std() + two["v"].std()
    net.run(2.0)
    np.testing.assert_allclose(one["v"].sum() + 2 * two["v"].sum(), before, rtol=1e-9)
    assert one["v"].std() + two["v"].std() < 0.5 * spread


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"weight": -0.1}, ParameterError, "conductances >= 0"),
        ({"weight": math.nan}, ParameterError, "weight"),
        ({"delay": 1.0}, ParameterError, "act at once"),
        ({"delay": "1"}, DTypeError, "delay"),
    ],
)
def test_bad_junctions(given: Any, error: Any, message: str) -> None:
    net = nw.Network(dt=DT)
    cells = net.population(3, sl.LIF())
    with pytest.raises(error, match=message):
        net.connect(cells, cells, GapJunction(AllToAll()), **given)
    assert net.devices == []


def test_not_across_processes() -> None:
    net = nw.Network(dt=DT)
    cells = net.population(3, sl.LIF())
    net.ranks = SimpleNamespace(size=2)  # type: ignore[assignment]
    with pytest.raises(ParameterError, match="in one process"):
        net.connect(cells, cells, GapJunction(AllToAll()))


def test_neurons_that_do_not_fit() -> None:
    net = nw.Network(dt=DT)
    cells, source = net.population(3, sl.LIF()), net.population(3, nw.Poisson(1.0))
    synaptic = net.population(3, sl.synapses.Receptors(sl.LIF(), e=sl.synapses.Exponential()))
    with pytest.raises(UnknownNameError, match="potential"):
        net.connect(source, cells, GapJunction(AllToAll()))
    with pytest.raises(ParameterError, match="keep_input=True"):
        net.connect(synaptic, cells, GapJunction(AllToAll()))
    with pytest.raises(UnknownNameError, match="potential"):
        net.connect(cells, cells, GapJunction(AllToAll(), potential="u"))
    with pytest.raises(ParameterError, match="rule"):
        GapJunction(0.5)  # type: ignore[arg-type]
