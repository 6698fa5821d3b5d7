"""Streams of events from an event camera, or of images: oriented edges in them, and when there is much to be seen."""

from spikeloom.events.gabor import ORIENTATIONS, SCALES, gabor_patches
from spikeloom.events.gabor_race import FeatureSpikes, GaborRace
from spikeloom.events.motion_symbols import MotionSymbols, gabor_maxima, motion_symbols
from spikeloom.events.saccades import saccades

__all__ = [
    "ORIENTATIONS",
    "SCALES",
    "FeatureSpikes",
    "GaborRace",
    "MotionSymbols",
    "gabor_maxima",
    "gabor_patches",
    "motion_symbols",
    "saccades",
]
