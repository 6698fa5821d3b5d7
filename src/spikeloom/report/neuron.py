"""A neuron in a picture: its trace under a step of current, its f-I curve and, with two variables, its phase plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from spikeloom.errors import SpikeloomError
from spikeloom.neurons import Neuron
from spikeloom.parameters import Shown
from spikeloom.report._figure import BLUE, CYCLE, INK, ORANGE, new_figure, tidy
from spikeloom.report.neuron_run import Run, rates, run_neuron

_CURRENTS, _GRID = 41, 60
# A rate is counted over so many times the duration of the trace.
_LONGER = 5
# Variables beside the membrane potential that fit into a picture.
_MOST_VARIABLES = 4


def draw_neuron(neuron: Neuron, *, i: float | None = None, duration: float | None = None, title: str = "") -> Any:
    """A figure of a neuron; arguments as `run_neuron`. Works for a neuron of yours as for one of the catalogue.

    Raises: ParameterError, NonFiniteError.

    >>> import spikeloom as sl
    >>> figure = sl.plot.neuron(sl.LIF())
    >>> figure.savefig("lif.png")  # doctest: +SKIP
    """
    run = run_neuron(neuron, i=i, duration=duration)
    plane = _is_planar(neuron)
    figure = new_figure(11.0 if plane else 8.0, 4.2)
    figure.suptitle(title or _title(neuron), color=INK, fontsize=11)
    widths = [2, 1, 1] if plane else [2, 1]
    others = [name for name in run.states if name != main_variable(neuron)][:_MOST_VARIABLES]
    heights = [3, 1.7, 0.8] if others else [3, 0.8]
    grid = figure.add_gridspec(len(heights), len(widths), height_ratios=heights, width_ratios=widths)
    top = figure.add_subplot(grid[0, 0])
    _draw_trace(top, neuron, run)
    if others:
        _draw_others(figure.add_subplot(grid[1, 0], sharex=top), neuron, run, others)
    _draw_drive(figure.add_subplot(grid[-1, 0], sharex=top), neuron, run)
    _draw_rates(figure.add_subplot(grid[:, 1]), neuron, duration)
    if plane:
        _draw_plane(figure.add_subplot(grid[:, 2]), neuron, run)
    return figure


def _title(neuron: Neuron) -> str:
    text = repr(neuron)
    return text if len(text) < 100 else type(neuron).__name__


def main_variable(neuron: Neuron) -> str:
    """The membrane potential, or of a neuron without one the output or the first state."""
    if "v" in neuron.states:
        return "v"
    return neuron.output if neuron.output in neuron.states else next(iter(neuron.states), neuron.output)


def _labelled(name: str, unit: str) -> str:
    return name if unit == "1" else f"{name} ({unit})"


def _draw_trace(axes: Any, neuron: Neuron, run: Run) -> None:
    name = main_variable(neuron)
    values = run.states.get(name, run.output).double()
    axes.plot(run.times, values, color=BLUE, linewidth=1.0)
    if neuron.spiking:
        height = float(values.max()) + 0.12 * (float(values.max() - values.min()) or 1.0)
        axes.plot(run.spike_times, torch.full((len(run.spike_times),), height), "|", color=ORANGE, markersize=8)
    tidy(axes, ylabel=_labelled(name, neuron.states[name].unit if name in neuron.states else "1"))
    axes.tick_params(labelbottom=False)


def _draw_others(axes: Any, neuron: Neuron, run: Run, others: Sequence[str]) -> None:
    """The other variables, each between its smallest and its largest value."""
    for colour, name in zip(CYCLE, others, strict=False):
        value = run.states[name].double()
        low, span = float(value.min()), float(value.max() - value.min())
        label = f"{_labelled(name, neuron.states[name].unit)}: {low:.3g} to {low + span:.3g}"
        axes.plot(run.times, (value - low) / span if span else 0 * value, linewidth=1.0, label=label, color=colour)
    axes.legend(loc="upper left", fontsize=6, frameon=False, ncols=2, borderaxespad=0)
    axes.set_ylim(-0.1, 1.9)
    tidy(axes)
    axes.set_yticks([])
    axes.tick_params(labelbottom=False)


def _draw_drive(axes: Any, neuron: Neuron, run: Run) -> None:
    name, item = next(iter(neuron.inputs.items()))
    axes.plot(run.times, run.drive, color=INK, linewidth=1.0)
    tidy(axes, xlabel="time (ms)", ylabel=_labelled(name, item.unit))


def _draw_rates(axes: Any, neuron: Neuron, duration: float | None) -> None:
    name, item = next(iter(neuron.inputs.items()))
    shown = Shown(*neuron.shown)
    currents = torch.linspace(0.0, 2 * shown.i, _CURRENTS, dtype=torch.float64)
    longer = 1 if shown.pulses else _LONGER
    found = rates(neuron, currents, duration=longer * (shown.duration if duration is None else duration))
    axes.plot(currents, found, ".-", color=BLUE, markersize=3, linewidth=1.0)
    tidy(
        axes, title="rate (1/s)" if neuron.spiking else f"{neuron.output} at the end", xlabel=_labelled(name, item.unit)
    )


def _is_planar(neuron: Neuron) -> bool:
    """Whether its dynamics are those of two real variables."""
    if len(neuron.states) != 2 or any(state.dtype is not None for state in neuron.states.values()):
        return False
    origin = dict.fromkeys(neuron.states, torch.zeros(1, dtype=torch.float64))
    try:
        return set(_flow(neuron, origin, 0.0)) == set(neuron.states)
    except (NotImplementedError, SpikeloomError):
        return False


def _flow(neuron: Neuron, states: dict[str, Tensor], i: float) -> dict[str, Tensor]:
    """The derivative at given states under a constant input."""
    params = {name: torch.as_tensor(v, dtype=torch.float64).detach() for name, v in neuron.param_values().items()}
    inputs = dict.fromkeys(neuron.inputs, torch.zeros((), dtype=torch.float64))
    inputs[next(iter(inputs))] = torch.tensor(i, dtype=torch.float64)
    shape = next(iter(states.values())).shape
    return {name: slope.expand(shape) for name, slope in neuron.bind({**params, **inputs, **states}).slopes().items()}


def _draw_plane(axes: Any, neuron: Neuron, run: Run) -> None:
    """Trajectory, direction of the flow and nullclines while the current flows."""
    across, up = neuron.states
    x, y = run.states[across], run.states[up]
    columns, rows = _around(x), _around(y)
    plane = torch.meshgrid(columns, rows, indexing="xy")
    slopes = _flow(neuron, {across: plane[0], up: plane[1]}, float(run.drive[len(run.drive) // 2]))
    flow = (slopes[across].numpy(), slopes[up].numpy())
    axes.streamplot(columns.numpy(), rows.numpy(), *flow, color="0.85", linewidth=0.5, density=0.7, arrowsize=0.6)
    for name, colour in ((across, ORANGE), (up, INK)):
        if slopes[name].min() < 0 < slopes[name].max():
            axes.contour(*plane, slopes[name], levels=[0.0], colors=[colour], linewidths=1.0)
    axes.plot(x, y, color=BLUE, linewidth=0.8)
    tidy(axes, xlabel=_labelled(across, neuron.states[across].unit), ylabel=_labelled(up, neuron.states[up].unit))
    axes.set_title(f"nullclines of {across} (orange), {up} (black)", fontsize=8, loc="left")


def _around(values: Tensor) -> Tensor:
    low, high = float(values.min()), float(values.max())
    margin = 0.15 * (high - low) or 1.0
    return torch.linspace(low - margin, high + margin, _GRID, dtype=torch.float64)
