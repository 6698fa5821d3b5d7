"""The report as one HTML file, pictures included."""

from __future__ import annotations

import base64
from dataclasses import asdict
from importlib import resources
from typing import TYPE_CHECKING, Any

from spikeloom.training import EnergyCost, RunFolder, class_accuracy, confusion_matrix
from spikeloom.training.folder import write_atomically

if TYPE_CHECKING:
    from spikeloom.report.experiment import Experiment


def write_page(experiment: Experiment, folder: RunFolder) -> None:
    """Fill the page's template with an experiment and with the PNG files that lie in the folder."""
    text = filled(
        "page",
        experiment=experiment,
        classes=_classes(experiment),
        confusion=_confusion(experiment),
        settings=_settings(experiment),
        energy=EnergyCost(),
        pictures={name: _embed(folder, name) for name in ("learning_curve", "spike_raster", "weights")},
        seconds=sum(row.seconds for row in experiment.history),
        run=folder.path.as_posix(),
    )
    write_atomically(folder.report_path, text.encode())


def filled(template: str, /, **values: Any) -> str:
    """A page's template with these values in it."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    pages = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(_read)
    )
    return pages.get_template(f"{template}.html.jinja").render(**values)


def _read(name: str) -> str:
    return resources.files("spikeloom.report").joinpath(name).read_text(encoding="utf-8")


def _classes(experiment: Experiment) -> list[tuple[str, float, int, int]]:
    """Name, accuracy, number correct and number of images of each class."""
    matrix = confusion_matrix(experiment.test.scores, experiment.test.labels)
    fractions = class_accuracy(experiment.test.scores, experiment.test.labels).tolist()
    names = experiment.config.classes
    right, total = matrix.diagonal().tolist(), matrix.sum(1).tolist()
    return list(zip(names, fractions, right, total, strict=True))


def _confusion(experiment: Experiment) -> list[tuple[str, list[tuple[int, float]]]]:
    """Rows of (class, cells of (count, fraction of the row))."""
    matrix = confusion_matrix(experiment.test.scores, experiment.test.labels)
    shares = matrix / matrix.sum(1, keepdim=True).clamp(min=1)
    cells = [list(zip(*row, strict=True)) for row in zip(matrix.tolist(), shares.tolist(), strict=True)]
    return list(zip(experiment.config.classes, cells, strict=True))


def _settings(experiment: Experiment) -> dict[str, Any]:
    config = experiment.config
    network = {} if config.network is None else asdict(config.network)
    return {name.replace("_", " "): value for name, value in {**network, **asdict(config.training)}.items()}


def _embed(folder: RunFolder, name: str) -> str:
    return base64.b64encode((folder.path / f"{name}.png").read_bytes()).decode()
