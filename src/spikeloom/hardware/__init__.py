"""Hardware: converted networks as chips compute them, and what they take there."""

from .core_count import cores_of_layers
from .event_energy import EventEnergy
from .integer_network import IntegerLayer, IntegerNetwork, IntegerRun
from .loihi import LoihiCores, loihi_cores, on_loihi
from .mismatch import Mismatch, with_mismatch
from .neurosynaptic_core import NeurosynapticCore
from .row_cache import cache_hits

__all__ = [
    "EventEnergy",
    "IntegerLayer",
    "IntegerNetwork",
    "IntegerRun",
    "LoihiCores",
    "Mismatch",
    "NeurosynapticCore",
    "cache_hits",
    "cores_of_layers",
    "loihi_cores",
    "on_loihi",
    "with_mismatch",
]
