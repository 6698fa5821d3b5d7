"""A spike arrives after its delay, to the step; a balanced network is irregular.

Golosio et al. 2021, Front. Comput. Neurosci. 15 (arXiv 2007.14236): synapses are grouped by delay and delivered when
their time has come. Each of 200 neurons has a synapse with a delay of its own; then Brunel's network, 12 500
neurons with 15.6 million synapses, whose intervals vary as irregular activity does: a CV of 0.7 to 1.2.
"""

import numpy as np

import spikeloom as sl
from spikeloom import network as nw

DT, EMITTED = 0.1, 3.0
net = nw.Network(dt=DT, seed=1)
# A potential that jumps across threshold and stays where it is put.
cell = sl.Refractory(sl.synapses.Receptors(sl.LIF(tau_mem=10.0), exc=sl.synapses.Delta()), once=True)
cells = net.population(200, cell, name="cells")
source = net.population(1, nw.SpikeTimes([[EMITTED]]))
delays = DT * np.random.default_rng(1).permutation(np.arange(1, 201))
net.connect(source, cells, nw.rules.AllToAll(), weight=1.5, delay=delays[None])
net.record(cells)
trains = net.run(30.0)["cells"]
arrived = np.empty(200)
arrived[trains.neurons] = trains.times
assert len(trains.times) == 200
assert np.abs(arrived - EMITTED - delays).max() < 1e-6

balanced = nw.models.Brunel(panel="B").build(seed=1)
balanced.run(100.0)
result = balanced.run(500.0)
cv = np.nanmean(nw.analysis.cv(result["E"].spikes))
print(f"{result.rate('E'):.1f} spikes/s, CV {cv:.2f}")
assert 0.7 < cv < 1.2
