"""Pictures by the name of what they show: `sl.plot.neuron(sl.LIF())`."""

from __future__ import annotations

from spikeloom.report.neuron import draw_neuron as neuron

__all__ = ["neuron"]
