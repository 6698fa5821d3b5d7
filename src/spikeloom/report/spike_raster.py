"""Spikes of all layers while images are shown one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from spikeloom.nn import record
from spikeloom.report._figure import BLUE, INK, ORANGE, new_figure, tidy
from spikeloom.training import TrainingConfig, encode

_MOST_NEURONS = 120


@dataclass(frozen=True)
class Response:
    """A network's activity: `images` [B, C, H, W], `spikes` by layer [T, B, neurons], `outputs` [T, B, classes]."""

    images: Tensor
    labels: Tensor
    spikes: dict[str, Tensor]
    outputs: Tensor


@torch.no_grad()
def respond(model: nn.Module, images: Tensor, labels: Tensor, *, config: TrainingConfig) -> Response:
    """Show the images to the network in evaluation mode and keep every spike."""
    was_training = model.training
    model.eval()
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    generator = torch.Generator().manual_seed(config.seed)
    try:
        with record(model, "s") as trace:
            outputs = model(encode(images.to(device), config.encoder, steps=config.steps, generator=generator))
    finally:
        model.train(was_training)
    kinds = {f"{name}.s": f"{name} ({type(module).__name__})" for name, module in model.named_modules()}
    spikes = {kinds[name]: value.flatten(2).cpu() for name, value in trace.items()}
    return Response(images, labels, spikes, outputs.cpu())


def one_of_each(labels: Tensor, classes: int) -> Tensor:
    """The index of the first example of each class that occurs.

    >>> one_of_each(torch.tensor([2, 0, 2, 1]), 3).tolist()
    [1, 3, 0]
    """
    found = [(labels == each).nonzero() for each in range(classes)]
    return torch.stack([each[0, 0] for each in found if len(each)])


def draw_spike_raster(response: Response, *, classes: Sequence[str]) -> Any:
    """A figure: images, a raster for each spiking layer, the read-out's potentials; time runs to the right."""
    rows = len(response.spikes)
    count = len(response.labels)
    figure = new_figure(max(7.0, 1.0 * count), 2.2 + 1.7 * rows + 2.2)
    heights = [1.0] + [1.7] * rows + [2.0]
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    axes = figure.add_subplot(grid[0])
    _thumbnails(axes, response, classes)
    for row, (name, spikes) in enumerate(response.spikes.items(), start=1):
        axes = figure.add_subplot(grid[row], sharex=axes)
        _raster(axes, spikes, name)
        _separate(axes, response, colour=BLUE)
        axes.tick_params(labelbottom=False)
    bottom = figure.add_subplot(grid[len(heights) - 1], sharex=axes)
    _readout(figure, bottom, response, classes)
    _separate(bottom, response, colour="white")
    bottom.set_xticks([index * response.outputs.shape[0] for index in range(count)])
    return figure


def _thumbnails(axes: Any, response: Response, classes: Sequence[str]) -> None:
    steps, count = response.outputs.shape[:2]
    predictions = response.outputs.mean(0).argmax(1)
    axes.set_xlim(-0.5, count * steps - 0.5)
    axes.axis("off")
    for index, image in enumerate(response.images):
        # Above its own columns of the rasters.
        place = axes.inset_axes((index * steps - 0.5, 0.0, steps, 1.0), transform=axes.transData)
        place.imshow(image.float().mean(0).cpu().numpy(), cmap="gray", vmin=0.0, vmax=1.0)
        place.axis("off")
        truth, guess = int(response.labels[index]), int(predictions[index])
        words = str(classes[guess]) if guess == truth else f"{classes[guess]}\n(is {classes[truth]})"
        place.set_title(words, fontsize=9, color=INK if guess == truth else ORANGE)


def _raster(axes: Any, spikes: Tensor, name: str) -> None:
    steps, count, neurons = spikes.shape
    chosen = torch.linspace(0, neurons - 1, min(neurons, _MOST_NEURONS)).round().long()
    picture = spikes[:, :, chosen].permute(2, 1, 0).reshape(len(chosen), count * steps)
    extent = (-0.5, count * steps - 0.5, len(chosen) + 0.5, 0.5)
    axes.imshow(picture.numpy(), cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest", extent=extent)
    shown = f"{len(chosen)} of {neurons:,} neurons" if len(chosen) < neurons else f"{neurons} neurons"
    mean = spikes.mean().item()
    tidy(axes, title=f"Layer {name}: {shown}, {mean:.3f} spikes per neuron and step", ylabel="neuron")


def _readout(figure: Any, axes: Any, response: Response, classes: Sequence[str]) -> None:
    steps, count, outputs = response.outputs.shape
    picture = response.outputs.permute(2, 1, 0).reshape(outputs, count * steps)
    extent = (-0.5, count * steps - 0.5, outputs - 0.5, -0.5)
    shown = axes.imshow(picture.numpy(), cmap="cividis", aspect="auto", interpolation="nearest", extent=extent)
    axes.set_yticks(range(outputs), [str(each) for each in classes])
    title = "Read-out: the class with the highest mean potential is the answer (true class outlined)"
    tidy(axes, title=title, xlabel=f"time (steps; {steps} for each image, from rest)", ylabel="class")
    axes.tick_params(axis="y", labelsize=7)
    bar = figure.colorbar(shown, ax=axes, location="bottom", shrink=0.4, aspect=40, pad=0.02)
    bar.set_label("membrane potential (1 = threshold of a spiking neuron)", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    for index, label in enumerate(response.labels.tolist()):
        axes.add_patch(_frame(index * steps - 0.5, label - 0.5, width=steps))


def _frame(left: float, low: float, *, width: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((left, low), width, 1.0, fill=False, edgecolor=ORANGE, linewidth=1.8)


def _separate(axes: Any, response: Response, *, colour: str) -> None:
    steps, count = response.outputs.shape[:2]
    for index in range(1, count):
        axes.axvline(index * steps - 0.5, color=colour, linewidth=0.8, alpha=0.7)
