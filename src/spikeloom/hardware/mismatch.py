"""Analogue chips: every synapse and every threshold differs a little, and for good, from what was written."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..conversion._absorb import WEIGHTS
from ..conversion._network import Converted
from ..conversion._sites import Site
from ..errors import DTypeError, ParameterError


class Mismatch(nn.Module):
    """What a weight becomes on the chip: w factor, and first rounded to so many bits where `bits` are given.

    Rounded weights are whole multiples of the largest over 2^(bits - 1) - 1; gradients pass the rounding as if it were
    not there.

    >>> import torch
    >>> Mismatch(torch.tensor([1.1, 0.9]), bits=2)(torch.tensor([1.0, 0.2]))
    tensor([1.1000, 0.0000])
    """

    def __init__(self, factor: Tensor, bits: int | None = None) -> None:
        super().__init__()
        if bits is not None and bits < 2:
            raise ParameterError("bits of Mismatch", expected="2 or more, or None", got=bits)
        self.bits = bits
        self.register_buffer("factor", factor)

    factor: Tensor

    def forward(self, weight: Tensor) -> Tensor:
        """The weight that acts."""
        if self.bits is not None:
            step = weight.detach().abs().max().clamp(min=1e-30) / (2 ** (self.bits - 1) - 1)
            weight = weight + ((weight / step).round() * step - weight).detach()
        return weight * self.factor


def with_mismatch(
    converted: Converted, spread: float, *, generator: torch.Generator, bits: int | None = None
) -> Converted:
    """A copy of a converted network as it is on one analogue chip, drawn by the generator.

    Weights have so many `bits` and are multiplied by 1 + `spread` xi, thresholds by 1 + `spread` xi, not less than
    0.1, xi standard normal for each of them. Both stay as they are when the weights learn: `tune_spiking` with
    `Tandem()` then learns with the chip in the loop, forward on the chip, backward as if it were the network before
    conversion.

    Raises: ParameterError, DTypeError.
    Source: learning in the loop: Schmitt et al. 2017, arXiv 1703.01909; Ostrau, Homburg, Klarhorst, Thies and Rueckert
    2020, arXiv 2004.01656. The distribution is ours.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> x, generator = torch.rand(64, 4), torch.Generator().manual_seed(0)
    >>> chip = with_mismatch(sl.convert(model, x, "half-start", steps=8), 0.2, generator=generator, bits=6)
    >>> tuned = sl.conversion.tune_spiking(chip, x, model(x).argmax(1), gradient=sl.conversion.Tandem(), epochs=1)
    """
    if not isinstance(converted, Converted):
        raise DTypeError("with_mismatch", expected="a network made by sl.convert", got=type(converted).__name__)
    if not 0.0 <= spread < math.inf:
        raise ParameterError("spread of with_mismatch", expected="a finite number >= 0", got=spread)
    net = copy.deepcopy(converted)

    def factors(shape: torch.Size) -> Tensor:
        return (1.0 + spread * torch.randn(shape, generator=generator)).clamp(min=0.1)

    for layer in net.module.modules():
        if isinstance(layer, WEIGHTS):
            drawn = 1.0 + spread * torch.randn(layer.weight.shape, generator=generator)
            parametrize.register_parametrization(layer, "weight", Mismatch(drawn, bits))
            layer.requires_grad_(False)
    for site in net.sites.values():
        if isinstance(site, Site):
            features = _channels(net, site)
            values = site.neuron.param_values()
            site.neuron.v_th = torch.as_tensor(values["v_th"]) * factors(torch.Size([features]))
    return net


def _channels(net: Converted, site: Site) -> int:
    """Of the values of a site: a threshold for each neuron of a layer, or each channel of a map."""
    name = next(name for name, found in net.sites.items() if found is site)
    node = next(node for node in net.module.graph.nodes if node.name == name)
    return int(node.meta["tensor_meta"].shape[1])
