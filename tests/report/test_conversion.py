"""The page of a conversion says what was measured, holds its pictures, and refuses folders that cannot be made."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import Conversion
from spikeloom.errors import DTypeError, ParameterError
from spikeloom.report import draw_conversion, draw_places, write_conversion


def network() -> tuple[nn.Sequential, Tensor]:
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 2), nn.ReLU(), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(24, 5)), torch.rand(80, 1, 8, 8)


@pytest.fixture(scope="module")
def found() -> Conversion:
    model, x = network()
    labels = model(x).argmax(1)
    return sl.conversion.measure(sl.convert(model, x, "percentile", steps=12), model, x, labels)


def test_spikes_behind_a_maximum_are_counted_as_spikes(found: Conversion) -> None:
    """Only the first layer multiplies, and that once: 36 outputs of 9 weights in each of 4 channels."""
    assert found.dense == 36 * 9 * 4
    assert found.macs == found.dense + 6 * 4 * 4 * 4 + 24 * 5
    assert found.energy_spiking == pytest.approx(4.6 * found.dense + 0.9 * found.synaptic)


def test_the_page_tells_what_was_measured(found: Conversion, tmp_path: Path) -> None:
    found = replace(found, accuracy=[0.5] * 6 + [0.985] * 6, original=0.99, uncounted=["odd <layer>"])
    page = write_conversion(found, tmp_path / "a" / "b", name="A <b>", settings={"method": "percentile"})
    text = page.read_text()
    assert "<title>Spikeloom conversion: A &lt;b&gt;</title>" in text and "odd &lt;layer&gt;" in text
    assert "98.50 %" in text and "99.00 %" in text and "7 (suggested)" in text
    (limiting,) = re.findall(r'<tr class="limiting">\s*<th scope="row">(.*?)<br>limits the most', text)
    assert limiting == next(site.operation for site in found.sites if site.name == found.limiting)
    assert "4.6 pJ" in text and "0.9 pJ" in text and "Horowitz" in text and "are left out" in text
    assert text.count("data:image/png;base64,") == 2
    # Nothing is loaded from elsewhere.
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert sorted(path.name for path in page.parent.iterdir()) == ["report.html", "report.json"]
    kept = json.loads((page.parent / "report.json").read_text())
    assert kept["suggested"] == 7 and kept["cost"] == {"mac": 4.6, "accumulate": 0.9}
    assert kept["sites"][0]["rate"] == found.sites[0].rate
    assert text.count("spikes vanish<") == len(kept["vanishing"]) == len(found.vanishing)


def test_without_labels_or_neurons(found: Conversion, tmp_path: Path) -> None:
    text = write_conversion(replace(found, accuracy=[], original=None), tmp_path).read_text()
    assert "accuracy" not in re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL).replace("Accuracy and", "")
    model = nn.Linear(4, 3)
    x = torch.rand(10, 4)
    text = write_conversion(sl.conversion.measure(sl.convert(model, x, steps=1), model, x), tmp_path).read_text()
    assert "there are no neurons" in text


def test_a_suggestion_that_is_not_there_is_not_made(found: Conversion, tmp_path: Path) -> None:
    found = replace(found, accuracy=[0.5] * 12, original=0.99)
    assert found.suggested is None
    text = write_conversion(found, tmp_path).read_text()
    assert "more than 12" in text and "(suggested)" not in text
    first, second = draw_conversion(found).axes
    assert not first.texts and not second.texts


def test_curves_are_those_measured(found: Conversion) -> None:
    accuracy, agreement = draw_conversion(found).axes
    assert accuracy.lines[0].get_ydata() == pytest.approx([100 * value for value in found.accuracy])
    assert agreement.lines[0].get_ydata() == pytest.approx([100 * value for value in found.agreement])
    widths = [bar.get_width() for bar in draw_places(found).axes[0].patches]
    assert widths[:2] == pytest.approx([100 * site.error for site in found.sites])


def test_bad_input(found: Conversion, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match="output folder"):
        write_conversion(found, tmp_path / "file")
    for draw in (draw_conversion, draw_places):
        with pytest.raises(DTypeError, match="Conversion"):
            draw({})
