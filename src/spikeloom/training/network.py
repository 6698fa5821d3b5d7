"""Build the classifier that a `NetworkConfig` describes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from spikeloom.errors import ParameterError
from spikeloom.neurons import LIF, LeakyIntegrator
from spikeloom.nn import Sequential
from spikeloom.training.configuration import NetworkConfig

_KERNEL = 3
_POOL = 2


def build_network(config: NetworkConfig, *, shape: Sequence[int], classes: int, seed: int = 0) -> Sequential:
    """Blocks of convolution and LIF, blocks of linear layer and LIF, then a linear layer with a leaky read-out.

    The image is halved after the last convolution by maximum pooling: the maximum of 0/1 spikes is a spike, where a
    mean would be none. Batch normalisation over time and batch keeps the currents near the threshold: without it the
    network with two convolutions stayed 2 to 6 points below on held-out digits.

    Shapes: `shape` is (channels, height, width) of an image; the network maps [T, B, *shape] to potentials
    [T, B, classes]. The same `seed` gives the same weights; the caller's random state is left alone.

    >>> build_network(NetworkConfig(hidden=(32,)), shape=(1, 8, 8), classes=10)[-1]
    LeakyIntegrator(...)
    """
    channels, height, width = shape
    if config.channels and min(height, width) < _POOL:
        raise ParameterError("network.channels", expected="none for images this small", got=config.channels)
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for out in config.channels:
            convolution = nn.Conv2d(channels, out, _KERNEL, padding=_KERNEL // 2, bias=False)
            layers += [convolution, nn.BatchNorm2d(out), LIF(tau_mem=config.tau_mem)]
            channels = out
        if config.channels:
            layers.append(nn.MaxPool2d(_POOL))
            height, width = height // _POOL, width // _POOL
        layers.append(nn.Flatten())
        features = channels * height * width
        for out in config.hidden:
            layers += [nn.Dropout(config.dropout)] if len(layers) > 1 and config.dropout else []
            layers += [nn.Linear(features, out, bias=False), nn.BatchNorm1d(out), LIF(tau_mem=config.tau_mem)]
            features = out
        layers += [nn.Dropout(config.dropout)] if config.hidden and config.dropout else []
        layers += [nn.Linear(features, classes), LeakyIntegrator(tau_mem=config.tau_mem)]
    return Sequential(*layers)
