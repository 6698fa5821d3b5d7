"""Simulation of networks of spiking neurons."""

from . import devices, models, rules
from .devices import Device
from .distributions import Distribution, Exponential, LogNormal, Normal, Uniform
from .network import Interrupted, Network
from .population import Population, View
from .progress import Progress
from .projection import Projection
from .recorders import Rate
from .result import Recording, Result
from .rules import FixedInDegree, Rule
from .signals import Signal
from .sources import Source
from .spike_trains import SpikeTrains

__all__ = [
    "Device", "Distribution", "Exponential", "FixedInDegree", "Interrupted", "LogNormal", "Network", "Normal",
    "Population", "Progress", "Projection", "Rate", "Recording", "Result", "Rule", "Signal", "Source", "SpikeTrains",
    "Uniform", "View", "devices", "models", "rules",
]  # fmt: skip
