"""The catalogue of synapses: how spikes become currents, and how terminals release them; one short file each.

>>> import torch, spikeloom as sl
>>> neuron = sl.synapses.Receptors(sl.LIF(), exc=sl.synapses.Alpha(), inh=sl.synapses.Exponential(tau_syn=10.0))
>>> list(neuron.inputs)
['exc', 'inh']
"""

from ._catalogue import catalogue
from .alpha import Alpha
from .delay_element import DelayElement, mismatch
from .delta import Delta
from .double_exponential import DoubleExponential
from .exponential import Exponential
from .filters import IIRFilter
from .gaba_b import GABAB
from .gap_junction import GapJunction
from .nmda import NMDA
from .receptors import Receptors
from .reversal import Conductance, Reversal
from .short_term_plasticity import TsodyksMarkram
from .stochastic_release import StochasticRelease
from .synapse import Synapse

__all__ = [
    "GABAB",
    "NMDA",
    "Alpha",
    "Conductance",
    "DelayElement",
    "Delta",
    "DoubleExponential",
    "Exponential",
    "GapJunction",
    "IIRFilter",
    "Receptors",
    "Reversal",
    "StochasticRelease",
    "Synapse",
    "TsodyksMarkram",
    "catalogue",
    "mismatch",
]
