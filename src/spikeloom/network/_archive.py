"""Files of checkpoints: arrays as safetensors, all else as JSON in their metadata; nothing is pickled."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from ..errors import CheckpointError

# Of the file; a change that older versions cannot read takes the next number.
VERSION = 1
_AGAIN = "use an earlier checkpoint, or run from the beginning"

Arrays = dict[str, NDArray[Any]]


def write(path: Path, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
    """Write arrays as safetensors, JSON values in their metadata; whoever reads the path finds the old file or the new.

    Raises: CheckpointError where the file cannot be written; the old one stays.
    """
    plain = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    header = {"version": VERSION, "sha256": _digest(plain, values), "values": values}
    # One name, so that a process that is killed leaves at most one behind.
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(safetensors.numpy.save(plain, metadata={"spikeloom network": json.dumps(header)}))
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        do = "make room, or choose another path"
        raise CheckpointError(f"checkpoint {path} cannot be written ({error})", do=do) from error


def read(path: Path) -> bytes:
    """The content of a file. Raises: CheckpointError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"checkpoint {path} cannot be read ({error})", do="check the path") from error


def parse(content: bytes, path: Path) -> tuple[Arrays, dict[str, Any]]:
    """What `write` wrote. Raises: CheckpointError where a byte is missing or wrong, or a newer version wrote it."""
    try:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["spikeloom network"])
        version = header["version"]
        if isinstance(version, int) and version > VERSION:
            do = "restore it with the version of spikeloom that wrote it, or a newer one"
            raise CheckpointError(f"version of {path}", expected=f"at most {VERSION}", got=version, do=do)
        arrays, digest, values = safetensors.numpy.load(content), header["sha256"], header["values"]
    except CheckpointError:
        raise
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        what = f"{path} is damaged, or no checkpoint of a network"
        raise CheckpointError(f"{what} ({type(error).__name__}: {error})", do=_AGAIN) from error
    if digest != _digest(arrays, values):
        raise CheckpointError(f"{path} is damaged (its checksum is wrong)", do=_AGAIN)
    return arrays, values


def _digest(arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> str:
    total = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for name in sorted(arrays):
        total.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        total.update(arrays[name].reshape(-1).data)
    return total.hexdigest()
