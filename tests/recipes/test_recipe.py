"""The mechanism: seeds, bars, control, chance, folders, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import CheckpointError, ParameterError, UnknownNameError
from spikeloom.recipes import (
    Absent,
    Bar,
    Form,
    Recipe,
    RecipeStopped,
    Reference,
    Result,
    Run,
    Watch,
    check_recipe,
    load,
    measured,
    reproduce,
    setting,
)
from spikeloom.recipes import _measured as kept
from spikeloom.recipes._code import code_of
from spikeloom.recipes._measured import stale
from spikeloom.recipes._page import index_page, report


class Sum(Recipe):
    """Its figures are known: 10 times the seed, plus `offset`; the control is `lost` less."""

    name, row, family, title = "sum", "X01", "encodings", "A sum"
    reference = Reference("Gauss", 1801, "Disquisitiones", arxiv="0000.00000")
    claim, shown = "Sums are right.", "Some of them."
    chance, control = 3.0, "without"

    offset: float = setting(5.0, "what is added", at_least=0.0)
    lost: float = setting(1.0, "what the control has not")
    stop: int = setting(99, "seed at which Ctrl-C is pressed")

    smoke = Form(Bar("total", at_least=15.0, why="the sum"))
    quick = Form(Bar("total", at_least=15.0, why="the sum"), Bar("zero", between=(-1, 1), why="0"))
    full = Form(*quick.bars, seeds=range(5), settings={"offset": 6.0})

    def measure(self, run: Run) -> Mapping[str, float | Tensor]:
        if run.seed == self.stop:
            raise KeyboardInterrupt
        for _ in run.track(range(2), "parts"):
            pass
        run.note("a note")
        run.draw("a line", lambda axes: axes.plot([1, 2]))
        total = torch.tensor(10.0 * run.seed + self.offset)
        return {"total": total, "zero": 0.0, "without": float(total) - self.lost}


def test_figures_over_seeds() -> None:
    result = reproduce(Sum)
    assert result.figures["total"] == (15.0, 5.0, 25.0)
    assert [verdict.reached for verdict in result.verdicts] == [True, True]
    # Chance is 3, below every seed; the control is one less than every seed.
    assert result.beats(result.chance) is result.beats(result.control) is True
    assert result.works
    assert result.notes == ("a note",)
    assert result.level("without") == (14.0, 4.0, 24.0)
    assert result.level(3.0) == (3.0, 3.0, 3.0)


def test_bars_for_a_form_in_which_others_are_missed() -> None:
    form = Form(Bar("a", at_least=1.0, why=".", missed="it is not"), Bar("b", at_least=1.0, why="."))
    assert [bar.missed for bar in form.bars_but({"a": "", "b": "nor this"})] == ["", "nor this"]
    assert form.bars_but({}) == form.bars
    with pytest.raises(ParameterError, match=r"\['c'\]"):
        form.bars_but({"c": "."})


def test_forms_seeds_and_settings() -> None:
    assert reproduce(Sum, "full").figures["total"].mean == 26.0
    assert tuple(reproduce(Sum, "full").seeds) == (0, 1, 2, 3, 4)
    chosen = reproduce(Sum, "full", seeds=[7, 1], settings={"offset": 0})
    assert {seed: run.figures["total"] for seed, run in chosen.seeds.items()} == {1: 10.0, 7: 70.0}
    assert chosen.settings == {"offset": 0.0, "lost": 1.0, "stop": 99}


def test_a_miss_is_a_verdict() -> None:
    result = reproduce(Sum, settings={"offset": 1.0})
    assert [str(verdict) for verdict in result.verdicts] == ["missed", "reached"]
    assert not result.works


def test_a_recipe_works_only_if_every_seed_beats_control_and_chance() -> None:
    assert not reproduce(Sum, settings={"lost": 0.0}).works
    assert not reproduce(Sum, settings={"lost": -1.0}).works
    # The first seed is below a chance of 3, although the mean is not.
    below = reproduce(Sum, settings={"offset": 2.0}, seeds=[0, 5])
    assert below.verdicts[0].reached
    assert below.beats(below.chance) is False
    assert not below.works


@pytest.mark.parametrize(
    ("bar", "good", "better", "bad"),
    [
        (Bar("x", at_least=2.0, why="."), 2.0, 3.0, 1.9),
        (Bar("x", at_most=2.0, why="."), 2.0, 1.0, 2.1),
        (Bar("x", between=(1.0, 3.0), why="."), 1.0, 2.0, 0.9),
        (Bar("x", between=(1.0, 3.0), why="."), 3.0, 2.0, 3.1),
    ],
)
def test_bars(bar: Bar, good: float, better: float, bad: float) -> None:
    assert bar.shortfall(better) < bar.shortfall(good) == 0 < bar.shortfall(bad)
    assert bar.shortfall(math.nan) > 0
    assert Bar.from_json(json.loads(json.dumps(bar.to_json()))) == bar


@pytest.mark.parametrize(
    "bounds", [{}, {"at_least": 1.0, "at_most": 2.0}, {"between": (2.0, 1.0)}, {"at_least": math.nan}]
)
def test_bars_that_are_none(bounds: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        Bar("x", why=".", **bounds)  # type: ignore[arg-type]


def test_results_are_read_as_they_were_written() -> None:
    result = reproduce(Sum)
    assert Result.from_json(result.to_json(), source="text") == result
    broken = dataclasses.replace(result.seeds[0], figures={"total": math.nan, "zero": math.inf, "without": 0.0})
    odd = dataclasses.replace(result, seeds={0: broken}, chance=Absent("none"))
    again = Result.from_json(odd.to_json(), source="text")
    assert math.isnan(again.seeds[0].figures["total"])
    assert again.seeds[0].figures["zero"] == math.inf
    assert again.chance == Absent("none")
    # NaN is a miss, and no seed of it beats anything.
    assert not again.verdicts[0].reached
    assert again.beats("without") is False


def test_what_is_better() -> None:
    high, low, middle = Bar("x", at_least=9, why="."), Bar("x", at_most=9, why="."), Bar("x", between=(4, 6), why=".")
    # Also where both miss the bar.
    assert high.better(3, 2)
    assert not high.better(2, 2)
    assert low.better(2, 3)
    assert middle.better(5, 7)
    # Both are as they should be.
    assert not middle.better(5, 6)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"version": 99}'])
def test_damaged_results(text: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(CheckpointError, match=r"result\.json"):
        Result.load(path)


def test_folder(tmp_path: Path) -> None:
    result = reproduce(Sum, out=tmp_path / "a")
    assert Result.load(tmp_path / "a" / "result.json").figures == result.figures
    assert (tmp_path / "a" / "a-line.png").stat().st_size > 1000
    page = (tmp_path / "a" / "report.md").read_text()
    assert all(word in page for word in ("A sum", "Gauss", "reached", "(control)", "a-line.png", "a note"))
    with pytest.raises(CheckpointError, match="overwrite"):
        reproduce(Sum, out=tmp_path / "a")
    reproduce(Sum, out=tmp_path / "a", overwrite=True)


def test_stopped_and_resumed(tmp_path: Path) -> None:
    with pytest.raises(RecipeStopped) as stopped:
        reproduce(Sum, out=tmp_path, settings={"stop": 2})
    assert list(stopped.value.result.seeds) == [0, 1]
    before = Result.load(tmp_path / "result.json")
    assert list(before.seeds) == [0, 1]
    seen: list[int] = []

    class Listening(Watch):
        def begin(self, seed: int, number: int, total: int) -> None:
            seen.append(seed)

    resumed = reproduce(Sum, out=tmp_path, settings={"stop": 2}, resume=True, seeds=[0, 1, 3], watch=Listening())
    assert seen == [3]
    assert list(resumed.seeds) == [0, 1, 3]
    assert resumed.seeds[0] == before.seeds[0]


def test_what_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="a run to resume"):
        reproduce(Sum, out=tmp_path, resume=True)
    with pytest.raises(ParameterError, match="folder of the run"):
        reproduce(Sum, resume=True)
    reproduce(Sum, out=tmp_path, seeds=[0])
    with pytest.raises(CheckpointError, match="settings of the run"):
        reproduce(Sum, out=tmp_path, settings={"offset": 9.0}, resume=True)
    with pytest.raises(CheckpointError, match="form of the run"):
        reproduce(Sum, "full", out=tmp_path, resume=True)


def test_random_numbers_belong_to_the_seed() -> None:
    class Drawing(Sum):
        name = "drawing"

        def measure(self, run: Run) -> dict[str, float]:
            drawn = [torch.rand(()), torch.rand((), generator=run.generator), run.random.random()]
            return {"total": sum(map(float, drawn)) + 20, "zero": 0.0, "without": 19.0}

    torch.manual_seed(7)
    state = torch.get_rng_state()
    first, again = reproduce(Drawing), reproduce(Drawing, seeds=[2, 0])
    assert torch.equal(torch.get_rng_state(), state)
    assert first.seeds[0].figures == again.seeds[0].figures
    assert len({run.figures["total"] for run in first.seeds.values()}) == 3


def test_figures_that_are_none() -> None:
    class Words(Sum):
        name = "words"

        def measure(self, run: Run) -> dict[str, float]:
            return {"total": "many"}  # type: ignore[dict-item]

    class Other(Sum):
        name = "other"

        def measure(self, run: Run) -> dict[str, float]:
            return {"total": 1.0, "zero": 0.0}

    with pytest.raises(ParameterError, match="total"):
        reproduce(Words)
    with pytest.raises(UnknownNameError, match="without"):
        reproduce(Other)


def test_what_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="rank-order-digits"):
        load("rank-order-digit")
    with pytest.raises(UnknownNameError, match="offset"):
        reproduce(Sum, settings={"offse": 1.0})
    with pytest.raises(UnknownNameError, match="quick"):
        reproduce(Sum, "quik")
    with pytest.raises(ParameterError, match="offset"):
        reproduce(Sum, settings={"offset": -1.0})
    with pytest.raises(ParameterError, match="seeds"):
        reproduce(Sum, seeds=[1, 1])


class TestContract:
    def test_it_is_kept(self) -> None:
        assert check_recipe(Sum).form == "smoke"
        assert sl.recipes.check_recipe is check_recipe

    def refused(self, words: str, **changes: object) -> None:
        kind = type("Changed", (Sum,), {"name": "changed", "__module__": __name__, **changes})
        with pytest.raises(AssertionError, match=words):
            check_recipe(kind)

    def test_it_is_broken(self) -> None:
        self.refused("claim is missing", claim=" ")
        self.refused("absent without a reason", control=Absent(""))
        self.refused("2 seeds", quick=Form(*Sum.quick.bars, seeds=[0, 1]))
        self.refused("no setting 'epochs'", full=Form(*Sum.quick.bars, settings={"epochs": 1}))
        self.refused("no reason", full=Form(Bar("total", at_least=1.0, why="")))
        self.refused("was to be reached", smoke=Form(Bar("total", at_least=16.0, why="too much")))
        self.refused("take missed away", smoke=Form(Bar("total", at_least=15.0, why=".", missed="it is not")))
        self.refused("not beaten", chance=6.0)
        self.refused("total", smoke=Form(Bar("totl", at_least=16.0, why="misspelt")))

    def test_a_miss_that_is_explained(self) -> None:
        missed = Form(Bar("total", at_least=16.0, why="the paper's", missed="we add less"))
        kind = type("Changed", (Sum,), {"name": "changed", "__module__": __name__, "smoke": missed})
        assert not check_recipe(kind).works

    def test_figures_that_differ_when_repeated(self) -> None:
        drawn = np.random.default_rng(0)

        def measure(self: Sum, run: Run) -> dict[str, float]:
            return {"total": 20 + drawn.random(), "zero": 0.0, "without": 0.0}

        self.refused("gave", measure=measure)


FILE = '''
from spikeloom.recipes import Absent, Bar, Form, Recipe, Reference

WEIGHT = 2.0


class Mine(Recipe):
    """Words."""

    row, family, title = "X02", "encodings", "Mine"
    reference = Reference("I", 2026, "Mine")
    claim, shown = "It is one.", "It is one."
    chance, control = 0.0, Absent("nothing is switched off")
    quick = full = Form(Bar("one", between=(0.9, 1.1), why="it is one"))

    def measure(self, run):
        """More words."""
        return {"one": 0.5 * WEIGHT}
'''


def from_file(path: Path, text: str) -> type[Recipe]:
    path.write_text(text)
    return load(str(path))


def test_a_recipe_in_a_file_of_yours(tmp_path: Path) -> None:
    mine = from_file(tmp_path / "mine_of_yours.py", FILE)
    assert mine.name == "mine-of-yours"
    assert check_recipe(mine).works
    two = FILE.replace("class Mine", "class Other") + FILE
    with pytest.raises(ParameterError, match="one recipe"):
        from_file(tmp_path / "two_of_yours.py", two)
    with pytest.raises(ParameterError, match="exists"):
        load(str(tmp_path / "none.py"))


def test_figures_are_stale_when_code_changes_not_words(tmp_path: Path) -> None:
    def code(number: int, *change: str) -> str:
        return code_of(from_file(tmp_path / f"changed_{number}.py", FILE.replace(*change) if change else FILE))

    first = code(0)
    assert first
    assert first == code(1, '"""More words."""', '"""Other words."""  # and a comment')
    assert first == code(2, "It is one.", "It is 1.")
    assert first == code(3, "0.9, 1.1", "0.8, 1.2")
    assert first == code(6, "def measure(self, run):", "def measure(self, run: object) -> dict[str, float]:")
    assert first == code(7, "from spikeloom.recipes import", "from spikeloom.recipes import Figures,")
    assert first != code(4, "WEIGHT = 2.0", "WEIGHT = 3.0")
    assert first != code(5, "0.5 *", "0.6 *")


def test_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "RESULTS", tmp_path)
    assert measured(Sum, "quick") is None
    assert "not measured" in index_page({"sum": Sum})
    assert "Not measured yet: quick and full." in report(Sum, [])
    reproduce(Sum, "full", out=tmp_path / "run")
    shutil.copyfile(tmp_path / "run" / "result.json", tmp_path / "sum-full.json")
    found = measured(Sum, "full")
    assert found is not None
    assert stale(Sum, found) == ""
    row = next(line for line in index_page({"sum": Sum}).splitlines() if "X01" in line)
    assert all(word in row for word in ("Gauss 1801", "25 (5 to 45)", "26 (6 to 46)", "works", "not measured"))
    assert stale(Sum, dataclasses.replace(found, seeds={0: found.seeds[0]})) == "seeds have changed"
    assert stale(Sum, dataclasses.replace(found, settings={})) == "settings have changed"
    assert stale(Sum, dataclasses.replace(found, code="other")) == "the code has changed"
    # Bars of today judge what was measured before.
    harder = type("Harder", (Sum,), {"name": "sum", "full": Form(Bar("total", at_least=99.0, why="."), seeds=range(5))})
    assert "does not work" in index_page({"sum": harder})


def test_progress() -> None:
    told: list[tuple[str, int, int | None]] = []

    class Listening(Watch):
        def advance(self, what: str, done: int, total: int | None) -> None:
            told.append((what, done, total))

    reproduce(Sum, seeds=[0], watch=Listening())
    assert told == [("parts", 0, 2), ("parts", 1, 2), ("parts", 2, 2)]
