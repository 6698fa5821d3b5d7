"""Simulation of networks of spiking neurons."""

from . import rules
from .distributions import Distribution, Exponential, LogNormal, Normal, Uniform
from .network import Network
from .population import Population, View
from .projection import Projection
from .rules import FixedInDegree
from .sources import Source

__all__ = [
    "Distribution", "Exponential", "FixedInDegree", "LogNormal", "Network", "Normal", "Population", "Projection",
    "Source", "Uniform", "View", "rules",
]  # fmt: skip
