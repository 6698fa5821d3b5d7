"""The shape of a neuron, and what happens along it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from spikeloom.errors import ShapeError
from spikeloom.neurons import Morphology
from spikeloom.report._figure import CYCLE, INK, new_figure, tidy

# Line widths in points, from the thinnest to the thickest compartment.
_THIN, _THICK = 0.8, 9.0


def draw_morphology(morphology: Morphology, values: Tensor | None = None, *, label: str = "") -> Any:
    """A figure of the compartments as seen along the z axis, or, where they have no place in space, as a tree.

    Lines are as thick as the compartments are, up to a limit; colours tell the region or, where `values` [n] are given,
    those, beside a bar that `label` names. In a tree the way from the root goes to the right.

    >>> from spikeloom.neurons import Branch
    >>> cell = Morphology.soma_and_dendrites(20.0, [Branch(300.0, 2.0, 10), Branch(200.0, 1.0, 5)])
    >>> draw_morphology(cell, cell.distances(), label="distance (µm)").axes[0].get_xlabel()
    'distance from the middle of the root (µm)'
    """
    from matplotlib.collections import LineCollection

    if values is not None and values.shape != (len(morphology),):
        expected = f"[{len(morphology)}], one per compartment"
        raise ShapeError("values of draw_morphology", expected=expected, got=list(values.shape))
    figure = new_figure(7.0, 5.0)
    axes = figure.subplots()
    flat = morphology.ends is None
    lines = _tree_lines(morphology) if morphology.ends is None else morphology.ends[:, :, :2]
    width = (2.0 * morphology.diameter.sqrt()).clamp(_THIN, _THICK)
    segments = LineCollection(lines.tolist(), linewidths=width.tolist(), capstyle="round" if flat else "butt")
    axes.add_collection(segments)
    if values is None:
        _colour_by_region(figure, axes, segments, morphology)
    else:
        segments.set_array(values.detach().double().numpy())
        segments.set_cmap("viridis")
        figure.colorbar(segments, ax=axes, label=label, shrink=0.8)
    axes.autoscale_view()
    if flat:
        axes.set_yticks([])
        tidy(axes, xlabel="distance from the middle of the root (µm)")
        axes.spines["left"].set_visible(False)
    else:
        axes.set_aspect("equal")
        tidy(axes, xlabel="x (µm)", ylabel="y (µm)")
    return figure


def _colour_by_region(figure: Any, axes: Any, segments: Any, morphology: Morphology) -> None:
    names = morphology.regions
    colours = {name: CYCLE[k % len(CYCLE)] for k, name in enumerate(names)}
    segments.set_color([colours[name] for name in morphology.region])
    for name, colour in colours.items():
        axes.plot([], [], color=colour, linewidth=3, label=name)
    figure.legend(loc="outside right upper", fontsize=9, frameon=False, labelcolor=INK)


def _tree_lines(morphology: Morphology) -> Tensor:
    """Ends of each compartment [n, 2, 2]: distance to the right, one row for each tip."""
    parents, n = morphology.parent.tolist(), len(morphology)
    children: list[list[int]] = [[] for _ in range(n)]
    for k in range(1, n):
        children[parents[k]].append(k)
    height = [0.0] * n
    rows = 0
    # Children have larger indices than their parents, so a stack visits tips from top to bottom.
    pending = [0]
    order = []
    while pending:
        k = pending.pop()
        order.append(k)
        pending += children[k][::-1]
    for k in order:
        if not children[k]:
            height[k], rows = float(rows), rows + 1
    for k in reversed(range(n)):
        if children[k]:
            height[k] = sum(height[c] for c in children[k]) / len(children[k])
    at, half = morphology.distances(), morphology.length / 2
    y = torch.tensor(height, dtype=torch.float64)
    from_y = torch.tensor([height[max(p, 0)] for p in parents], dtype=torch.float64)
    start = torch.stack([at - half, from_y], dim=1)
    end = torch.stack([at + half, y], dim=1)
    return torch.stack([start, end], dim=1)
