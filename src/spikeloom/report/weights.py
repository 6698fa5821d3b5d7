"""What the first layer looks for, and how large the weights of all layers are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from spikeloom.errors import ParameterError
from spikeloom.report._figure import CYCLE, new_figure, tidy

_MOST = 36


def draw_weights(model: nn.Module, *, shape: Sequence[int]) -> Any:
    """A figure of the first layer's weights as pictures beside the distribution of each layer's weights.

    Of many neurons, those with the largest norm are shown; several input channels are averaged. `shape` is
    (channels, height, width) of an image.

    >>> draw_weights(nn.Sequential(nn.Flatten(), nn.Linear(64, 5)), shape=(1, 8, 8)).axes[-1].get_xlabel()
    'weight (dimensionless)'
    """
    layers = [(name, each) for name, each in model.named_modules() if isinstance(each, (nn.Linear, nn.Conv2d))]
    if not layers:
        raise ParameterError("model of draw_weights", expected="a linear or convolution layer", got="none")
    figure = new_figure(10.0, 4.4)
    left, right = figure.subfigures(1, 2, width_ratios=(1.35, 1.0))
    _pictures(left, _fields(layers[0][1], shape), name=f"{layers[0][0]} ({type(layers[0][1]).__name__})")
    _distributions(right.subplots(), layers)
    return figure


def _fields(layer: nn.Linear | nn.Conv2d, shape: Sequence[int]) -> Tensor:
    weight: Tensor = layer.weight.detach().float().cpu()
    if isinstance(layer, nn.Conv2d):
        return weight.mean(1)
    if layer.in_features == math.prod(shape):
        return weight.reshape(-1, *shape).mean(1)
    return weight.unsqueeze(1)


def _pictures(figure: Any, fields: Tensor, *, name: str) -> None:
    strongest = fields.flatten(1).norm(dim=1).argsort(descending=True)[:_MOST]
    shown = fields[strongest.sort().values]
    limit = max(shown.abs().max().item(), 1e-12)
    columns = math.ceil(math.sqrt(len(shown)))
    grid = figure.subplots(math.ceil(len(shown) / columns), columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, field in zip(grid.flat, shown, strict=False):
        picture = axes.imshow(field.numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    which = "all" if len(shown) == len(fields) else f"the {len(shown)} strongest of"
    figure.suptitle(f"Layer {name}: {which} {len(fields)} neurons' weights", fontsize=11)
    bar = figure.colorbar(picture, ax=grid, shrink=0.8, pad=0.02)
    bar.set_label("weight (dimensionless)", fontsize=9)
    bar.ax.tick_params(labelsize=8)


def _almost_largest(values: Tensor) -> float:
    size = values.abs()
    return max(size.kthvalue(math.ceil(0.999 * len(size))).values.item(), 1e-12)


def _distributions(axes: Any, layers: list[tuple[str, nn.Linear | nn.Conv2d]]) -> None:
    values = [(name, layer.weight.detach().float().cpu().flatten()) for name, layer in layers]
    # The few largest weights would squeeze all others into one bin.
    limit = max(_almost_largest(each) for _, each in values)
    edges = torch.linspace(-limit, limit, 42)
    for (name, each), colour in zip(values, CYCLE * len(values), strict=False):
        density = torch.histogram(each.clamp(-limit, limit), edges, density=True).hist
        axes.stairs(density.numpy(), edges.numpy(), color=colour, linewidth=1.5, label=f"layer {name} ({len(each):,})")
    axes.set_yscale("log")
    axes.legend(fontsize=8, frameon=False)
    tidy(axes, title="Distribution of the weights", xlabel="weight (dimensionless)", ylabel="density (log scale)")
