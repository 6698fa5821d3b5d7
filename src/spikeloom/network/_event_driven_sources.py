"""Sources of spikes, and devices that act by spikes, without a time step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..compile import Table, native
from ..errors import ParameterError
from . import _event_driven_flows as flows
from ._event_driven_statement import Array
from ._event_driven_tables import KIND
from .devices import Poisson, SpikeTimes
from .devices.waveforms import Constant


class Channels:
    """The channels of a source as the loop over events sees them."""

    def __init__(self, source: Any, label: str, seed: int, size: int, first: int, nexts: Array, clock: Array) -> None:
        if isinstance(source, Poisson):
            foresee, own, begin = flows.foresee_poisson, _poisson(source, label, seed, size), source.start
        elif isinstance(source, SpikeTimes):
            foresee, own, begin = flows.foresee_listed, _listed(source, label, size), 0.0
        else:
            do = "simulate it with Network(dt=...), or list its spikes in SpikeTimes"
            expected = "Poisson or SpikeTimes"
            raise ParameterError(f"source of {label}, event by event", expected=expected, got=repr(source), do=do)
        self.first, self.last = first, np.full(size, begin)
        entries = dict.fromkeys(KIND._fields, 0) | {
            "last": self.last, "clock": clock, "next": nexts[first:], "first": first,
            "move": native(flows.move_source, "float64"), "foresee": native(foresee, "float64"),
        }  # fmt: skip
        self.table = Table(*entries.values(), *own)


def _poisson(source: Poisson, label: str, seed: int, size: int) -> tuple[Any, ...]:
    wave = source.wave
    if not isinstance(wave, Constant):
        do = "take several, each with start and stop"
        raise ParameterError(f"rate of {label}, event by event", expected="a constant one", got=repr(wave), do=do)
    wave.verify(f"rate of {label}", size, math.inf)
    rates = np.broadcast_to(1e-3 * wave.value, (size,)).copy()
    return rates, np.zeros(size, dtype=np.int64), seed, np.array([source.stop])


def _listed(source: SpikeTimes, label: str, size: int) -> tuple[Any, ...]:
    if source.size not in (None, size) or (source.places < 0).any() or (source.places >= size).any():
        expected = f"those of {size} channels"
        raise ParameterError(f"times of {label}", expected=expected, got=f"{source.size} lists or channels beyond")
    order = np.lexsort((source.times, source.places))
    edges = np.searchsorted(source.places[order], np.arange(size + 1)).astype(np.int64)
    return source.times[order], edges[:-1].copy(), edges[1:].copy()
