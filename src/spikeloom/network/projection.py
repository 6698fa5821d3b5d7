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
# Steps beyond which a delay is surely a mistake in units.
LONGEST = 60_000


class Projection:
    """Synapses from one view to another. Made by `Network.connect`."""

    def __init__(
        self, number: int, name: str, pre: View, post: View, rule: Rule, weight: Amount, delay: Amount, receptor: str
    ) -> None:
        self.number, self.name, self.pre, self.post, self.rule = number, name, pre, post, rule
        self.receptor = self._known(receptor)
        network = pre.network
        self.dt, self.seed = network.dt, subseed(network.seed, PROJECTION, number)
        # An input that acts at the end of a step arrives there; any other at the beginning of the step after it.
        self.shift = 0 if self.receptor in post.population.neuron.late_inputs else 1
        self.weight = self._checked_weight(weight)
        self.delay = delay
        self.first_delay, self.delay_chances = self._delays(delay)
        rule.verify(self)

    def _known(self, receptor: str) -> str:
        inputs = self.post.population.inputs
        if not inputs:
            raise ParameterError(self.name, expected="neurons to connect to", got=repr(self.post.population))
        if receptor and receptor not in inputs:
            raise UnknownNameError(f"receptor of {self.name}", receptor, inputs)
        if not receptor and len(inputs) > 1:
            do = "name one with receptor="
            raise ParameterError(f"receptor of {self.name}", expected=f"one of {', '.join(inputs)}", got="none", do=do)
        return receptor or inputs[0]

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

    def _delays(self, delay: Amount) -> tuple[int, NDArray[np.float64] | NDArray[np.int64]]:
        """The shortest in steps as the engine counts them, and the chance of each from there on, or all of them."""
        if isinstance(delay, Distribution):
            first, chances = delay.steps(self.dt)
            self._refuse_short(first)
            self._refuse_long(first + len(chances))
            return first + self.shift, chances
        numbers = self._numbers("delay", delay)
        steps = np.rint(np.asarray(numbers) / self.dt)
        off = np.abs(np.asarray(numbers) / self.dt - steps)
        if (off > 1e-6).any():
            worst = float(np.asarray(numbers).flat[int(off.argmax())])
            nearest = float(steps.flat[int(off.argmax())]) * self.dt
            message = f"delay of {self.name}: {worst:g} ms is no multiple of dt = {self.dt:g} ms, taken as {nearest:g}"
            warnings.warn(message, RoundedDelayWarning, stacklevel=4)
        self._refuse_short(int(steps.min()) if steps.size else 1)
        self._refuse_long(int(steps.max()) if steps.size else 1)
        shifted = steps.astype(np.int64) + self.shift
        if shifted.ndim == 0:
            return int(shifted), np.ones(1)
        return 0, shifted

    def _refuse_short(self, steps: int) -> None:
        least = 1 - self.shift
        if steps < least:
            got = f"{steps * self.dt:g} ms"
            why = " (its spikes act at the end of a step)" if least else ""
            expected = f"at least {least * self.dt:g} ms{why}"
            raise ParameterError(f"delay of {self.name}", expected=expected, got=got)

    def _refuse_long(self, steps: int) -> None:
        if steps > LONGEST:
            expected = f"at most {LONGEST * self.dt:g} ms"
            raise ParameterError(f"delay of {self.name}", expected=expected, got=f"{steps * self.dt:g} ms")

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


