"""Weights, biases and thresholds of converted networks as whole numbers of steps."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, fx, nn

from ..errors import ConversionError, DTypeError, ParameterError, UnknownNameError
from ._absorb import WEIGHTS, factor_of, layers_from
from ._network import Converted
from ._operations import Kind
from ._opposite import Opposite
from ._sites import Site

Each = Literal["layer", "channel"]
# Significant binary digits of a step: few, so that sums of steps are exact.
_DIGITS = 4
# Bits of what convolutions of spikes multiply fastest.
_BYTE = 8
# How many factors of two are tried, from one above the largest weight's share downwards.
_OCTAVES = 4


def quantised(converted: Converted, bits: int = 8, *, each: Each = "channel") -> Converted:
    """A copy of a converted network with weights of so many bits, and biases and thresholds in the same units.

    Equation: w <- step round(w / step), cut at +-(2^(bits - 1) - 1) steps, with the step of least squared error, for
    each `layer` or each output `channel`; where neurons follow the layer, their thresholds and first potentials are
    whole numbers of the layer's steps, too, and spikes are worth what their threshold has become. Biases and thresholds
    have as many bits as they need. A layer's steps are its buffer `step`: weight / step are integers.
    A step has 4 significant binary digits. So sums of up to 2^20 steps are exact in single precision, and the network
    does, spike for spike, what integers do, for inputs that are spikes or of few binary digits. Additions of layers
    with different steps, functions other than rectifiers, and layers used more than once keep thresholds as they are.
    Raises: DTypeError, ParameterError unless 2 <= bits <= 16, UnknownNameError, ConversionError for other layers with
    weights.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> spiking = sl.conversion.quantised(sl.convert(model, torch.rand(64, 4), steps=64), bits=4)
    >>> layer = spiking.module.get_submodule("0")
    >>> sorted(set((layer.weight / layer.step).flatten().tolist()) - set(range(-7, 8)))
    []
    """
    if not isinstance(converted, Converted):
        raise DTypeError("quantised", expected="a network made by sl.convert", got=type(converted).__name__)
    net = copy.deepcopy(converted)
    modules = dict(net.module.named_modules())
    _check_layers(net, modules)
    done = set[nn.Module]()
    used = Counter(str(node.target) for node in net.module.graph.nodes if node.op == "call_module")
    for node in net.module.graph.nodes:
        layer = modules.get(str(node.target)) if node.op == "call_module" else None
        if not isinstance(layer, WEIGHTS) or layer in done:
            continue
        done.add(layer)
        step = _quantise(layer, bits, each)
        site = _site_behind(net, node)
        if site is not None and used[str(node.target)] == 1:
            ratio = _quantise_site(site, step.flatten() if step.dim() else step)
            _scale_behind(net, next(iter(node.users)), modules, ratio)
    return net


def quantisation_step(weight: Tensor, bits: int, *, each: Each = "channel") -> Tensor:
    """The step of least squared error of weights [outputs, ...], for all, [], or for each output, [outputs, 1, ...].

    Its candidates are numbers of 4 significant binary digits around the share of one level in the largest weight.
    Raises: ParameterError, UnknownNameError.

    >>> import torch, spikeloom as sl
    >>> sl.conversion.quantisation_step(torch.tensor([[0.5, -0.25], [3.0, 1.0]]), bits=3).flatten().tolist()
    [0.25, 1.0]
    """
    if isinstance(bits, bool) or not isinstance(bits, int) or not 2 <= bits <= 16:
        raise ParameterError("bits of weights", expected="a whole number from 2 to 16", got=repr(bits))
    if each not in get_args(Each):
        raise UnknownNameError("each of quantised", str(each), get_args(Each))
    rows = weight.detach().flatten(1) if each == "channel" else weight.detach().reshape(1, -1)
    top = (1 << (bits - 1)) - 1
    highest = rows.abs().amax(1, keepdim=True) / top
    # A channel without weights has any step.
    highest = torch.where(highest > 0, highest, torch.ones_like(highest))
    mantissa, exponent = torch.frexp(highest)
    octave = 1 << (_DIGITS - 1)
    first = (mantissa * 2 * octave).ceil().to(exponent.dtype) - octave
    best, least = highest, torch.full_like(highest, float("inf"))
    for fewer in range(_OCTAVES * octave):
        place = first + octave - fewer
        whole, down = place.remainder(octave) + octave, place.div(octave, rounding_mode="floor")
        step = torch.ldexp(whole.to(rows.dtype), exponent - _DIGITS + down)
        error = (rounded(rows, step, top) - rows).square().sum(1, keepdim=True)
        best, least = torch.where(error < least, step, best), torch.minimum(error, least)
    return best.view(-1, *[1] * (weight.dim() - 1)) if each == "channel" else best.view(())


def _check_layers(net: Converted, modules: Mapping[str, nn.Module]) -> None:
    """Whether all weights are those of layers that can be quantised."""
    other = [
        f"{name} ({type(module).__name__})"
        for name, module in modules.items()
        if not isinstance(module, WEIGHTS) and any(True for _ in module.parameters(recurse=False))
    ]
    other += [str(node.target) for node in net.module.graph.nodes if node.op == "get_attr"]
    if other:
        expected = "weights in linear layers and convolutions only"
        do = "normalise before rectifiers, so that batch normalisation is folded, or leave these layers out"
        raise ConversionError("network to be quantised", expected=expected, got=", ".join(other), do=do)


def rounded(weight: Tensor, step: Tensor, top: int) -> Tensor:
    """The nearest whole numbers of steps, at most `top` of them."""
    return step * (weight / step).round().clamp(-top, top)


@torch.no_grad()
def _quantise(layer: nn.Module, bits: int, each: Each) -> Tensor:
    """The layer's weights and biases, changed in place; its steps, [] or [outputs, 1, ...]."""
    weight, bias = layer.weight, layer.bias
    assert isinstance(weight, Tensor)
    step = quantisation_step(weight, bits, each=each)
    layer.weight = nn.Parameter(rounded(weight, step, (1 << (bits - 1)) - 1), requires_grad=False)
    if isinstance(bias, Tensor):
        layer.bias = nn.Parameter(_whole(bias, step.flatten() if step.dim() else step), requires_grad=False)
    layer.register_buffer("step", step)
    if bits <= _BYTE:
        layer.register_buffer("whole", (layer.weight / step).to(torch.int8))
    return step


def _site_behind(net: Converted, node: fx.Node) -> Site | None:
    """The neurons that take the layer's output and nothing else, if their spikes count and have one size."""
    users = list(node.users)
    if len(users) != 1 or net.operations[users[0].name].kind is not Kind.RECTIFIER:
        return None
    site = net.site(users[0])
    return site if type(site) in (Site, Opposite) else None


def _quantise_site(site: Site, step: Tensor) -> Tensor:
    """Thresholds in whole steps, [] or [channels]; what a spike is worth, as a ratio to what it was."""
    neurons = [site.neuron, *([site.other] if isinstance(site, Opposite) else [])]
    for neuron in neurons:
        given = neuron.param_values()
        for name in ("v_th", "v_rest", "v_neg"):
            if name in given and float(torch.as_tensor(given[name]).abs().max()) > 0.0:
                value = _whole(torch.as_tensor(given[name], dtype=step.dtype, device=step.device), step)
                setattr(neuron, name, value if name == "v_rest" else torch.maximum(value, step))
    theta = torch.as_tensor(site.neuron.param_values()["v_th"])
    ratio = theta / site.scale
    site.scale, site.amplitude = theta.clone(), site.amplitude * ratio
    if site.shift is not None:
        site.shift = _whole(site.shift, step)
    return ratio


def _scale_behind(net: Converted, fired: fx.Node, modules: dict[str, nn.Module], ratio: Tensor) -> None:
    """Weights that have the worth of spikes in them take it up anew."""
    for user in fired.users:
        for behind in layers_from(user, modules) or [] if (fired.name, user.name) in net.absorbed else []:
            layer = modules[str(behind.target)]
            factor = factor_of(ratio, layer)
            assert factor is not None and isinstance(layer.weight, Tensor)
            layer.weight = nn.Parameter(layer.weight * factor, requires_grad=False)


def _whole(x: Tensor, step: Tensor) -> Tensor:
    return step * (x / step).round()
