"""A network on several ranks: what they tell each other, after every interval and at the end of a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RankError
from ._engine_kernels import CONTROL, STOPPED
from ._structure import differences, structure_of

if TYPE_CHECKING:
    from ._engine import Engine
    from ._parts import Box, Spikes
    from .network import Network


def run_on_ranks(engine: Engine, first: int, steps: int, threads: int) -> tuple[int, str]:
    """As `Engine.run`; after each interval all ranks have the spikes of all."""
    done, reason = 0, STOPPED[0]
    while done < steps and reason == STOPPED[0]:
        ran, why = engine.advance(first + done, min(engine.interval, steps - done), threads)
        # A queue that was full has room now; it was full on all ranks.
        if ran:
            done += ran
            reason = STOPPED[_exchange(engine, STOPPED.index(why))]
    return done, reason


def _exchange(engine: Engine, reason: int) -> int:
    """Give the outboxes of the last interval to all, and take theirs; return the gravest reason of any to stop."""
    parity = int(engine.parts[0].control[CONTROL.parity])
    places = engine.pending * engine.lanes + 1
    pieces = [np.array([reason], dtype=np.int32)]
    for part in engine.parts:
        here = part.box.places[parity][:places]
        pieces += [here, part.box.ids[parity][: here[-1]]]
    answers = engine.ranks.exchange(np.concatenate(pieces).view(np.uint8))
    each = len(engine.parts)
    for rank in engine.ranks.others:
        _unpack(answers[rank].view(np.int32)[1:], engine.boxes[rank * each : (rank + 1) * each], parity, places)
    return max(int(answer.view(np.int32)[0]) for answer in answers)


def _unpack(message: NDArray[np.int32], boxes: list[Box], parity: int, places: int) -> None:
    for box in boxes:
        count = int(message[places - 1])
        box.places[parity][:places] = message[:places]
        box.ids[parity][:count] = message[places : places + count]
        message = message[places + count :]


def share_states(engine: Engine) -> None:
    """Every rank has the states of all neurons."""
    if engine.ranks.size > 1:
        share_arrays(engine, [(p.number, array) for p in engine.populations for array in p.states.values()])


def share_arrays(engine: Engine, arrays: list[tuple[int, NDArray[Any]]]) -> None:
    """Every rank has all of what belongs to the neurons of populations, by number; the last axis is that of neurons."""
    mine = engine.bounds_of(engine.ranks.number)
    own = [np.ascontiguousarray(array[..., slice(*mine[n])]).view(np.uint8).ravel() for n, array in arrays]
    answers = engine.ranks.exchange(np.concatenate([np.zeros(0, np.uint8), *own]))
    for rank in engine.ranks.others:
        bounds, message = engine.bounds_of(rank), answers[rank]
        for number, array in arrays:
            low, high = bounds[number]
            part = array[..., low:high]
            size = part.size * array.itemsize
            part[...] = np.frombuffer(message[:size].tobytes(), array.dtype).reshape(part.shape)
            message = message[size:]


def share_spikes(engine: Engine, spikes: Spikes) -> Spikes:
    """Those recorded on all ranks, in order."""
    if engine.ranks.size == 1:
        return spikes
    answers = engine.ranks.exchange(np.concatenate(spikes).view(np.uint8))
    columns = np.concatenate([answer.view(np.int32).reshape(3, -1) for answer in answers], axis=1)
    # Ranks are in the order of neurons, each is in order already.
    when = columns[0].astype(np.int64) * engine.lanes + columns[1]
    return type(spikes)(*columns[:, np.argsort(when, kind="stable")])


def share_columns(engine: Engine, number: int, neurons: NDArray[np.int64], samples: NDArray[Any]) -> None:
    """Fill samples [batch, time, neurons] of a population's neurons with what other ranks have recorded."""
    mine = _columns(engine, engine.ranks.number, number, neurons)
    own = np.ascontiguousarray(samples[:, :, mine])
    for rank, answer in enumerate(engine.ranks.exchange(own.view(np.uint8).ravel())):
        columns = _columns(engine, rank, number, neurons)
        if rank != engine.ranks.number and len(columns):
            samples[:, :, columns] = np.frombuffer(answer.tobytes(), samples.dtype).reshape(*samples.shape[:2], -1)


def _columns(engine: Engine, rank: int, number: int, neurons: NDArray[np.int64]) -> NDArray[np.int64]:
    low, high = engine.bounds_of(rank)[number]
    return np.flatnonzero((neurons >= low) & (neurons < high))


def agreed_parts(network: Network, parts: int) -> int:
    """Parts of each rank: as many on all. Raises: RankError where they have not made the same network."""
    ranks = network.ranks
    if ranks.size > 1:
        mine = structure_of(network)
        its = json.loads(ranks.from_first(lambda: json.dumps(mine).encode()))
        found = next(differences(its, mine, ("on rank 0", "here")), "")
        for rank, text in enumerate(ranks.exchange(np.frombuffer(found.encode(), dtype=np.uint8))):
            if len(text):
                what = f"the network of rank {rank} is not that of rank 0, {bytes(text).decode()}"
                raise RankError(what, do="let all ranks run the same script, with the same seeds")
    return int(ranks.agree(parts).max())
