"""Encoders, from values to spike trains, and decoders, from spike trains and potentials to values. Time is first."""

from spikeloom.coding._contract import check_encoder
from spikeloom.coding.current import Direct, direct
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
from spikeloom.coding.rate import Bernoulli, Poisson, bernoulli, poisson

__all__ = [
    "Bernoulli",
    "Delta",
    "Direct",
    "Encoder",
    "LinearLatency",
    "LogLatency",
    "Poisson",
    "SignedDelta",
    "bernoulli",
    "check_encoder",
    "delta",
    "delta_decode",
    "direct",
    "first_spike_time",
    "last_potential",
    "linear_latency",
    "log_latency",
    "max_potential",
    "mean_potential",
    "poisson",
    "signed_delta",
    "spike_count",
    "spike_rate",
]
