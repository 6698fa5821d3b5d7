"""Devices: what acts on neurons from outside the network."""

from .device import Device, Target
from .poisson import Poisson

__all__ = ["Device", "Poisson", "Target"]
