"""Simulation of networks of spiking neurons."""

from . import devices, models, rules
from .devices import Device
from .distributions import Distribution, Exponential, LogNormal, Normal, Uniform
from .network import Interrupted, Network
from .population import Population, View
from .progress import Progress
from .projection import Projection
from .result import Result
from .rules import FixedInDegree, Rule
from .sources import Source

__all__ = [
    "Device", "Distribution", "Exponential", "FixedInDegree", "Interrupted", "LogNormal", "Network", "Normal",
    "Population", "Progress", "Projection", "Result", "Rule", "Source", "Uniform", "View", "devices", "models", "rules",
]  # fmt: skip
