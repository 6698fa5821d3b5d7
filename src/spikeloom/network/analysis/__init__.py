"""Statistics of spike trains and signals.

Functions take the `SpikeTrains` of a recording, `result.spikes["E"]`, or ones made with `SpikeTrains.of`.
"""

from .correlation import count_correlations, cross_correlogram
from .distances import ks_distance, van_rossum, victor_purpura
from .rates import counts, neuron_rates, rate_over_time, smoothed_rate
from .spectra import rate_spectrum
from .synchrony import golomb_chi, spike_synchronization, synchrony
from .variability import cv, cv2, fano_factor, intervals, local_variation

__all__ = [
    "count_correlations", "counts", "cross_correlogram", "cv", "cv2", "fano_factor", "golomb_chi", "intervals",
    "ks_distance", "local_variation", "neuron_rates", "rate_over_time", "rate_spectrum", "smoothed_rate",
    "spike_synchronization", "synchrony", "van_rossum", "victor_purpura",
]  # fmt: skip
