"""Encoders, from values to spike trains, and decoders, from spike trains and potentials to values. Time is first."""

from spikeloom.coding._catalogue import catalogue
from spikeloom.coding._contract import check_encoder
from spikeloom.coding.bens_spiker import BensSpiker, bens_spiker, bens_spiker_decode, smoothing_filter
from spikeloom.coding.burst import BurstCode, burst, burst_decode, burst_interval_decode
from spikeloom.coding.burst_read_out import Burst, first_burst
from spikeloom.coding.co_firing import circular_order, co_firing_rates, sigma, sigma_chi
from spikeloom.coding.cochlea import Cochlea, centre_frequencies, gammatone
from spikeloom.coding.complement import Complement, complement
from spikeloom.coding.cosine import Cosine, cosine, cosine_decode, cosine_frames
from spikeloom.coding.current import Direct, direct
from spikeloom.coding.decision import (
    Decision,
    confidence_exit,
    decide,
    first_spike,
    highest_rate,
    last_decision,
    margin_exit,
    spike_budget,
)
from spikeloom.coding.decoders import (
    first_spike_time,
    last_potential,
    max_potential,
    mean_potential,
    spike_count,
    spike_rate,
)
from spikeloom.coding.delta import Delta, SignedDelta, delta, delta_decode, signed_delta, signed_delta_decode
from spikeloom.coding.difference_of_gaussians import DifferenceOfGaussians, difference_of_gaussians
from spikeloom.coding.encoder import DecodableEncoder, Encoder
from spikeloom.coding.inhomogeneous import InhomogeneousPoisson, inhomogeneous_poisson
from spikeloom.coding.kernel_latency import KernelLatency, kernel_latency, kernel_latency_decode
from spikeloom.coding.latency import (
    LinearLatency,
    LogLatency,
    linear_latency,
    linear_latency_decode,
    log_latency,
    log_latency_decode,
)
from spikeloom.coding.least_squares import LinearReadOut, fit_linear
from spikeloom.coding.level_crossing import LevelCrossing, level_crossing, level_crossing_decode
from spikeloom.coding.mean_rates import count_rate, density_rate, population_rate
from spikeloom.coding.moving_window import MovingWindow, moving_window
from spikeloom.coding.neuron_code import NeuronCode
from spikeloom.coding.on_off import on_off, on_off_decode
from spikeloom.coding.oscillation_phase import OscillationPhase, oscillation_phase, oscillation_phase_decode
from spikeloom.coding.population import GaussianPopulation, gaussian_tuning, gaussian_tuning_decode
from spikeloom.coding.population_read_out import (
    Direction,
    latency_mean,
    pool_populations,
    population_direction,
    population_mean,
    population_vector,
    spike_phase,
)
from spikeloom.coding.power_latency import PowerLatency, power_latency, power_latency_decode
from spikeloom.coding.radial_basis import RadialBasis, radial_basis
from spikeloom.coding.rank_order import RankOrder, rank_order, rank_order_decode
from spikeloom.coding.rank_read_out import nearest_template, rank_weights, spike_ranks
from spikeloom.coding.rate import Bernoulli, Poisson, bernoulli, poisson
from spikeloom.coding.regular import Regular, regular
from spikeloom.coding.retina import Retina, high_pass
from spikeloom.coding.running import potential_per_step, running_count, running_rate
from spikeloom.coding.scan_line import ScanLine, random_lines, scan
from spikeloom.coding.signed import Signed, signed
from spikeloom.coding.smoothing import smoothed_decisions, smoothed_labels
from spikeloom.coding.step_forward import StepForward, step_forward
from spikeloom.coding.temporal_contrast import TemporalContrast, temporal_contrast
from spikeloom.coding.trace import alpha_trace, double_exponential_trace, exponential_trace, kernel_trace
from spikeloom.coding.voting import class_means, vote, votes_for_all, votes_for_one
from spikeloom.coding.weighted_phase import WeightedPhase, weighted_phase, weighted_phase_decode
from spikeloom.coding.whitening import (
    ConvolutionalWhitening,
    Whitening,
    WhiteningTransform,
    fit_whitening,
    fit_whitening_kernel,
)
from spikeloom.coding.wrapper import Wrapper

__all__ = [
    "BensSpiker",
    "Bernoulli",
    "Burst",
    "BurstCode",
    "Cochlea",
    "Complement",
    "ConvolutionalWhitening",
    "Cosine",
    "Decision",
    "DecodableEncoder",
    "Delta",
    "DifferenceOfGaussians",
    "Direct",
    "Direction",
    "Encoder",
    "GaussianPopulation",
    "InhomogeneousPoisson",
    "KernelLatency",
    "LevelCrossing",
    "LinearLatency",
    "LinearReadOut",
    "LogLatency",
    "MovingWindow",
    "NeuronCode",
    "OscillationPhase",
    "Poisson",
    "PowerLatency",
    "RadialBasis",
    "RankOrder",
    "Regular",
    "Retina",
    "ScanLine",
    "Signed",
    "SignedDelta",
    "StepForward",
    "TemporalContrast",
    "WeightedPhase",
    "Whitening",
    "WhiteningTransform",
    "Wrapper",
    "alpha_trace",
    "bens_spiker",
    "bens_spiker_decode",
    "bernoulli",
    "burst",
    "burst_decode",
    "burst_interval_decode",
    "catalogue",
    "centre_frequencies",
    "check_encoder",
    "circular_order",
    "class_means",
    "co_firing_rates",
    "complement",
    "confidence_exit",
    "cosine",
    "cosine_decode",
    "cosine_frames",
    "count_rate",
    "decide",
    "delta",
    "delta_decode",
    "density_rate",
    "difference_of_gaussians",
    "direct",
    "double_exponential_trace",
    "exponential_trace",
    "first_burst",
    "first_spike",
    "first_spike_time",
    "fit_linear",
    "fit_whitening",
    "fit_whitening_kernel",
    "gammatone",
    "gaussian_tuning",
    "gaussian_tuning_decode",
    "high_pass",
    "highest_rate",
    "inhomogeneous_poisson",
    "kernel_latency",
    "kernel_latency_decode",
    "kernel_trace",
    "last_decision",
    "last_potential",
    "latency_mean",
    "level_crossing",
    "level_crossing_decode",
    "linear_latency",
    "linear_latency_decode",
    "log_latency",
    "log_latency_decode",
    "margin_exit",
    "max_potential",
    "mean_potential",
    "moving_window",
    "nearest_template",
    "on_off",
    "on_off_decode",
    "oscillation_phase",
    "oscillation_phase_decode",
    "poisson",
    "pool_populations",
    "population_direction",
    "population_mean",
    "population_rate",
    "population_vector",
    "potential_per_step",
    "power_latency",
    "power_latency_decode",
    "radial_basis",
    "random_lines",
    "rank_order",
    "rank_order_decode",
    "rank_weights",
    "regular",
    "running_count",
    "running_rate",
    "scan",
    "sigma",
    "sigma_chi",
    "signed",
    "signed_delta",
    "signed_delta_decode",
    "smoothed_decisions",
    "smoothed_labels",
    "smoothing_filter",
    "spike_budget",
    "spike_count",
    "spike_phase",
    "spike_ranks",
    "spike_rate",
    "step_forward",
    "temporal_contrast",
    "vote",
    "votes_for_all",
    "votes_for_one",
    "weighted_phase",
    "weighted_phase_decode",
]
