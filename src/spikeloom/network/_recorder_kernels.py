"""The kernels of recorders, in the kernel language (see `_words.py`); they are called after the neurons have advanced.

Results do not depend on how neurons are divided into parts: each part writes its own columns, or counts for itself.
"""

from __future__ import annotations

from typing import Any

from ..compile import layout
from ._words import at, int32_at, int64, int64_at, load, store, uint8_at, value_at

SAMPLE = layout(
    "every",  # steps
    "origin",  # address of the step from whose sample on rows are counted
    "state",
    "neurons",  # of this part's columns; 0 where they are first_neuron, first_neuron + 1, ...
    "columns",
    "first_neuron",
    "first_column",
    "rows",
    "width",  # columns of all parts
)

COUNT = layout(
    "every",  # steps of a bin
    "origin",  # address of the number of the first bin
    "fired",
    "neurons",  # 0 where they are first_neuron, first_neuron + 1, ...
    "first_neuron",
    "counts",  # by bin
)


def sample(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Copy a state of the `hi` recorded neurons of a part into a row, in every n-th step."""
    every = load(table, SAMPLE.every)
    if (step + 1) % every == 0:
        row = (step - load(int64_at(load(table, SAMPLE.origin)), 0)) // every
        state = value_at(load(table, SAMPLE.state))
        out = at(value_at(load(table, SAMPLE.rows)), row * load(table, SAMPLE.width))
        k = int64(0)
        if load(table, SAMPLE.neurons) == 0:
            source, sink = at(state, load(table, SAMPLE.first_neuron)), at(out, load(table, SAMPLE.first_column))
            while k < hi:
                store(sink, k, load(source, k))
                k += 1
        else:
            neurons, columns = int32_at(load(table, SAMPLE.neurons)), int32_at(load(table, SAMPLE.columns))
            while k < hi:
                store(out, int64(load(columns, k)), load(state, int64(load(neurons, k))))
                k += 1


def count_spikes(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Count the spikes of the `hi` recorded neurons of a part in this step."""
    place = step // load(table, COUNT.every) - load(int64_at(load(table, COUNT.origin)), 0)
    fired, counts = uint8_at(load(table, COUNT.fired)), int64_at(load(table, COUNT.counts))
    total = int64(0)
    k = int64(0)
    if load(table, COUNT.neurons) == 0:
        source = at(fired, load(table, COUNT.first_neuron))
        while k < hi:
            total += int64(load(source, k))
            k += 1
    else:
        neurons = int32_at(load(table, COUNT.neurons))
        while k < hi:
            total += int64(load(fired, int64(load(neurons, k))))
            k += 1
    store(counts, place, load(counts, place) + total)
