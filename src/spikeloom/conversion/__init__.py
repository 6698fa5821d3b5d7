"""Conversion: trained networks become spiking ones."""

from ._amos_fit import fit_amos
from ._named import METHODS
from ._network import Converted
from ._search import Trial
from .amos import AMOSCode, AMOSGate
from .clipping import QCFS, TCL, Clipping, with_activations
from .convert import convert
from .few_spikes import FewSpikeCode
from .fine_tuning import fine_tune
from .first_spike import FirstSpikeCode, optimised_kernel
from .inverse_time import ClampedReLU, InverseTimeCode
from .last_spike import LastSpikeLIF
from .measure import Conversion, SiteReport, measure
from .methods import Method, RateCode
from .onnx_file import read_onnx
from .phase import BurstCode, PhaseCode
from .pooling import Average, Counts, FirstSpike, Gate, Pooling, WinnerTakeAll
from .populations import Ran, run_event_driven
from .progressive import tune_progressively
from .quantisation import quantisation_step, quantised
from .read_outs import early_exit, output_spikes, softmax_spikes, weighted_mean
from .soft_lif import ActivationNoise, SoftLIF
from .spiking_gradients import ByLastSpike, BySurrogate, Gradient, Tandem
from .spiking_tuning import tune_spiking
from .synaptic_operations import NeuromorphicReLU, Operated, SynapticOperations
from .thresholds import Fixed, LeastError, LocalBalance, Maximum, ModelBased, Percentile, Threshold

__all__ = [
    "METHODS",
    "QCFS",
    "TCL",
    "AMOSCode",
    "AMOSGate",
    "ActivationNoise",
    "Average",
    "BurstCode",
    "ByLastSpike",
    "BySurrogate",
    "ClampedReLU",
    "Clipping",
    "Conversion",
    "Converted",
    "Counts",
    "FewSpikeCode",
    "FirstSpike",
    "FirstSpikeCode",
    "Fixed",
    "Gate",
    "Gradient",
    "InverseTimeCode",
    "LastSpikeLIF",
    "LeastError",
    "LocalBalance",
    "Maximum",
    "Method",
    "ModelBased",
    "NeuromorphicReLU",
    "Operated",
    "Percentile",
    "PhaseCode",
    "Pooling",
    "Ran",
    "RateCode",
    "SiteReport",
    "SoftLIF",
    "SynapticOperations",
    "Tandem",
    "Threshold",
    "Trial",
    "WinnerTakeAll",
    "convert",
    "early_exit",
    "fine_tune",
    "fit_amos",
    "measure",
    "optimised_kernel",
    "output_spikes",
    "quantisation_step",
    "quantised",
    "read_onnx",
    "run_event_driven",
    "softmax_spikes",
    "tune_progressively",
    "tune_spiking",
    "weighted_mean",
    "with_activations",
]
