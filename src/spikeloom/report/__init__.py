"""Pictures and pages that show what a run learned."""

from __future__ import annotations

from spikeloom.report.code_measure import CodeMeasure, measure_code
from spikeloom.report.codes import write_codes
from spikeloom.report.conversion import write_conversion
from spikeloom.report.conversion_curve import draw_conversion, draw_places
from spikeloom.report.experiment import Experiment, measure, write_report
from spikeloom.report.learning_curve import draw_learning_curve
from spikeloom.report.morphology import draw_morphology
from spikeloom.report.spike_raster import Response, draw_spike_raster, one_of_each, respond
from spikeloom.report.weights import draw_weights

__all__ = [
    "CodeMeasure",
    "Experiment",
    "Response",
    "draw_conversion",
    "draw_learning_curve",
    "draw_morphology",
    "draw_places",
    "draw_spike_raster",
    "draw_weights",
    "measure",
    "measure_code",
    "one_of_each",
    "respond",
    "write_codes",
    "write_conversion",
    "write_report",
]
