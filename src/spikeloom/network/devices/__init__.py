"""Devices: what acts on neurons from outside the network, and sources, whose channels spike as neurons do."""

from .correlated import Correlated
from .currents import AlternatingCurrent, Current, DirectCurrent, NoiseCurrent, StepCurrent
from .device import Device, Target
from .gamma import Gamma
from .gap_junctions import GapJunction
from .poisson import Poisson
from .pulse_packet import PulsePacket
from .regular import Regular
from .spike_times import SpikeTimes
from .waveforms import Piecewise, Sinusoid, Waveform

__all__ = [
    "AlternatingCurrent", "Correlated", "Current", "Device", "DirectCurrent", "Gamma", "GapJunction", "NoiseCurrent",
    "Piecewise", "Poisson", "PulsePacket", "Regular", "Sinusoid", "SpikeTimes", "StepCurrent", "Target", "Waveform",
]  # fmt: skip
