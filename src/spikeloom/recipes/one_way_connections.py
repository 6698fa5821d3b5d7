"""A rectangular window of 5 ms: of two connections between a pair of cells one remains."""

from __future__ import annotations

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Absent, Bar, Form, Recipe, Reference, Run, setting

# Milliseconds between the spikes of a scripted pair, and what its weight is to be multiplied by.
SCRIPT = {3.0: 1.7, -3.0: 0.8, 0.0: 1.0, 8.0: 1.0}
START, HIGHEST = 0.2, 1.0


class OneWayConnections(Recipe):
    row, family = "S03", "plasticity"
    title = "Rectangular window of 5 ms"
    reference = Reference(
        "Markram, Lübke, Frotscher and Sakmann",
        1997,
        "Regulation of synaptic efficacy by coincidence of postsynaptic APs and EPSPs",
        "Science 275, 213-215",
        doi="10.1126/science.275.5297.213",
    )
    claim = (
        "A synapse becomes stronger if its spike comes shortly before the neuron's own and weaker if shortly after, so "
        "that of two cells connected both ways, one of which leads, one connection remains."
    )
    claimed = "70 % up, 20 % down within 5 ms, as courses put it"
    shown = (
        "Four scripted pairs of spikes, and pairs of cells connected both ways that get the same events, one 3 ms "
        "before the other. The control is the same without a leader: either is first by a scatter of 3 ms."
    )
    chance = Absent("both connections begin equal")
    control = "pairs with one connection, no leader"

    pairs: int = setting(100, "pairs of cells", at_least=1)

    quick = Form(
        Bar("pairs with one connection", at_least=0.9, why="one at the highest weight, the other below the start"),
        Bar("largest error of scripted pairs", at_most=1e-6, why="1.7, 0.8, 1 and 1 times the weight, in float32"),
    )
    full = Form(*quick.bars, seeds=range(10), settings={"pairs": 1000})

    def measure(self, run: Run) -> dict[str, float]:
        led, even = (self.one_way(run, lead) for lead in (3.0, 0.0))
        return {
            "pairs with one connection": led,
            "pairs with one connection, no leader": even,
            "largest error of scripted pairs": scripted(),
        }

    def one_way(self, run: Run, lead: float) -> float:
        """Share of pairs that end with one connection at the highest weight and the other below the start."""
        nw, events = sl.network, 200
        net = nw.Network(dt=0.5, seed=run.seed, threads=1)
        when = 20.0 + 50.0 * np.arange(events)
        scatter = 0.0 if lead else 3.0
        times = [when + scatter * run.random.standard_normal((self.pairs, events)) + late for late in (0.0, lead)]
        lif = sl.Refractory(sl.LIF(tau_mem=10.0, decay_input=False), t_ref=10.0)
        cells = []
        for number, each in enumerate(times):
            source = net.population(self.pairs, nw.SpikeTimes(list(np.rint(2 * each) / 2)), name=f"events {number}")
            cells.append(net.population(self.pairs, lif, name=f"cells {number}"))
            net.connect(source, cells[-1], nw.rules.OneToOne(), weight=2.0)
        both = [
            net.connect(
                a, b, nw.rules.OneToOne(), weight=START, plasticity=sl.plasticity.RectangularSTDP(w_max=HIGHEST)
            )
            for a, b in (cells, cells[::-1])
        ]
        net.run(50.0 * events, progress=False)
        forth, back = (np.asarray(each.synapses().weight) for each in both)
        strong, weak = np.maximum(forth, back), np.minimum(forth, back)
        return float(np.mean((strong == HIGHEST) & (weak < START)))


def scripted() -> float:
    """The largest difference from what the rule says."""
    nw = sl.network
    net = nw.Network(dt=0.5, seed=1, threads=1)
    ones = nw.rules.OneToOne()
    pre = net.population(len(SCRIPT), nw.SpikeTimes([[50.0]] * len(SCRIPT)), name="pre")
    # The cell spikes when its input arrives, as much later as the other spike arrives at its synapse.
    post = net.population(len(SCRIPT), nw.SpikeTimes([[50.0 + s] for s in SCRIPT]), name="post")
    cells = net.population(len(SCRIPT), sl.LIF(tau_mem=10.0, decay_input=False), name="cells")
    net.connect(post, cells, ones, weight=2.0)
    rule = sl.plasticity.RectangularSTDP(w_max=HIGHEST)
    synapses = net.connect(pre, cells, ones, weight=START, plasticity=rule)
    net.run(100.0, progress=False)
    found = np.asarray(synapses.synapses().weight) / START
    return float(np.abs(found - list(SCRIPT.values())).max())
