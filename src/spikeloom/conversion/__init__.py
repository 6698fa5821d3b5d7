"""Conversion: trained networks become spiking ones."""

from ._network import Converted
from .clipping import QCFS, TCL, Clipping, with_activations
from .convert import convert
from .measure import Conversion, SiteReport, measure
from .methods import METHODS, Method, RateCode
from .thresholds import LeastError, LocalBalance, Maximum, ModelBased, Percentile, Threshold

__all__ = [
    "METHODS",
    "QCFS",
    "TCL",
    "Clipping",
    "Conversion",
    "Converted",
    "LeastError",
    "LocalBalance",
    "Maximum",
    "Method",
    "ModelBased",
    "Percentile",
    "RateCode",
    "SiteReport",
    "Threshold",
    "convert",
    "measure",
    "with_activations",
]
