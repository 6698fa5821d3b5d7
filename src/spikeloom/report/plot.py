"""Pictures by the name of what they show: `sl.plot.neuron(sl.LIF())`."""

from __future__ import annotations

from spikeloom.report.connectivity import draw_connectivity as connectivity
from spikeloom.report.network_raster import draw_raster as raster
from spikeloom.report.network_result import draw_result as network
from spikeloom.report.network_result import draw_spectrum as spectrum
from spikeloom.report.network_result import draw_traces as traces
from spikeloom.report.neuron import draw_neuron as neuron
from spikeloom.report.rule import draw_rule as rule

__all__ = ["connectivity", "network", "neuron", "raster", "rule", "spectrum", "traces"]
