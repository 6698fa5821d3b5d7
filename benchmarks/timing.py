"""Times that can be compared: the contenders take turns, so that a slow moment of the machine hits all of them."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from statistics import median

Times = Mapping[str, list[float]]


def rounds(count: int, what: str) -> Iterator[int]:
    """Count to `count`; on a terminal say how far, elsewhere only that `what` has begun."""
    live = sys.stderr.isatty()
    for done in range(count):
        if what and (live or not done):
            end = "\r" if live else "\n"
            print(
                f"{what}: round {done + 1} of {count}" if live else f"{what} ...", end=end, file=sys.stderr, flush=True
            )
        yield done
    if what and live:
        print(" " * (len(what) + 30), end="\r", file=sys.stderr, flush=True)


def interleaved(work: Mapping[str, Callable[[], object]], *, repeats: int, what: str = "") -> dict[str, list[float]]:
    """Seconds of every call, in rounds A B C, A B C, ...; one round before, not counted, compiles and warms caches."""
    for call in work.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in work}
    gc.disable()
    try:
        for _ in rounds(repeats, what):
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


def fastest(times: Times, names: Iterable[str]) -> str:
    """The name with the smallest median."""
    return min(names, key=lambda name: median(times[name]))
