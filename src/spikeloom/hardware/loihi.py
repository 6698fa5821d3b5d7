"""Converted networks in the whole numbers of the chip Loihi, and the cores that they take."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from ..conversion._absorb import WEIGHTS
from ..conversion._network import Converted
from ..conversion._operations import Kind
from ..conversion._sites import Site
from ..conversion._trace import place
from ..errors import ConversionError
from ..neurons import IF, Loihi

# Of the chip: compartments and bytes of synapses in a core, cores, bits of a threshold and of a bias.
_COMPARTMENTS, _BYTES, _CORES, _BIAS = 1024, 128 * 1024, 128, 4095
# Mantissas of thresholds, of at most 17 bits on the chip: fine enough, and so large that inputs still have room.
_FINE, _LARGEST = 1024, 1 << 15
_PASSING = (nn.Flatten, nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


class LoihiSite(Site):
    """Neurons that take whole numbers only. Shapes: [T, B, channels, ...] to the same. Raises: ConversionError."""

    def spikes(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        """What the neurons send."""
        if bool((x != x.round()).any()):
            do = "show spikes, [T, B, ...] with encoded=True, such as method.encode makes of inputs"
            raise ConversionError(
                "input of a network on Loihi", expected="spikes", got="values that stand still", do=do
            )
        return super().spikes(x, bias=bias, residual=residual)


@dataclass(frozen=True)
class LoihiCores:
    """Cores by layer, in the order in which they run, the input first; a layer's own are shared with no other.

    A core has 1024 compartments, of which a neuron with a soft reset takes two, and 128 KiB for synapses, of a byte
    each. Synapses of a convolution are counted one by one, axons and their tables not at all.
    """

    layers: dict[str, int]

    @property
    def total(self) -> int:
        """All of them; a chip has 128."""
        return sum(self.layers.values())


@torch.no_grad()
def on_loihi(converted: Converted) -> Converted:
    """A copy of a converted network, computed as the chip does: weights of 8 bits, whole potentials and thresholds.

    Weights of a layer become w 2^(6 + exponent), w even within 254, in units in which thresholds are 2^6 mantissa,
    for each channel where they differ; biases are 13 bits and an exponent of their own. The layer behind the last
    neurons has its weights rounded alike, and what it puts out keeps its unit. Inputs are spikes, [T, B, ...] with
    `encoded=True`.

    Raises: ConversionError for anything but layers of weights with neurons IF behind them: pooling takes synapses of
    its own, use strides. Source: as `sl.neurons.Loihi`; scales are chosen as ours. Neurons begin where those of the
    converted network do.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> x, method = torch.rand(64, 4), sl.conversion.RateCode()
    >>> chip = sl.hardware.on_loihi(sl.convert(model, x, method, steps=64))
    >>> chip(method.encode(x, 64), encoded=True).shape
    torch.Size([64, 3])
    """
    net = copy.deepcopy(converted)
    _check(net)
    for node, layer in _weighted(net):
        site, behind = _site_behind(net, node)
        whole, scale = _weights(layer.weight)
        if site is None:
            layer.weight.data = whole / scale
            continue
        values = site.neuron.param_values()
        theta, start = (torch.as_tensor(values[name]) for name in ("v_th", "v_rest"))
        exponent = _exponent(theta * scale)
        v_th = 64.0 * (theta * scale * 2.0**exponent).round()
        layer.weight.data = whole * 2.0 ** (6 + exponent)
        if layer.bias is not None:
            layer.bias.data = _biases(layer.bias / theta * v_th)
        neuron = Loihi(v_th=v_th, v_rest=(start / theta * v_th).round(), soft_reset=True)
        chip = LoihiSite(neuron, site.scale)
        chip.amplitude = site.amplitude
        net.sites[behind] = chip
    return net


def loihi_cores(converted: Converted) -> LoihiCores:
    """Cores that a converted network takes. Raises: ConversionError as `on_loihi`.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(600, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> sl.hardware.loihi_cores(sl.convert(model, torch.rand(64, 600), sl.conversion.RateCode(), steps=64)).layers
    {'input': 2, '0': 1, '2': 1}
    """
    _check(converted)
    (first,) = (node for node in converted.module.graph.nodes if node.op == "placeholder")
    layers = {"input": _cores(2 * _neurons(first), 0)}
    for node, layer in _weighted(converted):
        site, _ = _site_behind(converted, node)
        fan_in = layer.weight[0].numel()
        layers[str(node.target)] = _cores((1 if site is None else 2) * _neurons(node), fan_in * _neurons(node))
    return LoihiCores(layers)


def _cores(compartments: int, synapses: int) -> int:
    return max(math.ceil(compartments / _COMPARTMENTS), math.ceil(synapses / _BYTES))


def _neurons(node: fx.Node) -> int:
    return math.prod(node.meta["tensor_meta"].shape[1:])


def _weights(weight: Tensor) -> tuple[Tensor, float]:
    """Whole even numbers, and by how much they are larger than the weights."""
    scale = 254.0 / float(weight.abs().max().clamp(min=1e-12))
    return 2 * (weight * (scale / 2)).round(), scale


def _exponent(mantissas: Tensor) -> int:
    """The power of 2 by which weights and thresholds are multiplied so that rounded thresholds are fine enough."""
    fine = math.ceil(math.log2(_FINE / float(mantissas.min())))
    largest = math.floor(math.log2(_LARGEST / float(mantissas.max())))
    return min(max(min(fine, largest), -6), 7)


def _biases(bias: Tensor) -> Tensor:
    """Whole numbers of 13 bits times a power of 2."""
    unit = 2.0 ** max(0, math.ceil(math.log2(max(float(bias.abs().max()), 1.0) / _BIAS)))
    return (bias / unit).round() * unit


def _weighted(net: Converted) -> list[tuple[fx.Node, nn.Linear | nn.Conv2d]]:
    """Layers of weights in the order in which they run."""
    modules = dict(net.module.named_modules())
    called = [node for node in net.module.graph.nodes if node.op == "call_module"]
    return [(node, modules[str(node.target)]) for node in called if isinstance(modules[str(node.target)], WEIGHTS)]


def _site_behind(net: Converted, node: fx.Node) -> tuple[Site | None, str]:
    """The neurons that a layer feeds, and the name of their place."""
    for user in node.users:
        site = net.site(user)
        if site is not None:
            return site, user.name
    return None, ""


def _plain(site: Site) -> bool:
    """Whether it is one of IF with soft reset, which nothing adjusts."""
    neuron = site.neuron
    reset = type(neuron) is IF and bool(neuron.soft_reset)
    return type(site) is Site and reset and site.shift is None


def _check(net: Converted) -> None:
    """Nothing but layers of weights, each with plain neurons behind it but the last."""
    modules = dict(net.module.named_modules())
    wrong = []
    for node in net.module.graph.nodes:
        kind, site = net.operations[node.name].kind, net.site(node)
        if kind in (Kind.INPUT, Kind.OUTPUT, Kind.PLAIN):
            continue
        if kind is Kind.RECTIFIER:
            before = modules.get(str(node.all_input_nodes[0].target))
            unit = all((node.name, user.name) in net.absorbed for user in node.users)
            fits = isinstance(before, WEIGHTS) and site is not None and _plain(site) and unit
        else:
            module = modules.get(str(node.target)) if node.op == "call_module" else None
            flat = node.target in (torch.flatten, "flatten")
            fits = kind is Kind.LINEAR and site is None and (flat or isinstance(module, WEIGHTS + _PASSING))
        if not fits:
            wrong.append(f"{net.operations[node.name].label} at {place(node)}")
    if wrong:
        listed = "".join(f"\n  {each}" for each in wrong)
        do = "convert layers of weights and rectifiers by RateCode(), of single spikes and with no `adjusting`"
        raise ConversionError(f"{net.name} on Loihi", expected="layers of weights with IF behind", got=listed, do=do)
