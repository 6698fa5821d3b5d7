"""The page of codes: its figures are the measured ones, it shows every encoder, its pictures are small."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from spikeloom.coding import Bernoulli, Direct, Encoder, LinearLatency, Regular, Signed, catalogue, regular
from spikeloom.report import measure_code, write_codes
from spikeloom.report.code_picture import draw_code
from spikeloom.report.codes import codes_page

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    assert len(list(write_codes(folder))) == len(catalogue()) + 1
    return folder


@pytest.mark.parametrize(
    ("encoder", "rmse", "spikes"),
    [
        # Up to 1/T too small or too large, evenly: 1 / (sqrt(3) T).
        (Regular(16), 1 / 16 / math.sqrt(3), 7.5),
        (LinearLatency(16), 1 / 16 / math.sqrt(3), 1.0),
        # The mean over x of x (1 - x) / T is 1 / (6 T); 640 values give it to 3 %.
        (Bernoulli(16), math.sqrt(1 / 96), 8.0),
        (Signed(Regular(16)), 1 / 16 / math.sqrt(3), 7.5),
        (Direct(4), 0.0, math.nan),
    ],
    ids=["regular", "latency", "bernoulli", "signed", "direct"],
)
def test_what_is_measured_is_what_theory_says(encoder: Encoder, rmse: float, spikes: float) -> None:
    measured = measure_code(encoder)
    assert measured.own
    assert measured.rmse == pytest.approx(rmse, rel=0.1, abs=1e-9)
    assert measured.spikes_per_value == pytest.approx(spikes, rel=0.03, nan_ok=True)
    width = 2.0 if encoder.low == -1.0 else 1.0
    assert measured.loss == pytest.approx(measured.rmse * math.sqrt(12) / width, rel=0.01)


class Undecoded(Encoder):
    """A regular code that keeps how to decode it to itself."""

    low, high = 0.0, 1.0

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return regular(x, 16)


class Mute(Undecoded):
    """No spikes."""

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.zeros(4, *x.shape, dtype=x.dtype)


def test_the_linear_decoder_finds_what_there_is() -> None:
    measured = measure_code(Undecoded())
    assert not measured.own
    # A fitted line also takes away the half spike that counting floors: less than the own decoder's error.
    assert measured.rmse < 1 / 16 / math.sqrt(3)


def test_the_linear_decoder_does_not_see_what_it_is_to_find() -> None:
    assert measure_code(Mute()).loss == pytest.approx(1.0, abs=0.05)


def test_every_encoder_has_a_row_and_a_small_picture(written: Path) -> None:
    page = (written / "coding.md").read_text()
    for name in catalogue():
        assert f"| [{name}](#{name.lower()}) |" in page and f"\n## {name}\n" in page
        picture = (written / "coding" / f"{name}.png").read_bytes()
        assert picture.startswith(b"\x89PNG") and 1000 < len(picture) < 40_000


def test_a_page_of_one_encoder() -> None:
    page = codes_page({"Regular": measure_code(Regular(16))})
    assert "`Regular(steps=16)`" in page and "| values | own | 16 | 7.50 | 0.0361 | 0.125 |" in page


def test_a_code_of_one_s_own_can_be_drawn() -> None:
    assert len(draw_code(measure_code(Undecoded())).axes) == 2


def _rows(page: str) -> dict[str, list[str]]:
    return {name: cells.split(" | ") for name, cells in re.findall(r"^\| \[(\w+)\]\(\S+\) \| (.*) \|$", page, re.M)}


def test_the_page_in_the_docs_is_that_of_the_code(written: Path) -> None:
    old, new = _rows((DOCS / "coding.md").read_text()), _rows((written / "coding.md").read_text())
    assert old.keys() == new.keys(), "the list of encoders changed: write the page anew"
    for name, cells in new.items():
        assert old[name][:3] == cells[:3]
        figures = [[float(cell) for cell in row[3:] if cell != "no spikes"] for row in (old[name], cells)]
        # Sums in another order may move the last digit.
        assert figures[0] == pytest.approx(figures[1], rel=0.01, abs=2e-3), name
    assert {path.stem for path in (DOCS / "coding").glob("*.png")} == set(catalogue())
