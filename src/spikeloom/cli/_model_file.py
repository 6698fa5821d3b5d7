"""A trained network from a file: pickled, or ONNX."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from spikeloom.conversion import Converted, read_onnx
from spikeloom.errors import CheckpointError, ConversionError, ParameterError
from spikeloom.neurons import Neuron
from spikeloom.training import RunFolder

_WHAT = "a whole module saved with torch.save(model, path), or an .onnx file"


def read_model(path: Path, *, trust: bool) -> nn.Module:
    """The module in a file. Raises: CheckpointError, ConversionError, ParameterError, DataError."""
    if path.is_dir():
        kind = "a run of spikeloom train, which spikes already" if RunFolder(path).holds_run else "a folder"
        raise ConversionError(f"model {path}", expected=_WHAT, got=kind, do="convert a network without spikes")
    if not path.is_file():
        raise CheckpointError(f"model {path}", expected="an existing file", got="none", do="check the path")
    if path.suffix == ".onnx":
        return read_onnx(path)
    if path.suffix == ".pt2":
        do = "save the module with torch.save, or write it with torch.onnx.export"
        raise CheckpointError(f"model {path}", expected=_WHAT, got="a program of torch.export", do=do)
    found = _pickled(path, trust=trust)
    if isinstance(found, Converted) or any(isinstance(each, Neuron) for each in found.modules()):
        do = "convert the network that it was made of, or one without neurons"
        raise ConversionError(f"model {path}", expected="a network without spikes", got="a spiking one", do=do)
    return found


def _pickled(path: Path, *, trust: bool) -> nn.Module:
    """Weights alone are read without trust, to say that they are not enough."""
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=not trust)
    except pickle.UnpicklingError as error:
        if trust or "weights_only" not in str(error).lower().replace(" ", "_"):
            raise CheckpointError(f"model {path}", expected=_WHAT, got=_reason(error)) from error
        do = "give --trust if the file is your own, or save the network as .onnx, which is only read"
        expected = "--trust, as loading a pickled module may run any code that its author put into it"
        raise ParameterError(f"model {path}", expected=expected, got="none", do=do) from error
    except AttributeError as error:
        do = "run the command where Python finds the module's classes, or save it as .onnx"
        raise CheckpointError(f"model {path}", expected=_WHAT, got=_reason(error), do=do) from error
    except Exception as error:  # whatever pickled code and damaged files raise
        raise CheckpointError(f"model {path}", expected=_WHAT, got=_reason(error)) from error
    if isinstance(found, nn.Module):
        return found
    got = "weights without a network" if isinstance(found, dict) else type(found).__name__
    do = "build the network in Python and save it with torch.save(model, path), or call sl.convert there"
    raise CheckpointError(f"model {path}", expected=_WHAT, got=got, do=do)


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
