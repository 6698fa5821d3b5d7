"""Conversion: trained networks become spiking ones."""

from ._named import METHODS
from ._network import Converted
from ._search import Trial
from .belief_network import DeepBelief, LogisticUnits, RestrictedBoltzmann, SiegertUnits, Units
from .clipping import QCFS, TCL, Clipping, with_activations
from .convert import convert
from .few_spikes import FewSpikeCode
from .fine_tuning import fine_tune
from .first_spike import FirstSpikeCode, optimised_kernel
from .last_spike import LastSpikeLIF
from .measure import Conversion, SiteReport, measure
from .methods import Method, RateCode
from .onnx_file import read_onnx
from .phase import BurstCode, PhaseCode
from .pooling import Average, Counts, FirstSpike, Gate, Pooling, WinnerTakeAll
from .progressive import tune_progressively
from .read_outs import early_exit, output_spikes, softmax_spikes, weighted_mean
from .siegert import siegert
from .soft_lif import ActivationNoise, SoftLIF
from .spiking_gradients import ByLastSpike, BySurrogate, Gradient, Tandem
from .spiking_tuning import tune_spiking
from .synaptic_operations import NeuromorphicReLU, Operated, SynapticOperations
from .thresholds import Fixed, LeastError, LocalBalance, Maximum, ModelBased, Percentile, Threshold

__all__ = [
    "METHODS",
    "QCFS",
    "TCL",
    "ActivationNoise",
    "Average",
    "BurstCode",
    "ByLastSpike",
    "BySurrogate",
    "Clipping",
    "Conversion",
    "Converted",
    "Counts",
    "DeepBelief",
    "FewSpikeCode",
    "FirstSpike",
    "FirstSpikeCode",
    "Fixed",
    "Gate",
    "Gradient",
    "LastSpikeLIF",
    "LeastError",
    "LocalBalance",
    "LogisticUnits",
    "Maximum",
    "Method",
    "ModelBased",
    "NeuromorphicReLU",
    "Operated",
    "Percentile",
    "PhaseCode",
    "Pooling",
    "RateCode",
    "RestrictedBoltzmann",
    "SiegertUnits",
    "SiteReport",
    "SoftLIF",
    "SynapticOperations",
    "Tandem",
    "Threshold",
    "Trial",
    "Units",
    "WinnerTakeAll",
    "convert",
    "early_exit",
    "fine_tune",
    "measure",
    "optimised_kernel",
    "output_spikes",
    "read_onnx",
    "siegert",
    "softmax_spikes",
    "tune_progressively",
    "tune_spiking",
    "weighted_mean",
    "with_activations",
]
