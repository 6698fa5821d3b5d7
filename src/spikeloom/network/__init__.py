"""Simulation of networks of spiking neurons."""

from . import analysis, devices, models, nef, rules
from ._rule_contract import check_rule
from .devices import (
    AlternatingCurrent,
    Device,
    DirectCurrent,
    GapJunction,
    NoiseCurrent,
    Poisson,
    SpikeTimes,
    StepCurrent,
)
from .distances import DistanceDelay
from .distributions import Distribution, Exponential, LogNormal, Normal, Uniform
from .event_driven import EventDriven
from .network import Interrupted, Network
from .population import Population, View
from .progress import Progress
from .projection import Projection
from .ranks import Ranks, distributed
from .recorders import Rate
from .result import Recording, Result
from .rules import FixedInDegree, Rule
from .signals import Signal
from .sources import Source
from .spike_trains import SpikeTrains
from .synapses import Synapses

__all__ = [
    "AlternatingCurrent", "Device", "DirectCurrent", "DistanceDelay", "Distribution", "EventDriven", "Exponential",
    "FixedInDegree", "GapJunction", "Interrupted", "LogNormal", "Network", "NoiseCurrent", "Normal", "Poisson",
    "Population", "Progress", "Projection", "Ranks", "Rate", "Recording", "Result", "Rule", "Signal", "Source",
    "SpikeTimes", "SpikeTrains", "StepCurrent", "Synapses", "Uniform", "View", "analysis", "check_rule", "devices",
    "distributed", "models", "nef", "rules",
]  # fmt: skip
