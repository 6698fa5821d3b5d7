"""The command line from end to end: train, evaluate, predict, interrupt, resume, and every kind of bad input."""

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
from PIL import Image
from typer.testing import CliRunner, Result

import spikeloom as sl
from spikeloom.cli import app
from spikeloom.errors import CheckpointError

SOURCE = Path(sl.__file__).parents[1]
SMALL = ("--epochs", "2", "--channels", "", "--hidden", "32", "--seed", "1")
FILES = {
    "checkpoint.safetensors", "config.json", "learning_curve.png", "metrics.jsonl", "model.safetensors", "report.html",
    "spike_raster.png", "weights.png",
}  # fmt: skip


def spikeloom(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def environment_here() -> dict[str, str]:
    """The tests may run from a checkout that is not installed."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])}


def start(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    # One thread: idle threads that spin while they wait for each other take minutes on a busy machine.
    environment = {**environment_here(), "OMP_NUM_THREADS": "1"}
    code = "from spikeloom.cli import app; app()"
    command = [sys.executable, "-c", code, *(str(each) for each in arguments)]
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "small"
    result = spikeloom("train", "--out", folder, *SMALL)
    assert result.exit_code == 0, result.output
    return folder


def refused(result: Result, *words: str) -> None:
    """A short message on standard error, exit code 2, no traceback."""
    assert result.exit_code == 2, result.output
    # Lines are wrapped, paths in the middle of a word.
    message = "".join(result.stderr.replace("│", " ").split())
    for word in words:
        assert word.replace(" ", "") in message, result.stderr
    assert "Traceback" not in result.output


def test_training_leaves_its_files(run: Path) -> None:
    assert {path.name for path in run.iterdir()} == FILES
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]
    assert json.loads((run / "config.json").read_text())["version"] == 1


def test_evaluate_agrees_with_training(run: Path) -> None:
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    figures = json.loads(spikeloom("evaluate", run, "--json").stdout)
    assert figures["accuracy"] == last["test_accuracy"]
    assert figures["images"] == 360
    table = spikeloom("evaluate", run)
    assert table.exit_code == 0
    assert f"{last['test_accuracy']:.2%}" in table.stdout


def test_predict_reads_pictures_and_arrays(run: Path, tmp_path: Path) -> None:
    images, _ = sl.datasets.load("digits").test[:3]
    bytes_ = (images[:, 0] * 255).round().byte().numpy()
    Image.fromarray(bytes_[0]).save(tmp_path / "grey.png")
    Image.fromarray(bytes_[0]).convert("RGB").resize((64, 64), Image.Resampling.BOX).save(tmp_path / "large.jpg")
    Image.fromarray(255 - bytes_[0]).save(tmp_path / "paper.png")
    np.save(tmp_path / "bytes.npy", bytes_[0])
    np.save(tmp_path / "floats.npy", bytes_[0].astype(np.float64)[None] / 255)
    names = [tmp_path / name for name in ("grey.png", "large.jpg", "bytes.npy", "floats.npy")]
    result = spikeloom("predict", run, *names, "--json")
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer["image"] for answer in answers] == [str(name) for name in names]
    assert answers[0]["class"] == answers[1]["class"] == answers[2]["class"] == answers[3]["class"]
    assert answers[0]["confidence"] == pytest.approx(answers[2]["confidence"], abs=1e-6)
    inverted = json.loads(spikeloom("predict", run, tmp_path / "paper.png", "--invert", "--json").stdout)
    assert inverted["confidence"] == pytest.approx(answers[0]["confidence"], abs=1e-6)
    assert "--invert" in spikeloom("predict", run, tmp_path / "paper.png").stderr
    assert answers[0]["class"] in spikeloom("predict", run, names[0]).stdout


def test_predict_refuses_what_is_no_image(run: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not an image")
    np.save(tmp_path / "wide.npy", np.zeros((8, 9)))
    np.save(tmp_path / "nan.npy", np.full((8, 8), np.nan))
    np.save(tmp_path / "large.npy", np.full((8, 8), 3.0))
    np.save(tmp_path / "whole.npy", np.zeros((8, 8), dtype=np.int64))
    np.save(tmp_path / "object.npy", np.array([None]), allow_pickle=True)
    (tmp_path / "short.npy").write_bytes((tmp_path / "wide.npy").read_bytes()[:40])
    refused(spikeloom("predict", run, tmp_path / "absent.png"), "absent.png", "existing file")
    refused(spikeloom("predict", run, tmp_path / "text.png"), "text.png", "cannot be read", "PNG")
    refused(spikeloom("predict", run, tmp_path / "wide.npy"), "(1, 8, 8)", "(8, 9)")
    refused(spikeloom("predict", run, tmp_path / "nan.npy"), "values in [0, 1]", "NaN")
    refused(spikeloom("predict", run, tmp_path / "large.npy"), "values in [0, 1]")
    refused(spikeloom("predict", run, tmp_path / "whole.npy"), "int64")
    refused(spikeloom("predict", run, tmp_path / "object.npy"), "cannot be read")
    refused(spikeloom("predict", run, tmp_path / "short.npy"), "cannot be read")
    refused(spikeloom("predict", run, tmp_path), "cannot be read")


def test_bad_input_to_train_is_refused(run: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "new")
    refused(spikeloom("train", "--data", "digit", *out), "Did you mean 'digits'")
    refused(spikeloom("train", "--data", "mnist", "--data-dir", tmp_path / "absent", *out), "absent")
    refused(spikeloom("train", "--epochs", "0", *out), "training.epochs", "at least 1")
    refused(spikeloom("train", "--epochs", "some", *out), "--epochs")
    refused(spikeloom("train", "--learning-rate", "nan", *out), "training.learning_rate")
    refused(spikeloom("train", "--hidden", "12;3", *out), "--hidden", "commas")
    refused(spikeloom("train", "--encoder", "latencies", *out), "Did you mean 'latency'")
    refused(spikeloom("train", "--resume", "--overwrite", *out), "one of them")
    refused(spikeloom("train", "--resume", *out), "config.json", "none")
    refused(spikeloom("train", "--out", run), "finished run", "overwrite")
    refused(
        spikeloom("train", "--out", run, "--resume", "--epochs", "9", "--hidden", "8"), "epochs: 2", "hidden: (32,)"
    )
    refused(spikeloom("train", "--epoch", "3"), "--epochs")
    assert not (tmp_path / "new").exists()


def test_resuming_a_finished_run_writes_its_report_again(run: Path) -> None:
    (run / "report.html").unlink()
    result = spikeloom("train", "--out", run, "--resume")
    assert result.exit_code == 0, result.output
    assert (run / "report.html").exists()


def test_runs_that_are_none_are_refused(run: Path, tmp_path: Path) -> None:
    refused(spikeloom("evaluate", tmp_path), "config.json", "none")
    for name in ("config.json", "metrics.jsonl"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    refused(spikeloom("evaluate", tmp_path), "finished run", "--resume")
    (tmp_path / "model.safetensors").write_bytes((run / "model.safetensors").read_bytes()[:-9])
    refused(spikeloom("evaluate", tmp_path), "model.safetensors", "damaged")
    (tmp_path / "config.json").write_text("{")
    refused(spikeloom("predict", tmp_path, "x.png"), "expected JSON")


def test_debug_lets_the_error_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(spikeloom("--debug", "evaluate", tmp_path).exception, CheckpointError)
    monkeypatch.setenv("SPIKELOOM_DEBUG", "1")
    assert isinstance(spikeloom("evaluate", tmp_path).exception, CheckpointError)


def test_version_and_help() -> None:
    assert spikeloom("--version").stdout == f"spikeloom {sl.__version__}\n"
    overview = spikeloom("--help").stdout
    assert all(command in overview for command in ("train", "evaluate", "predict"))


def test_help_does_not_draw(tmp_path: Path) -> None:
    """`--help` must not wait for matplotlib or scikit-learn."""
    code = (
        "import sys; from typer.testing import CliRunner; from spikeloom.cli import app;"
        "assert CliRunner().invoke(app, ['train', '--help']).exit_code == 0;"
        "print([name for name in ('matplotlib', 'sklearn', 'PIL') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment_here(), capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to another process")
def test_ctrl_c_in_the_middle_of_an_epoch_and_resume(tmp_path: Path) -> None:
    arguments = ("train", "--epochs", "4", "--channels", "", "--hidden", "64", "--batch-size", "16", "--no-report")
    whole = start(*arguments, "--out", "whole", cwd=tmp_path)
    assert whole.communicate(timeout=120) and whole.returncode == 0
    parts = start(*arguments, "--out", "parts", cwd=tmp_path)
    metrics, deadline = tmp_path / "parts/metrics.jsonl", time.monotonic() + 60
    while not (metrics.exists() and metrics.read_text().count("\n") >= 1):
        assert time.monotonic() < deadline and parts.poll() is None
        time.sleep(0.01)
    time.sleep(0.05)
    parts.send_signal(signal.SIGINT)
    _, errors = parts.communicate(timeout=60)
    assert parts.returncode == 130, errors
    assert "spikeloom train --out parts --resume" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "parts/model.safetensors").exists()
    again = start("train", "--out", "parts", "--resume", "--no-report", cwd=tmp_path)
    assert again.communicate(timeout=120) and again.returncode == 0
    assert (tmp_path / "parts/model.safetensors").read_bytes() == (tmp_path / "whole/model.safetensors").read_bytes()
