"""Encoders, from values to spike trains, and decoders, from spike trains and potentials to values. Time is first."""

from spikeloom.coding._contract import check_encoder
from spikeloom.coding.burst_read_out import Burst, first_burst
from spikeloom.coding.co_firing import circular_order, co_firing_rates, sigma, sigma_chi
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
from spikeloom.coding.delta import Delta, SignedDelta, delta, delta_decode, signed_delta
from spikeloom.coding.encoder import Encoder
from spikeloom.coding.latency import LinearLatency, LogLatency, linear_latency, log_latency
from spikeloom.coding.least_squares import LinearReadOut, fit_linear
from spikeloom.coding.population_read_out import (
    Direction,
    latency_mean,
    pool_populations,
    population_direction,
    population_mean,
    population_vector,
    spike_phase,
)
from spikeloom.coding.rank_read_out import nearest_template, rank_weights, spike_ranks
from spikeloom.coding.rate import Bernoulli, Poisson, bernoulli, poisson
from spikeloom.coding.running import potential_per_step, running_count, running_rate
from spikeloom.coding.smoothing import smoothed_decisions, smoothed_labels
from spikeloom.coding.trace import alpha_trace, double_exponential_trace, exponential_trace, kernel_trace
from spikeloom.coding.voting import class_means, vote, votes_for_all, votes_for_one

__all__ = [
    "Bernoulli",
    "Burst",
    "Decision",
    "Delta",
    "Direct",
    "Direction",
    "Encoder",
    "LinearLatency",
    "LinearReadOut",
    "LogLatency",
    "Poisson",
    "SignedDelta",
    "alpha_trace",
    "bernoulli",
    "check_encoder",
    "circular_order",
    "class_means",
    "co_firing_rates",
    "confidence_exit",
    "decide",
    "delta",
    "delta_decode",
    "direct",
    "double_exponential_trace",
    "exponential_trace",
    "first_burst",
    "first_spike",
    "first_spike_time",
    "fit_linear",
    "highest_rate",
    "kernel_trace",
    "last_decision",
    "last_potential",
    "latency_mean",
    "linear_latency",
    "log_latency",
    "margin_exit",
    "max_potential",
    "mean_potential",
    "nearest_template",
    "poisson",
    "pool_populations",
    "population_direction",
    "population_mean",
    "population_vector",
    "potential_per_step",
    "rank_weights",
    "running_count",
    "running_rate",
    "sigma",
    "sigma_chi",
    "signed_delta",
    "smoothed_decisions",
    "smoothed_labels",
    "spike_budget",
    "spike_count",
    "spike_phase",
    "spike_ranks",
    "spike_rate",
    "vote",
    "votes_for_all",
    "votes_for_one",
]
