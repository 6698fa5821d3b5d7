"""Cables against cosh, the dense matrix, the point neuron, Rall's cylinder, and the speed of the squid's axon."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import (
    BackendError,
    DTypeError,
    NonFiniteError,
    ParameterError,
    ShapeError,
    SpikeloomError,
    TraceError,
    UnknownNameError,
)
from spikeloom.neurons import (
    BackwardEuler,
    Branch,
    Cable,
    CrankNicolson,
    HodgkinHuxley,
    Implicit,
    Morphology,
    PassiveMembrane,
    _plain,
)
from spikeloom.neurons._cable_program import in_tree
from spikeloom.neurons._hines import Tree, solve, solve_dense

DOUBLE = torch.float64
FOREVER = 1e9  # ms: one step of backward Euler reaches the steady state
RESISTIVITY, LEAK = 150.0, 0.1  # Ω cm, mS/cm^2
FORK = Morphology.soma_and_dendrites(
    15.0, [Branch(120.0, 3.0, 4), Branch(60.0, 1.0, 3, parent=0), Branch(80.0, 2.0, 2, parent=0), Branch(50.0, 1.5, 2)]
)


def potentials(cable: Cable, current: Tensor) -> Tensor:
    """[T, B, n]."""
    with sl.record(cable, "v") as trace:
        cable(current)
    return trace["membrane.v"]


def pulse(cable: Cable, where: int | str, nanoamperes: float, duration: float, total: float) -> Tensor:
    dt = float(cable.membrane.dt)
    current = torch.zeros(round(total / dt), dtype=DOUBLE)
    current[: round(duration / dt)] = nanoamperes
    return cable.inject(where, current)


# Passive cables


def steady(n: int, length: float = 1000.0, diameter: float = 2.0) -> tuple[Cable, Tensor, Tensor]:
    """A cable with 1 pA into its first compartment at rest, its potentials, and those of the continuous cable."""
    membrane = PassiveMembrane(g_leak=LEAK, e_leak=0.0, dt=FOREVER)
    cable = Cable(membrane, Morphology.cylinder(length, diameter, n), axial_resistivity=RESISTIVITY)
    v = potentials(cable, cable.inject(0, torch.full((2,), 1e-3, dtype=DOUBLE)))[-1, 0]
    lambda_ = 1e4 * math.sqrt(diameter * 1e-4 / (4 * RESISTIVITY * LEAK * 1e-3))
    input_resistance = 1e-6 * 4 * RESISTIVITY * lambda_ * 1e-4 / (math.pi * (diameter * 1e-4) ** 2)  # MΩ
    x, x0 = cable.morphology.distances() + length / (2 * n), length / (2 * n)
    # Both ends sealed, current at x0 <= x.
    shape = math.cosh(x0 / lambda_) * torch.cosh((length - x) / lambda_) / math.sinh(length / lambda_)
    return cable, v, 1e-3 * input_resistance * shape


def test_steady_state_of_a_cable_with_sealed_ends() -> None:
    """The second difference in place of the second derivative: an error of the order of (dx / lambda)^2 / 12, 1e-4."""
    _, v, exact = steady(50)
    assert float((v / exact - 1).abs().max()) < 2e-4


def test_second_order_in_space() -> None:
    sizes = (8, 16, 32, 64)
    errors = [float((v / exact - 1).abs().max()) for _, v, exact in map(steady, sizes)]
    order = -np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert abs(order - 2) < 0.1, f"order {order:.3f}, errors {errors}"


@pytest.mark.parametrize(("method", "order"), [(BackwardEuler(), 1), (CrankNicolson(), 2)])
def test_order_in_time(method: Implicit, order: int) -> None:
    """Against the matrix exponential of the same compartments, from a smooth potential, so that no fast mode swings."""
    steps, duration = (32, 64, 128, 256), 4.0
    errors = []
    for count in steps:
        membrane = PassiveMembrane(e_leak=0.0, c_mem=0.7, dt=duration / count)
        cable = Cable(membrane, Morphology.cylinder(600.0, 2.0, 12), axial_resistivity=RESISTIVITY, integrator=method)
        start = torch.cos(math.pi * (torch.arange(12, dtype=DOUBLE) + 0.5) / 12).expand(1, 12)
        drive = torch.full((count, 1, 12), 0.02, dtype=DOUBLE)
        _, state = sl.unroll(cable, drive, {"membrane": {"v": start}})
        axial = cable.tree.matrix(cable.tree.total[:12]) / cable.area[:, None]
        matrix = -(axial + 0.05 * torch.eye(12)) / 0.7
        reached = 0.02 / 0.05  # the current is the same everywhere
        exact = torch.linalg.matrix_exp(matrix * duration) @ (start[0] - reached) + reached
        errors.append(float((state["membrane"]["v"][0] - exact).abs().max()))
    slope = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert abs(slope - order) < 0.1, f"order {slope:.3f}, errors {errors}"


def test_one_compartment_is_ohms_law() -> None:
    membrane = PassiveMembrane(g_leak=LEAK, e_leak=-70.0, dt=FOREVER)
    cable = Cable(membrane, Morphology.cylinder(20.0, 20.0, 1, region="soma"))
    v = potentials(cable, cable.inject("soma", torch.full((1,), 0.5, dtype=DOUBLE)))
    area = math.pi * 20.0 * 20.0 * 1e-8
    # One step leaves c / (g dt) = 1e-8 of the way.
    assert abs(float(v) - (-70.0 + 0.5e-3 / (LEAK * area))) < 1e-5


def test_a_tree_with_ralls_law_is_a_cylinder() -> None:
    """Where d^(3/2) adds up and electrotonic lengths agree, so do all sums of areas and conductances: no error.

    Rall 1962, Annals of the New York Academy of Sciences 96: trees equivalent to cylinders.
    """
    thick, n = 4.0, 6
    thin = [(0.3 * thick**1.5) ** (2 / 3), (0.7 * thick**1.5) ** (2 / 3)]
    trunk = Branch(300.0, thick, n)
    twigs = [Branch(300.0 * math.sqrt(d / thick), d, n, parent=0) for d in thin]
    tree, cylinder = Morphology.of([trunk, *twigs]), Morphology.cylinder(600.0, thick, 2 * n)
    traces = []
    for morphology in (tree, cylinder):
        membrane = PassiveMembrane(e_leak=0.0, dt=0.05)
        cable = Cable(membrane, morphology, axial_resistivity=RESISTIVITY, integrator=CrankNicolson())
        traces.append(potentials(cable, pulse(cable, 2, 0.1, 1.0, 5.0))[:, 0])
    assert float((traces[0][:, :n] - traces[1][:, :n]).abs().max()) < 1e-11
    for first in (n, 2 * n):
        assert float((traces[0][:, first : first + n] - traces[1][:, n:]).abs().max()) < 1e-11
    assert float(traces[1].max()) > 1.0


def test_branches_at_the_start_of_the_root_meet_there() -> None:
    """Three equal branches from one point, driven alike, are alike, and differ from a chain."""
    star = Morphology.of([Branch(100.0, 2.0, 4), *[Branch(100.0, 2.0, 4, parent=0, attached=0.0)] * 2])
    cable = Cable(PassiveMembrane(e_leak=0.0), star)
    v = potentials(cable, cable.inject(3, torch.full((20,), 0.01, dtype=DOUBLE)))[-1, 0]
    assert torch.allclose(v[4:8], v[8:12], rtol=1e-12)
    middle = Cable(PassiveMembrane(e_leak=0.0), Morphology.cylinder(200.0, 2.0, 8))
    pair = Cable(PassiveMembrane(e_leak=0.0), Morphology.of([star_half(), star_half(parent=0)]))
    current = torch.full((20,), 0.01, dtype=DOUBLE)
    chain = potentials(middle, middle.inject(7, current))[-1, 0]
    folded = potentials(pair, pair.inject(3, current))[-1, 0]
    assert torch.allclose(folded[:4], chain[4:], rtol=1e-12)
    assert torch.allclose(folded[4:], chain[:4].flip(0), rtol=1e-12)


def star_half(parent: int | None = None) -> Branch:
    return Branch(100.0, 2.0, 4, parent=parent, attached=1.0 if parent is None else 0.0)


# Axons


def arrivals(cable: Cable, current: Tensor) -> Tensor:
    """When the potential of each compartment rises through 0 mV, by interpolation between steps; ms."""
    v = potentials(cable, current)[:, 0]
    up = (v[:-1] < 0) & (v[1:] >= 0)
    assert bool(up.any(0).all()), "the spike did not reach every compartment"
    first, k = up.double().argmax(0), torch.arange(v.shape[1])
    before, after = v[first, k], v[first + 1, k]
    return (first - before / (after - before)) * float(cable.membrane.dt)


def conduction(cable: Cable, current: Tensor) -> tuple[float, float]:
    """Speed in m/s = mm/ms in the middle half of a cylinder, and R^2 of the straight line."""
    n = len(cable.morphology)
    t = arrivals(cable, current)[n // 4 : -n // 4]
    x = cable.morphology.distances()[n // 4 : -n // 4] * 1e-3
    return float(np.polyfit(t, x, 1)[0]), float(np.corrcoef(t, x)[0, 1] ** 2)


def test_a_spike_travels_at_constant_speed_which_grows_with_the_root_of_the_diameter() -> None:
    diameters, speeds = (1.0, 2.0, 4.0, 8.0), []
    for d in diameters:
        cable = Cable(HodgkinHuxley(dt=0.01), Morphology.cylinder(5000.0, d, 100), axial_resistivity=35.4)
        speed, straight = conduction(cable, pulse(cable, 0, 0.3 * d**1.5, 1.0, 14.0))
        assert straight > 0.999
        speeds.append(speed)
    slope = np.polyfit(np.log(diameters), np.log(speeds), 1)[0]
    assert abs(slope - 0.5) < 0.02, f"slope {slope:.4f}, speeds {speeds}"


def test_speed_in_the_squid_giant_axon() -> None:
    """Hodgkin and Huxley 1952, part III: 18.8 m/s at 18.5 °C, radius 238 µm, 35.4 Ω cm; finer grids give 18.72."""
    membrane = HodgkinHuxley(dt=0.005, phi=3 ** ((18.5 - 6.3) / 10))
    cable = Cable(membrane, Morphology.cylinder(1e5, 476.0, 200), axial_resistivity=35.4, integrator=CrankNicolson())
    speed, _ = conduction(cable, pulse(cable, 0, 6e4, 0.5, 7.0))
    assert abs(speed - 18.8) < 0.01 * 18.8, speed


def test_every_compartment_emits_one_spike() -> None:
    cable = Cable(HodgkinHuxley(dt=0.025), Morphology.cylinder(2000.0, 10.0, 40), axial_resistivity=35.4)
    s = cable(pulse(cable, 0, 100.0, 0.5, 10.0))
    assert torch.equal(s.sum(0), torch.ones(1, 40, dtype=DOUBLE))


# The point neuron


def test_strong_coupling_is_the_point_neuron() -> None:
    """All of the current into one compartment, and 1e-6 Ω cm between them."""
    cable = Cable(HodgkinHuxley(dt=0.01), FORK, axial_resistivity=1e-6)
    v = potentials(cable, pulse(cable, 3, 1.0, 5.0, 20.0))
    i = 1e-3 / float(cable.area.sum()) * (torch.arange(2000) < 500).to(DOUBLE).view(-1, 1, 1)
    point = HodgkinHuxley(dt=0.01, integrator=BackwardEuler())
    with sl.record(point, "v") as trace:
        point(i)
    assert float(trace["v"].max()) > 20.0
    assert float((v - trace["v"]).abs().max()) < 1e-3


def test_strong_coupling_is_the_point_neuron_by_another_method() -> None:
    cable = Cable(HodgkinHuxley(dt=0.0025), FORK, axial_resistivity=1e-6, integrator=CrankNicolson())
    v = potentials(cable, pulse(cable, "soma", 1.0, 10.0, 10.0))
    point = HodgkinHuxley(dt=0.0025, integrator=sl.neurons.RungeKutta4())
    with sl.record(point, "v") as trace:
        point(torch.full((4000, 1, 1), 1e-3 / float(cable.area.sum()), dtype=DOUBLE))
    assert float(trace["v"].max()) > 20.0
    assert float((v - trace["v"]).abs().max()) < 0.1


@pytest.mark.parametrize(("method", "order"), [(BackwardEuler(), 1), (CrankNicolson(), 2)])
def test_order_of_the_point_neuron(method: Implicit, order: int) -> None:
    """From rest: the gates, half a step behind, do not change there."""

    def final(dt: float, integrator: sl.neurons.Integrator) -> float:
        neuron = HodgkinHuxley(dt=dt, integrator=integrator)
        _, state = sl.unroll(neuron, torch.full((round(2.0 / dt), 1, 1), 10.0, dtype=DOUBLE))
        return float(state[""]["v"])

    exact = final(1e-3, sl.neurons.RungeKutta4())
    steps = np.array([0.02, 0.01, 0.005, 0.0025])
    errors = [abs(final(dt, method) - exact) for dt in steps]
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert abs(slope - order) < 0.1, f"order {slope:.3f}, errors {errors}"


# The solver


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Nodes in any numbering, some of them without a compartment."""
    nodes = draw(st.integers(1, 40))
    parents = [0, *(draw(st.integers(0, k - 1)) for k in range(1, nodes))]
    names = draw(st.permutations(range(nodes)))
    node, up = torch.tensor(names), torch.tensor([names[p] for p in parents])
    coupling = torch.tensor(draw(st.lists(st.floats(0.01, 100.0), min_size=nodes, max_size=nodes)), dtype=DOUBLE)
    total = torch.zeros(nodes, dtype=DOUBLE)
    for ends in (node, up):
        total.index_add_(0, ends[1:], coupling[1:])
    return Tree(
        draw(st.integers(1, nodes)) if nodes == 1 else draw(st.integers(nodes // 2, nodes)), node, up, coupling, total
    )


@given(trees(), st.integers(1, 9))
def test_elimination_solves_the_dense_equations(tree: Tree, cells: int) -> None:
    n = tree.compartments
    drawn = torch.rand(2, cells, n, dtype=DOUBLE, generator=torch.Generator().manual_seed(cells))
    diagonal, drive = tree.total[:n] + 0.1 + drawn[0], drawn[1] - 0.5
    exact = solve_dense(tree, diagonal, drive)
    # The equations are as badly conditioned as the conductances are unequal, up to 1e4: relative to the solution.
    assert float((solve(tree, diagonal, drive) - exact).abs().max()) < 1e-12 * max(1.0, float(exact.abs().max()))


def test_gradient_of_the_solver() -> None:
    tree = Cable(PassiveMembrane(), FORK, axial_resistivity=1e-3).tree
    drawn = torch.rand(2, 3, len(FORK), dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    diagonal, drive = (tree.total[: len(FORK)] * (1 + drawn[0])).requires_grad_(), drawn[1].requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: solve(tree, a, b), (diagonal, drive))


# One kernel, and the definition


class Leaping(sl.Neuron):
    """A membrane with everything that a step can have: input that jumps v, adaptation that a reset changes."""

    dt = sl.Param(0.1, "ms", "time step", low=0.0)
    c_mem = sl.Param(1.0, "uF/cm^2", "membrane capacitance", low=0.0)
    g_leak = sl.Param(0.1, "mS/cm^2", "leak conductance", low=0.0)
    v_th = sl.Param(8.0, "mV", "threshold")
    i = sl.Input("uA/cm^2", "current", span=(0.0, 2.0))
    kick = sl.Input("mV", "jump of the potential", span=(0.0, 1.0))
    v = sl.State(0.0, "mV", "potential")
    w = sl.State(0.0, "uA/cm^2", "adaptation")

    def deliver(self) -> dict[str, Tensor]:
        return {"v": self.v + self.kick}

    def derivative(self) -> dict[str, Tensor]:
        growth = 0.2 * torch.exp((self.v - 8.0) / 4.0)
        return {"v": (self.i - self.w + growth - self.g_leak * self.v) / self.c_mem, "w": (0.1 * self.v - self.w) / 20}

    def threshold(self) -> Tensor:
        return self.v - self.v_th

    def reset(self) -> dict[str, Tensor]:
        return {"v": 0.2 * self.v, "w": self.w + 0.5}


class Counting(Leaping):
    """And states that are not real numbers."""

    spikes = sl.State(0, "1", "count", dtype=torch.int32)
    odd = sl.State(0, "1", "whether it is odd", dtype=torch.bool)

    def reset(self) -> dict[str, Tensor]:
        return {**super().reset(), "spikes": self.spikes + 1, "odd": ~self.odd}


MEMBRANES = [
    (HodgkinHuxley(dt=0.025), BackwardEuler(), 40.0),
    (HodgkinHuxley(dt=0.025), CrankNicolson(), 40.0),
    (PassiveMembrane(), CrankNicolson(), 1.0),
    (Leaping(), BackwardEuler(), 3.0),
]


def built(membrane: sl.Neuron, method: Implicit, scale: float, steps: int = 60) -> tuple[Cable, list[Tensor]]:
    regions = {"dendrite": {"c_mem": torch.linspace(0.8, 1.5, len(FORK) - 1)}}
    cable = Cable(membrane, FORK, integrator=method, axial_resistivity=200.0, regions=regions)
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.rand(steps, 3, len(FORK), dtype=DOUBLE, generator=generator) for _ in membrane.inputs]
    return cable, [scale * drawn[0], *drawn[1:]]


@pytest.mark.parametrize(("membrane", "method", "scale"), MEMBRANES, ids=repr)
def test_the_kernel_equals_plain_steps(membrane: sl.Neuron, method: Implicit, scale: float) -> None:
    """`Neuron.step` on ordinary tensors with a dense solver: neither traced nor compiled."""
    cable, inputs = built(membrane, method, scale)
    names = cable.membrane.variables
    with sl.record(cable, *names) as trace:
        y = cable(*inputs)
    axial = cable.tree.total[: len(FORK)]
    plain = in_tree(cable.membrane, cable.area, axial, "i", lambda a, b: solve_dense(cable.tree, a, b))
    with torch.no_grad():
        wanted, final = _plain.run(plain, dict(zip(membrane.inputs, inputs, strict=True)), None, names, {})
    _, state = sl.unroll(cable, inputs[0]) if len(inputs) == 1 else (None, None)
    for name in names:
        assert float((trace[f"membrane.{name}"] - wanted[name]).abs().max()) < 1e-9, name
        if state is not None and name in final:
            assert torch.allclose(state["membrane"][name], final[name], atol=1e-9)
    assert torch.equal(y, trace[f"membrane.{membrane.output}"])
    assert not membrane.spiking or float(y.sum()) > 0


@pytest.mark.parametrize(("membrane", "method", "scale"), [*MEMBRANES, (Counting(), CrankNicolson(), 3.0)], ids=repr)
def test_backends_and_pieces_agree(membrane: sl.Neuron, method: Implicit, scale: float) -> None:
    cable, inputs = built(membrane, method, scale)
    names = cable.membrane.variables
    with sl.record(cable, *names) as trace:
        y = cable(*inputs)
    with sl.backend("reference"), sl.record(cable, *names) as reference:
        cable(*inputs)
    for name in names:
        assert trace[f"membrane.{name}"].dtype == reference[f"membrane.{name}"].dtype
        assert float((trace[f"membrane.{name}"].double() - reference[f"membrane.{name}"].double()).abs().max()) < 1e-9
    leaf = inputs[0].clone().requires_grad_()
    with sl.record(cable, "v") as differentiable:
        cable(leaf, *inputs[1:])
    assert float((trace["membrane.v"] - differentiable["membrane.v"]).detach().abs().max()) < 1e-9
    if len(inputs) == 1:
        first, state = sl.unroll(cable, inputs[0][:7])
        second, _ = sl.unroll(cable, inputs[0][7:], state)
        assert torch.equal(torch.cat([first, second]), y)


def test_float32_is_close() -> None:
    cable, (x,) = built(HodgkinHuxley(dt=0.025), BackwardEuler(), 10.0)
    v = potentials(cable, x.float())
    assert v.dtype == torch.float32
    assert float((v - potentials(cable, x)).abs().max()) < 0.05


def test_cells_of_a_batch_are_independent() -> None:
    """More cells than a group and enough work for several threads."""
    cable, _ = built(HodgkinHuxley(dt=0.025), BackwardEuler(), 1.0)
    x = 40 * torch.rand(40, 211, len(FORK), dtype=DOUBLE, generator=torch.Generator().manual_seed(1))
    v = potentials(cable, x)
    few = torch.cat([potentials(cable, part) for part in x.split(50, dim=1)], dim=1)
    assert torch.equal(v, few)
    assert torch.equal(v[:, 97:98], potentials(cable, x[:, 97:98]))


def test_inputs_of_any_layout() -> None:
    cable, (x,) = built(PassiveMembrane(), BackwardEuler(), 1.0)
    wanted = potentials(cable, x)
    assert torch.equal(potentials(cable, x.permute(2, 0, 1).contiguous().permute(1, 2, 0)), wanted)
    shared = x[:, :1].expand(-1, 3, -1)
    assert torch.equal(potentials(cable, shared)[:, 2], potentials(cable, x[:, :1])[:, 0])
    assert cable(x[:0]).shape == (0, 3, len(FORK))


def test_gradients_equal_finite_differences() -> None:
    def loss(x: Tensor, g_na: Tensor) -> Tensor:
        cable.membrane.g_na = g_na
        with sl.record(cable, "v") as trace:
            cable(x)
        return (trace["membrane.v"] * weights).sum()

    cable, (x,) = built(HodgkinHuxley(dt=0.05), CrankNicolson(), 20.0, steps=40)
    weights = torch.randn(40, 3, len(FORK), dtype=DOUBLE, generator=torch.Generator().manual_seed(2))
    g_na = torch.full((len(FORK),), 120.0, dtype=DOUBLE)
    leaves = [x.clone().requires_grad_(), g_na.clone().requires_grad_()]
    gradients = torch.autograd.grad(loss(*leaves), leaves)
    for k, index in ((0, (0, 0, 0)), (0, (20, 1, 5)), (0, (38, 2, 11)), (1, (0,)), (1, (7,))):
        eps, sides = 1e-4, []
        for sign in (1, -1):
            moved = [leaf.detach().clone() for leaf in leaves]
            moved[k][index] += sign * eps
            sides.append(float(loss(*moved)))
        slope = (sides[0] - sides[1]) / (2 * eps)
        assert abs(float(gradients[k][index]) - slope) < 1e-5 * max(1.0, abs(slope))


def test_spikes_have_a_surrogate_gradient_and_parameters_learn() -> None:
    cable = Cable(HodgkinHuxley(dt=0.05, learn=("g_na",)), FORK)
    cable(pulse(cable, "soma", 2.0, 2.0, 4.0)).sum().backward()
    (raw,) = cable.parameters()
    assert raw.grad is not None and float(raw.grad) != 0


# Regions, electrodes, observed compartments


def test_parameters_by_region() -> None:
    regions = {"dendrite": {"g_na": 0.0, "g_k": 0.0}, "soma": {"g_leak": 0.4}}
    cable = Cable(HodgkinHuxley(), FORK, regions=regions)
    assert float(cable.membrane.g_na[0]) == 120.0 and not cable.membrane.g_na[1:].any()
    assert float(cable.membrane.g_leak[0]) == 0.4 and float(cable.membrane.g_leak[1]) == 0.3
    tensor = torch.zeros(len(FORK), dtype=DOUBLE)
    tensor[0] = 1.0
    leak = 0.3 + 0.1 * tensor
    same = Cable(HodgkinHuxley(g_na=120 * tensor, g_k=36 * tensor, g_leak=leak), FORK)
    x = pulse(cable, "soma", 1.0, 2.0, 5.0)
    assert float((potentials(cable, x) - potentials(same, x)).abs().max()) < 1e-9
    # Spikes arise in the soma and arrive in passive dendrites smaller.
    peaks = potentials(cable, x).amax((0, 1))
    assert float(peaks[0]) > 0.0 and bool((peaks[1:] < peaks[0]).all())


def test_the_given_membrane_is_not_changed() -> None:
    membrane = HodgkinHuxley()
    Cable(membrane, FORK, regions={"dendrite": {"g_na": 0.0}})
    assert repr(membrane) == repr(HodgkinHuxley())


def test_injection_is_per_area_and_adds_up() -> None:
    cable = Cable(PassiveMembrane(), FORK)
    x = cable.inject(2, torch.tensor([[1.0, 2.0]], dtype=DOUBLE)) + cable.inject("soma", torch.ones(1, dtype=DOUBLE))
    back = (x * cable.area * 1e3)[0]
    assert torch.allclose(back[:, 2], torch.tensor([1.0, 2.0], dtype=DOUBLE))
    assert torch.allclose(back[:, 0], torch.ones(2, dtype=DOUBLE)) and int((back[0] != 0).sum()) == 2


def test_observed_compartments() -> None:
    """Also over more than one of the pieces in which long runs are made."""
    whole, (x,) = built(HodgkinHuxley(dt=0.025), BackwardEuler(), 20.0, steps=600)
    few = Cable(whole.membrane, FORK, axial_resistivity=200.0, observe=["soma", -1])
    assert torch.equal(few(x), whole(x)[..., [0, len(FORK) - 1]])
    assert torch.equal(potentials(few, x), potentials(whole, x)[..., [0, len(FORK) - 1]])
    assert few(x[:0]).shape == (0, 3, 2)
    _, state = sl.unroll(few, x)
    assert torch.equal(state["membrane"]["v"], sl.unroll(whole, x)[1]["membrane"]["v"])


def test_a_cable_in_a_network() -> None:
    net = sl.nn.Sequential(torch.nn.Linear(2, len(FORK)), Cable(PassiveMembrane(), FORK))
    net(torch.rand(5, 2, 2)).sum().backward()
    assert net[0].weight.grad is not None
    assert [name for name, _ in net[1].named_parameters()] == []


# Bad input


class NoInput(sl.Neuron):
    """Its potential does not depend on its input."""

    i = sl.Input("uA/cm^2", "not used")
    v = sl.State(0.0, "mV", "potential")
    output = "v"

    def derivative(self) -> dict[str, Tensor]:
        return {"v": -self.v}


class NoDerivative(NoInput):
    """Leaves integration out."""

    def charge(self) -> dict[str, Tensor]:
        return {"v": self.v + self.i}


GOOD = {"membrane": PassiveMembrane(), "morphology": FORK}


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"membrane": "HH"}, DTypeError, "a Neuron"),
        ({"membrane": sl.LIF()}, ParameterError, "uA/cm^2"),
        ({"membrane": sl.Refractory(sl.LIF())}, ParameterError, "without noise and wrapper"),
        ({"into": "j"}, UnknownNameError, "one of i"),
        ({"morphology": 3}, DTypeError, "a Morphology"),
        ({"integrator": sl.neurons.Euler()}, DTypeError, "BackwardEuler"),
        ({"axial_resistivity": 0.0}, ParameterError, "> 0"),
        ({"axial_resistivity": math.nan}, ParameterError, "> 0"),
        ({"axial_resistivity": torch.ones(3)}, ShapeError, "12 compartments"),
        ({"regions": {"dendrites": {}}}, UnknownNameError, "Did you mean 'dendrite'"),
        ({"regions": {"dendrite": {"g_lek": 0.1}}}, UnknownNameError, "Did you mean 'g_leak'"),
        ({"regions": {"dendrite": {"g_leak": -0.1}}}, ParameterError, ">= 0"),
        ({"observe": "axon"}, UnknownNameError, "dendrite, soma"),
        ({"observe": [12]}, ParameterError, "below 12"),
    ],
)
def test_bad_construction(changed: dict[str, object], error: type[SpikeloomError], says: str) -> None:
    with pytest.raises(error, match=re.escape(says)):
        Cable(**{**GOOD, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("x", "error", "says"),
    [
        (torch.zeros(5, 1, 3), ShapeError, "12 compartments"),
        (torch.zeros(5, 12), ShapeError, "12 compartments"),
        (torch.zeros(5, 1, 12).half(), DTypeError, "float64 or float32"),
        (torch.zeros(5, 1, 12).long(), DTypeError, "floating-point"),
        (torch.full((5, 1, 12), math.nan), NonFiniteError, "PassiveMembrane.v of compartment 0 of cell 0"),
    ],
)
def test_bad_input(x: Tensor, error: type[SpikeloomError], says: str) -> None:
    with pytest.raises(error, match=re.escape(says)):
        Cable(PassiveMembrane(), FORK)(x)


def test_bad_membranes_states_and_electrodes() -> None:
    cable, x = Cable(PassiveMembrane(), FORK), torch.zeros(2, 1, 12, dtype=DOUBLE)
    with pytest.raises(TraceError, match="does not depend on the input 'i'"):
        Cable(NoInput(), FORK)(x)
    with pytest.raises(TraceError, match="does not integrate its derivative"):
        Cable(NoDerivative(), FORK)(x)
    with pytest.raises(DTypeError, match="1 of them"):
        cable(x, x)
    with pytest.raises(ShapeError, match="Continue a stream"):
        sl.unroll(cable, x, {"membrane": {"v": torch.zeros(2, 12)}})
    with pytest.raises(ShapeError, match=r"\[T\] or \[T, B\]"):
        cable.inject(0, torch.zeros(1, 2, 3))
    with pytest.raises(ParameterError, match="one compartment"):
        cable.inject("dendrite", torch.zeros(3))
    with sl.backend("triton"), pytest.raises(BackendError):
        cable(x)
