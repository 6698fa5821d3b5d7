"""Conversion: trained networks become spiking ones."""

from ._network import Converted
from .convert import convert
from .methods import METHODS, Method, RateCode
from .thresholds import LeastError, Maximum, Percentile, Threshold

__all__ = [
    "METHODS",
    "Converted",
    "LeastError",
    "Maximum",
    "Method",
    "Percentile",
    "RateCode",
    "Threshold",
    "convert",
]
