"""A picture of a code: what goes in, the spikes, what comes out."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from spikeloom.report._figure import BLUE, INK, ORANGE, new_figure, tidy
from spikeloom.report.code_measure import CodeMeasure, kind_of_input


def draw_code(measured: CodeMeasure) -> Any:
    """A figure of what the encoder made of its test input; spikes of -1 are orange."""
    draw = {"values": _draw_values, "images": _draw_images, "video": _draw_video, "sound": _draw_sound}
    return draw.get(kind_of_input(measured.encoder), _draw_signal)(measured)


def _draw_values(measured: CodeMeasure) -> Any:
    """Spikes of a ramp of values, and what is decoded of every test value."""
    figure = new_figure(7.0, 2.4)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    encoder, values = measured.encoder, measured.values
    low, high = math.floor(values.min().item()), math.ceil(values.max().item())
    points = math.prod(encoder.features or (1,))
    ramp = torch.linspace(low, high, 21, dtype=torch.float64)
    ramp = ramp.view(-1, 1).expand(-1, points) if encoder.features else ramp.view(1, -1)
    with torch.no_grad():
        spikes = encoder(ramp, generator=torch.Generator().manual_seed(0))
    rows = spikes.flatten(1)
    _raster(left, rows, bottom_first=True)
    several = rows.shape[1] // len(ramp.flatten()) > 1 or points > 1
    tidy(left, xlabel="step", ylabel="value, neuron" if several else "value")
    left.set_yticks([0.5, rows.shape[1] - 0.5], [f"{low}", f"{high}"])
    _scatter(right, measured)
    return figure


def _draw_images(measured: CodeMeasure) -> Any:
    """The first image, its spikes, and what is decoded of it."""
    figure = new_figure(7.0, 2.2)
    first, middle, last = figure.subplots(1, 3, width_ratios=(2, 5, 2))
    _show(first, measured.values[0], "encoded")
    _raster(middle, measured.spikes[:, 0].flatten(1))
    tidy(middle, xlabel="step", ylabel="neuron")
    _show(last, measured.decoded[0], _decoded(measured))
    return figure


def _draw_video(measured: CodeMeasure) -> Any:
    """The first image sequence at its brightest, the spikes, what is decoded at that time."""
    figure = new_figure(7.0, 2.2)
    first, middle, last = figure.subplots(1, 3, width_ratios=(2, 5, 2))
    light = measured.values[:, 0].flatten(1).sum(1)
    step = int(light.argmax())
    _show(first, measured.values[step, 0], f"encoded, step {step}")
    _raster(middle, measured.spikes[:, 0].flatten(1))
    tidy(middle, xlabel="step", ylabel="neuron")
    _show(last, measured.decoded[step, 0], _decoded(measured))
    return figure


def _draw_signal(measured: CodeMeasure) -> Any:
    """The first signal with what is decoded of it, and its spikes below."""
    figure = new_figure(7.0, 2.8)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    upper.plot(measured.values[:, 0, 0].numpy(), color=INK, linewidth=1.4, label="encoded")
    upper.plot(measured.decoded[:, 0, 0].numpy(), color=BLUE, linewidth=1.0, label=_decoded(measured))
    upper.legend(fontsize=8, frameon=False, loc="upper right", ncols=2, bbox_to_anchor=(1.0, 1.25))
    tidy(upper)
    spikes = measured.spikes[:, 0]
    # Channels of the first signal: an axis before the signals in codes of changes, behind them where neurons are tuned.
    signals = measured.values.shape[2]
    axis = next(i for i in range(1, spikes.ndim) if spikes.shape[i] == signals)
    _raster(lower, spikes.select(axis, 0).reshape(len(spikes), -1), bottom_first=True)
    tidy(lower, xlabel="step", ylabel="neuron")
    lower.set_yticks([])
    return figure


def _draw_sound(measured: CodeMeasure) -> Any:
    """How often each channel fires for tones of rising frequency, and what is decoded of them."""
    figure = new_figure(7.0, 2.4)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    counts = measured.spikes.sum(0).T
    extent = (0.0, 1.0, 0.0, len(counts))
    left.imshow(counts.numpy(), cmap="Greys", origin="lower", aspect="auto", interpolation="nearest", extent=extent)
    tidy(left, xlabel="frequency of the tone", ylabel="channel")
    _scatter(right, measured)
    return figure


def _raster(axes: Any, spikes: Tensor, *, bottom_first: bool = False) -> None:
    """Spikes [time, rows], one row per neuron."""
    from matplotlib.colors import ListedColormap

    picture = spikes.T.numpy()
    ends = (0.0, spikes.shape[1])
    extent = (-0.5, spikes.shape[0] - 0.5, *(ends if bottom_first else reversed(ends)))
    signed = bool((spikes == spikes.sign()).all())
    colours: Any = ListedColormap([ORANGE, "white", INK]) if signed else "Greys"
    lowest = -1.0 if signed else 0.0
    origin = "lower" if bottom_first else "upper"
    look = {"cmap": colours, "vmin": lowest, "vmax": 1.0, "origin": origin, "extent": extent}
    axes.imshow(picture, aspect="auto", interpolation="nearest", **look)


def _scatter(axes: Any, measured: CodeMeasure) -> None:
    values, decoded = measured.values.flatten().numpy(), measured.decoded.flatten().numpy()
    ends = [values.min(), values.max()]
    axes.plot(ends, ends, color="#bbbbbb", linewidth=1.0)
    axes.plot(values, decoded, ".", color=BLUE, markersize=2.0)
    tidy(axes, xlabel="encoded", ylabel=_decoded(measured))


def _show(axes: Any, image: Tensor, title: str) -> None:
    axes.imshow(image.numpy(), cmap="gray", vmin=0.0, vmax=1.0)
    axes.set_title(title, fontsize=9, color=INK)
    axes.axis("off")


def _decoded(measured: CodeMeasure) -> str:
    return "decoded" if measured.own else "decoded (linear)"
