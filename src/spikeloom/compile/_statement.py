"""The protocol that the compiler works on. It knows no neuron: only declarations and one step."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Protocol

from torch import Tensor

from ..parameters import Input, Noise, Param, State


class Statement(Protocol):
    """Something that advances by one time step, elementwise."""

    @property
    def params(self) -> Mapping[str, Param]:
        """Declared parameters by full name."""

    @property
    def states(self) -> Mapping[str, State]:
        """Declared state variables."""

    @property
    def inputs(self) -> Mapping[str, Input]:
        """Declared inputs."""

    @property
    def noises(self) -> Mapping[str, Noise]:
        """Declared noise variables."""

    def step(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Advance by `dt`: from parameters, states and inputs to outputs and next states, by name."""

    def key(self) -> Hashable:
        """Equal for statements whose steps trace to the same program."""
