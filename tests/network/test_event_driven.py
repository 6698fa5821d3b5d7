"""The event-driven network against closed forms, a plain event loop, and the network with a time step."""

from __future__ import annotations

import heapq
import math
import os
import signal
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq

import spikeloom as sl
from spikeloom.errors import CheckpointError, ParameterError, UnknownNameError
from spikeloom.network import (
    DirectCurrent,
    EventDriven,
    Interrupted,
    Network,
    Poisson,
    Progress,
    SpikeTimes,
    StepCurrent,
    Uniform,
    rules,
)
from spikeloom.parameters import State
from spikeloom.synapses import Alpha, Delta, Exponential, Receptors

# Rounding of a few dozen operations, relative to times of tens of ms.
CLOSE = {"rtol": 1e-13, "atol": 1e-12}


def _driven(neuron, times, weight, *, until, initial=None, delay=0.0, receptor=""):
    """One neuron and what it does with spikes at some times."""
    net = EventDriven()
    source = net.population(1, SpikeTimes([times]))
    cell = net.population(1, neuron, name="cell", initial=initial)
    net.connect(source, cell, rules.OneToOne(), weight=weight, delay=delay, receptor=receptor)
    net.record(cell)
    return cell, net.run(until)["cell"].times


def _jumped(**given):
    return Receptors(sl.LIF(**given), pulses=Delta())


def test_period_of_a_lif_is_that_of_its_closed_form() -> None:
    net = EventDriven()
    cells = net.population(3, sl.LIF(tau_mem=10.0), name="cells", parameters={"v_rest": [0.9, 1.5, 3.0]})
    cells["v"] = 0.0
    net.record(cells)
    trains = net.run(200.0)["cells"].spikes
    for n, v_rest in ((1, 1.5), (2, 3.0)):
        times = trains.times[trains.neurons == n]
        period = 10.0 * math.log(v_rest / (v_rest - 1.0))
        np.testing.assert_allclose(times, period * np.arange(1, len(times) + 1), **CLOSE)
        assert len(times) == int(200.0 / period)
    assert not (trains.neurons == 0).any()
    np.testing.assert_allclose(cells["v"][0], 0.9 * (1 - math.exp(-20.0)), **CLOSE)


def test_refractory_period_of_any_length_adds_to_the_interval() -> None:
    for neuron in (
        sl.Refractory(sl.LIF(tau_mem=10.0, v_rest=2.0, v_reset=0.0, dt=0.1), t_ref=2.3),
        sl.neurons.Precise(sl.LIF(tau_mem=10.0, v_rest=2.0, v_reset=0.0), t_ref=2.3),
    ):
        net = EventDriven()
        cell = net.population(1, neuron, name="cell", initial={"v": 0.0})
        net.record(cell)
        times = net.run(50.0)["cell"].times
        np.testing.assert_allclose(times, np.arange(1, 6) * (10 * math.log(2.0)) + 2.3 * np.arange(5), **CLOSE)


def test_one_spike_at_most_with_an_endless_refractory_period() -> None:
    neuron = sl.Refractory(Receptors(sl.LIF(v_rest=2.0, v_reset=0.0), pulses=Delta()), once=True)
    _, times = _driven(neuron, [30.0, 40.0], 5.0, until=100.0, initial={"v": 0.0})
    np.testing.assert_allclose(times, [20 * math.log(2.0)], **CLOSE)


def test_perfect_integrator_with_a_current() -> None:
    net = EventDriven()
    cells = net.population(2, sl.IF(c_mem=2.0), name="cells")
    net.connect(DirectCurrent([0.3, 0.0], start=1.5), cells)
    net.record(cells)
    np.testing.assert_allclose(net.run(30.0)["cells"].times, 1.5 + 2.0 / 0.3 * np.arange(1, 5), **CLOSE)


def test_current_in_steps_moves_the_potential_as_its_solution() -> None:
    net = EventDriven()
    cell = net.population(1, sl.LIF(tau_mem=10.0), name="cell")
    net.connect(StepCurrent([1.25, 4.5], [0.6, -0.2]), cell, weight=1.5)
    net.run(4.5)
    reached = 0.9 * (1 - math.exp(-0.325))
    np.testing.assert_allclose(cell["v"], reached, **CLOSE)
    net.run(3.0)
    np.testing.assert_allclose(cell["v"], -0.3 + (reached + 0.3) * math.exp(-0.3), **CLOSE)


@pytest.mark.parametrize("tau_mem", [10.0, 5.0, 20.0, 3.0])
def test_potential_after_an_exponential_current(tau_mem: float) -> None:
    cell, _ = _driven(sl.CurrentLIF(tau_mem=tau_mem, tau_syn=5.0), [1.3], 0.5, until=4.0)
    h = 2.7
    if tau_mem == 5.0:
        expected = 0.5 * h / 5.0 * math.exp(-h / 5.0)
    else:
        expected = 0.5 * 5.0 / (tau_mem - 5.0) * (math.exp(-h / tau_mem) - math.exp(-h / 5.0))
    np.testing.assert_allclose(cell["v"], expected, **CLOSE)


def test_crossing_where_it_has_a_closed_form() -> None:
    """tau_mem = 2 tau_syn: v = w (y - y^2) with y = exp(-t / tau_mem), a quadratic equation."""
    _, times = _driven(sl.CurrentLIF(tau_mem=10.0, tau_syn=5.0), [1.3], 5.0, until=6.0)
    y = (1 + math.sqrt(1 - 4 / 5.0)) / 2
    np.testing.assert_allclose(times, [1.3 - 10.0 * math.log(y)], **CLOSE)


@pytest.mark.parametrize("tau_mem", [10.0, 2.0])
def test_crossing_after_an_alpha_current(tau_mem: float) -> None:
    neuron = Receptors(sl.LIF(tau_mem=tau_mem), exc=Alpha(tau_syn=2.0))
    _, times = _driven(neuron, [1.3], 6.0, until=4.0)

    def above(t: float) -> float:
        if tau_mem == 2.0:
            return 6.0 * math.e * (t / 2.0) ** 2 / 2 * math.exp(-t / 2.0) - 1
        a = 1 / 2.0 - 1 / tau_mem
        shape = math.exp(-t / tau_mem) - (1 + a * t) * math.exp(-t / 2.0)
        return 6.0 * math.e / (2.0 * tau_mem * a * a) * shape - 1

    np.testing.assert_allclose(times[0], 1.3 + brentq(above, 0.05, 2.7, xtol=1e-15), **CLOSE)


def test_period_of_a_quadratic_neuron_is_that_of_its_closed_form() -> None:
    net = EventDriven()
    cells = net.population(3, sl.neurons.QuadraticIF(), name="cells")
    net.connect(DirectCurrent([20.0, 50.0, 90.0]), cells)
    net.record(cells)
    trains = net.run(2000.0)["cells"].spikes
    for n, i in ((1, 50.0), (2, 90.0)):
        k = 0.1 * i - 0.1 * 10.0**2 / 4
        w = [math.sqrt(0.1 / k) * (v + 60.0) for v in (-65.0, 0.0)]
        period = 10.0 / math.sqrt(0.1 * k) * (math.atan(w[1]) - math.atan(w[0]))
        times = trains.times[trains.neurons == n]
        np.testing.assert_allclose(times, period * np.arange(1, len(times) + 1), **CLOSE)
    stable = -60.0 - math.sqrt((0.1 * 10.0**2 / 4 - 2.0) / 0.1)
    np.testing.assert_allclose(cells["v"][0], stable, rtol=1e-12)


def test_a_quadratic_neuron_beyond_its_unstable_point_runs_away() -> None:
    """Without input x' = a (x^2 - m^2) / tau: t = tau / (2 a m) ln((x - m)(x0 + m) / ((x + m)(x0 - m)))."""
    net = EventDriven()
    cells = net.population(2, sl.neurons.QuadraticIF(), name="cells", initial={"v": [-54.0, -56.0]})
    net.record(cells)
    found = net.run(200.0)["cells"]
    expected = 10.0 * math.log((60.0 - 5.0) * (6.0 + 5.0) / ((60.0 + 5.0) * (6.0 - 5.0)))
    assert found.neurons.tolist() == [0]
    np.testing.assert_allclose(found.times, [expected], **CLOSE)


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_no_first_crossing_is_missed(seed: int) -> None:
    """Three currents of mixed signs, against a fine grid of the sum of their closed forms."""
    draw = np.random.default_rng(seed)
    taus, weights = draw.uniform(0.5, 30.0, 3), draw.uniform(-12.0, 12.0, 3)
    arrivals = np.sort(draw.uniform(0.1, 20.0, 3))
    net = EventDriven()
    source = net.population(3, SpikeTimes([[t] for t in arrivals]))
    kinds = {name: Exponential(tau_syn=float(tau)) for name, tau in zip("abc", taus, strict=True)}
    neuron = sl.Refractory(Receptors(sl.LIF(tau_mem=10.0), **kinds), once=True)
    cell = net.population(1, neuron, name="cell")
    for n, name in enumerate("abc"):
        net.connect(source[n], cell, rules.AllToAll(), weight=float(weights[n]), receptor=name)
    net.record(cell)
    times = net.run(60.0)["cell"].times

    def potential(t):
        total = np.zeros_like(t)
        for arrival, tau, w in zip(arrivals, taus, weights, strict=True):
            h = np.clip(t - arrival, 0.0, None)
            total = total + w * tau / (10.0 - tau) * (np.exp(-h / 10.0) - np.exp(-h / tau))
        return total

    grid = np.linspace(0.0, 60.0, 60_001)
    above = np.flatnonzero(potential(grid) >= 1.0)
    if len(times):
        np.testing.assert_allclose(potential(times), 1.0, atol=1e-11)
        assert not len(above) or times[0] <= grid[above[0]]
        assert not (potential(grid[grid < times[0] - 1e-9]) >= 1.0).any()
    else:
        assert not len(above)


def _plain_loop(v, sources, targets, weights, delays, *, until, t_ref, tau=20.0, drive=1.1):
    """Spikes of LIF neurons with jumps, event by event."""
    n = len(v)
    last, free = np.zeros(n), np.full(n, -1.0)
    queue, count, found = [], 0, []

    def crossing(i):
        begin = max(last[i], free[i])
        return begin + tau * math.log((drive - v[i]) / (drive - 1.0))

    def advance(i, t):
        begin = max(last[i], free[i])
        if t > begin:
            v[i] = drive + (v[i] - drive) * math.exp(-(t - begin) / tau)
        last[i] = t

    def fire(i, t):
        nonlocal count
        found.append((t, i))
        v[i], free[i] = 0.0, t + t_ref
        for k in np.flatnonzero(sources == i):
            heapq.heappush(queue, (t + delays[k], count, targets[k], weights[k]))
            count += 1

    while True:
        own = min((crossing(i), i) for i in range(n))
        if min(own[0], queue[0][0] if queue else math.inf) > until:
            return found
        if not queue or own[0] < queue[0][0]:
            advance(own[1], own[0])
            fire(own[1], own[0])
        else:
            t, _, i, w = heapq.heappop(queue)
            advance(i, t)
            if t > free[i]:
                v[i] += w
                if v[i] >= 1.0:
                    fire(i, t)


@pytest.mark.parametrize("t_ref", [0.0, 2.0])
def test_random_network_spikes_as_a_plain_loop_does(t_ref: float) -> None:
    draw = np.random.default_rng(4)
    n, synapses = 30, 240
    pre, post = draw.integers(0, n, synapses), draw.integers(0, n, synapses)
    weights, delays = draw.uniform(-0.15, 0.1, synapses), draw.uniform(0.3, 5.0, synapses)
    start = draw.uniform(0.0, 1.0, n)
    net = EventDriven()
    neuron = Receptors(sl.LIF(v_rest=1.1, v_reset=0.0), pulses=Delta())
    cells = net.population(n, sl.Refractory(neuron, t_ref=t_ref), name="cells", initial={"v": start})
    net.connect(cells, cells, rules.Explicit(pre, post), weight=weights, delay=delays)
    net.record(cells)
    found = net.run(200.0)["cells"]
    expected = _plain_loop(start.copy(), pre, post, weights, delays, until=200.0, t_ref=t_ref)
    assert found.neurons.tolist() == [i for _, i in expected]
    assert len(expected) > 100
    np.testing.assert_allclose(found.times, [t for t, _ in expected], rtol=1e-11)


def _small_network(net, t_ref: float = 2.0):
    neuron = Receptors(sl.LIF(tau_mem=10.0, v_rest=1.2, v_reset=0.0), exc=Exponential(tau_syn=3.0), inh=Alpha())
    start = np.linspace(0.0, 0.95, 12)
    cells = net.population(12, sl.Refractory(neuron, t_ref=t_ref), name="cells", initial={"v": start})
    net.connect(cells[:8], cells, rules.AllToAll(autapses=False), weight=0.02, delay=1.6, receptor="exc")
    net.connect(cells[8:], cells, rules.AllToAll(autapses=False), weight=-0.05, delay=2.4, receptor="inh")
    net.record(cells)
    trains = net.run(80.0)["cells"].spikes
    return [trains.times[trains.neurons == n][:2] for n in range(12)]


def test_time_step_converges_to_it_at_first_order() -> None:
    """A spike in steps is late by dt / 2 in the mean, and so is what follows from it."""
    exact = np.array(_small_network(EventDriven()))
    errors = []
    for dt in (0.2, 0.1, 0.05, 0.025):
        stepped = np.array(_small_network(Network(dt=dt, dtype=torch.float64)))
        errors.append(np.abs(stepped - exact).mean())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert errors[-1] < 0.025
    assert (orders > 0.7).all() and (orders < 1.4).all() and abs(orders.mean() - 1.0) < 0.2


def test_a_run_in_pieces_is_the_run_bit_for_bit() -> None:
    def spikes(pieces):
        net = EventDriven(seed=3)
        neuron = sl.Refractory(Receptors(sl.LIF(v_rest=1.2, v_reset=0.0), exc=Exponential()), t_ref=1.0)
        cells = net.population(50, neuron, name="cells", initial={"v": Uniform(0.0, 1.0)})
        net.connect(cells, cells, rules.FixedInDegree(10), weight=Uniform(-0.3, 0.3), delay=Uniform(0.5, 3.0))
        net.connect(Poisson(200.0), cells, weight=0.2, delay=0.25)
        net.record(cells)
        found = [net.run(piece)["cells"] for piece in pieces]
        return np.concatenate([f.times for f in found]), np.concatenate([f.neurons for f in found]), cells["v"].copy()

    whole, cut = spikes([100.0]), spikes([12.5, 0.0, 37.5, 50.0])
    for a, b in zip(whole, cut, strict=True):
        assert np.array_equal(a, b)
    assert len(whole[0]) > 100


def test_states_that_are_set_between_runs_count_from_then_on() -> None:
    net = EventDriven()
    cells = net.population(2, sl.LIF(tau_mem=10.0, v_rest=2.0, v_reset=0.0), name="cells", initial={"v": 0.0})
    net.record(cells)
    net.run(3.0)
    cells["v"][1] = 0.5
    found = net.run(6.0)["cells"]
    assert found.neurons.tolist() == [0, 1]
    np.testing.assert_allclose(found.times, [10 * math.log(2.0), 3.0 + 10 * math.log(1.5)], **CLOSE)


def test_a_pulse_that_reaches_threshold_spikes_at_once_and_equality_spikes() -> None:
    _, times = _driven(_jumped(), [1.5, 2.25], 1.0, until=5.0, delay=0.5)
    assert times.tolist() == [2.0, 2.75]


def test_what_arrives_together_is_added_before_the_threshold() -> None:
    net = EventDriven()
    source = net.population(3, SpikeTimes([[1.0], [1.0], [1.0]]))
    cells = net.population(2, _jumped(), name="cells")
    net.connect(source, cells, rules.AllToAll(), weight=np.array([[1.5, 0.4], [-0.6, 0.4], [0.0, 0.4]]), delay=0.3)
    net.record(cells)
    found = net.run(5.0)["cells"]
    assert found.neurons.tolist() == [1] and found.times.tolist() == [1.3]


def test_inhibition_at_the_time_of_a_crossing_prevents_it() -> None:
    neuron = _jumped(tau_mem=10.0, v_rest=2.0, v_reset=0.0)
    (crossing,) = _driven(neuron, [9.0], 0.0, until=9.0, initial={"v": 0.0})[1]
    for weight, expected in ((-0.1, crossing + 10 * math.log(1.1)), (0.0, crossing), (0.1, crossing)):
        _, times = _driven(neuron, [crossing - 0.5], weight, until=9.0, initial={"v": 0.0}, delay=0.5)
        np.testing.assert_allclose(times, [expected], **CLOSE)


def test_what_arrives_in_the_refractory_period_is_lost_its_end_included() -> None:
    neuron = sl.Refractory(_jumped(), t_ref=2.0)
    for second, spikes in ((1.5, 1), (3.0, 1), (math.nextafter(3.0, 4.0), 2)):
        _, times = _driven(neuron, [1.0, second], 1.0, until=9.0)
        assert len(times) == spikes


def test_currents_go_on_in_the_refractory_period() -> None:
    neuron = sl.Refractory(Receptors(sl.LIF(tau_mem=10.0, v_reset=0.0), exc=Exponential(tau_syn=5.0)), t_ref=2.0)
    cell, times = _driven(neuron, [1.0, 1.2], 20.0, until=3.0)
    assert len(times) == 1 and times[0] < 2.0
    expected = 20.0 * (math.exp(-2.0 / 5.0) + math.exp(-1.8 / 5.0))
    np.testing.assert_allclose(cell["exc_g"], expected, **CLOSE)
    assert cell["v"] == 0.0
    np.testing.assert_allclose(cell["remaining"], times[0] + 2.0 - 3.0, **CLOSE)


def test_soft_reset_spikes_as_often_as_the_jump_is_high() -> None:
    neuron = Receptors(sl.LIF(tau_mem=1e6, soft_reset=True), pulses=Delta())
    cell, times = _driven(neuron, [1.0], 3.5, until=1.0)
    assert times.tolist() == [1.0, 1.0, 1.0]
    np.testing.assert_allclose(cell["v"], 0.5, rtol=1e-12)


def test_chain_without_delay_happens_at_one_time() -> None:
    net = EventDriven()
    source = net.population(1, SpikeTimes([[2.5]]))
    cells = net.population(200, _jumped(), name="cells")
    net.connect(source, cells[0], rules.AllToAll(), weight=1.0)
    net.connect(cells[:-1], cells[1:], rules.OneToOne(), weight=1.0)
    net.record(cells)
    found = net.run(5.0)["cells"]
    assert found.neurons.tolist() == list(range(200)) and (found.times == 2.5).all()


def test_loop_without_delay_and_refractory_period_is_refused() -> None:
    net = EventDriven()
    cells = net.population(2, _jumped(), initial={"v": [0.0, 0.5]})
    net.connect(cells, cells, rules.AllToAll(autapses=False), weight=1.0)
    net.connect(net.population(1, SpikeTimes([[1.0]])), cells, rules.AllToAll(), weight=1.0)
    with pytest.raises(ParameterError, match="loop without delay"):
        net.run(2.0)


def test_nearly_simultaneous_pulses_are_one_instant_within_a_tolerance() -> None:
    for together, spikes in ((0.0, 2), (1e-9, 1)):
        net = EventDriven(together=together)
        source = net.population(2, SpikeTimes([[1.0], [1.0 + 1e-12]]))
        cell = net.population(1, _jumped(), name="cell")
        net.connect(source, cell, rules.AllToAll(), weight=1.0, delay=0.5)
        net.record(cell)
        assert len(net.run(3.0)["cell"].times) == spikes


def test_cost_is_of_events_and_not_of_time() -> None:
    net = EventDriven()
    cells = net.population(1000, _jumped())
    net.connect(cells, cells, rules.FixedInDegree(20), weight=0.01, delay=1.0)
    source = net.population(1, SpikeTimes([[1.0, 1e9]]))
    net.connect(source, cells, rules.AllToAll(), weight=1.0)
    net.build()
    begin = time.perf_counter()
    net.run(2e9)
    assert time.perf_counter() - begin < 2.0
    # Twice, all spike at once, and each spike arrives at 20.
    assert net.build().counts[5] == 2 * (1000 + 20_000)


def test_ctrl_c_keeps_what_was_simulated_and_it_goes_on_as_if_nothing_had_been() -> None:
    def fresh():
        net = EventDriven(seed=2)
        channels = net.population(100, Poisson(100.0), name="channels")
        net.record(channels)
        return net

    class Press(Progress):
        def begin(self, start: float, stop: float) -> None:
            pass

        def reached(self, time: float) -> None:
            os.kill(os.getpid(), signal.SIGINT)

        def end(self) -> None:
            pass

    net = fresh()
    with pytest.raises(Interrupted) as caught:
        net.run(20_000.0, progress=Press())
    first = caught.value.result
    assert 0 < first.stop == net.time < 20_000.0
    rest = net.run(until=20_000.0)
    whole = fresh().run(20_000.0)["channels"].times
    assert np.array_equal(np.concatenate([first["channels"].times, rest["channels"].times]), whole)


def test_poisson_spikes_have_exponential_intervals_and_the_rate() -> None:
    net = EventDriven(seed=5)
    channels = net.population(50, Poisson(100.0), name="channels")
    net.record(channels)
    trains = net.run(4000.0)["channels"].spikes
    intervals = np.concatenate([np.diff(trains.times[trains.neurons == n]) for n in range(50)])
    assert abs(len(trains) - 20_000) < 4 * math.sqrt(20_000)
    assert stats.kstest(intervals, "expon", args=(0, 10.0)).pvalue > 1e-3
    counts = np.bincount(trains.neurons, minlength=50)
    assert 0.5 < counts.var() / counts.mean() < 1.6


def test_poisson_device_is_on_between_start_and_stop() -> None:
    net = EventDriven()
    cells = net.population(20, _jumped(), name="cells")
    net.connect(Poisson(1000.0, start=10.0, stop=20.0), cells, weight=1.0, delay=0.5)
    net.record(cells)
    found = net.run(50.0)["cells"]
    assert found.times.min() > 10.5 and found.times.max() <= 20.5
    assert abs(len(found.times) - 200) < 4 * math.sqrt(200)


def test_delays_from_distributions_and_arrays() -> None:
    net = EventDriven()
    source = net.population(1, SpikeTimes([[1.0]]))
    cells = net.population(400, _jumped(), name="cells")
    net.connect(source, cells[:300], rules.AllToAll(), weight=1.0, delay=Uniform(2.0, 5.0), axonal_delay=0.5)
    listed = np.linspace(0.123, 9.87, 100)
    net.connect(source, cells[300:], rules.AllToAll(), weight=1.0, delay=listed[None])
    net.record(cells)
    found = net.run(20.0)["cells"]
    drawn = found.times[found.neurons < 300] - 1.5
    assert stats.kstest(drawn, "uniform", args=(2.0, 3.0)).pvalue > 1e-3
    late = found.neurons >= 300
    assert np.array_equal(found.times[late], 1.0 + listed[found.neurons[late] - 300])


def test_brunels_network_fires_as_with_a_time_step() -> None:
    """The grid of 0.1 ms lowers the rate of this network a little."""
    rates = []
    for net in (EventDriven(seed=2), Network(dt=0.1, seed=2)):
        sl.network.models.BrunelDelta(order=50).fill(net)
        net.run(50.0)
        rates.append(net.run(300.0).rate("E"))
    assert abs(rates[0] / rates[1] - 1) < 0.05


class Adapting(sl.LIF):
    """A threshold that each spike raises and an adaptation current that follows the potential: three coupled states."""

    w = State(0.0, "1", "adaptation current")
    theta = State(0.0, "1", "what spikes have added to the threshold")

    def derivative(self):
        v = (self.v_rest - self.v - self.w + self.i) / self.tau_mem
        return {"v": v, "w": (0.2 * self.v - self.w) / 30.0, "theta": -self.theta / 15.0}

    def threshold(self):
        return self.v - self.v_th - self.theta

    def reset(self):
        return {"v": self.v_reset, "w": self.w + 0.1, "theta": self.theta + 0.3}


def test_own_linear_neuron_with_coupled_states() -> None:
    """Against the same neuron in steps of 1 us, whose spikes are late by up to a step each."""
    neuron = Adapting(tau_mem=10.0, v_rest=2.5, v_reset=0.0)
    net = EventDriven()
    cell = net.population(1, neuron, name="cell", initial={"v": 0.0})
    net.record(cell)
    times = net.run(50.0)["cell"].times
    stepped = Network(dt=0.001, dtype=torch.float64)
    cell = stepped.population(1, neuron, name="cell", initial={"v": 0.0})
    stepped.record(cell)
    late = stepped.run(50.0)["cell"].times - times
    assert len(times) >= 3
    assert (late > 0).all() and (late < 0.001 * np.arange(1, len(times) + 1)).all()
    assert np.diff(times).min() > times[0]


REFUSED = [
    (lambda: sl.neurons.HodgkinHuxley(), "spike where a threshold"),
    (lambda: sl.Noisy(sl.LIF()), "noise"),
    (lambda: sl.AdaptiveThreshold(sl.LIF()), "integrates the derivative"),
    (lambda: sl.neurons.Izhikevich(), "linear"),
    (lambda: sl.neurons.ResonateAndFire(), "."),
    (lambda: Receptors(sl.LIF(), exc=sl.synapses.Conductance(Exponential(), e_rev=5.0)), "linear"),
    (lambda: sl.CurrentLIF(tau_mem=5.0, tau_syn=5.0 * (1 + 1e-9)), "time constants"),
    (lambda: sl.LeakyIntegrator(), "spike"),
]


@pytest.mark.parametrize(
    ("make", "words"), REFUSED, ids=["hh", "noise", "adaptive", "izhikevich", "resonate", "coba", "close", "read-out"]
)
def test_neurons_without_closed_form_are_refused(make, words: str) -> None:
    net = EventDriven()
    net.population(2, make(), name="cells")
    with pytest.raises(ParameterError, match=words):
        net.run(1.0)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ParameterError, match="together"):
        EventDriven(together=-1.0)
    net = EventDriven()
    cells = net.population(2, _jumped(), name="cells")
    plain = net.population(2, sl.LIF(), name="plain")
    with pytest.raises(ParameterError, match="device"):
        net.connect(sl.network.NoiseCurrent(0.0, 1.0), plain)
    with pytest.raises(ParameterError, match="takes a current"):
        net.connect(DirectCurrent(1.0), cells)
    with pytest.raises(UnknownNameError):
        net.record(cells, "v")
    with pytest.raises(ParameterError, match="duration"):
        net.run()
    for wrong in (-1.0, math.nan):
        with pytest.raises(ParameterError):
            net.run(wrong)
    with pytest.raises(ParameterError, match="delay"):
        net.connect(Poisson(1.0), cells, delay=-1.0)
    with pytest.raises(CheckpointError, match="time step"):
        net.save("nowhere")
    net.run(1.0)
    with pytest.raises(ParameterError, match="Build it whole"):
        net.connect(cells, cells, rules.AllToAll())


@pytest.mark.parametrize("delay", [-0.1, math.nan, math.inf, [[0.1, -0.2], [0.1, 0.1]]])
def test_impossible_delays_are_refused(delay) -> None:
    net = EventDriven()
    cells = net.population(2, _jumped(), name="cells")
    with pytest.raises(ParameterError, match="delay"):
        net.connect(cells, cells, rules.AllToAll(), delay=delay)


def test_spikes_do_not_become_currents() -> None:
    net = EventDriven()
    cells = net.population(2, sl.LIF(), name="cells")
    net.connect(cells, cells, rules.AllToAll(), weight=1.0, delay=1.0)
    with pytest.raises(ParameterError, match="an input for spikes"):
        net.run(1.0)


def test_sources_that_need_steps_are_refused() -> None:
    net = EventDriven()
    net.population(2, sl.network.devices.Regular(interval=3.0), name="clock")
    with pytest.raises(ParameterError, match="Poisson or SpikeTimes"):
        net.run(1.0)
