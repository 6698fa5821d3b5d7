"""Division of a network into parts that threads and ranks work on."""

from __future__ import annotations

from collections.abc import Sequence

# Neurons that stay together: whole cache lines, and all that share a draw of random numbers.
GRAIN = 64


def edges_of(sizes: Sequence[int], parts: int) -> list[list[int]]:
    """For each population where its parts begin, and its size at the end.

    Each part has a piece of every population, so that all have much the same to do. Grains that cannot be shared out
    evenly go to the parts with fewest neurons so far.

    >>> edges_of([128, 64], 2)
    [[0, 64, 128], [0, 64, 64]]
    """
    loads = [0] * parts
    found = []
    for size in sizes:
        grains = -(-size // GRAIN)
        share = [grains // parts] * parts
        for part in sorted(range(parts), key=lambda p: (loads[p], p))[: grains % parts]:
            share[part] += 1
        edges = [0]
        for part, count in enumerate(share):
            edges.append(min(size, edges[-1] + count * GRAIN))
            loads[part] += edges[-1] - edges[-2]
        found.append(edges)
    return found
