"""`spikeloom convert` from end to end: files of networks, reports, and every kind of bad input."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn
from typer.testing import CliRunner, Result

import spikeloom as sl
from spikeloom.cli import app

FAST = ("--data", "digits", "--steps", "4", "--method", "percentile", "--images", "64", "--test-images", "40")


def convert(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["convert", *(str(each) for each in arguments)])


def refused(result: Result, *words: str) -> None:
    """A short message on standard error, exit code 2, no traceback."""
    assert result.exit_code == 2, result.output
    message = "".join(result.stderr.replace("│", " ").split())
    for word in words:
        assert word.replace(" ", "") in message, result.stderr
    assert "Traceback" not in result.output


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 10)).eval()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "net.pt"
    torch.save(network(), path)
    return path


def test_a_module_is_converted_and_reported(saved: Path, tmp_path: Path) -> None:
    out, spiking = tmp_path / "out" / "report", tmp_path / "spiking" / "net.pt"
    result = convert(saved, *FAST, "--trust", "--report", out, "--out", spiking)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == ["report.html", "report.json"]
    kept = json.loads((out / "report.json").read_text())
    assert kept["steps"] == 4 and kept["inputs"] == 40
    assert f"{kept['agreement'][-1]:.2%}" in result.stdout and f"{kept['original']:.2%}" in result.stdout
    # What was saved is what was measured.
    test = sl.datasets.digits().test
    inputs, _ = test[torch.linspace(0, len(test) - 1, 40).round().long()]
    again = torch.load(spiking, weights_only=False)
    same = (again(inputs).argmax(1) == network()(inputs).argmax(1)).double().mean()
    assert float(same) == kept["agreement"][-1]


def test_json(saved: Path) -> None:
    result = convert(saved, *FAST, "--trust", "--json")
    figures = json.loads(result.stdout)
    assert len(figures["accuracy"]) == 4 and figures["sites"][0]["neurons"] == 20


def test_onnx(tmp_path: Path) -> None:
    torch.save(network(), tmp_path / "net.pt")
    write_onnx(tmp_path / "net.onnx")
    found, wanted = (
        json.loads(convert(path, *FAST, "--trust", "--json").stdout)
        for path in (tmp_path / "net.onnx", tmp_path / "net.pt")
    )
    assert found["agreement"] == wanted["agreement"] and found["accuracy"] == wanted["accuracy"]


def write_onnx(path: Path) -> None:
    """The same network, without trust."""
    names = {"1.weight": "w1", "1.bias": "b1", "3.weight": "w2", "3.bias": "b2"}
    kept = [onnx.numpy_helper.from_array(v.numpy(), names[name]) for name, v in network().state_dict().items()]
    make = onnx.helper.make_node
    nodes = [
        make("Flatten", ["x"], ["f"]), make("Gemm", ["f", "w1", "b1"], ["h"], transB=1), make("Relu", ["h"], ["r"]),
        make("Gemm", ["r", "w2", "b2"], ["y"], transB=1),
    ]  # fmt: skip
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", ["N", 1, 8, 8]), ("y", ["N", 10]))
    ]
    graph = onnx.helper.make_graph(nodes, "net", ends[:1], ends[1:], kept)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8), str(path))


def test_files_that_hold_no_network(saved: Path, tmp_path: Path) -> None:
    refused(convert(tmp_path / "absent.pt", *FAST), "absent.pt", "existing file")
    refused(convert(tmp_path / "absent.onnx", *FAST), "absent.onnx", "existing file")
    refused(convert(saved, *FAST), "--trust", "may run any code")
    (tmp_path / "text.pt").write_text("no network")
    refused(convert(tmp_path / "text.pt", *FAST, "--trust"), "text.pt", "torch.save(model, path)")
    (tmp_path / "text.pt2").write_text("no network")
    refused(convert(tmp_path / "text.pt2", *FAST), "text.pt2", "torch.onnx.export")
    (tmp_path / "text.onnx").write_text("no network")
    refused(convert(tmp_path / "text.onnx", *FAST), "text.onnx", "onnx.checker")
    torch.save(network().state_dict(), tmp_path / "weights.pt")
    refused(convert(tmp_path / "weights.pt", *FAST), "weights without a network")
    refused(convert(tmp_path, *FAST), "a folder")
    (tmp_path / "config.json").write_text("{}")
    refused(convert(tmp_path, *FAST), "spikes already")


def test_spiking_networks_are_not_converted_again(tmp_path: Path) -> None:
    spiking = sl.convert(network(), torch.rand(20, 1, 8, 8), "percentile", steps=2)
    torch.save(spiking, tmp_path / "spiking.pt")
    refused(convert(tmp_path / "spiking.pt", *FAST, "--trust"), "without spikes")
    torch.save(sl.nn.Sequential(nn.Flatten(), nn.Linear(64, 10), sl.LIF()), tmp_path / "own.pt")
    refused(convert(tmp_path / "own.pt", *FAST, "--trust"), "without spikes")


def test_bad_options(saved: Path, tmp_path: Path) -> None:
    refused(convert(saved, *FAST, "--trust", "--steps", "0"), "--steps", ">= 1")
    refused(convert(saved, *FAST, "--trust", "--images", "0"), "--images")
    refused(convert(saved, *FAST, "--trust", "--threads", "-1"), "--threads")
    refused(convert(saved, *FAST, "--trust", "--method", "percentil"), "Did you mean 'percentile'")
    refused(convert(saved, *FAST, "--trust", "--data", "digit"), "Did you mean 'digits'")
    (tmp_path / "file").write_text("")
    refused(convert(saved, *FAST, "--trust", "--report", tmp_path / "file"), "--report", "a folder")
    refused(convert(saved, *FAST, "--trust", "--out", tmp_path), "--out", "a file")


def test_networks_for_other_data(tmp_path: Path) -> None:
    torch.save(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), tmp_path / "large.pt")
    refused(convert(tmp_path / "large.pt", *FAST, "--trust"), "images of digits, [1, 8, 8]")
    torch.save(nn.Sequential(nn.Flatten(), nn.Linear(64, 7)), tmp_path / "seven.pt")
    refused(convert(tmp_path / "seven.pt", *FAST, "--trust"), "[2, 10]", "[2, 7]")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to another process")
def test_ctrl_c_leaves_no_files(saved: Path, tmp_path: Path) -> None:
    slow = ("--data", "digits", "--steps", "2000", "--method", "percentile", "--trust", "--report", tmp_path / "out")
    command = [sys.executable, "-c", "from spikeloom.cli import app; app()", "convert", str(saved), *map(str, slow)]
    source = str(Path(sl.__file__).parents[1])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": source}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "Converting" in process.stderr.readline() and "Measuring" in process.stderr.readline()
    # Python drops a signal that arrives in a finaliser: press again, as one would.
    for _ in range(20):
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
            break
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert "Stopped" in told and "Traceback" not in told
    assert not (tmp_path / "out").exists()
