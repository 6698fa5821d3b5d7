"""The synapses of a projection in a picture: matrix, degrees, weights and delays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikeloom.errors import ParameterError
from spikeloom.network import Projection
from spikeloom.report._figure import BLUE, INK, ORANGE, expect, new_figure, tidy

# Rows and columns of the matrix at most; where there are more neurons, a cell is the sum over some of both.
_MOST_CELLS = 250


def draw_connectivity(projection: Projection, *, title: str = "") -> Any:
    """A figure of a projection: summed weights from sources (up) to targets (right), degrees, weights and delays.

    Raises: ParameterError where there is no synapse.

    >>> import spikeloom as sl
    >>> net = sl.network.Network()
    >>> cells = net.population(50, sl.CurrentLIF(), name="cells")
    >>> figure = sl.plot.connectivity(net.connect(cells, cells, sl.network.FixedInDegree(10)))
    """
    expect(projection, Projection)
    synapses = projection.synapses()
    if not len(synapses.pre):
        raise ParameterError(f"synapses of {projection.name}", expected="at least one", got="none")
    figure = new_figure(9.4, 4.4)
    words = title or f"{projection.name}: {len(synapses.pre):,} synapses, {projection.rule!r}"
    figure.suptitle(words if len(words) < 110 else f"{words[:107]}...", color=INK, fontsize=11)
    grid = figure.add_gridspec(3, 2, width_ratios=(1.5, 1.0))
    _matrix(figure, figure.add_subplot(grid[:, 0]), projection, synapses)
    panels = [figure.add_subplot(grid[row, 1]) for row in range(3)]
    in_degrees = np.bincount(synapses.post, minlength=len(projection.post))
    out_degrees = np.bincount(synapses.pre, minlength=len(projection.pre))
    _degrees(panels[0], in_degrees, out_degrees)
    _distribution(panels[1], synapses.weight, "weight")
    _distribution(panels[2], synapses.delay, "delay (ms)", step=projection.dt)
    for axes in panels:
        axes.locator_params(axis="x", nbins=5)
        axes.locator_params(axis="y", nbins=3)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    figure.align_ylabels(panels)
    return figure


def _matrix(figure: Any, axes: Any, projection: Projection, synapses: Any) -> None:
    n_pre, n_post = len(projection.pre), len(projection.post)
    # As many neurons in each cell: others would show a pattern of their own.
    down, across = -(-n_pre // _MOST_CELLS), -(-n_post // _MOST_CELLS)
    rows, columns = -(-n_pre // down), -(-n_post // across)
    cell = synapses.pre.astype(np.int64) // down * columns + synapses.post.astype(np.int64) // across
    total = np.bincount(cell, synapses.weight, minlength=rows * columns).reshape(rows, columns).astype(np.float64)
    shown = axes.imshow(
        total, **_colours(total), aspect="auto", interpolation="nearest",
        extent=(-0.5, columns * across - 0.5, rows * down - 0.5, -0.5),
    )  # fmt: skip
    axes.set(xlim=(-0.5, n_post - 0.5), ylim=(n_pre - 0.5, -0.5))
    thinned = down > 1 or across > 1
    each = f"sums over {down} x {across} neurons" if thinned else "a cell for each pair"
    post, pre = projection.post.population.name, projection.pre.population.name
    tidy(axes, title=f"Weights, {each}", xlabel=f"target in {post}", ylabel=f"source in {pre}")
    bar = figure.colorbar(shown, ax=axes, shrink=0.8, pad=0.02)
    bar.ax.tick_params(labelsize=8)
    bar.set_label("summed weight" if thinned else "weight", fontsize=9)


def _colours(total: NDArray[np.float64]) -> dict[str, Any]:
    """Red excites, blue inhibits; the few largest do not decide how the others look."""
    limit = float(np.quantile(np.abs(total[total != 0]), 0.995)) if total.any() else 1.0
    if total.min() >= 0:
        return {"cmap": "Reds", "vmin": 0.0, "vmax": limit}
    if total.max() <= 0:
        return {"cmap": "Blues_r", "vmin": -limit, "vmax": 0.0}
    return {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}


def _degrees(axes: Any, arriving: NDArray[Any], leaving: NDArray[Any]) -> None:
    for degrees, colour, name in ((arriving, BLUE, "in"), (leaving, ORANGE, "out")):
        label = f"{name}: {degrees.mean():.3g} ± {degrees.std():.3g}"
        values, edges = _histogram(degrees, 1.0)
        axes.stairs(values, edges, color=colour, linewidth=1.4, label=label)
    axes.set_xlim(left=max(0.0, axes.get_xlim()[0]))
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 0.97), borderaxespad=0.1)
    tidy(axes, xlabel="synapses of a neuron", ylabel="neurons")


def _distribution(axes: Any, values: NDArray[Any], name: str, *, step: float = 0.0) -> None:
    heights, edges = _histogram(values, step)
    axes.stairs(heights, edges, color=BLUE, fill=True, alpha=0.85)
    mean, deviation = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    words = f"all {mean:.4g}" if deviation < 1e-6 * max(abs(mean), 1e-12) else f"{mean:.4g} ± {deviation:.3g}"
    axes.text(0.98, 0.92, words, transform=axes.transAxes, ha="right", va="top", fontsize=8, color=INK)
    tidy(axes, xlabel=name, ylabel="synapses")


def _histogram(values: NDArray[Any], step: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """At most some dozen bins; whole multiples of a step, with values in the middle, where there is one."""
    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-6 * max(abs(low), abs(high)):
        # One bar, with space beside it.
        width = step or abs(low) / 20 or 0.5
        return np.histogram(values, low + width * (np.arange(22) - 10.5))
    if step:
        width = step * max(1, round((high - low) / step / 40))
        return np.histogram(values, np.arange(low - width / 2, high + width, width))
    return np.histogram(values, 40, (low, high))
