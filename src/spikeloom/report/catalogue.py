"""Everything of the catalogue that has a page: neurons, and synapses on a neuron."""

from __future__ import annotations

from spikeloom import neurons, synapses
from spikeloom.neurons import Neuron


def catalogue() -> dict[str, Neuron]:
    """An example of each by name, by family.

    >>> catalogue()["LIF"]
    LIF()
    """
    # A synapse in two forms has one page.
    found = {n: neuron for n, neuron in (neurons.catalogue() | synapses.catalogue()).items() if n.isidentifier()}
    return dict(sorted(found.items(), key=lambda item: (item[1].family, item[0].lower())))
