"""Seeds of the independent streams of random numbers of a network."""

from __future__ import annotations

from .. import random

# What a stream is for.
PROJECTION, POPULATION, VALUES, DEVICE, PLASTICITY = range(5)


def subseed(seed: int, kind: int, number: int, run: int = 0) -> int:
    """The seed of one stream: 31 bits that depend on the network's seed, the kind, its number and the run."""
    x, _ = random.bits(seed, kind + 16 * run, number, 0)
    return int(x) >> 1
