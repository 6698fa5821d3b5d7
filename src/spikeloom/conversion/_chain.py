"""Converted perceptrons as chains of layers, which other simulators and chips take."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..errors import ConversionError
from ._network import Converted
from ._sites import Site


class Layer(NamedTuple):
    """Weights [n, before] for spikes of 1, biases a step, and thresholds and first potentials, [n] each.

    The last layer has neither of these: it adds up. A hard reset is to 0. `unit`, [] or [n], is what all of them are
    whole numbers of, where `quantised` has made them such. All in float64.
    """

    weight: Tensor
    bias: Tensor
    v_th: Tensor | None
    start: Tensor | None
    hard_reset: bool = False
    unit: Tensor | None = None


def chain(net: Converted) -> list[Layer]:
    """The layers of a perceptron of integrate-and-fire neurons. Raises: ConversionError."""
    layers: list[Layer] = []
    product: nn.Linear | None = None
    worth = torch.ones((), dtype=torch.float64)
    for node in net.module.graph.nodes:
        site = net.site(node)
        if node.op in ("placeholder", "output"):
            continue
        if site is not None and product is not None:
            layers.append(_spiking(net, product, worth, site))
            taken_up = any((node.name, user.name) in net.absorbed for user in node.users)
            worth = torch.ones((), dtype=torch.float64) if taken_up else site.amplitude.double()
            product = None
        elif node.op == "call_module" and isinstance(layer := net.module.get_submodule(str(node.target)), nn.Linear):
            if product is not None:
                _refuse(net, f"{node.target} after another layer of weights")
            product = layer
        elif node.op != "call_module" or not isinstance(layer, nn.Identity | nn.Dropout | nn.Flatten):
            _refuse(net, str(node.target))
    if product is None:
        _refuse(net, "no layer of weights at the end")
    assert product is not None
    layers.append(
        Layer(product.weight.detach().double() * worth, _bias(product), None, None, unit=_unit(product, worth))
    )
    return layers


def _spiking(net: Converted, product: nn.Linear, worth: Tensor, site: Site) -> Layer:
    if not site.binary:
        _refuse(net, f"{type(site).__name__} of {site.neuron!r}")
    values = site.neuron.param_values()
    v_th, start = (torch.as_tensor(values[name]).detach().double() for name in ("v_th", "v_rest"))
    shift = torch.zeros(()) if site.shift is None else site.shift
    size = (product.out_features,)
    bias = _bias(product) + shift.double()
    weight = product.weight.detach().double() * worth
    hard = not site.neuron.soft_reset
    return Layer(weight, bias, v_th.expand(size), start.expand(size), hard, _unit(product, worth))


def _unit(product: nn.Linear, worth: Tensor) -> Tensor | None:
    step = product._buffers.get("step")
    return None if step is None or bool((worth != 1).any()) else step.double().flatten().squeeze()


def _bias(product: nn.Linear) -> Tensor:
    if product.bias is None:
        return torch.zeros(product.out_features, dtype=torch.float64)
    return product.bias.detach().double()


def _refuse(net: Converted, got: str) -> None:
    expected = "linear layers with IF neurons between them"
    do = "convert a perceptron by RateCode(), without normalisation in its input"
    raise ConversionError(f"chain of {net.name}", expected=expected, got=got, do=do)
