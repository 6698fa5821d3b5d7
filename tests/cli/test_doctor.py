"""`spikeloom doctor` and `spikeloom precompile`: what they print, and that a broken kernel is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

import spikeloom as sl
from spikeloom.cli import _diagnosis, app
from spikeloom.compile import _numba, _plan
from spikeloom.compile._backend import BACKENDS
from spikeloom.neurons import catalogue


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_diagnosis, "_SIZE", (8, 2, 301))


def spikeloom(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def report() -> tuple[int, dict[str, Any]]:
    result = spikeloom("doctor", "--json")
    return result.exit_code, json.loads(result.stdout)


def of_numba(found: dict[str, Any]) -> dict[str, Any]:
    (check,) = (c for c in found["checks"] if (c["backend"], c["device"]) == ("numba", "cpu"))
    return dict(check)


def test_a_healthy_installation(tmp_path: Path) -> None:
    code, found = report()
    assert code == 0
    assert found["ok"]
    assert {"python", "spikeloom", "torch", "numba", "llvmlite"} <= found["versions"].keys()
    assert found["machine"]["threads"] == torch.get_num_threads()
    assert {check["backend"] for check in found["checks"]} == BACKENDS.keys()
    assert found["cache"]["kernels"] > 0
    assert not found["cache"]["not_writable"]
    numba = of_numba(found)
    assert numba["milliseconds"] > 0
    # The arithmetic of this kernel is the reference's, operation by operation.
    assert (numba["spikes_differing"], numba["gradient_error"]) == (0.0, 0.0)


def test_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    result = spikeloom("doctor")
    assert result.exit_code == 0
    for word in ("processor", "cache", "numba", "reference", "right"):
        assert word in result.stdout
    assert "wrong" not in result.stdout


def test_a_wrong_gradient_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = _numba.NumbaKernel.backward

    def wrong(self: _numba.NumbaKernel, *arguments: Any) -> Any:
        result = right(self, *arguments)
        result.inputs["i"][3, 7] += 0.5
        return result

    monkeypatch.setattr(_numba.NumbaKernel, "backward", wrong)
    code, found = report()
    assert code == 1
    assert not found["ok"]
    assert of_numba(found)["gradient_error"] > 1e-3
    result = spikeloom("doctor")
    assert result.exit_code == 1
    assert "wrong" in result.stdout
    assert "something else than the reference" in " ".join(result.stderr.split())


def test_a_gradient_that_is_not_a_number_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = _numba.NumbaKernel.backward

    def wrong(self: _numba.NumbaKernel, *arguments: Any) -> Any:
        result = right(self, *arguments)
        result.inputs["i"][3, 7] = torch.nan
        return result

    monkeypatch.setattr(_numba.NumbaKernel, "backward", wrong)
    code, found = report()
    assert code == 1
    assert not found["ok"]


def test_spikes_that_differ_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = _numba.NumbaKernel.forward

    def wrong(self: _numba.NumbaKernel, *arguments: Any) -> Any:
        result = right(self, *arguments)
        result.outputs["s"][3, 7] = 1 - result.outputs["s"][3, 7]
        return result

    monkeypatch.setattr(_numba.NumbaKernel, "forward", wrong)
    code, found = report()
    assert code == 1
    assert of_numba(found)["spikes_differing"] == pytest.approx(1 / (8 * 602))


def test_a_back_end_that_cannot_compile_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("no such compiler")

    monkeypatch.setattr(_plan, "_kernels", {})
    monkeypatch.setattr(_plan, "_plans", {})
    monkeypatch.setattr(_numba, "NumbaKernel", broken)
    code, found = report()
    assert code == 1
    assert "no such compiler" in of_numba(found)["error"]


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    # The kernels of this process are linked already, so that nothing is compiled and nothing warned of.
    assert report()[0] == 0
    monkeypatch.setenv("SPIKELOOM_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    code, found = report()
    assert code == 0
    assert found["cache"]["not_writable"]
    assert "cannot be written" in " ".join(spikeloom("doctor").stdout.split())


def test_clearing_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIKELOOM_CACHE_DIR", str(tmp_path))
    (tmp_path / "a.kernel").write_bytes(b"old")
    (tmp_path / "kept.txt").write_text("not ours")
    result = spikeloom("doctor", "--clear-cache")
    assert result.exit_code == 0
    assert result.stdout.startswith("1 kernels removed")
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_precompile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIKELOOM_CACHE_DIR", str(tmp_path))
    result = spikeloom("precompile", "IF", "Refractory", "--processes", "1")
    assert result.exit_code == 0, result.output
    assert "2 of 2 neurons compiled" in result.stdout
    assert len(list(tmp_path.glob("*.kernel"))) == 6


def test_precompile_of_an_unknown_neuron() -> None:
    result = spikeloom("precompile", "LIv")
    assert result.exit_code == 2
    assert "'LIF'" in result.stderr


def test_the_catalogue_does_not_depend_on_who_derives_from_it() -> None:
    class Mine(sl.LIF):
        """Of a user."""

    assert Mine.__subclasses__() == []
    assert {"IF", "LIF", "CurrentLIF", "Refractory"} <= catalogue().keys()
    assert not {"Neuron", "Wrapper"} & catalogue().keys()
