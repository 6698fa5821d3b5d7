"""The kernels of gap junctions, in the kernel language (see `network/_words.py`)."""

from __future__ import annotations

from typing import Any

from ...compile import layout
from .._words import at, int64_at, load, real_at, store, zero

COUPLE = layout(
    "inputs",
    "even",  # potentials at the beginning of even steps
    "odd",
    "place",  # where those of the population begin
    "edges",  # by neuron, from `lo` on: where its junctions begin
    "others",  # places of the potentials at the other ends
    "conductances",
)
PUBLISH = layout("potentials", "even", "odd", "place")


def couple(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Add the currents through all junctions of each neuron."""
    inputs = real_at(load(table, COUPLE.inputs))
    potentials = real_at(load(table, COUPLE.odd) if step & 1 != 0 else load(table, COUPLE.even))
    own, edges = at(potentials, load(table, COUPLE.place)), int64_at(load(table, COUPLE.edges))
    others, conductances = int64_at(load(table, COUPLE.others)), real_at(load(table, COUPLE.conductances))
    i = lo
    while i < hi:
        v, total = load(own, i), zero
        k, stop = load(edges, i - lo), load(edges, i - lo + 1)
        while k < stop:
            total += load(conductances, k) * (load(potentials, load(others, k)) - v)
            k += 1
        store(inputs, i, load(inputs, i) + total)
        i += 1


def publish(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Copy the potentials at the end of the step to where the next step reads them."""
    potentials = real_at(load(table, PUBLISH.potentials))
    copies = real_at(load(table, PUBLISH.even) if step & 1 != 0 else load(table, PUBLISH.odd))
    copies = at(copies, load(table, PUBLISH.place))
    i = lo
    while i < hi:
        store(copies, i, load(potentials, i))
        i += 1
