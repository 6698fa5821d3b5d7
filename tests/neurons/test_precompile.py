"""Kernels compiled by other processes, into the cache that this one reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.compile import _object_code, _plan
from spikeloom.errors import BackendError, DTypeError, ParameterError
from spikeloom.neurons import _precompile


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a process that has linked no kernel yet."""
    monkeypatch.setenv("SPIKELOOM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(_plan, "_kernels", {})
    monkeypatch.setattr(_plan, "_plans", {})
    return tmp_path


def test_kernels_are_there_for_training_and_inference(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    neurons = [
        sl.LIF(tau_mem=2.0),
        sl.CurrentLIF(tau_mem=torch.tensor([2.0, 3.0])),
        sl.Refractory(sl.LIF(), learn=("tau_mem",)),
    ]
    sl.neurons.precompile(*neurons, processes=2).wait()
    assert len(list(folder.iterdir())) == 9  # forward for inference and training, and backward
    monkeypatch.setattr(_object_code, "_compile", lambda *_: pytest.fail("compiled here"))
    for neuron in neurons:
        x = torch.rand(5, 3, 2)
        with torch.no_grad():
            neuron(x)
        neuron(x.requires_grad_()).sum().backward()


class Untraceable(sl.LIF):
    """Asks for a number."""

    def charge(self) -> dict[str, Tensor]:
        return {"v": self.v * float(self.i)}


def test_one_that_cannot_be_compiled_is_named(folder: Path) -> None:
    results = {type(neuron): error for neuron, error in sl.neurons.precompile(sl.IF(), Untraceable()).finished()}
    assert results[sl.IF] == ""
    # Tests are no package that another process could import; as from a notebook, the class is not found there.
    assert "Error" in results[Untraceable]
    with pytest.raises(BackendError, match="Untraceable"):
        sl.neurons.precompile(Untraceable()).wait()
    with pytest.raises(sl.errors.TraceError):
        _precompile.compile_now(Untraceable(), torch.float32)


def test_a_process_that_dies_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_precompile, "__name__", "spikeloom.nowhere")
    with pytest.raises(BackendError, match="ended with code"):
        sl.neurons.precompile(sl.LIF()).wait()


def test_nothing_to_compile() -> None:
    job = sl.neurons.precompile()
    assert list(job.finished()) == []
    job.wait()


def test_bad_arguments() -> None:
    with pytest.raises(DTypeError, match="unpack"):
        sl.neurons.precompile([sl.LIF()])  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="at least 1"):
        sl.neurons.precompile(sl.LIF(), processes=0)
