"""The adaptive exponential neuron with a wide spike: its course in time, and what voltage-based plasticity sees."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import spikeloom as sl
from spikeloom.errors import ParameterError
from spikeloom.neurons import AdEx, WideSpikeAdEx


def euler(current: float, steps: int, dt: float, t_clamp: float, t_ref: float) -> tuple[list[float], list[int]]:
    """Potentials and steps of spikes by Euler's method, written anew with the numbers of the paper's table."""
    v, w, z, lift, left, vs, spikes = -70.6, 0.0, 0.0, 0.0, 0, [], []
    width, period = round(t_clamp / dt), round(t_ref / dt)
    for step in range(steps):
        upswing = 30.0 * 2.0 * math.exp(min((min(v, 33.0) + 50.4 - lift) / 2.0, 20.0))
        dv = (-30.0 * (min(v, 33.0) + 70.6) + upswing - w + z + current) / 281.0
        dw, dz, dlift = (4.0 * (min(v, 33.0) + 70.6) - w) / 144.0, -z / 40.0, -lift / 50.0
        v, w, z, lift = v + dt * dv, w + dt * dw, z + dt * dz, lift + dt * dlift
        if left:
            passed = period - left + 1
            v, left = (33.0 if passed < width else -49.5), left - 1
        elif v >= 33.0:
            spikes.append(step)
            v, w, z, lift, left = 33.0, w + 0.0805, 400.0, 20.0, period
        vs.append(v)
    return vs, spikes


@pytest.mark.parametrize(("t_clamp", "t_ref"), [(2.0, 2.0), (1.0, 5.0), (0.1, 0.1)])
def test_potential_and_spikes_are_those_of_the_equations(t_clamp: float, t_ref: float) -> None:
    neuron = WideSpikeAdEx(t_clamp=t_clamp, t_ref=t_ref)
    with torch.no_grad(), sl.record(neuron, "v") as trace:
        s = neuron(torch.full((2000, 1, 1), 1500.0, dtype=torch.float64)).flatten()
    vs, spikes = euler(1500.0, 2000, 0.1, t_clamp, t_ref)
    assert len(spikes) > 4
    assert s.nonzero().flatten().tolist() == spikes
    # Rounding grows during the upswings, by some exp(10).
    np.testing.assert_allclose(trace["v"].flatten().numpy(), vs, atol=1e-6)


def test_without_its_additions_it_is_adex() -> None:
    # One step at the peak stands for one of the refractory period; with a != 0 it would count for w.
    plain = WideSpikeAdEx(t_clamp=0.1, t_ref=0.1, i_after=0.0, rise=0.0, v_peak=20.0, v_clamp=20.0, a=0.0, b=80.5)
    x = torch.full((3000, 1, 1), 1000.0, dtype=torch.float64)
    other = sl.Refractory(AdEx(v_reset=-49.5, a=0.0), t_ref=0.1)
    assert plain(x).sum() > 5
    assert torch.equal(plain(x), other(x))


def test_a_spike_must_fit_the_grid_and_the_refractory_period() -> None:
    for given in ({"t_clamp": 0.25}, {"t_clamp": 3.0}, {"dt": 0.5, "t_clamp": 0.2, "t_ref": 1.0}):
        with pytest.raises(ParameterError, match="t_clamp"):
            WideSpikeAdEx(**given)


def pairing(cell: sl.Neuron) -> float:
    """Weight after ten pairs 20 ms apart, the presynaptic spike 5 ms before the other; 0.5 before."""
    nw = sl.network
    net = nw.Network(dt=0.1, seed=0, threads=1)
    times = 20.0 + 20.0 * np.arange(10)
    pre = net.population(1, nw.SpikeTimes([times]))
    post = net.population(1, sl.synapses.Receptors(cell, exc=sl.synapses.Exponential(tau_syn=1.0), keep_input=True))
    rule = sl.plasticity.ClopathSTDP(every=0.1)
    synapse = net.connect(pre, post, nw.rules.OneToOne(), weight=0.5, receptor="exc", plasticity=rule)
    pulse = np.stack([times + 5.0, times + 7.0], 1).ravel()
    net.connect(nw.StepCurrent(pulse, [8000.0, 0.0] * 10), post, receptor="i")
    net.record(post)
    counted = len(net.run(250.0)[post.name].neurons)
    assert counted == 10
    return float(synapse.synapses().weight[0])


def test_pairs_strengthen_only_where_the_spike_has_a_width() -> None:
    assert pairing(WideSpikeAdEx()) > 0.6
    assert pairing(sl.Refractory(AdEx(v_reset=-60.0), t_ref=2.0)) < 0.55
