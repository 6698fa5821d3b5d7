"""Conversion: trained networks become spiking ones."""

from ._named import METHODS
from ._network import Converted
from ._search import Trial
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
from .progressive import tune_progressively
from .read_outs import early_exit, output_spikes, weighted_mean
from .spiking_gradients import ByLastSpike, BySurrogate, Gradient, Tandem
from .spiking_tuning import tune_spiking
from .thresholds import Fixed, LeastError, LocalBalance, Maximum, ModelBased, Percentile, Threshold

__all__ = [
    "METHODS",
    "QCFS",
    "TCL",
    "BurstCode",
    "ByLastSpike",
    "BySurrogate",
    "Clipping",
    "Conversion",
    "Converted",
    "FewSpikeCode",
    "FirstSpikeCode",
    "Fixed",
    "Gradient",
    "LastSpikeLIF",
    "LeastError",
    "LocalBalance",
    "Maximum",
    "Method",
    "ModelBased",
    "Percentile",
    "PhaseCode",
    "RateCode",
    "SiteReport",
    "Tandem",
    "Threshold",
    "Trial",
    "convert",
    "early_exit",
    "fine_tune",
    "measure",
    "optimised_kernel",
    "output_spikes",
    "read_onnx",
    "tune_progressively",
    "tune_spiking",
    "weighted_mean",
    "with_activations",
]
