"""The report: its pictures show what they say, its page stands alone, its figures are the measured ones."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from torch import nn

import spikeloom as sl
from spikeloom.datasets import Dataset
from spikeloom.errors import ParameterError
from spikeloom.report import (
    draw_learning_curve,
    draw_spike_raster,
    draw_weights,
    measure,
    one_of_each,
    respond,
    write_report,
)
from spikeloom.training import EpochMetrics, NetworkConfig, RunFolder, TrainingConfig, build_network, evaluate, fit

NETWORK = NetworkConfig(channels=(4,), hidden=(12,))
TRAINING = TrainingConfig(epochs=2, steps=3)
PICTURES = ("learning_curve.png", "spike_raster.png", "weights.png")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return sl.datasets.load("digits")


@pytest.fixture(scope="module")
def finished(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, RunFolder]:
    folder = RunFolder(tmp_path_factory.mktemp("run") / "a <run>")
    model = build_network(NETWORK, shape=(1, 8, 8), classes=10)
    fit(model, digits, config=TRAINING, network=NETWORK, out=folder.path)
    write_report(model, digits, folder.path)
    return model, folder


class Balance(HTMLParser):
    """Open tags that were never closed, and addresses that the page would fetch."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone(finished: tuple[nn.Module, RunFolder]) -> None:
    _, folder = finished
    page = folder.report_path.read_text()
    reader = Balance()
    reader.feed(page)
    assert reader.open == []
    assert len(reader.fetched) == len(PICTURES)
    embedded = {base64.b64decode(address.removeprefix("data:image/png;base64,")) for address in reader.fetched}
    assert embedded == {(folder.path / name).read_bytes() for name in PICTURES}


def test_the_page_shows_what_was_measured(finished: tuple[nn.Module, RunFolder], digits: Dataset) -> None:
    model, folder = finished
    page = re.sub(r"\s+", " ", folder.report_path.read_text())
    history = [EpochMetrics(**row) for row in folder.metrics()]
    experiment = measure(model, digits, config=folder.config(), history=history)
    assert f"<b>{100 * experiment.test.accuracy:.2f} %</b>" in page
    assert f"<b>{experiment.spikes_per_image:,.0f}</b><span>spikes per image" in page
    assert f"<b>{experiment.operations.synaptic:,.0f}</b>" in page
    assert f"<b>{experiment.operations.macs:,.0f}</b>" in page
    # The name of a folder is text, never markup.
    assert "a &lt;run&gt;" in page and "a <run>" not in page


def test_the_figures_of_an_experiment(finished: tuple[nn.Module, RunFolder], digits: Dataset) -> None:
    model, folder = finished
    experiment = measure(model, digits, config=folder.config(), history=[])
    assert experiment.test.accuracy == evaluate(model, digits.test, config=TRAINING).accuracy
    # 4 kernels of 9 weights on 64 pixels less the edges (22 of 24 rows and columns), 4 x 16 to 12, 12 to 10.
    assert experiment.operations.macs == 4 * 22 * 22 + 64 * 12 + 12 * 10
    assert [neurons for _, neurons in experiment.spikes.values()] == [4 * 64, 12]
    assert all(0 <= count <= neurons * TRAINING.steps for count, neurons in experiment.spikes.values())


def test_every_spike_is_recorded(finished: tuple[nn.Module, RunFolder], digits: Dataset) -> None:
    model, _ = finished
    images, labels = digits.test[:5]
    response = respond(model, images, labels, config=TRAINING)
    assert [name.split()[1] for name in response.spikes] == ["(LIF)", "(LIF)"]
    assert [tuple(spikes.shape) for spikes in response.spikes.values()] == [(3, 5, 256), (3, 5, 12)]
    hidden = list(response.spikes.values())[-1]
    with torch.no_grad():
        potentials = model.eval()[-1](model[-2](hidden))  # type: ignore[index,operator]
    torch.testing.assert_close(potentials, response.outputs)


def test_the_pictures_have_labelled_axes(finished: tuple[nn.Module, RunFolder], digits: Dataset) -> None:
    model, folder = finished
    curve = draw_learning_curve([EpochMetrics(**row) for row in folder.metrics()])
    assert [axes.get_ylabel() for axes in curve.axes] == ["cross-entropy (nats)", "accuracy (%)"]
    images, labels = digits.test[one_of_each(digits.test.labels, 10)]
    raster = draw_spike_raster(respond(model, images, labels, config=TRAINING), classes=digits.classes)
    titles = [axes.get_title(loc="left") for axes in raster.axes]
    assert any("120 of 256 neurons" in title for title in titles)
    assert any("12 neurons" in title for title in titles)
    assert "weight (dimensionless)" in [axes.get_xlabel() for axes in draw_weights(model, shape=(1, 8, 8)).axes]


def test_wrong_answers_are_marked(digits: Dataset) -> None:
    model = build_network(NETWORK, shape=(1, 8, 8), classes=10)
    images, labels = digits.test[:4]
    response = respond(model, images, (labels + 1) % 10, config=TRAINING)
    figure = draw_spike_raster(response, classes=digits.classes)
    words = [inset.get_title() for inset in figure.axes[0].child_axes]
    guesses = response.outputs.mean(0).argmax(1)
    assert sum("(is " in word for word in words) == int((guesses != response.labels).sum())


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Flatten(), nn.Linear(64, 3)),
        nn.Sequential(nn.Linear(5, 100)),
        nn.Conv2d(3, 7, 5),
        nn.Linear(64, 1),
    ],
)
def test_weights_of_many_shapes(model: nn.Module, tmp_path: Path) -> None:
    draw_weights(model, shape=(1, 8, 8)).savefig(tmp_path / "weights.png")


def test_a_model_without_weights_is_refused() -> None:
    with pytest.raises(ParameterError, match="linear or convolution"):
        draw_weights(nn.Sequential(nn.Flatten()), shape=(1, 8, 8))


def test_a_network_built_in_python_is_reported_without_a_command(digits: Dataset, tmp_path: Path) -> None:
    model = sl.nn.Sequential(
        nn.Flatten(), nn.Linear(64, 20), sl.LIF(tau_mem=2.0), nn.Linear(20, 10), sl.LeakyIntegrator()
    )
    fit(model, digits, config=TrainingConfig(epochs=1), out=tmp_path)
    page = write_report(model, digits, tmp_path).read_text()
    assert "spikeloom evaluate" not in page
