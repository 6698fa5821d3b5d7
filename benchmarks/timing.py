"""Times that can be compared: the contenders take turns, so that a slow moment of the machine hits all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median

Times = Mapping[str, list[float]]


def interleaved(work: Mapping[str, Callable[[], object]], *, repeats: int) -> dict[str, list[float]]:
    """Seconds of every call, in rounds A B C, A B C, ...; one round before, not counted, compiles and warms caches."""
    for call in work.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in work}
    gc.disable()
    try:
        for _ in range(repeats):
            gc.collect()
            for name, call in work.items():
                # Once unclocked: what is left in the caches is this contender's own, as in a loop that trains.
                call()
                start = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - start)
    finally:
        gc.enable()
    return times


def milliseconds(times: Times, name: str) -> float:
    """Median over the rounds."""
    return median(times[name]) * 1e3


def ratio(times: Times, name: str, to: str) -> float:
    """How many times as long as `to` it takes: the median of the ratios within each round."""
    return median(a / b for a, b in zip(times[name], times[to], strict=True))
