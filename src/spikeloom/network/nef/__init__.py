"""The Neural Engineering Framework: vectors, functions of them and dynamics, in populations of spiking neurons."""

from .decoders import decode, solve
from .dynamics import feedback
from .ensemble import Ensemble
from .semantic_pointers import CircularConvolution, bind, inverse, pointers, similarity
from .spiking import SpikingEnsemble

__all__ = [
    "CircularConvolution", "Ensemble", "SpikingEnsemble", "bind", "decode", "feedback", "inverse", "pointers",
    "similarity", "solve",
]  # fmt: skip
