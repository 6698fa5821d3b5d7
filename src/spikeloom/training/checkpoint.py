"""Checkpoints: tensors as safetensors, all else as versioned JSON in the same file, so that both change together."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from spikeloom.errors import CheckpointError

VERSION = 1

_AGAIN = "restore the file from a copy, or train again with overwrite"


def pack(tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> bytes:
    """Tensors and JSON values as the bytes of one safetensors file.

    The values, a format version and a checksum of the tensors lie in the file's metadata. Nothing is pickled.

    >>> tensors, values = unpack(pack({"w": torch.ones(2)}, {"epoch": 3}))
    >>> tensors["w"], values
    (tensor([1., 1.]), {'epoch': 3})
    """
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    header = {"version": VERSION, "crc32": _checksum(plain), "values": dict(values)}
    return safetensors.torch.save(plain, metadata={"spikeloom": json.dumps(header)})


def unpack(content: bytes, *, source: str = "checkpoint") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and values that `pack` wrote; a `CheckpointError` names `source` where a byte is missing or wrong."""
    try:
        tensors = safetensors.torch.load(content)
        size = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["spikeloom"])
        version, checksum, values = header["version"], header["crc32"], header["values"]
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{source} is damaged or not a spikeloom file ({error})", do=_AGAIN) from error
    if version != VERSION:
        do = "use the version of spikeloom that wrote it, or train again"
        raise CheckpointError(f"version of {source}", expected=VERSION, got=version, do=do)
    if checksum != _checksum(tensors):
        raise CheckpointError(f"{source} is damaged (the checksum of its tensors is wrong)", do=_AGAIN)
    return tensors, values


def flatten_optimizer(state: Mapping[str, Any], *, prefix: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Split an optimiser's `state_dict` into tensors named `<prefix><parameter>.<name>` and JSON values."""
    tensors: dict[str, Tensor] = {}
    values: dict[str, Any] = {"groups": state["param_groups"], "state": {}}
    for index, entries in state["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"{prefix}{index}.{name}"] = value
            else:
                values["state"].setdefault(str(index), {})[name] = value
    return tensors, values


def unflatten_optimizer(tensors: Mapping[str, Tensor], values: Mapping[str, Any], *, prefix: str) -> dict[str, Any]:
    """The `state_dict` that `flatten_optimizer` split."""
    state = {int(index): dict(entries) for index, entries in values["state"].items()}
    for key, tensor in tensors.items():
        if key.startswith(prefix):
            index, name = key.removeprefix(prefix).split(".", 1)
            state.setdefault(int(index), {})[name] = tensor
    return {"state": state, "param_groups": values["groups"]}


def _checksum(tensors: Mapping[str, Tensor]) -> int:
    total = 0
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        total = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), total)
        if tensor.numel():
            total = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, total)
    return total
