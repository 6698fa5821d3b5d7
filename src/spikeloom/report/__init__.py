"""Pictures and pages that show what a run learned."""

from __future__ import annotations

from spikeloom.report.experiment import Experiment, measure, write_report
from spikeloom.report.learning_curve import draw_learning_curve
from spikeloom.report.spike_raster import Response, draw_spike_raster, one_of_each, respond
from spikeloom.report.weights import draw_weights

__all__ = [
    "Experiment",
    "Response",
    "draw_learning_curve",
    "draw_spike_raster",
    "draw_weights",
    "measure",
    "one_of_each",
    "respond",
    "write_report",
]
