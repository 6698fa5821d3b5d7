"""A synapse composes with any neuron that has the matching input; the catalogue lists every synapse on one."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.neurons import ExponentialEuler
from spikeloom.synapses import Alpha, Conductance, Exponential, Receptors, Synapse

NEURONS = ("HodgkinHuxley", "AdEx", "Izhikevich", "QuadraticIF", "AdaptiveLIF", "ResonateAndFire")


def driven(neuron: sl.Neuron, steps: int) -> dict[str, Tensor]:
    """Random inputs over their spans."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: item.span[0]
        + (item.span[1] - item.span[0]) * torch.rand(steps, 2, 3, generator=generator, dtype=torch.float64)
        for name, item in neuron.inputs.items()
    }


@pytest.mark.parametrize("name", NEURONS)
def test_a_silent_synapse_changes_nothing_and_an_active_one_something(name: str) -> None:
    neuron = sl.neurons.catalogue()[name]
    given = driven(neuron, 60)
    kept = Receptors(neuron, syn=Alpha(), keep_input=True)
    silence = torch.zeros(60, 2, 3, dtype=torch.float64)
    potential = next(iter(neuron.states))
    traces = []
    for spikes in (silence, silence + given["i"].abs().mean()):
        with torch.no_grad(), sl.record(kept, potential, "s") as trace:
            kept(spikes, *(given[name] for name in list(kept.inputs)[1:]))
        traces.append(dict(trace))
    with torch.no_grad(), sl.record(neuron, potential, "s") as trace:
        neuron(*given.values())
    assert (traces[0][potential] - trace[potential]).abs().max() < 1e-9
    assert torch.equal(traces[0]["s"], trace["s"])
    assert (traces[1][potential] - trace[potential]).abs().max() > 1e-3


def test_what_a_spike_does_at_once_reaches_a_neuron_that_delivers() -> None:
    """CurrentLIF adds its input to a current at the beginning of the step, after the synapse's own jump."""
    x = torch.rand(50, 1, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    neuron = Receptors(sl.CurrentLIF(v_th=math.inf), exc=Exponential())
    with torch.no_grad(), sl.record(neuron, "i_syn") as trace:
        neuron(x)
    g, i, wanted = torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64), []
    for spikes in x[:, 0]:
        g = g + spikes
        i, g = math.exp(-1 / 5.0) * (i + g), math.exp(-1 / 5.0) * g
        wanted.append(i)
    assert (trace["i_syn"][:, 0] - torch.stack(wanted)).abs().max() < 1e-13


def test_an_adaptive_exponential_cell_with_conductances_fires_for_excitation_and_not_with_inhibition() -> None:
    """In nS and mV: the current is that of the cell's own units."""
    cell = sl.neurons.AdEx(dt=0.1, integrator=ExponentialEuler())
    synapses = {"exc": Conductance(Exponential(tau_syn=5.0), e_rev=0.0), "inh": Conductance(Alpha(), e_rev=-80.0)}
    neuron = Receptors(cell, **synapses)
    exc = (torch.arange(5000) % 50 == 0).double().view(-1, 1, 1).expand(-1, 1, 2) * 15
    inh = exc * torch.tensor([0.0, 10.0], dtype=torch.float64)
    with torch.no_grad():
        counts = neuron(exc, inh).sum(0)[0]
    assert counts[0] > 3 and counts[1] == 0


def test_every_synapse_is_in_the_catalogue_under_a_name_of_its_own() -> None:
    found = sl.synapses.catalogue()
    assert not found.keys() & sl.neurons.catalogue().keys()
    exported = (getattr(sl.synapses, name) for name in sl.synapses.__all__)
    classes = {kind.__name__ for kind in exported if isinstance(kind, type)}
    abstract = {"Synapse", "Reversal", "Conductance"}
    assert classes - abstract <= found.keys()
    conductances = {f"Conductance({name})" for name in ("Alpha", "Delta", "DoubleExponential", "Exponential")}
    assert conductances <= found.keys()


class Saturating(Synapse):
    """A user's own: dg/dt = -g/tau, what a spike opens is what is closed."""

    tau = sl.Param(4.0, "ms", "time constant", low=0.0)
    part = sl.Param(0.3, "1", "part of the closed channels that a spike opens", low=0.0, high=1.0)
    arriving = sl.Input("1", "spikes", span=(0.0, 1.0))
    open_at_rest = sl.Param(0.0, "1", "what is open at first")
    g = sl.State("open_at_rest", "1", "open channels")

    def deliver(self) -> dict[str, Tensor]:
        return {"g": self.g + self.part * self.arriving * (1 - self.g)}

    def derivative(self) -> dict[str, Tensor]:
        return {"g": -self.g / self.tau}

    def current(self) -> Tensor:
        return self.g


def test_a_synapse_of_ones_own_is_one_short_class() -> None:
    neuron = Receptors(sl.LIF(tau_mem=2.0), exc=Saturating(), learn="exc_part")
    sl.check_neuron(neuron)
    neuron.exc_open_at_rest = 0.5
    with torch.no_grad(), sl.record(neuron, "exc_g") as trace:
        neuron(torch.ones(100, 1, 1, dtype=torch.float64))
    assert float(trace["exc_g"][0]) == pytest.approx(math.exp(-1 / 4.0) * (0.5 + 0.3 * 0.5), rel=1e-6)
    # The fixed point of one step, after the decay: g = E (g + p (1 - g)).
    e, p = math.exp(-1 / 4.0), 0.3
    assert float(trace["exc_g"][-1]) == pytest.approx(e * p / (1 - e * (1 - p)), rel=1e-6)


@pytest.mark.parametrize(
    "neuron",
    [
        sl.Refractory(
            Receptors(sl.LIF(tau_mem=2.0), exc=Alpha(), inh=Exponential(), learn=("exc_tau_syn",)), t_ref=2.0
        ),
        Receptors(
            Receptors(sl.Noisy(sl.LIF(tau_mem=2.0)), a=Exponential(), keep_input=True, learn="a_tau_syn"),
            b=sl.synapses.GapJunction(),
        ),
    ],
    ids=repr,
)
def test_compositions_keep_the_contract(neuron: sl.Neuron) -> None:
    sl.check_neuron(neuron)
