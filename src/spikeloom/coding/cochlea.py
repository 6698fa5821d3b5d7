"""A cochlea-like front end: sound as spikes of channels that are tuned to frequencies."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_count, check_positive, check_sequence, wide
from spikeloom.coding.encoder import Encoder
from spikeloom.coding.neuron_code import NeuronCode
from spikeloom.coding.wrapper import Wrapper
from spikeloom.errors import ParameterError
from spikeloom.neurons import LIF


def centre_frequencies(channels: int, *, lowest: float, highest: float) -> Tensor:
    """Frequencies evenly spaced on the scale of equivalent rectangular bandwidths.

    Equation: E(f) = 21.4 log10(1 + 0.00437 f), evenly spaced from E(lowest) to E(highest).
    Shapes: [channels], float64. Units: hertz.
    Raises: ParameterError (channels < 2, lowest not above 0, highest not above lowest).

    >>> centre_frequencies(3, lowest=100.0, highest=4000.0).round().tolist()
    [100.0, 950.0, 4000.0]

    Reference: Glasberg and Moore (1990), Derivation of auditory filter shapes from notched-noise data, Hear. Res.
    47:103-138.
    """
    count = check_count("channels of centre_frequencies", channels, low=2)
    low, high = _check_range("centre_frequencies", lowest, highest)
    # The factor 21.4 falls out of even spacing.
    ends = [math.log1p(0.00437 * f) for f in (low, high)]
    return torch.expm1(torch.linspace(ends[0], ends[1], count, dtype=torch.float64)) / 0.00437


def gammatone(x: Tensor, frequencies: Tensor, *, rate: float) -> Tensor:
    """Sound through a bank of gammatone filters of fourth order, each of gain 1 at its frequency.

    Equation: four times the complex one-pole filter y[n] = a y[n - 1] + (1 - |a|) x[n], a = exp((-2 pi b + 2 pi i f) /
    rate), b = 1.019 (24.7 + 0.108 f); twice the real part. The impulse response is C(n + 3, 3) (1 - |a|)^4 a^n.
    Shapes: x [time, batch, *features], frequencies [channels] -> [time, batch, *features, channels], differentiable.
    Units: rate in samples per second, frequencies in hertz.
    Raises: ParameterError (NaN, a frequency not in (0, rate / 2)), DTypeError, ShapeError.

    >>> import torch
    >>> tone = torch.sin(2 * torch.pi * 1000.0 * torch.arange(1600) / 16000).view(-1, 1)
    >>> y = gammatone(tone, torch.tensor([500.0, 1000.0, 2000.0]), rate=16000.0)[800:, 0]
    >>> [round(level, 2) for level in y.abs().amax(0).tolist()]
    [0.0, 1.0, 0.0]

    Reference: Patterson, Nimmo-Smith, Holdsworth and Rice (1988), An efficient auditory filterbank based on the
    gammatone function, APU report 2341; as all-pole filters: Hohmann (2002), Acta Acust. united Acust. 88:433-442.
    """
    sound = check_sequence("x of gammatone", x)
    rate = check_positive("rate of gammatone, in samples per second", rate)
    places = check_sequence("frequencies of gammatone", frequencies.unsqueeze(1)).squeeze(1).double()
    if bool(((places <= 0) | (places >= rate / 2)).any()):
        expected = f"frequencies above 0 and below half the rate, {rate / 2:g} Hz"
        raise ParameterError("frequencies of gammatone", expected=expected, got=places.tolist())
    time = torch.arange(sound.shape[0], device=x.device, dtype=torch.float64).unsqueeze(1)
    decay = torch.exp(-math.tau * 1.019 * (24.7 + 0.108 * places.to(x.device)) / rate)
    envelope = (time + 1) * (time + 2) * (time + 3) / 6 * decay**time * (1 - decay) ** 4
    response = 2 * envelope * torch.cos(math.tau / rate * places.to(x.device) * time)
    if not sound.numel():
        return wide(x).new_zeros((*x.shape, len(places)))
    # The filters are linear and start at rest: their convolution, by transforms twice as long so that nothing wraps.
    length = 2 * sound.shape[0]
    spectrum = torch.fft.rfft(sound.double().unsqueeze(-1), n=length, dim=0)
    filters = torch.fft.rfft(response, n=length, dim=0).view(-1, *[1] * (sound.ndim - 1), len(places))
    filtered: Tensor = torch.fft.irfft(spectrum * filters, n=length, dim=0)
    return filtered[: sound.shape[0]].to(wide(x).dtype)


class Cochlea(Wrapper):
    """Sound as spikes of channels by frequency: gammatone filters, rectifier, compression, an inner encoder.

    Equation: u = max(`gammatone`(x) , 0)^compression is the current of each channel, which the inner encoder of
    sequences tells, one step per sample.
    Shapes: x [time, batch, *features], samples of about 1 or less -> [time, batch, *features, channels], from the
    lowest to the highest frequency (`frequencies`).
    Units: rate in samples per second, lowest and highest in hertz.
    Raises: ParameterError (NaN, highest not below rate / 2, compression outside (0, 1]), DTypeError, ShapeError.

    >>> cochlea = Cochlea(NeuronCode(LIF(dt=0.125, tau_mem=2.0, r=4.0)), channels=16, rate=8000.0)
    >>> cochlea(torch.rand(400, 2)).shape
    torch.Size([400, 2, 16])

    Reference: as `gammatone`; compression as a power law: Meddis, O'Mard and Lopez-Poveda (2001), J. Acoust. Soc. Am.
    109:2852-2861, here without their linear path.
    """

    of_sequence = True

    def __init__(
        self,
        inner: Encoder,
        *,
        channels: int,
        rate: float,
        lowest: float = 100.0,
        highest: float = 3500.0,
        compression: float = 0.3,
    ) -> None:
        super().__init__(inner)
        self.channels = check_count("channels of Cochlea", channels, low=2)
        self.rate = check_positive("rate of Cochlea, in samples per second", rate)
        self.lowest, self.highest = _check_range("Cochlea", lowest, highest)
        if self.highest >= self.rate / 2:
            expected = f"less than half the rate, {self.rate / 2:g} Hz"
            raise ParameterError("highest of Cochlea", expected=expected, got=highest)
        self.compression = check_positive("compression of Cochlea", compression, high=1.0)

    @property
    def frequencies(self) -> Tensor:
        """The frequency of each channel, in hertz."""
        return centre_frequencies(self.channels, lowest=self.lowest, highest=self.highest)

    @classmethod
    def example(cls) -> Self:
        """24 channels at 8 kHz, leaky neurons of 2 ms."""
        return cls(NeuronCode(LIF(dt=0.125, tau_mem=2.0, r=4.0)), channels=24, rate=8000.0)

    def transform(self, x: Tensor) -> Tensor:
        """The rectified and compressed channels."""
        filtered = gammatone(x, self.frequencies, rate=self.rate)
        return (filtered.clamp(min=0.0) ** self.compression).to(x.dtype)


def _check_range(what: str, lowest: float, highest: float) -> tuple[float, float]:
    low = check_positive(f"lowest of {what}, in hertz", lowest)
    high = check_positive(f"highest of {what}, in hertz", highest)
    if high <= low:
        raise ParameterError(f"highest of {what}, in hertz", expected=f"a number above {low:g}", got=highest)
    return low, high
