"""Networks of whole numbers, as digital chips compute them: step by step, or from event to event."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..conversion._chain import chain
from ..conversion._network import Converted
from ..errors import ConversionError, DTypeError, ParameterError, ShapeError

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class IntegerLayer:
    """Integrate-and-fire neurons of whole numbers.

    A step, in this order: |v| falls by `leak`, not beyond 0; v <- v + weight s + drift; v <- max(v, floor); spike where
    v >= v_th, then v <- v - v_th, or 0 with `hard_reset`. v begins at `start`. Neurons without threshold (None) add up.

    Shapes: weight [n, before], v_th, start and drift [n] or a number. Raises: DTypeError, ShapeError, ParameterError.
    """

    weight: Tensor
    v_th: Tensor | int | None
    leak: int = 0
    drift: Tensor | int = 0
    start: Tensor | int = 0
    floor: int | None = None
    hard_reset: bool = False

    def __post_init__(self) -> None:
        for name in ("weight", "v_th", "drift", "start"):
            value = getattr(self, name)
            whole = isinstance(value, int) or value is None or not (value.is_floating_point() or value.is_complex())
            if not whole:
                raise DTypeError(f"IntegerLayer.{name}", expected="whole numbers", got=value.dtype)
            if isinstance(value, Tensor) and name != "weight" and value.shape not in ((), (len(self.weight),)):
                raise ShapeError(f"IntegerLayer.{name}", expected=[len(self.weight)], got=list(value.shape))
        if self.weight.dim() != 2:
            raise ShapeError("IntegerLayer.weight", expected="[n, before]", got=list(self.weight.shape))
        if self.leak < 0:
            raise ParameterError("IntegerLayer.leak", expected=">= 0", got=self.leak)
        if self.v_th is not None and bool((torch.as_tensor(self.v_th) <= 0).any()):
            raise ParameterError("IntegerLayer.v_th", expected="thresholds above 0", got=self.v_th)

    def filled(self, value: Tensor | int | None) -> Tensor:
        """A number for each neuron; a threshold that there is not is out of reach."""
        number = torch.iinfo(torch.int64).max if value is None else value
        return torch.as_tensor(number, dtype=torch.int64).expand(len(self.weight)).clone()


@dataclass(frozen=True)
class IntegerRun:
    """Spikes of each layer, [T, B, n] of 0 and 1, last potentials of the last one, [B, n], and what was done for them.

    `events`: spikes that arrive at each layer. `operations`: additions of a weight that is not 0. `updates`: neurons
    that were looked at. `wakes`: steps in which a layer had something to do; with a clock that is every step.
    """

    spikes: list[Tensor]
    v: Tensor
    events: list[int]
    operations: list[int]
    updates: list[int]
    wakes: list[int]


class IntegerNetwork:
    """Layers of whole numbers, each fed by the one before in the same step.

    `clocked` computes every neuron in every step. `event_driven` wakes a layer only when a spike arrives, or a neuron
    still is at threshold, and makes up for the leak of the steps between; it takes layers without drift. Both give the
    same spikes and potentials, bit for bit.

    Raises: ShapeError, ParameterError, DTypeError.

    >>> import torch
    >>> net = IntegerNetwork([IntegerLayer(torch.tensor([[2, 1]]), v_th=3, leak=1)])
    >>> spikes = torch.tensor([[[1, 1]], [[0, 0]], [[1, 0]], [[1, 0]]])
    >>> net.clocked(spikes).spikes[0].flatten(), net.event_driven(spikes).wakes
    (tensor([1, 0, 0, 1]), [3])
    """

    def __init__(self, layers: Sequence[IntegerLayer]) -> None:
        if not layers:
            raise ParameterError("layers of IntegerNetwork", expected="one or more", got="none")
        for before, after in itertools.pairwise(layers):
            if after.weight.shape[1] != len(before.weight):
                raise ShapeError("layers of IntegerNetwork", expected=len(before.weight), got=after.weight.shape[1])
        self.layers = list(layers)

    @classmethod
    def of(cls, net: Converted, *, bits: int = 8) -> IntegerNetwork:
        """A converted perceptron, with weights of so many bits, sign included, and a unit of its own for each layer.

        What `sl.conversion.quantised` has made keeps its steps, whatever the bits. Biases are drifts. Inputs are spikes
        of 1. Raises: ConversionError, ParameterError.
        """
        if bits < 2:
            raise ParameterError("bits of IntegerNetwork", expected="2 or more", got=bits)
        layers = []
        for layer in chain(net):
            unit = layer.weight.abs().max() / (2 ** (bits - 1) - 1) if layer.unit is None else layer.unit
            drift = (layer.bias / unit).round().long()
            weight = (layer.weight / unit.view(-1, 1)).round().long()
            if layer.v_th is None or layer.start is None:
                layers.append(IntegerLayer(weight, None, drift=drift))
                continue
            v_th, start = (value / unit for value in (layer.v_th, layer.start))
            if bool((v_th < 1).any()):
                got, do = f"thresholds below the step of {bits} bits", "give more bits"
                raise ConversionError("thresholds of IntegerNetwork", expected="1 or more", got=got, do=do)
            first = start.round().long()
            layers.append(
                IntegerLayer(weight, v_th.round().long(), drift=drift, start=first, hard_reset=layer.hard_reset)
            )
        return cls(layers)

    def clocked(self, spikes: Tensor) -> IntegerRun:
        """With a clock: spikes [T, B, features] of 0 and 1."""
        s = self._checked(spikes)
        steps, batch = s.shape[:2]
        sent, counts = [], _Counts(len(self.layers))
        v = torch.zeros(0)
        for place, layer in enumerate(self.layers):
            n = len(layer.weight)
            counts.arrive(place, s.sum((0, 1)), layer.weight)
            counts.updates[place], counts.wakes[place] = steps * batch * n, steps * batch
            # Sums of products that are whole and less than 2^53 are exact in float64.
            current = (s.double() @ layer.weight.double().T).long() + layer.filled(layer.drift)
            v, s = _integrated(layer, current)
            sent.append(s)
        return IntegerRun(sent, v, counts.events, counts.operations, counts.updates, counts.wakes)

    def event_driven(self, spikes: Tensor) -> IntegerRun:
        """From event to event, by a queue: spikes [T, B, features] of 0 and 1. Raises: ParameterError for drifts."""
        s = self._checked(spikes)
        for place, layer in enumerate(self.layers):
            if bool((torch.as_tensor(layer.drift) != 0).any()):
                do = "train without biases, or let a neuron that always spikes stand for them"
                raise ParameterError(f"drift of layer {place}, event by event", expected=0, got="others", do=do)
        steps, batch = s.shape[:2]
        counts = _Counts(len(self.layers))
        sent = [torch.zeros(steps, batch, len(layer.weight), dtype=torch.int64) for layer in self.layers]
        v = torch.stack(
            [_Queue(self, counts).run(s[:, b].numpy(), [y[:, b].numpy() for y in sent]) for b in range(batch)]
        )
        return IntegerRun(sent, v, counts.events, counts.operations, counts.updates, counts.wakes)

    def _checked(self, spikes: Tensor) -> Tensor:
        features = self.layers[0].weight.shape[1]
        if spikes.dim() != 3 or spikes.shape[2] != features:
            raise ShapeError("spikes of IntegerNetwork", expected=["T", "B", features], got=list(spikes.shape))
        if bool(((spikes != 0) & (spikes != 1)).any()):
            raise ParameterError("spikes of IntegerNetwork", expected="0 and 1", got="others")
        return spikes.long()


class _Counts:
    def __init__(self, layers: int) -> None:
        self.events, self.operations, self.updates, self.wakes = ([0] * layers for _ in range(4))

    def arrive(self, place: int, times: Tensor, weight: Tensor) -> None:
        """Spikes at a layer, so many times from each source."""
        self.events[place] += int(times.sum())
        self.operations[place] += int((times * (weight != 0).sum(0)).sum())


def _integrated(layer: IntegerLayer, current: Tensor) -> tuple[Tensor, Tensor]:
    """Last potentials [B, n] and spikes [T, B, n] of a layer with this input."""
    v_th = layer.filled(layer.v_th)
    v = layer.filled(layer.start).expand(current.shape[1:]).clone()
    s = torch.zeros_like(current)
    for step, arrived in enumerate(current):
        v = v.sign() * (v.abs() - layer.leak).clamp(min=0) + arrived
        v = v if layer.floor is None else v.clamp(min=layer.floor)
        fired = v >= v_th
        s[step] = fired
        v = torch.where(fired, 0 if layer.hard_reset else v - v_th, v)
    return v, s


class _Queue:
    """One run: moments (step, layer) in order, and the sources whose spikes arrive in each."""

    def __init__(self, net: IntegerNetwork, counts: _Counts) -> None:
        self.net, self.counts = net, counts
        self.v: list[Whole] = [layer.filled(layer.start).numpy() for layer in net.layers]
        self.v_th: list[Whole] = [layer.filled(layer.v_th).numpy() for layer in net.layers]
        self.columns: list[Whole] = [np.ascontiguousarray(layer.weight.long().T.numpy()) for layer in net.layers]
        # Leak is made up for until this step.
        self.until = [-1] * len(net.layers)
        self.moments: list[tuple[int, int]] = []
        self.arrived: dict[tuple[int, int], Whole] = {}

    def run(self, spikes: Whole, sent: list[Whole]) -> Tensor:
        """Write what is sent, [T, n] for each layer; the last layer's potentials at the end."""
        steps, last = len(spikes), len(self.v) - 1
        for step in np.flatnonzero(spikes.any(1)).tolist():
            self._put(step, 0, np.flatnonzero(spikes[step]))
        for place in range(last + 1):
            if (self.v[place] >= self.v_th[place]).any():
                self._put(0, place, np.zeros(0, dtype=np.int64))
        while self.moments:
            step, place = moment = heapq.heappop(self.moments)
            fired = self._wake(step, place, self.arrived.pop(moment))
            sent[place][step, fired] = 1
            if len(fired) and place < last:
                self._put(step, place + 1, fired)
            if step + 1 < steps and (self.v[place] >= self.v_th[place]).any():
                self._put(step + 1, place, np.zeros(0, dtype=np.int64))
        self._leak(last, steps - 1)
        return torch.from_numpy(self.v[last])

    def _put(self, step: int, place: int, sources: Whole) -> None:
        moment = (step, place)
        if moment in self.arrived:
            self.arrived[moment] = np.concatenate([self.arrived[moment], sources])
            return
        self.arrived[moment] = sources
        heapq.heappush(self.moments, moment)

    def _wake(self, step: int, place: int, sources: Whole) -> Whole:
        layer, counts = self.net.layers[place], self.counts
        self._leak(place, step)
        rows = self.columns[place][sources]
        counts.events[place] += len(sources)
        counts.operations[place] += int(np.count_nonzero(rows))
        counts.updates[place] += len(self.v[place])
        counts.wakes[place] += 1
        v = self.v[place] + rows.sum(0)
        v = v if layer.floor is None else np.maximum(v, layer.floor)
        fired = np.flatnonzero(v >= self.v_th[place])
        v[fired] = 0 if layer.hard_reset else v[fired] - self.v_th[place][fired]
        self.v[place] = v
        return fired

    def _leak(self, place: int, step: int) -> None:
        lost = self.net.layers[place].leak * (step - self.until[place])
        v = self.v[place]
        self.v[place] = np.sign(v) * np.maximum(np.abs(v) - lost, 0)
        self.until[place] = step
