"""Ranks: processes, on one machine or several, that share a network between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from ..errors import ParameterError, RankError

Bytes = NDArray[np.uint8]
# Bytes that every message has room for; the rest of a longer one follows by itself.
_ROOM = 1 << 13
# Seconds for which a rank that gives up waits for the others to hear of it.
_FAREWELL = 10.0
# As the length of a message: not one, but why the sender gave up.
_GAVE_UP = -1


@dataclass
class Ranks:
    """The processes of a run; one alone by default."""

    number: int = 0
    size: int = 1
    timeout: float = 0.0
    group: Any = None
    _failed: bool = field(default=False, repr=False)

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and prints."""
        return self.number == 0

    @property
    def others(self) -> list[int]:
        """All but this one."""
        return [rank for rank in range(self.size) if rank != self.number]

    def exchange(self, message: Bytes) -> list[Bytes]:
        """Give a message to all ranks; return those of all, in order.

        Raises: RankError, which names a rank that has died, given up, or does not answer.
        """
        if self.size == 1:
            return [message]
        self._stand()
        heads = {rank: torch.empty(_ROOM + 8, dtype=torch.uint8) for rank in self.others}
        lost: dict[int, BaseException] = {}

        def tried(rank: int, step: Callable[..., Any], *given: Any) -> Any:
            try:
                return step(*given)
            except RuntimeError as error:
                # What happened first tells most.
                lost.setdefault(rank, error)

        works = {rank: tried(rank, dist.irecv, heads[rank], rank, self.group) for rank in self.others}
        sends = [(rank, tried(rank, self._send, message, len(message), rank)) for rank in self.others]
        found = {rank: tried(rank, self._received, rank, heads[rank].numpy(), works[rank]) for rank in self.others}
        for rank, pieces in sends:
            for piece in pieces or ():
                if rank not in lost:
                    tried(rank, piece.wait)
        if lost:
            self._give_up(lost)
        return [message if rank == self.number else found[rank] for rank in range(self.size)]

    def agree(self, *numbers: int) -> NDArray[np.int64]:
        """The numbers of all ranks: a row for each."""
        answers = self.exchange(np.array(numbers, dtype=np.int64).view(np.uint8))
        return np.stack([answer.view(np.int64) for answer in answers])

    def sum(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sum over all ranks, element by element."""
        answers = self.exchange(np.ascontiguousarray(numbers).view(np.uint8).ravel())
        total: NDArray[np.int64] = np.sum([answer.view(np.int64) for answer in answers], axis=0)
        return total.reshape(numbers.shape)

    def from_first(self, content: Callable[[], bytes]) -> bytes:
        """What the first rank makes, on all."""
        try:
            mine = content() if self.first else b""
        except BaseException as error:
            self.give_up(error)
            raise
        return bytes(self.exchange(np.frombuffer(mine, dtype=np.uint8))[0])

    def give_up(self, error: BaseException) -> None:
        """Tell the others that this rank ends with an error, where they do not know."""
        if self.size > 1 and not self._failed:
            self._failed = True
            self._announce(f"rank {self.number} ended with {type(error).__name__}: {error}", self.others)

    def _stand(self) -> None:
        if self._failed:
            raise RankError("ranks", expected="ranks that are all alive", got="a run that has failed", do="start anew")

    def _send(self, message: Bytes, length: int, rank: int) -> list[Any]:
        head = np.zeros(_ROOM + 8, dtype=np.uint8)
        head[:8] = np.array([length], dtype=np.int64).view(np.uint8)
        head[8 : 8 + min(len(message), _ROOM)] = message[:_ROOM]
        rest = [torch.from_numpy(np.array(message[_ROOM:]))] if len(message) > _ROOM else []
        return [dist.isend(piece, rank, group=self.group) for piece in (torch.from_numpy(head), *rest)]

    def _received(self, rank: int, head: Bytes, work: Any) -> Bytes:
        if work is None:
            raise RuntimeError("nothing to wait for")
        work.wait()
        length = int(head[:8].view(np.int64)[0])
        if length == _GAVE_UP:
            raise _GaveUp(bytes(head[8:]).rstrip(b"\0").decode(errors="replace"))
        if length <= _ROOM:
            return head[8 : 8 + length]
        rest = torch.empty(length - _ROOM, dtype=torch.uint8)
        following: Any = dist.irecv(rest, rank, group=self.group)
        following.wait()
        return np.concatenate([head[8:], rest.numpy()])

    def _give_up(self, lost: dict[int, BaseException]) -> None:
        """Raise with what is known of the rank where it began, after telling the others."""
        said = [str(error) for error in lost.values() if isinstance(error, _GaveUp)]
        rank, cause = min(lost.items())
        if said:
            what = said[0]
        elif "timed out" in str(cause).lower():
            what = f"rank {rank} has not answered for {self.timeout:g} s"
        else:
            what = f"rank {rank} has died"
        self._failed = True
        self._announce(what, [rank for rank in self.others if rank not in lost])
        do = "see what that rank printed; then start anew, from the last checkpoint if there is one"
        raise RankError(f"the run on {self.size} ranks ends: {what}", do=do) from cause

    def _announce(self, what: str, ranks: list[int]) -> None:
        """Say it in place of the next message; the others say theirs, or that they give up as well."""
        text = np.frombuffer(what.encode()[:_ROOM], dtype=np.uint8)
        works = list[Any]()
        for rank in ranks:
            with suppress(RuntimeError):
                works.append(dist.irecv(torch.empty(_ROOM + 8, dtype=torch.uint8), rank, group=self.group))
                works += self._send(text, _GAVE_UP, rank)
        for work in works:
            with suppress(RuntimeError):
                work.wait(timedelta(seconds=_FAREWELL))


class _GaveUp(RuntimeError):
    """Another rank has said why it ends."""


_current: ContextVar[Ranks] = ContextVar("ranks", default=Ranks())  # noqa: B039


def ranks_now() -> Ranks:
    """Those that a network which is made now is divided over."""
    return _current.get()


@contextmanager
def distributed(timeout: float = 300.0) -> Iterator[Ranks]:
    """Networks made inside are divided over the processes that `torchrun` has started; alone, nothing changes.

    Every process runs the same script. Results, states and errors are the same in all; files are written by the first.
    A rank that dies ends the run in all others at once, one that hangs after `timeout` seconds, with an error that
    names it. Spikes are the same, bit for bit, for any number of ranks.

    Raises: ParameterError, RankError.

    >>> import spikeloom as sl
    >>> with sl.network.distributed() as ranks:
    ...     net = sl.network.Network(dt=0.1, seed=1)
    >>> ranks.size
    1
    """
    if not timeout > 0:
        raise ParameterError("distributed.timeout", expected="seconds > 0", got=timeout)
    mine = not dist.is_initialized()
    if mine and int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield Ranks()
        return
    if mine:
        dist.init_process_group("gloo", timeout=timedelta(seconds=timeout))
    # Spikes are in main memory, whatever back end the processes use besides.
    group = dist.new_group(backend="gloo", timeout=timedelta(seconds=timeout))
    ranks = Ranks(dist.get_rank(), dist.get_world_size(), timeout, group)
    token = _current.set(ranks)
    try:
        yield ranks
    except BaseException as error:
        ranks.give_up(error)
        raise
    finally:
        _current.reset(token)
        if mine:
            dist.destroy_process_group()
