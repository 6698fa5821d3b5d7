"""Streams of events from an event camera: oriented edges in them, and when there is something to be seen."""

from spikeloom.events.gabor import ORIENTATIONS, SCALES, gabor_patches
from spikeloom.events.gabor_race import FeatureSpikes, GaborRace
from spikeloom.events.motion_symbols import MotionSymbols, gabor_maxima, motion_symbols

__all__ = [
    "ORIENTATIONS",
    "SCALES",
    "FeatureSpikes",
    "GaborRace",
    "MotionSymbols",
    "gabor_maxima",
    "gabor_patches",
    "motion_symbols",
]
