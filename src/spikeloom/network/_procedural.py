"""Rows of synapses that are not stored: what stands in for them, and the kernel that delivers spikes through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..compile import Table, layout, native
from ._engine_kernels import NO_STEP, QUEUE
from ._row_kernels import SINK, add_pairs
from ._sinks import Block, prepared
from ._words import call, int32, int32_at, int64, int64_at, load, store

if TYPE_CHECKING:
    from .projection import Projection

# What a queue has in place of targets.
PROCEDURAL = layout(
    "rule",  # address of the rule's kernel
    "rule_table",
    "sink_table",
    "source_of_row",  # index in the view of sources, -1 for none
    "item",  # bytes of a real number
)
NEVER = 0x3FFFFFFF


def procedural_table(projection: Projection, low: int, high: int, first_slot: int, real: str) -> Table:
    """PROCEDURAL, for the targets low ... high - 1."""
    sink = native(add_pairs, real)
    sinks, rule, rule_table, _, _ = prepared(projection, sink, Block(real), low, high, first_slot=first_slot)
    source_of_row = np.full(projection.pre.population.size, -1, dtype=np.int64)
    source_of_row[projection.pre.indices] = np.arange(len(projection.pre))
    return Table.of(
        PROCEDURAL, rule=rule, rule_table=rule_table, sink_table=sinks, source_of_row=source_of_row,
        item=np.dtype(real).itemsize,
    )  # fmt: skip


def deliver_procedural(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Draw the synapses of every source whose spike arrives now, and add their weights."""
    due, rows, base = (
        int32_at(load(table, QUEUE.due)),
        int32_at(load(table, QUEUE.rows)),
        int64_at(load(table, QUEUE.base)),
    )
    begin, soon = int64_at(load(table, QUEUE.begin)), int64_at(load(table, QUEUE.soon))
    mask, ring = load(table, QUEUE.mask), load(table, QUEUE.ring_mask)
    own = int64_at(load(table, QUEUE.targets))
    sink = int64_at(load(own, PROCEDURAL.sink_table))
    rule, rule_table = load(own, PROCEDURAL.rule), int64_at(load(own, PROCEDURAL.rule_table))
    source_of_row = int64_at(load(own, PROCEDURAL.source_of_row))
    # All synapses have the same delay.
    slot = (step - load(table, QUEUE.longest)) & ring
    if load(soon, slot) == step:
        k, stop = load(begin, slot), load(begin, (slot + 1) & ring)
        while k < stop:
            j = k & mask
            source = load(source_of_row, int64(load(rows, j)))
            if source >= 0:
                store(sink, SINK.out_weights, load(table, QUEUE.buffer) + load(base, j) * load(own, PROCEDURAL.item))
                call(rule, rule_table, source, source + 1, int64(0))
            store(due, j, int32(NEVER))
            k += 1
        store(soon, slot, int64(NO_STEP))
