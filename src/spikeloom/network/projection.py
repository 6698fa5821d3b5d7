"""Projections: the synapses between two populations, by rule, weight and delay."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import DTypeError, ParameterError, RoundedDelayWarning, UnknownNameError
from ._seeds import PROJECTION, subseed
from .distributions import Distribution
from .population import View
from .rules import Rule

Amount = float | Sequence[float] | NDArray[Any] | torch.Tensor | Distribution
Delays = tuple[int, NDArray[np.float64] | NDArray[np.int64]]
# Steps beyond which a delay is surely a mistake in units.
LONGEST = 60_000


class Projection:
    """Synapses from one view to another. Made by `Network.connect`."""

    def __init__(
        self,
        number: int,
        name: str,
        pre: View,
        post: View,
        rule: Rule,
        weight: Amount,
        delay: Amount,
        axonal_delay: Amount,
        receptor: str,
    ) -> None:
        self.number, self.name, self.pre, self.post, self.rule = number, name, pre, post, rule
        self.receptor = receptor_of(name, post, receptor)
        network = pre.network
        self.dt, self.seed = network.dt, subseed(network.seed, PROJECTION, number)
        # Connected in this step: it carries the spikes from then on.
        self.since = network.step
        # An input that acts at the end of a step arrives there; any other at the beginning of the step after it.
        self.shift = 0 if self.receptor in post.population.late_inputs else 1
        self.weight = self._checked_weight(weight)
        self.delay, self.axonal_delay = delay, axonal_delay
        self.first_delay, self.delay_chances = _added(self._delays(delay), self._delays(axonal_delay))
        self._check_delays()
        rule.verify(self)

    def _checked_weight(self, weight: Amount) -> float | NDArray[np.float64] | Distribution:
        if isinstance(weight, Distribution):
            return weight
        return self._numbers("weight", weight)

    def _numbers(self, what: str, value: Any) -> float | NDArray[np.float64]:
        label = f"{what} of {self.name}"
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DTypeError(label, expected="a number, an array or a distribution", got=repr(value)) from error
        if not np.isfinite(array).all():
            bad = array[~np.isfinite(array)].flat[0]
            raise ParameterError(label, expected="finite numbers", got=bad)
        return float(array) if array.ndim == 0 else array

    def _delays(self, delay: Amount) -> Delays:
        """In steps: the shortest and the chance of each from there on, or 0 and all of them."""
        if isinstance(delay, Distribution):
            return delay.steps(self.dt)
        numbers = np.asarray(self._numbers("delay", delay))
        steps = np.rint(numbers / self.dt)
        off = np.abs(numbers / self.dt - steps)
        if (off > 1e-6).any():
            given, taken = (float(v.flat[int(off.argmax())]) for v in (numbers, steps * self.dt))
            message = f"delay of {self.name}: {given:g} ms is no multiple of dt = {self.dt:g} ms, taken as {taken:g} ms"
            warnings.warn(message, RoundedDelayWarning, stacklevel=4)
        whole = steps.astype(np.int64)
        return (int(whole), np.ones(1)) if whole.ndim == 0 else (0, whole.ravel())

    def _check_delays(self) -> None:
        """Not too short, and not so long that it must be a mistake; from here on as the engine counts them."""
        listed = self.listed_delays and self.delay_chances.size
        first = int(self.delay_chances.min()) if listed else self.first_delay
        last = int(self.delay_chances.max()) if listed else first + len(self.delay_chances) - 1
        label, least = f"delay of {self.name}", 1 - self.shift
        if first < least:
            expected = f"at least {least * self.dt:g} ms"
            expected += " (what arrives jumps the potential at the end of a step)" if least else ""
            raise ParameterError(label, expected=expected, got=f"{first * self.dt:g} ms")
        if last > LONGEST:
            raise ParameterError(label, expected=f"at most {LONGEST * self.dt:g} ms", got=f"{last * self.dt:g} ms")
        if self.listed_delays:
            self.delay_chances = self.delay_chances + self.shift
        else:
            self.first_delay += self.shift

    @property
    def listed_delays(self) -> bool:
        """Whether each synapse has a delay that was given."""
        return self.delay_chances.dtype == np.int64

    @cached_property
    def delay_steps(self) -> NDArray[np.int64]:
        """All delays that may occur, as the engine counts them."""
        if self.listed_delays:
            return np.unique(self.delay_chances).astype(np.int64)
        return self.first_delay + np.flatnonzero(self.delay_chances)

    def self_index(self) -> NDArray[np.int64]:
        """By target: which source is the same neuron, or the number of sources."""
        found = np.full(len(self.post), len(self.pre), dtype=np.int64)
        if self.pre.population is self.post.population:
            place = np.full(self.pre.population.size, len(self.pre), dtype=np.int64)
            place[self.pre.indices] = np.arange(len(self.pre))
            found[:] = place[self.post.indices]
        return found

    @property
    def uniform(self) -> bool:
        """Whether all synapses have one weight."""
        return isinstance(self.weight, float)

    def __repr__(self) -> str:
        return f"{self.name}({self.rule!r})"


def _added(a: Delays, b: Delays) -> Delays:
    """The sum of two independent delays."""
    listed = [delays for delays in (a, b) if delays[1].dtype == np.int64]
    if not listed:
        return a[0] + b[0], np.convolve(a[1], b[1])
    if len(listed) == 2:
        return 0, a[1] + b[1]
    (_, steps), (first, chances) = (a, b) if a[1].dtype == np.int64 else (b, a)
    if len(chances) > 1:
        raise ParameterError("delay", expected="two distributions, or two arrays, or a number", got="one of each")
    return 0, steps + first


def receptor_of(what: str, post: View, receptor: str) -> str:
    """The input that is connected to; where there is only one, it need not be named."""
    inputs = post.population.inputs
    if not inputs:
        raise ParameterError(what, expected="neurons to connect to", got=repr(post.population))
    if receptor and receptor not in inputs:
        raise UnknownNameError(f"receptor of {what}", receptor, inputs)
    if not receptor and len(inputs) > 1:
        do = "name one with receptor="
        raise ParameterError(f"receptor of {what}", expected=f"one of {', '.join(inputs)}", got="none", do=do)
    return receptor or inputs[0]
