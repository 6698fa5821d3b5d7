"""`spikeloom recipes` and `spikeloom run`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from spikeloom.cli import app
from spikeloom.recipes import names

RECIPE = """
import time
from spikeloom.recipes import Absent, Bar, Form, Recipe, Reference, setting

class Mine(Recipe):
    row, family, title = "X02", "encodings", "Mine"
    reference = Reference("I", 2026, "Mine")
    claim, claimed, shown, stand_in = "It is one.", "1.0", "It is one.", "Ones for zeros."
    chance, control = 0.0, "half"
    size: float = setting(1.0, "of it")
    wait: float = setting(0.0, "of every seed", "s")
    quick = Form(Bar("one", between=(0.9, 1.1), unit="mV", why="it is one"))
    full = Form(*quick.bars, seeds=range(5))

    def measure(self, run):
        for _ in run.track(range(3), "waiting"):
            time.sleep(self.wait if run.seed else 0.0)
        run.draw("nothing", lambda axes: axes.plot([0, 1]))
        return {"one": self.size, "half": 0.5 * self.size}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine_for_commands.py"
    path.write_text(RECIPE)
    return path


def spikeloom(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_recipes_are_listed() -> None:
    rows = json.loads(spikeloom("recipes", "--json").stdout)
    assert {row["name"] for row in rows} == set(names())
    assert all(row["claim"] and row["reference"] for row in rows)
    assert "Thorpe" in spikeloom("recipes", "--family", "encod").stdout
    found = json.loads(spikeloom("recipes", "--search", "thorpe", "--json").stdout)
    assert "rank-order-digits" in {row["name"] for row in found}
    assert len(found) < len(rows) or len(rows) == 1
    nothing = spikeloom("recipes", "--search", "no such word")
    assert nothing.exit_code == 0
    assert "None of" in nothing.stderr


def test_a_recipe_runs(mine: Path, tmp_path: Path) -> None:
    answer = spikeloom("run", mine, "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.output
    for word in ("reached", "0.9 to 1.1 mV", "control", "chance", "Works.", "a stand-in", "claimed: 1.0"):
        assert word in answer.stdout, answer.stdout
    assert "seed 2, 3 of 3" in answer.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"result.json", "report.md", "nothing.png"}


def test_a_miss_is_told(mine: Path) -> None:
    answer = spikeloom("run", mine, "--set", "size=3")
    assert answer.exit_code == 0
    assert "missed" in answer.stdout
    assert "Does not work: one misses its bar" in answer.stdout


def test_options(mine: Path, tmp_path: Path) -> None:
    found = json.loads(spikeloom("run", mine, "--full", "--set", "size=1.05", "--seeds", "0-1,7", "--json").stdout)
    assert list(found["seeds"]) == ["0", "1", "7"]
    assert (found["form"], found["settings"]["size"], found["works"]) == ("full", 1.05, True)
    assert "of every seed" in spikeloom("run", mine, "--settings").stdout
    assert json.loads(spikeloom("run", mine, "--smoke", "--json").stdout)["form"] == "quick"
    spikeloom("run", mine, "--seeds", "0", "--out", tmp_path / "out")
    resumed = spikeloom("run", mine, "--seeds", "0-1", "--out", tmp_path / "out", "--resume", "--json")
    assert list(json.loads(resumed.stdout)["seeds"]) == ["0", "1"]
    assert "seed 1" in resumed.stderr
    assert "seed 0" not in resumed.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "rank-order-digit"), "rank-order-digits"),
        (("run", "rank-order-digits", "--set", "digit=3"), "digits"),
        (("run", "rank-order-digits", "--set", "digits"), "NAME=VALUE"),
        (("run", "rank-order-digits", "--set", "digits=many"), "a whole number"),
        (("run", "rank-order-digits", "--seeds", "one"), "0-9 or 1,4"),
        (("run", "rank-order-digits", "--seeds", "3-1"), "one or more"),
        (("run", "rank-order-digits", "--full", "--smoke"), "one of them"),
        (("run", "rank-order-digits", "--resume"), "folder of the run"),
        (("run", "no_such_file.py"), "a file that exists"),
        (("recipes", "--family", "quantum"), "encodings"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], message: str) -> None:
    answer = spikeloom(*arguments)
    assert answer.exit_code == 2, answer.output
    assert "".join(message.split()) in "".join(answer.stderr.replace("│", " ").split())
    assert "Traceback" not in answer.output


def test_ctrl_c_keeps_seeds(mine: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "spikeloom", "run", str(mine), "--set", "wait=60", "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    result = out / "result.json"
    limit = time.monotonic() + 60
    # The report comes last: in Python 3.11 an import for pictures that is interrupted ends in another error.
    while time.monotonic() < limit and not (out / "report.md").exists():
        time.sleep(0.1)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    told, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "reached" in told
    assert "--resume" in said
    assert list(json.loads(result.read_text())["seeds"]) == ["0"]
