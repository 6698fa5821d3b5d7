"""One run: slices of steps one after the other, what they record, and what ends them early."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import CheckpointError, NonFiniteError, RankError, RecordingError
from ._engine import Engine
from ._pace import Pace
from ._recordings import Recordings
from ._shared_run import share_columns, share_spikes, share_states
from ._watch import nan_left, nan_noticed
from .checkpoint import Saving
from .recorders import StateRecorder
from .result import Result

if TYPE_CHECKING:
    from .network import Network


class Run:
    """What `Network.run` does between its beginning and its end."""

    def __init__(
        self, network: Network, recordings: Recordings, engine: Engine, pace: Pace, saving: Saving | None
    ) -> None:
        self.network, self.recordings, self.engine, self.pace, self.saving = network, recordings, engine, pace, saving
        self.start = network.step

    def until(self, goal: int, interruptions: list[Any], reached: Callable[[float], None]) -> Result:
        """Advance to step `goal`, or until interrupted; an error has what was recorded until then as `result`."""
        network, saving = self.network, self.saving
        try:
            self.recordings.prepare()
            interrupted = False
            while network.step < goal and not interrupted:
                limit = goal if saving is None else min(goal, saving.next)
                interrupted = self._slice(limit, bool(interruptions))
                reached(network.time)
                if saving is not None and network.step == saving.next:
                    share_states(self.engine)
                    saving.save(network, self.start)
            share_states(self.engine)
            self._refuse(nan_left(network, network.step - 1))
        except (NonFiniteError, RecordingError, CheckpointError, RankError) as error:
            # Of NaN all ranks know.
            if not isinstance(error, NonFiniteError):
                network.ranks.give_up(error)
            error.result = self.recordings.result(self.start)
            raise
        except BaseException as error:
            network.ranks.give_up(error)
            raise
        return self.recordings.result(self.start)

    def _slice(self, limit: int, interrupted: bool) -> bool:
        """Run some steps, unless a rank is interrupted; return whether one is."""
        network, engine = self.network, self.engine
        steps, threads = self.pace.next()
        steps = min(steps, limit - network.step)
        for recorder in network.recorders:
            steps = min(steps, recorder.begin(network.step, steps))
        wishes = network.ranks.agree(steps, interrupted)
        steps, interrupted = int(wishes[:, 0].min()), bool(wishes[:, 1].any())
        if interrupted:
            return True
        first, began = network.step, time.perf_counter()
        done, reason = engine.run(first, steps, threads)
        network.step += done
        self.pace.ran(done, (time.perf_counter() - began) * 1e3)
        self._record(first, done)
        if reason == "nan":
            self._refuse(nan_noticed(engine))
        return False

    def _record(self, first: int, done: int) -> None:
        """Keep what was recorded in `done` steps, on every rank all of it."""
        network, engine = self.network, self.engine
        for recorder in network.recorders:
            known = len(recorder.pieces)
            recorder.end(first, done)
            if isinstance(recorder, StateRecorder) and network.ranks.size > 1:
                for piece in recorder.pieces[known:]:
                    share_columns(engine, recorder.view.population.number, recorder.columns, piece)
        self.recordings.took(share_spikes(engine, engine.take_log()))

    def _refuse(self, found: str) -> None:
        if found:
            do = "check its input, its parameters and dt; what was recorded is in the error's `result`"
            raise NonFiniteError(found, do=do)
