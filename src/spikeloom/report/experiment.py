"""Everything a run's report shows, measured on its test images, and the files it leaves."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from spikeloom.datasets import Dataset
from spikeloom.report._figure import save_figure
from spikeloom.report.learning_curve import draw_learning_curve
from spikeloom.report.page import write_page
from spikeloom.report.spike_raster import draw_spike_raster, one_of_each, respond
from spikeloom.report.weights import draw_weights
from spikeloom.training import (
    EpochMetrics,
    Evaluation,
    Operations,
    RunConfig,
    RunFolder,
    count_operations,
    encode,
    evaluate,
    spikes_per_sample,
)

_MEASURED = 200


@dataclass(frozen=True)
class Experiment:
    """A finished run as data; `spikes` holds for each spiking layer its spikes per image and its number of neurons."""

    config: RunConfig
    history: list[EpochMetrics]
    test: Evaluation
    spikes: dict[str, tuple[float, int]]
    operations: Operations
    measured: int
    environment: dict[str, str]

    @property
    def spikes_per_image(self) -> float:
        return sum(count for count, _ in self.spikes.values())


def measure(model: nn.Module, data: Dataset, *, config: RunConfig, history: list[EpochMetrics]) -> Experiment:
    """Measure accuracy on all test images, and spikes and operations on an even sample of at most 200 of them."""
    sample = torch.linspace(0, len(data.test) - 1, min(len(data.test), _MEASURED)).round().long()
    images, labels = data.test[sample]
    response = respond(model, images, labels, config=config.training)
    return Experiment(
        config=config,
        history=history,
        test=evaluate(model, data.test, config=config.training),
        spikes={name: _firing(spikes) for name, spikes in response.spikes.items()},
        operations=count_operations(model, _encoded(images, config)),
        measured=len(sample),
        environment={
            "Python": platform.python_version(),
            "PyTorch": torch.__version__,
            "machine": f"{platform.system()} {platform.machine()}",
            "threads": str(torch.get_num_threads()),
        },
    )


def write_report(model: nn.Module, data: Dataset, out: str | Path) -> Path:
    """Write `learning_curve.png`, `spike_raster.png`, `weights.png` and `report.html` into a finished run's
    folder `out`.

    Returns the path of the page, which holds its pictures and can be moved on its own.
    """
    folder = RunFolder(Path(out))
    config = folder.config()
    history = [EpochMetrics(**row) for row in folder.metrics()]
    experiment = measure(model, data, config=config, history=history)
    images, labels = data.test[one_of_each(data.test.labels, len(data.classes))]
    response = respond(model, images, labels, config=config.training)
    save_figure(draw_learning_curve(history), folder.path / "learning_curve.png")
    save_figure(draw_spike_raster(response, classes=data.classes), folder.path / "spike_raster.png")
    save_figure(draw_weights(model, shape=config.shape), folder.path / "weights.png")
    write_page(experiment, folder)
    return folder.report_path


def _encoded(images: Tensor, config: RunConfig) -> Tensor:
    training = config.training
    generator = torch.Generator().manual_seed(training.seed)
    return encode(images, training.encoder, steps=training.steps, generator=generator)


def _firing(spikes: Tensor) -> tuple[float, int]:
    return spikes_per_sample(spikes).mean().item(), spikes.shape[2]
