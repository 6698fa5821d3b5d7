"""Izhikevich's networks, the synfire chain, the decision and the clock network show what was published of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import spikeloom as sl
from spikeloom import random
from spikeloom.network import models
from spikeloom.network._seeds import DEVICE, POPULATION, subseed
from spikeloom.network.models.izhikevich_2003 import HalfSteps
from spikeloom.network.models.wang_2002 import NMDATerminal

Real = NDArray[np.float64]


def program(a: Any, b: Any, c: Any, d: Any, drive: Any, arriving: Any, steps: int) -> list[tuple[int, int]]:
    """Izhikevich's program: in each step the spikes of the last, their reset and effect, then v twice and u once."""
    v = np.full(len(a), -65.0)
    u = b * v
    found = []
    for t in range(steps):
        fired = np.flatnonzero(v >= 30.0)
        found += [(t, int(k)) for k in fired]
        v[fired], u[fired] = c[fired], u[fired] + d[fired]
        current = drive(t) + arriving(t, fired)
        for _ in range(2):
            v += 0.5 * ((0.04 * v + 5.0) * v + 140.0 - u + current)
        u += a * (b * v - u)
    return found


def test_izhikevich_2003_has_the_published_activity() -> None:
    # The mean of five seeds of the paper's program has a standard deviation of 166 / sqrt(5) = 74 around 7533.
    totals = [len(models.Izhikevich2003().build(seed=seed).run(1000.0).events.step) for seed in range(1, 6)]
    assert abs(np.mean(totals) - 7533) < 4 * 74


def test_izhikevich_2003_is_rhythmic_by_its_synapses() -> None:
    def synchrony(coupling: float) -> float:
        """Variance of the number of spikes in 5 ms over their mean, which is 1 for independent neurons."""
        times = models.Izhikevich2003(coupling=coupling).build(seed=1).run(2000.0)["E"].times
        count = np.histogram(times, bins=np.arange(500.0, 2001.0, 5.0))[0]
        return float(count.var() / count.mean())

    assert synchrony(1.0) > 5.0
    assert synchrony(0.0) < 2.0


def test_neurons_and_delays_are_those_of_the_program_of_2003() -> None:
    generator, n, steps = np.random.default_rng(1), 100, 300
    weights = generator.uniform(-0.5, 3.0, (n, n))
    net = sl.network.Network(1.0, seed=4, dtype=torch.float64)
    cell = sl.neurons.Izhikevich(dt=1.0, v_0=-65.0, u_0=-13.0, integrator=HalfSteps())
    cells = net.population(n, sl.Noisy(cell, sigma=5.0), name="cells")
    net.connect(cells, cells, sl.network.rules.AllToAll(), weight=weights, delay=0.0)
    net.record(cells)
    spikes = net.run(float(steps)).events

    seed = subseed(net.seed, POPULATION, 0)
    own = torch.arange(n)
    expected = program(
        np.full(n, 0.02), np.full(n, 0.2), np.full(n, -65.0), np.full(n, 8.0),
        lambda t: 5.0 * random.normal(seed, 0, own, t).numpy(), lambda t, fired: weights[fired].sum(axis=0), steps + 1,
    )  # fmt: skip
    assert len(expected) > 200
    # The program sees a spike in the step after the one in which v has reached 30.
    assert list(zip((spikes.step + 1).tolist(), spikes.neuron.tolist(), strict=True)) == expected


def test_polychronization_is_the_paper_s_program() -> None:
    model, steps = models.Polychronization(size=500, targets=50), 400
    net = model.build(seed=2, dtype=torch.float64)
    events = net.run(float(steps)).events
    pre, post, delay = model.excitatory_synapses(2, 400)
    lag = delay.astype(int) + 1
    onto, from_ = np.zeros((500, 500)), np.zeros((500, 500), dtype=int)
    onto[pre, post], from_[pre, post] = 6.0, lag
    source, target = model.inhibitory_synapses(2, 400, 100)
    onto[source + 400, target], from_[source + 400, target] = -5.0, 1
    history: list[tuple[int, Any]] = []

    def arriving(t: int, fired: Any) -> Any:
        history.append((t, fired))
        total = np.zeros(500)
        for when, who in history[-20:]:
            here = from_[who] == t - when + 1
            total += np.where(here, onto[who], 0.0).sum(axis=0)
        return total

    key = subseed(2, DEVICE, 1 << 20)

    def drive(t: int) -> Any:
        word, _ = random.bits(key, 0, 0, t)
        return np.where(np.arange(500) == int(word) * 500 >> 32, 20.0, 0.0)

    inhibitory = np.arange(500) >= 400
    expected = program(
        np.where(inhibitory, 0.1, 0.02), np.full(500, 0.2), np.full(500, -65.0), np.where(inhibitory, 2.0, 8.0), drive,
        arriving, steps + 1,
    )  # fmt: skip
    assert len(expected) > 200
    found = zip((events.step + 1).tolist(), (events.neuron + 400 * events.lane).tolist(), strict=True)
    assert sorted(found) == sorted(expected)


def test_polychronization_has_slow_waves() -> None:
    # Izhikevich 2006, figure 5: before learning, bursts of spikes with a rhythm of 2 to 4 Hz.
    net = models.Polychronization().build(seed=1)
    net.run(1000.0)
    result = net.run(4000.0)
    count = np.histogram(result.events.step, bins=np.arange(1000, 5001))[0]
    power = np.abs(np.fft.rfft(count - count.mean())) ** 2
    power = np.convolve(power, np.full(5, 0.2), "same")
    peak = np.fft.rfftfreq(len(count), 1e-3)[int(power[4:1000].argmax()) + 4]
    assert 2.0 <= peak <= 5.0
    assert 2.0 < result.rate("E") < 8.0
    assert models.Polychronization(excitation=0.0).build(seed=1).run(1000.0).rate("E") < 1.0


def test_polychronization_has_five_synapses_of_each_delay() -> None:
    pre, post, delay = models.Polychronization().excitatory_synapses(7, 800)
    counts = np.zeros((800, 20), dtype=int)
    np.add.at(counts, (pre, delay.astype(int)), 1)
    assert (counts == 5).all()
    assert len(np.unique(pre * 1000 + post)) == 80_000
    assert (pre != post).all()


def packet(group: int, spikes: int, spread: float) -> Real:
    """Times of the spikes of a group within 4 ms of the time at which it spikes most."""
    model = models.SynfireChain(spikes=spikes, spread=spread)
    trains = model.build(seed=1).run(model.duration)["chain"]
    times = np.asarray(trains.times[trains.neurons // model.width == group])
    times = times[times > model.arrival - 5.0]
    count, edges = np.histogram(times, bins=np.arange(45.0, 150.0, 1.0))
    return times[np.abs(times - edges[count.argmax()] - 0.5) < 4.0]


def test_synfire_chain_sharpens_a_strong_packet() -> None:
    first, last = packet(0, 85, 1.0), packet(9, 85, 1.0)
    assert len(last) > 90
    assert last.std() < 0.7
    assert first.std() > last.std()
    # Broad, but of many spikes: it recovers.
    assert len(packet(9, 100, 3.0)) > 90


def test_synfire_chain_loses_a_weak_packet() -> None:
    assert len(packet(0, 50, 3.0)) > 15
    assert len(packet(9, 50, 3.0)) < 15


def test_a_terminal_opens_what_the_equations_say() -> None:
    dt, spikes = 0.1, torch.zeros(3000, 1, 1)
    spikes[[100, 150, 1200]] = 1.0
    terminal = NMDATerminal(dt=dt)
    with sl.record(terminal, "opened") as trace:
        released = terminal(spikes)
    x, s, found = 0.0, 0.0, []
    for t in range(3000):
        x += float(spikes[t])
        for _ in range(100):
            s += dt / 100 * (-s / 100.0 + 0.5 * x * (1 - s))
            x -= dt / 100 * x / 2.0
        found.append(s)
    opened = trace["opened"].flatten().numpy()
    # The step of 0.1 ms has an error of first order, 0.05 alpha.
    assert np.abs(opened - found).max() < 0.02
    # Quanta decay from where they leave; what has not left is less than one.
    decayed = np.exp(-dt * np.arange(3000) / 100.0)
    sent = 0.1 * np.convolve(released.flatten().numpy(), decayed)[:3000]
    assert np.abs(sent - opened).max() < 0.1 + 1e-6


def decide(coherence: float, **settings: Any) -> tuple[Real, Real, float]:
    """Rates of A and of B in the last 300 ms of each run, and when one of them first had 15 spikes/s, on average."""
    model, runs, duration = models.Wang2002(size=1000, coherence=coherence, onset=300.0, **settings), 6, 1800.0
    net = model.build(seed=1, batch=runs)
    result = net.run(duration)
    rates = np.zeros((2, runs, int(duration) // 10))
    for k, name in enumerate("AB"):
        trains = result[name].spikes
        np.add.at(rates[k], (trains.runs, np.ceil(trains.times / 10.0).astype(int) - 1), 100.0 / len(trains.recorded))
    smooth = np.apply_along_axis(np.convolve, 2, rates, np.full(5, 0.2), "same").max(axis=0)
    late = [(run > 15.0).argmax() * 10.0 if (run > 15.0).any() else duration for run in smooth]
    return rates[0, :, -30:].mean(axis=1), rates[1, :, -30:].mean(axis=1), float(np.mean(late)) - 300.0


def test_the_stronger_stimulus_wins_and_takes_all() -> None:
    a, b, soon = decide(51.2)
    assert (a > 15.0).all()
    assert (b < 4.0).all()
    a, b, _ = decide(-51.2)
    assert (b > 4 * a).all()
    assert decide(6.4)[2] > 1.3 * soon


def test_without_coherence_chance_decides() -> None:
    a, b, _ = decide(0.0, fluctuation=0.0)
    assert 0 < (a > b).sum() < 6


def test_without_structure_there_is_no_decision() -> None:
    a, b, _ = decide(51.2, w_plus=1.0)
    assert (np.maximum(a, b) < 8.0).all()


def turns(**settings: float) -> tuple[float, float]:
    """How often a cluster is followed by the next, and milliseconds from one to another."""
    net = models.ClockNetwork(**settings).build(seed=1)  # type: ignore[arg-type]
    net.run(500.0)
    trains = net.run(2000.0)["E"]
    count = np.zeros((500, 30))
    np.add.at(count, (((trains.times - 500.0) / 4.0).astype(int).clip(0, 499), trains.neurons // 80), 1)
    # Clusters of which a tenth spikes within 4 ms.
    leading = count.argmax(axis=1)[count.max(axis=1) >= 8]
    order = leading[np.r_[True, leading[1:] != leading[:-1]]]
    return float(((np.diff(order) % 30) == 1).mean()), 2000.0 / len(order)


def test_clusters_take_turns() -> None:
    onward, lag = turns()
    assert onward > 0.8
    assert 5.0 < lag < 20.0


@pytest.mark.parametrize("within", [36.0])
def test_clusters_without_a_next_have_no_order(within: float) -> None:
    assert turns(within=within, onward=1.7)[0] < 0.3


@pytest.mark.parametrize(
    "name", ["clock-network", "polychronization", "synfire-chain", "wang2002", "feedback-inhibition"]
)
def test_spikes_do_not_depend_on_threads(name: str) -> None:
    model = models.catalogue()[name]
    smaller = model(size=300) if name in ("polychronization", "wang2002") else model()
    found = [smaller.build(seed=3, threads=threads).run(60.0).events for threads in (1, 3)]
    assert len(found[0].step) > 20
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)
