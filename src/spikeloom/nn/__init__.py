"""Layers for training: stacks, streams and recordings."""

from .backward_residual import BackwardResidual
from .coupled import Coupled
from .explain import Explanation, explain
from .first_spikes import FirstSpikePool
from .greedy import Doubling, learn_greedily, pooled_potentials
from .lateral import Lateral
from .parallel import PSN, MaskedPSN
from .read_out import Count, Rate
from .recurrent import Recurrent
from .sampled import SampledConnections, SampledLinear, sample_connections
from .sequential import Residual, Sequential
from .spiking_lstm import SpikingGRU, SpikingLSTM
from .state import record, unroll
from .stdp_convolution import STDPConvolution
from .stochmax import Stochmax
from .trinary import Trinary, clip_hidden, trinary

__all__ = [
    "PSN",
    "BackwardResidual",
    "Count",
    "Coupled",
    "Doubling",
    "Explanation",
    "FirstSpikePool",
    "Lateral",
    "MaskedPSN",
    "Rate",
    "Recurrent",
    "Residual",
    "STDPConvolution",
    "SampledConnections",
    "SampledLinear",
    "Sequential",
    "SpikingGRU",
    "SpikingLSTM",
    "Stochmax",
    "Trinary",
    "clip_hidden",
    "explain",
    "learn_greedily",
    "pooled_potentials",
    "record",
    "sample_connections",
    "trinary",
    "unroll",
]
