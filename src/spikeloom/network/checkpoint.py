"""Checkpoints: all that a network needs to go on exactly where it was."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CheckpointError, ParameterError
from ._archive import Arrays, parse, write
from ._archive import read as read
from ._in_flight import InFlight
from ._structure import differences, structure_of
from .recorders import whole_steps

if TYPE_CHECKING:
    from .network import Network

# Differences that an error lists.
_LISTED = 5


@dataclass
class Saving:
    """When a run writes its checkpoints, and where."""

    path: Path
    every: int
    # The step at whose beginning the next one is written.
    next: int

    @classmethod
    def of(cls, network: Network, path: str | Path | None, every: float | None) -> Saving | None:
        """Checked. Raises: ParameterError."""
        if path is None:
            if every is not None:
                raise ParameterError("checkpoint of run", expected="a path, as `every` is given", got=None)
            return None
        steps = whole_steps("every of run", 1000.0 * network.dt if every is None else every, network.dt)
        return cls(Path(path), steps, network.step + steps)

    def save(self, network: Network, start: int) -> None:
        """Write one; the next is due after the same time."""
        save(network, self.path, start)
        self.next += self.every


def save(network: Network, path: Path, start: int) -> None:
    """Write where the network is, and what the run that began in step `start` has recorded; the first rank writes."""
    # All ranks have a part in it.
    packed = _packed(network, start)
    if network.ranks.first:
        write(path, *packed)


def _packed(network: Network, start: int) -> tuple[Arrays, dict[str, Any]]:
    values = {
        "library": version("spikeloom"),
        "structure": structure_of(network),
        "step": network.step,
        "start": start,
        "drawn": network.drawn_so_far,
        "since": [projection.since for projection in network.projections],
    }
    arrays: Arrays = {}
    for place, population in enumerate(network.populations):
        arrays |= {f"population {place} state {name}": array for name, array in population.states.items()}
        for name, value in population.parameters.items():
            arrays[f"population {place} parameter {name}"] = np.asarray(value, dtype=np.float64)
    for place, carrier in enumerate(_carriers(network)):
        arrays |= {f"carrier {place} {name}": array for name, array in carrier.carried().items()}
    if (spikes := network.in_flight()) is not None:
        arrays |= {f"in flight {name}": column for name, column in spikes._asdict().items()}
    return arrays, values


def _carriers(network: Network) -> list[Any]:
    """What keeps arrays from step to step besides populations: recorders, devices, plasticity.

    `carried()` returns them by name, `carry_on(arrays)` takes them back; an object may leave both away.
    """
    learning = [projection.learning for projection in network.projections]
    owners = [network.recordings, *network.recorders, *(device for device, _ in network.devices), *learning]
    return [owner for owner in owners if hasattr(owner, "carried")]


def restore(network: Network, content: bytes, path: Path) -> int:
    """Put a network where the checkpoint says; return the step in which the run began that wrote it.

    Raises: CheckpointError; the network is then as it was.
    """
    arrays, values = parse(content, path)
    found = list(differences(values.get("structure"), structure_of(network)))
    if found:
        more = f", and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        do = "build it by the script that the checkpoint was written by"
        raise CheckpointError(f"{path} is of another network: {'; '.join(found[:_LISTED])}{more}", do=do)
    none = np.zeros(0, dtype=np.int32)
    spikes = InFlight(*(arrays.get(f"in flight {name}", none) for name in InFlight._fields))
    network.set_back(values["step"], values["drawn"], spikes)
    for projection, since in zip(network.projections, values["since"], strict=True):
        projection.since = since
    for place, population in enumerate(network.populations):
        for name, array in population.states.items():
            array[...] = arrays[f"population {place} state {name}"]
        for name, value in list(population.parameters.items()):
            saved = arrays[f"population {place} parameter {name}"]
            if not np.array_equal(np.asarray(value, dtype=np.float64), saved):
                population[name] = saved
    for place, carrier in enumerate(_carriers(network)):
        prefix = f"carrier {place} "
        carrier.carry_on({k.removeprefix(prefix): array for k, array in arrays.items() if k.startswith(prefix)})
    return int(values["start"])
