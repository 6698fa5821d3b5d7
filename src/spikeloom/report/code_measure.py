"""What a code loses of what it encodes, and how many spikes it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from spikeloom.coding import (
    Cochlea,
    DecodableEncoder,
    Encoder,
    exponential_trace,
    first_spike_time,
    spike_count,
)
from spikeloom.datasets import digits

_TRACES = (1.5, 5.0, 20.0)
_RIDGE = 1e-3
# In hertz.
_HEARD = (150.0, 3000.0)


@dataclass(frozen=True)
class CodeMeasure:
    """What an encoder made of its test input, and what a decoder made of that.

    `values` and `decoded` have the same shape, `spikes` is [time, batch, ...]; `own` says whose decoder it was. Of
    sound the values are the frequencies of tones.
    """

    encoder: Encoder
    values: Tensor
    spikes: Tensor
    decoded: Tensor
    own: bool

    @property
    def rmse(self) -> float:
        """Root-mean-square difference of what was decoded and what was encoded."""
        return (self.decoded - self.values).square().mean().sqrt().item()

    @property
    def loss(self) -> float:
        """`rmse` in units of the standard deviation of the values: 1 is what their mean alone would reach."""
        return self.rmse / self.values.std().item()

    @property
    def spikes_per_value(self) -> float:
        """Spikes of either sign for each number that was encoded; NaN for a code that is no spikes."""
        fired = self.spikes.abs()
        binary = bool(((fired == 0) | (fired == 1)).all())
        return fired.sum().item() / self.values.numel() if binary else math.nan


def measure_code(encoder: Encoder) -> CodeMeasure:
    """Encode the fixed test input of the encoder's kind and decode it, by its own decoder or the best linear one.

    The linear decoder is fitted to other input of the same kind.

    >>> from spikeloom.coding import Regular
    >>> measured = measure_code(Regular(16))
    >>> measured.own, round(measured.rmse, 3)  # an error evenly spread over 1/16: 1/16/sqrt(3)
    (True, 0.036)
    """
    fitting, values = _test_input(encoder)
    with torch.no_grad():
        spikes = encoder(_presented(encoder, values), generator=torch.Generator().manual_seed(0))
        if isinstance(encoder, DecodableEncoder):
            decoded = encoder.decode(spikes, values[0] if encoder.of_sequence else None)
            return CodeMeasure(encoder, values, spikes, decoded.to(values.dtype), own=True)
        seen = encoder(_presented(encoder, fitting), generator=torch.Generator().manual_seed(1))
        weights = _least_squares(_features(encoder, seen), _samples(encoder, fitting))
        decoded = (_with_constant(_features(encoder, spikes)) @ weights).reshape(values.shape)
    return CodeMeasure(encoder, values, spikes, decoded, own=False)


def kind_of_input(encoder: Encoder) -> str:
    """What it encodes: values, images, signals, video or sound."""
    if isinstance(encoder, Cochlea):
        return "sound"
    if encoder.of_images and encoder.of_sequence:
        return "video"
    if encoder.of_images or encoder.features == (8, 8):
        return "images"
    return "signals" if encoder.of_sequence else "values"


def _test_input(encoder: Encoder) -> tuple[Tensor, Tensor]:
    """Input to fit a linear decoder to, and input to measure with, in double precision."""
    kind = kind_of_input(encoder)
    if kind == "images":
        data = digits()
        return data.train.inputs()[:, 0].double(), data.test.inputs()[:, 0].double()
    if kind == "values":
        return _values(encoder, 1), _values(encoder, 0)
    if kind == "video":
        return _video(200, 1), _video(24, 0)
    if kind == "sound":
        return _tones(1), _tones(0)
    return _signals(encoder, 1), _signals(encoder, 0)


def _presented(encoder: Encoder, values: Tensor) -> Tensor:
    """What the encoder is given: the values, or of frequencies the tones."""
    if not isinstance(encoder, Cochlea):
        return values
    low, high = (math.log1p(0.00437 * f) for f in _HEARD)
    frequencies = torch.expm1(low + (high - low) * values) / 0.00437
    return torch.sin(math.tau * frequencies * torch.arange(800, dtype=torch.float64).view(-1, 1) / encoder.rate)


def _tones(seed: int) -> Tensor:
    """200 places of frequencies in the range that is heard, [200], in [0, 1]."""
    return (torch.arange(200, dtype=torch.float64) + (0.25, 0.75)[seed]) / 200


def _values(encoder: Encoder, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    low = encoder.low if math.isfinite(encoder.low) else 0.0
    coordinates = math.prod(encoder.features or (1,))
    grid = (torch.arange(640, dtype=torch.float64) + 0.5) / 640
    mixed = torch.stack([grid[torch.randperm(640, generator=generator)] for _ in range(coordinates)], dim=1)
    values = low + (1.0 - low) * mixed
    # A code of ranks needs company; a linear decoder, samples.
    return values.view(10, 64) if isinstance(encoder, DecodableEncoder) else values


def _waves(low: float, high: float, periods: tuple[float, float], steps: int, seed: int, *, count: int = 12) -> Tensor:
    """Sums of three sine waves, [steps, 1, count], in [low, high]."""
    generator = torch.Generator().manual_seed(seed)
    least, most = periods
    draw = torch.rand(2, 3, count, generator=generator, dtype=torch.float64)
    time = torch.arange(steps, dtype=torch.float64).view(-1, 1, 1) / steps
    angle = math.tau * ((least + (most - least) * draw[0]) * time + draw[1])
    return low + (high - low) * (torch.sin(angle).mean(1, keepdim=True) + 1.0) / 2.0


def _signals(encoder: Encoder, seed: int) -> Tensor:
    bounded = math.isfinite(encoder.low) or not isinstance(encoder, DecodableEncoder)
    return _waves(0.0 if bounded else -1.0, 1.0, (1.0, 5.0), 200, seed)


def _video(count: int, seed: int) -> Tensor:
    """Digits that brighten and fade, each in its own way, [60, count, 8, 8]."""
    images = digits().train.inputs()[1000 * seed : 1000 * seed + count, 0].double()
    light = _waves(0.0, 1.0, (1.0, 3.0), 60, seed, count=count)
    return light.movedim(1, -1).unsqueeze(-1) * images


def _samples(encoder: Encoder, values: Tensor) -> Tensor:
    """What the linear decoder is to tell, [samples, targets]."""
    if kind_of_input(encoder) == "sound":
        return values.view(-1, 1)
    if not encoder.of_sequence:
        return values.flatten(1)
    return values.flatten(2).flatten(0, 1) if encoder.of_images else values.reshape(-1, 1)


def _features(encoder: Encoder, spikes: Tensor) -> Tensor:
    """What the linear decoder sees, [samples, features]: counts and times, or filtered spikes at every step."""
    if kind_of_input(encoder) == "sound":
        return spike_count(spikes)
    if not encoder.of_sequence:
        time = first_spike_time(spikes) / spikes.shape[0]
        return torch.cat((spike_count(spikes).flatten(1), time.flatten(1)), dim=1)
    if not encoder.of_images:
        # Each signal is decoded from its own neurons, with the same weights for all.
        neurons = spikes.shape[3:].numel()
        spikes = spikes.reshape(spikes.shape[0], -1, neurons)
    # From both sides in time: a code may tell late what it was given.
    before = [exponential_trace(spikes, tau=tau).flatten(2) for tau in _TRACES]
    after = [exponential_trace(spikes.flip(0), tau=tau).flip(0).flatten(2) for tau in _TRACES]
    return torch.cat(before + after, dim=2).flatten(0, 1)


def _least_squares(features: Tensor, targets: Tensor) -> Tensor:
    seen = _with_constant(features)
    products = seen.T @ seen / len(seen) + _RIDGE * torch.eye(seen.shape[1], dtype=seen.dtype)
    solution: Tensor = torch.linalg.solve(products, seen.T @ targets / len(seen))
    return solution


def _with_constant(features: Tensor) -> Tensor:
    return torch.cat((features, torch.ones(len(features), 1, dtype=features.dtype)), dim=1)
