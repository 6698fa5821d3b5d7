"""`Receptors`: names, parameters, composition with any neuron and wrapper, and what it refuses."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.errors import DTypeError, ParameterError, TraceError, UnknownNameError
from spikeloom.neurons import ExponentialEuler
from spikeloom.synapses import (
    Alpha,
    Conductance,
    Delta,
    DoubleExponential,
    Exponential,
    GapJunction,
    Receptors,
    Synapse,
)


def noise(steps: int, *features: int, seed: int = 0) -> Tensor:
    return torch.rand((steps, 1, *features), dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def recorded(neuron: sl.Neuron, variable: str, *inputs: Tensor) -> Tensor:
    with torch.no_grad(), sl.record(neuron, variable) as trace:
        neuron(*inputs)
    return trace[variable]


def test_everything_is_named_after_its_synapse() -> None:
    neuron = Receptors(sl.LIF(), exc=Alpha(tau_syn=3.0), inh=Conductance(Exponential(), e_rev=-80.0))
    assert list(neuron.inputs) == ["exc", "inh"]
    assert {"v", "exc_h", "exc_g", "inh_g"} == neuron.states.keys()
    assert {"exc_tau_syn", "inh_tau_syn", "inh_e_rev", "tau_mem", "v_th"} <= neuron.params.keys()
    assert neuron.param_values()["exc_tau_syn"] == 3.0
    assert float(neuron.inh_e_rev) == -80.0
    assert repr(neuron) == "Receptors(LIF(), exc=Alpha(tau_syn=3), inh=Conductance(Exponential(), e_rev=-80))"


def test_a_parameter_may_be_set_given_beside_and_per_neuron() -> None:
    x = noise(200, 3)
    wanted = Receptors(sl.LIF(tau_mem=5.0), exc=Exponential(tau_syn=2.0))(x)
    beside = Receptors(sl.LIF(tau_mem=5.0), exc=Exponential(), exc_tau_syn=2.0)
    assert torch.equal(beside(x), wanted)
    later = Receptors(sl.LIF(tau_mem=5.0), exc=Exponential())
    assert not torch.equal(later(x), wanted)
    later.exc_tau_syn = 2.0
    assert torch.equal(later(x), wanted)
    assert repr(later) == "Receptors(LIF(tau_mem=5), exc=Exponential(), exc_tau_syn=2)"
    per_neuron = Receptors(sl.LIF(tau_mem=5.0), exc=Exponential(tau_syn=torch.tensor([2.0, 2.0, 7.0])))
    assert torch.equal(per_neuron(x)[..., :2], wanted[..., :2])
    assert not torch.equal(per_neuron(x)[..., 2], wanted[..., 2])
    assert "exc_tau_syn" in per_neuron.state_dict()


@pytest.mark.parametrize("bad", [math.nan, 0.0, -1.0])
def test_a_bad_parameter_is_refused_and_named(bad: float) -> None:
    neuron = Receptors(sl.LIF(), exc=Alpha(), inh=Conductance(Exponential()))
    for name in ("exc_tau_syn", "inh_tau_syn"):
        with pytest.raises(ParameterError, match=rf"Receptors\.{name}.*synaptic time constant > 0"):
            setattr(neuron, name, bad)
    assert float(neuron.exc_tau_syn) == 2.0


def test_every_parameter_of_every_synapse_learns() -> None:
    """Gradients equal finite differences on the smoothed neuron."""
    lif = sl.LIF(tau_mem=3.0, integrator=ExponentialEuler(), surrogate=sl.surrogate.Smoothed(), detach_reset=False)
    names = ("exc_tau_rise", "exc_tau_decay", "inh_tau_syn", "inh_e_rev", "tau_mem")
    synapses = {"exc": DoubleExponential(), "inh": Conductance(Alpha(), e_rev=-1.0)}
    neuron = Receptors(lif, **synapses, learn=names)
    assert {name for name, _ in neuron.named_parameters()} == {f"raw_{name}" for name in names}
    neuron.double()
    inputs = noise(20, 4), noise(20, 4, seed=1)
    neuron(*inputs).pow(2).sum().backward()
    for name, parameter in neuron.named_parameters():
        sides = []
        for sign in (1, -1):
            moved = copy.deepcopy(neuron)
            with torch.no_grad():
                dict(moved.named_parameters())[name].add_(sign * 1e-6)
                sides.append(float(moved(*inputs).pow(2).sum()))
        assert float(parameter.grad) == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-7), name


def test_copies_and_pickles_are_apart() -> None:
    neuron = Receptors(sl.LIF(tau_mem=3.0), exc=Exponential(), learn="exc_tau_syn")
    x = noise(50, 2).float()
    for other in (copy.deepcopy(neuron), pickle.loads(pickle.dumps(neuron))):
        assert torch.equal(other(x), neuron(x))
        other.exc_tau_syn = 1.0
        assert neuron.exc_tau_syn.item() == pytest.approx(5.0)
    synapse = Exponential()
    apart = Receptors(sl.LIF(), exc=synapse)
    synapse.tau_syn = 1.0
    assert float(apart.exc_tau_syn) == 5.0


def test_it_stands_in_networks() -> None:
    """One synapse is one input; the others are named."""
    torch.manual_seed(0)
    neuron = Receptors(sl.LIF(tau_mem=5.0), exc=Exponential(), learn="exc_tau_syn")
    net = sl.nn.Sequential(nn.Linear(3, 6), neuron, nn.Linear(6, 2), sl.LeakyIntegrator())
    net(torch.rand(20, 2, 3)).sum().backward()
    assert neuron.raw_exc_tau_syn.grad is not None
    two = Receptors(sl.LIF(tau_mem=5.0), exc=Exponential(), rec=Alpha())
    recurrent = sl.nn.Recurrent(two, 4, into="rec")
    x = noise(30, 4).float() * 2
    s = recurrent(x, torch.zeros_like(x))
    assert s.sum() > 0
    # Its own spikes, one step later, through the second synapse.
    fed = torch.cat([torch.zeros(1, 1, 4), s[:-1]]) @ recurrent.weight.t()
    assert torch.equal(two(x, fed.detach()), s)


def test_the_neurons_own_input_can_be_kept() -> None:
    x, i = noise(100, 2), noise(100, 2, seed=1)
    kept = Receptors(sl.LIF(tau_mem=5.0), exc=Exponential(), keep_input=True)
    assert list(kept.inputs) == ["exc", "i"]
    none = torch.zeros_like(x)
    assert (recorded(kept, "v", none, i) - recorded(sl.LIF(tau_mem=5.0), "v", i)).abs().max() < 1e-14
    assert torch.equal(kept(x, none), Receptors(sl.LIF(tau_mem=5.0), exc=Exponential())(x))


def test_wrapping_twice_is_having_two_synapses() -> None:
    x, y = noise(200, 2), noise(200, 2, seed=1)
    inner = Receptors(sl.LIF(tau_mem=5.0), b=Alpha(tau_syn=4.0), keep_input=True)
    nested = Receptors(inner, a=Exponential())
    assert list(nested.inputs) == ["a", "b"]
    both = Receptors(sl.LIF(tau_mem=5.0), a=Exponential(), b=Alpha(tau_syn=4.0))
    s = both(x, y)
    assert torch.equal(nested(x, y), s) and s.sum() > 0
    assert (recorded(nested, "v", x, y) - recorded(both, "v", x, y)).abs().max() < 1e-14


class TwoCompartments(sl.Neuron):
    """Two passive compartments: soma and dendrite, each with an input of its own."""

    g = sl.Param(0.5, "1", "coupling", low=0.0)
    i_soma = sl.Input("1", "current into the soma")
    i_dend = sl.Input("1", "current into the dendrite")
    v_soma = sl.State(0.0, "1", "potential of the soma")
    v_dend = sl.State(0.0, "1", "potential of the dendrite")
    output = "v_soma"

    def derivative(self) -> dict[str, Tensor]:
        flow = self.g * (self.v_dend - self.v_soma)
        return {"v_soma": -self.v_soma + self.i_soma + flow, "v_dend": -self.v_dend + self.i_dend - flow}


def test_synapses_at_two_places_of_one_cell() -> None:
    dendritic = Receptors(TwoCompartments(dt=0.1), into="i_dend", potential="v_dend", exc=Exponential())
    assert list(dendritic.inputs) == ["exc", "i_soma"]
    cell = Receptors(dendritic, into="i_soma", potential="v_soma", inh=Exponential(tau_syn=2.0))
    assert list(cell.inputs) == ["inh", "exc"]
    inputs = noise(50, 2), noise(50, 2, seed=1)
    # The loop, with each synapse's current known in closed form.
    decay, other = math.exp(-0.1 / 2.0), math.exp(-0.1 / 5.0)
    matrix = torch.tensor(
        [[-1.5, 0.5, 1, 0], [0.5, -1.5, 0, 1], [0, 0, -1 / 2.0, 0], [0, 0, 0, -1 / 5.0]], dtype=torch.float64
    )
    propagator, state, wanted = torch.linalg.matrix_exp(0.1 * matrix), torch.zeros(4, 2, dtype=torch.float64), []
    for inh, exc in zip(*(x[:, 0] for x in inputs), strict=True):
        state = propagator @ torch.cat([state[:2], state[2:3] + inh, state[3:] + exc])
        wanted.append(state[0])
    assert propagator[2, 2] == pytest.approx(decay) and propagator[3, 3] == pytest.approx(other)
    assert (cell(*inputs)[:, 0] - torch.stack(wanted)).abs().max() < 1e-13


@pytest.mark.parametrize("synapse", [Alpha(), Delta()], ids=repr)
def test_refractory_inside_or_around_is_the_same(synapse: Synapse) -> None:
    """The potential stands still, currents go on, what jumps it is lost."""
    x = noise(300, 3)
    around = sl.Refractory(Receptors(sl.LIF(tau_mem=5.0), exc=synapse), t_ref=4.0)
    inside = Receptors(sl.Refractory(sl.LIF(tau_mem=5.0), t_ref=4.0), exc=synapse)
    s = around(x)
    assert s.sum() > 0 and torch.equal(inside(x), s)
    assert torch.equal(recorded(inside, "v", x), recorded(around, "v", x))
    after = s.roll(1, dims=0)
    after[0] = 0
    assert (recorded(around, "v", x)[after > 0] == 0).all()


def test_an_adaptive_threshold_around_synapses() -> None:
    x = noise(300, 3)
    wrapped = sl.AdaptiveThreshold(Receptors(sl.LIF(tau_mem=5.0), exc=Exponential()), beta=0.5)
    s = wrapped(x)
    assert torch.equal(s, Receptors(sl.AdaptiveThreshold(sl.LIF(tau_mem=5.0), beta=0.5), exc=Exponential())(x))
    assert 0 < s.sum() < Receptors(sl.LIF(tau_mem=5.0), exc=Exponential())(x).sum()


def test_noise_inside_is_on_the_summed_current() -> None:
    neuron = Receptors(sl.Noisy(sl.LIF(tau_mem=20.0, dt=0.1, v_th=math.inf), sigma=2.0), exc=Exponential())
    torch.manual_seed(0)
    v = recorded(neuron, "v", torch.zeros(2000, 1, 500))[1500:]
    assert float(v.std()) == pytest.approx(2.0 * math.sqrt(0.1 / 40.0), rel=0.05)


def test_precise_spike_times_with_synapses() -> None:
    """The time of the crossing is that of the closed form at any dt."""
    found = []
    for dt in (0.125, 0.5, 2.0):
        neuron = sl.neurons.Precise(Receptors(sl.LIF(tau_mem=10.0, dt=dt), exc=Alpha(tau_syn=2.0)))
        x = torch.zeros(round(16 / dt), 1, 1, dtype=torch.float64)
        x[0] = 4.0
        with torch.no_grad(), sl.record(neuron, "ahead") as trace:
            s = neuron(x)
        at = int(s.flatten().nonzero()[0])
        found.append((at + 1) * dt - float(trace["ahead"][at]))
    assert found == pytest.approx([found[0]] * 3, abs=1e-9)
    with pytest.raises(TraceError, match="Precise outermost"):
        Receptors(sl.neurons.Precise(sl.LIF()), exc=Alpha())(x)


class Discrete(sl.Neuron):
    """A neuron that states its step, not a derivative: v <- 0.9 v + 0.1 i."""

    i = sl.Input("1", "input")
    v = sl.State(0.0, "1", "potential")
    output = "v"

    def charge(self) -> dict[str, Tensor]:
        return {"v": 0.9 * self.v + 0.1 * self.i}


def test_a_neuron_without_derivative_has_the_current_of_the_beginning_of_the_step() -> None:
    x = noise(60, 2)
    neuron = Receptors(Discrete(), exc=Exponential(tau_syn=4.0), jump=Delta())
    v, g, wanted = torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64), []
    for spikes in x[:, 0]:
        g = g + spikes
        v = 0.9 * v + 0.1 * g + spikes
        g = math.exp(-1 / 4.0) * g
        wanted.append(v)
    assert (neuron(x, x)[:, 0] - torch.stack(wanted)).abs().max() < 1e-13


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ParameterError, match="at least one synapse"):
        Receptors(sl.LIF())
    with pytest.raises(UnknownNameError, match="no parameter 'exc'"):
        Receptors(sl.LIF(), exc=3.0)
    with pytest.raises(UnknownNameError, match="exc_tau_syn"):
        Receptors(sl.LIF(), exc=Exponential(), exc_tau_sin=3.0)
    with pytest.raises(DTypeError, match="wraps a neuron"):
        Receptors(Exponential(), exc=Exponential())  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="'v'"):
        Receptors(sl.LIF(), v=Exponential())
    with pytest.raises(ParameterError, match="run into each other"):
        Receptors(sl.LIF(), a=Exponential(), a_g=Exponential())
    with pytest.raises(UnknownNameError, match="into an input"):
        Receptors(sl.LIF(), into="i_soma", exc=Exponential())
    with pytest.raises(UnknownNameError, match="gap reads the potential"):
        Receptors(TwoCompartments(), into="i_soma", gap=GapJunction())
    with pytest.raises(DTypeError, match="kernel of Conductance"):
        Conductance(sl.LIF())  # type: ignore[arg-type]
    for kernel in (Conductance(Alpha()), Synapse()):
        with pytest.raises(ParameterError, match="a current of its own"):
            Conductance(kernel)


def test_conductances_want_another_integrator() -> None:
    neuron = Receptors(sl.LIF(), exc=Conductance(Exponential()))
    with pytest.raises(TraceError, match="ExponentialEuler"):
        neuron(torch.ones(3, 1, 1))


def test_a_synapse_too_fast_for_euler_is_found() -> None:
    lif = sl.LIF(integrator=sl.neurons.Euler())
    with pytest.raises(ParameterError, match=r"at most 0\.8 ms"):
        Receptors(lif, exc=Exponential(tau_syn=0.4))
    neuron = Receptors(lif, exc=Exponential())
    with pytest.raises(ParameterError, match="unstable"):
        neuron.exc_tau_syn = 0.4
    assert float(neuron.exc_tau_syn) == 5.0
