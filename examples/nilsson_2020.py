"""Mismatch of synapses as a source of delays: pairs of them are found that answer to one interval only.

Nilsson, Liwicki and Sandin 2020, IJCNN (arXiv 2002.04924): a spike first inhibits and then excites; when, differs
between devices of one design. Two such synapses whose delays differ by 15 ms make a neuron that spikes when the second
input comes 15 ms after the first, and not when it comes at once, after 30 ms, or before.
"""

import numpy as np
import torch

import spikeloom as sl
from spikeloom import network as nw

DEVICES, PAIRS, WANTED = 64, 3, 15.0
INTERVALS = np.arange(-45.0, 61.0, 5.0)
generator = torch.Generator().manual_seed(1)
design = {"w_exc": 1.0, "w_inh": 3.0, "tau_exc": 40.0, "tau_inh": 10.0}
devices = {
    name: sl.synapses.mismatch(value, 0.15, DEVICES, generator=generator).numpy() for name, value in design.items()
}


def cells(net: nw.Network, **chosen: np.ndarray) -> nw.Population:
    """Neurons with a synapse by each name, of the devices given by number."""
    synapses = {name: sl.synapses.DelayElement() for name in chosen}
    neuron = sl.synapses.Receptors(sl.LIF(tau_mem=5.0, v_th=float("inf")), **synapses)
    given = {f"{name}_{part}": values[k] for name, k in chosen.items() for part, values in devices.items()}
    return net.population(len(next(iter(chosen.values()))), neuron, name="cells", parameters=given)


# The potential after one spike, for each device.
net = nw.Network(dt=0.1, seed=1)
alone = cells(net, a=np.arange(DEVICES))
net.connect(net.population(1, nw.SpikeTimes([[0.1]])), alone, nw.rules.AllToAll())
net.record(alone, "v")
v = net.run(200.0)["cells"]["v"].values
peaks = 0.1 * v.argmax(axis=0)
print(f"excitation peaks {peaks.mean():.1f} ms after a spike, with a standard deviation of {peaks.std():.1f} ms")
assert 5.0 <= peaks.std() <= 15.0


def largest(first: int, second: int, interval: float) -> float:
    """The peak after two spikes; potentials add up."""
    shift = round(interval / 0.1)
    total = np.zeros(len(v) + abs(shift))
    total[max(0, -shift) :][: len(v)] += v[:, first]
    total[max(0, shift) :][: len(v)] += v[:, second]
    return float(total.max())


# The pairs that stand out most at the interval wanted. A threshold is set half-way.
others = INTERVALS[np.abs(INTERVALS - WANTED) >= 15.0]
candidates = [(i, j) for i in range(DEVICES) for j in range(DEVICES) if abs(peaks[i] - peaks[j] - WANTED) < 1.0]
limits = {pair: (max(largest(*pair, other) for other in others), largest(*pair, WANTED)) for pair in candidates}
best = sorted(limits, key=lambda pair: limits[pair][0] / limits[pair][1])[:PAIRS]

# A neuron for each pair and interval.
count = len(INTERVALS)
net = nw.Network(dt=0.1, seed=1)
first, second = (np.repeat([pair[k] for pair in best], count) for k in (0, 1))
tuned = cells(net, a=first, b=second)
tuned["v_th"] = np.repeat([np.mean(limits[pair]) for pair in best], count)
first_inputs = net.population(1, nw.SpikeTimes([[50.0]]), name="first")
second_inputs = net.population(count, nw.SpikeTimes([[50.0 + t] for t in INTERVALS]), name="second")
net.connect(first_inputs, tuned, nw.rules.AllToAll(), receptor="a")
for k in range(PAIRS):
    net.connect(second_inputs, tuned[k * count : (k + 1) * count], nw.rules.OneToOne(), receptor="b")
net.record(tuned)
fired = np.zeros(PAIRS * count, dtype=bool)
fired[net.run(250.0)["cells"].neurons] = True
for pair, row in zip(best, fired.reshape(PAIRS, count), strict=True):
    print(f"devices {pair[0]} and {pair[1]} fire for intervals of {INTERVALS[row]} ms")
    assert row[INTERVALS == WANTED].all()
    assert not row[np.isin(INTERVALS, others)].any()
