"""Layers for training: stacks, streams and recordings."""

from .coupled import Coupled
from .explain import Explanation, explain
from .lateral import Lateral
from .parallel import PSN, MaskedPSN
from .read_out import Count, Rate
from .recurrent import Recurrent
from .sequential import Residual, Sequential
from .spiking_lstm import SpikingGRU, SpikingLSTM
from .state import record, unroll

__all__ = [
    "PSN",
    "Count",
    "Coupled",
    "Explanation",
    "Lateral",
    "MaskedPSN",
    "Rate",
    "Recurrent",
    "Residual",
    "Sequential",
    "SpikingGRU",
    "SpikingLSTM",
    "explain",
    "record",
    "unroll",
]
