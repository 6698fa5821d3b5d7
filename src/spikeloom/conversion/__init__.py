"""Conversion: trained networks become spiking ones."""

from ._network import Converted
from .clipping import QCFS, TCL, Clipping, with_activations
from .convert import convert
from .fine_tuning import fine_tune
from .last_spike import LastSpikeLIF
from .measure import Conversion, SiteReport, measure
from .methods import METHODS, Method, RateCode
from .progressive import tune_progressively
from .spiking_gradients import ByLastSpike, BySurrogate, Gradient, Tandem
from .spiking_tuning import tune_spiking
from .thresholds import LeastError, LocalBalance, Maximum, ModelBased, Percentile, Threshold

__all__ = [
    "METHODS",
    "QCFS",
    "TCL",
    "ByLastSpike",
    "BySurrogate",
    "Clipping",
    "Conversion",
    "Converted",
    "Gradient",
    "LastSpikeLIF",
    "LeastError",
    "LocalBalance",
    "Maximum",
    "Method",
    "ModelBased",
    "Percentile",
    "RateCode",
    "SiteReport",
    "Tandem",
    "Threshold",
    "convert",
    "fine_tune",
    "measure",
    "tune_progressively",
    "tune_spiking",
    "with_activations",
]
