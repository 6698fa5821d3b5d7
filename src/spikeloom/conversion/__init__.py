"""Conversion: trained networks become spiking ones."""

from ._network import Converted
from .convert import convert
from .measure import Conversion, SiteReport, measure
from .methods import METHODS, Method, RateCode
from .thresholds import LeastError, Maximum, Percentile, Threshold

__all__ = [
    "METHODS",
    "Conversion",
    "Converted",
    "LeastError",
    "Maximum",
    "Method",
    "Percentile",
    "RateCode",
    "SiteReport",
    "Threshold",
    "convert",
    "measure",
]
