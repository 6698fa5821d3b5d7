"""Spectra."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ...errors import ParameterError
from ..spike_trains import SpikeTrains
from .rates import rate_over_time


class Spectrum(NamedTuple):
    """Frequencies in Hz, and the one-sided power spectral density at them."""

    frequencies: NDArray[np.float64]
    power: NDArray[np.float64]


def rate_spectrum(spikes: SpikeTrains, *, bin: float = 1.0, window: float | None = None) -> Spectrum:
    """Power spectrum of the population's rate, in (spikes/s)^2 / Hz, mean of all runs.

    Welch's method with windows of `window` ms, a quarter of the recording unless given, which overlap by half. N
    independent Poisson trains of rate r have 2 r / N at all frequencies.

    Source: Welch 1967, IEEE Trans. Audio Electroacoust. 15:70, as in `scipy.signal.welch`. Raises: ParameterError.
    """
    rates = rate_over_time(spikes, bin).rates
    length = rates.shape[1] // 4 if window is None else round(window / bin)
    if not 2 <= length <= rates.shape[1]:
        expected = f"{2 * bin:g} ms to {spikes.duration:g} ms"
        raise ParameterError("window", expected=expected, got=length * bin)
    frequencies, power = signal.welch(rates, fs=1e3 / bin, nperseg=length)
    return Spectrum(frequencies, power.mean(axis=0))
