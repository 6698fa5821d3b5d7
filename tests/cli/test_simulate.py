"""`spikeloom simulate`: lists, runs, stops, goes on, and refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from typer.testing import Result as Answer

import spikeloom as sl
from spikeloom.cli import app
from spikeloom.network import Result, models

SMALL = ("--set", "n=500", "--duration", "60", "--settle", "20", "--threads", "1")


def spikeloom(*arguments: object) -> Answer:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def refused(answer: Answer, *words: str) -> None:
    assert answer.exit_code == 2, answer.output
    message = "".join(answer.stderr.replace("│", " ").split())
    for word in words:
        assert word.replace(" ", "") in message, answer.stderr
    assert "Traceback" not in answer.output


def test_models_are_listed_with_one_line_each() -> None:
    lines = spikeloom("simulate").stdout.splitlines()
    known = models.catalogue()
    assert [line.split()[0] for line in lines] == list(known)
    assert all(model.meaning() in line for line, model in zip(lines, known.values(), strict=True))
    rows = json.loads(spikeloom("simulate", "--json").stdout)
    assert {row["name"] for row in rows} == set(known)
    assert all(setting["meaning"] for row in rows for setting in row["settings"].values())


def test_settings_are_listed() -> None:
    shown = spikeloom("simulate", "brunel", "--settings").stdout
    assert all(name in shown for name in ("order", "panel", "eta"))


def test_rates_stand_beside_the_published_ones(tmp_path: Path) -> None:
    answer = spikeloom("simulate", "brunel-delta", "--duration", "50", "--settle", "0", "--set", "order=500")
    assert answer.exit_code == 0, answer.output
    assert "published" in answer.stdout
    assert "52.90" in answer.stdout
    assert "x real time" in answer.stdout
    assert not list(tmp_path.iterdir())


def test_what_is_printed_is_what_was_recorded(tmp_path: Path) -> None:
    out = tmp_path / "run"
    answer = spikeloom("simulate", "cuba", *SMALL, "--record", "E.v", "--out", out, "--json")
    assert answer.exit_code == 0, answer.output
    summary = json.loads(answer.stdout)
    assert summary == json.loads((out / "rates.json").read_text())
    assert summary["settings"] == {"n": 500, "variant": "nest"}
    assert {file.name for file in out.iterdir()} == {"run.json", "recording.h5", "rates.json", "network.png"}
    found = Result.load(out / "recording.h5")
    assert (found.start, found.stop) == (20.0, 80.0)
    assert found["E"]["v"].values.shape == (600, 10)
    # The same network, run by hand.
    net = models.CUBA(n=500).build(seed=1)
    net.run(20.0)
    by_hand = net.run(60.0)
    for name in "EI":
        assert summary["populations"][name]["rate, 1/s"] == by_hand.rate(name)
        assert np.array_equal(found[name].times, by_hand[name].times)
        assert np.array_equal(found[name].neurons, by_hand[name].neurons)


def test_a_run_that_goes_on_has_the_same_spikes(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert spikeloom("simulate", "cuba", *SMALL, "--out", whole).exit_code == 0
    first = spikeloom("simulate", "cuba", *SMALL, "--duration", "25", "--checkpoint", "10", "--out", parts)
    assert first.exit_code == 0, first.output
    second = spikeloom("simulate", "--out", parts, "--resume", "--duration", "60", "--threads", "3", "--json")
    assert second.exit_code == 0, second.output
    assert json.loads(second.stdout)["simulated, ms"] == pytest.approx(35.0)
    a, b = (Result.load(folder / "recording.h5") for folder in (whole, parts))
    for mine, its in zip(a.events, b.events, strict=True):
        assert np.array_equal(mine, its)
    # What is finished is told again.
    again = spikeloom("simulate", "cuba", "--out", parts, "--resume", "--json")
    assert json.loads(again.stdout)["populations"] == json.loads(second.stdout)["populations"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_stopped_in_the_middle(tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "run"
    source = Path(sl.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")])}
    code = "from spikeloom.cli import app; app()"
    options = ("--set", "n=500", "--settle", "20", "--threads", "1", "--checkpoint", "20", "--out", str(out))
    command = [sys.executable, "-c", code, "simulate", "cuba", *options, "--duration", "1e6"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    began = time.monotonic()
    # Two checkpoints of the measured part.
    written: set[int] = set()
    while len(written) < 4 and time.monotonic() - began < 60 and process.poll() is None:
        if (out / "checkpoint.safetensors").exists():
            written.add((out / "checkpoint.safetensors").stat().st_mtime_ns)
        time.sleep(0.001)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == 130, stderr
        assert "--resume" in stderr
        assert "rate" in stdout
        assert Result.load(out / "recording.h5").start == 20.0
    net = models.CUBA(n=500).build(seed=1)
    net.restore(out / "checkpoint.safetensors")
    goal = round(net.time) + 10
    assert goal > 40
    answer = spikeloom("simulate", "--out", out, "--resume", "--duration", goal - 20)
    assert answer.exit_code == 0, answer.output
    found = Result.load(out / "recording.h5")
    assert (found.start, found.stop) == (20.0, goal)
    expected = models.CUBA(n=500).build(seed=1).run(goal).events
    late = expected.step >= 200
    for mine, its in zip(found.events, expected, strict=True):
        assert np.array_equal(mine, its[late])


def test_bad_input_is_refused(tmp_path: Path) -> None:
    out = ("--out", tmp_path / "run")
    refused(spikeloom("simulate", "brunl"), "Did you mean 'brunel'")
    refused(spikeloom("simulate", "brunel", "--set", "panl=B"), "no setting 'panl'", "Did you mean 'panel'")
    refused(spikeloom("simulate", "brunel", "--set", "panel=E"), "brunel.panel", "A, B, C, D")
    refused(spikeloom("simulate", "brunel", "--set", "order"), "NAME=VALUE")
    refused(spikeloom("simulate", "brunel", "--set", "order=many"), "whole number")
    refused(spikeloom("simulate", "brunel", "--scale", "0.1"), "no setting 'scale'")
    refused(spikeloom("simulate", "microcircuit", "--scale", "7"), "scale", "<= 1")
    refused(spikeloom("simulate", "cuba", *SMALL, "--duration", "-1"), "--duration")
    refused(spikeloom("simulate", "cuba", *SMALL, "--duration", "nan"), "--duration")
    refused(spikeloom("simulate", "cuba", *SMALL, "--threads", "0"), "Network.threads")
    refused(spikeloom("simulate", "cuba", *SMALL, "--record", "X.v", *out), "--record", "X")
    refused(spikeloom("simulate", "cuba", *SMALL, "--record", "E.u"), "'u'")
    refused(spikeloom("simulate", "cuba", *SMALL, *out, "--resume"), "run.json", "none")
    refused(spikeloom("simulate", "--resume"), "--out")
    refused(spikeloom("simulate", "cuba", *out, "--resume", "--overwrite"), "one of them")
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_replaced_or_changed_unasked(tmp_path: Path) -> None:
    out = ("--out", tmp_path / "run")
    assert spikeloom("simulate", "cuba", *SMALL, *out).exit_code == 0
    before = (tmp_path / "run" / "recording.h5").read_bytes()
    refused(spikeloom("simulate", "cuba", *SMALL, *out), "overwrite")
    refused(spikeloom("simulate", *out, "--resume"), "checkpoint", "none")
    refused(spikeloom("simulate", "coba", *out, "--resume"), "model = coba instead of cuba")
    refused(spikeloom("simulate", *out, "--resume", "--seed", "9"), "seed = 9 instead of 1")
    refused(spikeloom("simulate", *out, "--resume", "--set", "n=600"), "n = 600 instead of 500")
    assert (tmp_path / "run" / "recording.h5").read_bytes() == before
    (tmp_path / "run" / "run.json").write_text("{")
    refused(spikeloom("simulate", *out, "--resume"), "damaged")
    assert spikeloom("simulate", "cuba", *SMALL, *out, "--overwrite").exit_code == 0


def test_times_off_the_grid_are_refused(tmp_path: Path) -> None:
    refused(
        spikeloom("simulate", "brunel", "--duration", "10.03"), "--duration", "a multiple of dt", "10 ms is nearest"
    )
    refused(spikeloom("simulate", "brunel", "--checkpoint", "0", "--out", str(tmp_path)), "--checkpoint", "time > 0")
