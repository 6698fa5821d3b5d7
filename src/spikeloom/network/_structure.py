"""What a network consists of, in words and digests that two networks can be compared by."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..neurons import Neuron
from .population import View

if TYPE_CHECKING:
    from .network import Network


def structure_of(network: Network) -> dict[str, Any]:
    """All that does not change while a network runs; JSON, equal for networks that the same script makes."""
    return {
        "network": {
            "dt": network.dt, "seed": network.seed, "batch": network.batch,
            "dtype": str(network.dtype).removeprefix("torch."),
        },
        "populations": [
            {"name": p.name, "shape": list(p.shape), "positions": described(p.positions)} | made
            for p, made in zip(network.populations, network.made, strict=True)
        ],
        "projections": [
            {
                "name": p.name, "pre": described(p.pre), "post": described(p.post), "rule": described(p.rule),
                "weight": described(p.weight), "receptor": p.receptor, "seed": p.seed,
                "delay": described(p.delay), "axonal delay": described(p.axonal_delay),
                "plasticity": None if p.learning is None else repr(p.learning.rule),
            }
            for p in network.projections
        ],
        "devices": [
            {"device": described(device), "target": described(target)} for device, target in network.devices
        ],
        "recordings": {
            "spikes": [described(network.logged(p)) for p in network.populations],
            "others": [[type(r).__name__, r.name, r.every, described(r.columns)] for r in network.recorders],
        },
    }  # fmt: skip


def made_of(neuron: Any) -> dict[str, Any]:
    """The kind of a population's neurons, and the parameters that they were made with."""
    if not isinstance(neuron, Neuron):
        return {"neuron": described(neuron)}
    parameters = {name: described(value) for name, value in neuron.param_values().items()}
    return {"neuron": type(neuron).__qualname__, "states": list(neuron.states), "parameters": parameters}


def described(value: Any) -> Any:
    """A number or text as it is, an array by its digest, anything else by its class and what it was made with."""
    if value is None or isinstance(value, bool | int | float | str):
        return value if not isinstance(value, float) else repr(value)
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        array = np.ascontiguousarray(value.detach().numpy() if isinstance(value, torch.Tensor) else value)
        if array.dtype.kind != "O":
            return f"{array.dtype}{list(array.shape)} {hashlib.sha256(array.data).hexdigest()[:16]}"
    if isinstance(value, View):
        return f"{value.population.name} {described(value.indices)}"
    if isinstance(value, Mapping):
        return {str(name): described(item) for name, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [described(item) for item in value]
    return {"class": type(value).__qualname__, **described(_fields(value))}


def _fields(value: Any) -> dict[str, Any]:
    """What an object was made with; caches, which begin with _, left out."""
    if dataclasses.is_dataclass(value):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if callable(value):
        return {"name": f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"}
    if hasattr(value, "tocoo"):
        coordinates = value.tocoo()
        return {"shape": list(value.shape), "row": coordinates.row, "col": coordinates.col, "data": coordinates.data}
    return {name: item for name, item in getattr(value, "__dict__", {}).items() if not name.startswith("_")}


def differences(
    one: Any, other: Any, names: tuple[str, str] = ("in the checkpoint", "in the network"), where: str = ""
) -> Iterator[str]:
    """Where two descriptions differ, and in what."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from differences(one.get(key), other.get(key), names, f"{where}.{key}" if where else str(key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (mine, its) in enumerate(zip(one, other, strict=True)):
            label = mine.get("name") if isinstance(mine, dict) else None
            yield from differences(mine, its, names, f"{where}[{label or number}]")
    elif one != other:
        counts = isinstance(one, list) and isinstance(other, list)
        mine, its = (len(one), len(other)) if counts else (one, other)
        yield f"{where}: {mine} {names[0]}, {its} {names[1]}"
