"""How many cores of a chip a network of fully connected layers needs."""

from __future__ import annotations

from torch import nn

from ..conversion._network import Converted
from ..errors import ConversionError, ParameterError


def cores_of_layers(network: nn.Module, *, axons: int = 256, neurons: int = 256) -> dict[str, int]:
    """Cores for each layer of weights, where a core is a crossbar that so many axons share with so many neurons.

    Equation: ceil(inputs / axons) ceil(outputs / neurons): a layer with more inputs than axons is spread over cores
    whose neurons are added up. Layers do not share cores. `network` is the original or what `sl.convert` made of it.
    Raises: ParameterError; ConversionError for layers that are not fully connected, which a crossbar does not share.

    >>> import torch, spikeloom as sl
    >>> sl.hardware.cores_of_layers(torch.nn.Sequential(torch.nn.Linear(784, 300), torch.nn.Linear(300, 10)))
    {'0': 8, '1': 2}

    Source: the core of 256 x 256 synapses of Dang and Ben Abdallah 2020, "An efficient software-hardware design
    framework for spiking neural network systems", arXiv 2003.09847; how a layer is cut is not from the paper.
    """
    for name, size in (("axons", axons), ("neurons", neurons)):
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ParameterError(f"{name} of cores_of_layers", expected="a whole number >= 1", got=repr(size))
    found = {}
    for name, layer in (network.module if isinstance(network, Converted) else network).named_modules():
        if isinstance(layer, nn.Linear):
            found[name] = -(-layer.in_features // axons) * -(-layer.out_features // neurons)
        elif any(True for _ in layer.parameters(recurse=False)):
            do = "count fully connected networks; convolutions have layouts of their own"
            got = f"{name} ({type(layer).__name__})"
            raise ConversionError("network of cores_of_layers", expected="linear layers", got=got, do=do)
    return found
