"""What a neuron is between and at events, found by differentiating its statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..compile import leaf, partials
from ..errors import ParameterError
from ..neurons import Neuron, Precise, Refractory, Wrapper

Array = NDArray[np.float64]
# How far a statement may be from its linear form, relative to its terms, where that is looked at.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Affine:
    """x' = A x + b + B i (+ a v^2 in one dimension), spike where c x >= theta, then x <- R x + rho.

    First axis: 1 where all neurons have the same parameters, else the neurons. `jumps` is what a spike of weight 1 adds
    to x, `currents` (B) what an input of 1 adds to x', both by input.
    """

    names: tuple[str, ...]
    a: Array
    b: Array
    c: Array
    theta: Array
    reset: Array
    landing: Array
    jumps: dict[str, Array]
    currents: dict[str, Array]
    curvature: Array | None
    held: NDArray[np.bool_]
    t_ref: Array


def affine(neuron: Neuron, values: Mapping[str, Any], label: str) -> Affine:
    """Of a population's neuron and parameters. Raises: ParameterError where it has no closed form."""
    inner, t_ref = _inside(neuron, values, label)
    _refuse(inner, label)
    return _Statement(inner, values, label).affine(t_ref)


def _inside(neuron: Neuron, values: Mapping[str, Any], label: str) -> tuple[Neuron, Any]:
    """The neuron in a wrapper that adds a refractory period, which the events themselves keep."""
    if not isinstance(neuron, Refractory | Precise):
        return neuron, 0.0
    endless = isinstance(neuron, Refractory) and neuron.option("once")
    if isinstance(neuron.neuron, Refractory | Precise):
        _no(label, "one refractory period", repr(neuron))
    return neuron.neuron, float("inf") if endless else values["t_ref"]


def _no(label: str, expected: str, got: str) -> None:
    do = "simulate it with Network(dt=...), which takes every neuron"
    raise ParameterError(f"neuron of {label}, event by event", expected=expected, got=got, do=do)


def _refuse(neuron: Neuron, label: str) -> None:
    base: Neuron = neuron
    while isinstance(base, Wrapper):
        base = base.neuron
    if not neuron.spiking or type(base).fire is not Neuron.fire:
        _no(label, "a spike where a threshold is reached, and a reset", repr(neuron))
    if neuron.noises:
        _no(label, "no noise", repr(neuron))
    odd = [name for name, state in neuron.states.items() if state.dtype is not None]
    if odd:
        _no(label, "real state variables", f"{odd[0]} of {neuron!r}")


class _Statement:
    """A neuron bound to its parameters in float64, with one value or one for each neuron."""

    def __init__(self, neuron: Neuron, values: Mapping[str, Any], label: str) -> None:
        self.neuron, self.label = neuron, label
        given = {n: torch.as_tensor(v, dtype=torch.float64).detach().reshape(-1) for n, v in values.items()}
        self.size = max(len(v) for v in given.values())
        self.given = {n: v.expand(self.size) for n, v in given.items()}
        self.states, self.inputs = tuple(neuron.states), tuple(neuron.inputs)
        generator = torch.Generator().manual_seed(1)
        draws = torch.rand(len(self.states) + len(self.inputs), generator=generator, dtype=torch.float64)
        names = (*self.states, *self.inputs)
        self.nowhere = {n: torch.zeros(self.size, dtype=torch.float64) for n in names}
        self.somewhere = {n: (1 + x).expand(self.size) for n, x in zip(names, draws, strict=True)}
        # Around 0 an upswing may be cut off already, and look linear.
        self.near_rest = {n: x + self._rest(n) for n, x in self.somewhere.items()}

    def _rest(self, name: str) -> Any:
        rest: Any = self.neuron.states[name].rest if name in self.states else 0.0
        return self.given[rest] if isinstance(rest, str) else rest

    def affine(self, t_ref: Any) -> Affine:
        slopes = self._linear("derivative", self._slopes, curved=len(self.states) == 1)
        constant, by, curvature = slopes
        c0, c, _ = self._linear("threshold", lambda n: {"": n.threshold()})
        after0, after, _ = self._linear("reset", self._reset)
        jumps, currents = self._jumps(), self._stack(by, self.states, self.inputs)
        for k, name in enumerate(self.inputs):
            if jumps[name].any() and currents[:, :, k].any():
                _no(self.label, "inputs that jump a state or are a current", f"{name}, which is both")
        refractory = torch.as_tensor(t_ref, dtype=torch.float64).detach().reshape(-1).numpy()
        return Affine(
            self.states, self._stack(by, self.states, self.states), _columns(constant, self.states),
            self._stack(c, ("",), self.states)[:, 0], -c0[""].numpy(),
            self._stack(after, self.states, self.states), _columns(after0, self.states), jumps,
            {name: currents[:, :, k] for k, name in enumerate(self.inputs)},
            None if curvature is None else curvature.numpy(),
            np.array([self.neuron.states[name].held for name in self.states]), refractory,
        )  # fmt: skip

    def _slopes(self, neuron: Neuron) -> dict[str, Any]:
        try:
            found = neuron.slopes()
        except NotImplementedError:
            _no(self.label, "a derivative", repr(self.neuron))
        return {name: found.get(name, 0.0) for name in self.states}

    def _reset(self, neuron: Neuron) -> dict[str, Any]:
        bound = neuron.bind({"s": torch.ones(self.size, dtype=torch.float64)})
        after = bound._checked(bound.reset(), "reset")
        return {name: after.get(name, neuron.value(name)) for name in self.states}

    def _jumps(self) -> dict[str, Array]:
        """What is delivered before integration, and what is added after it."""
        _, early, _ = self._linear("deliver", self._delivered)
        moved = self._stack(early, self.states, self.states)
        if not np.array_equal(moved, np.broadcast_to(np.eye(len(self.states)), moved.shape)):
            _no(self.label, "inputs that add to states", f"deliver of {self.neuron!r}")
        late = self._late()
        total = self._stack(early, self.states, self.inputs) + late
        return {name: total[:, :, k] for k, name in enumerate(self.inputs)}

    def _delivered(self, neuron: Neuron) -> dict[str, Any]:
        found = neuron._checked(neuron.deliver(), "deliver")
        return {name: found.get(name, neuron.value(name)) for name in self.states}

    def _late(self) -> Array:
        """What `charge` adds to states by each input, beside integration; nothing else, or it is refused."""
        at_zero = [self._at(self.nowhere, function) for function in (self._charged, self._advanced)]
        there = [self._at(self.somewhere, function)[0] for function in (self._charged, self._advanced)]
        by_input = [self._stack(by, self.states, self.inputs) for _, by, _ in at_zero]
        late = by_input[0] - by_input[1]
        given = np.stack([self.somewhere[name].numpy() for name in self.inputs], axis=1)
        for k, name in enumerate(self.states):
            expected = (late[:, k] * given).sum(-1)
            charged, alone = (found[name].detach().numpy() for found in there)
            if (np.abs(charged - alone - expected) > _ROUNDING * (np.abs(charged) + np.abs(alone))).any():
                _no(self.label, "a charge that integrates the derivative and adds inputs", repr(self.neuron))
        return late

    def _charged(self, neuron: Neuron) -> dict[str, Any]:
        found = neuron._checked(neuron.charge(), "charge")
        return {name: found.get(name, neuron.value(name)) for name in self.states}

    def _advanced(self, neuron: Neuron) -> dict[str, Any]:
        found = neuron.integrator.advance(neuron)
        return {name: found.get(name, neuron.value(name)) for name in self.states}

    def _at(self, place: Mapping[str, Tensor], function: Callable[[Neuron], dict[str, Any]]) -> Any:
        with torch.enable_grad():
            leaves = {name: leaf(value) for name, value in place.items()}
            found = function(self.neuron.bind({**self.given, **leaves}))
            full = {n: torch.as_tensor(v, dtype=torch.float64).expand(self.size) for n, v in found.items()}
            return full, {n: partials(v, leaves) for n, v in full.items()}, leaves

    def _linear(
        self, what: str, function: Callable[[Neuron], dict[str, Any]], *, curved: bool = False
    ) -> tuple[dict[str, Tensor], dict[str, dict[str, Tensor]], Tensor | None]:
        """Its value without states and inputs, its partial derivatives, and the factor of v^2 where it has one."""
        at_zero, by, leaves = self._at(self.nowhere, function)
        square = None
        if curved:
            (name,) = self.states
            slope = by[name].get(name)
            square = None if slope is None else partials(slope, leaves).get(name)
            square = None if square is None or not square.any() else square.detach() / 2
        for place in (self.somewhere, self.near_rest):
            for name, value in self._at(place, function)[0].items():
                terms = [at_zero[name], *(d * place[n] for n, d in by[name].items())]
                terms += [square * place[name] ** 2] if square is not None else []
                scale = torch.stack([t.abs() for t in terms]).sum(0) + value.abs()
                if ((torch.stack(list(terms)).sum(0) - value).abs() > _ROUNDING * scale).any():
                    expected = f"a {what} that is linear in states and inputs, or quadratic in one"
                    _no(self.label, expected, repr(self.neuron))
        values = {n: v.detach() for n, v in at_zero.items()}
        return values, {n: {k: d.detach() for k, d in row.items()} for n, row in by.items()}, square

    def _stack(self, by: Mapping[str, Mapping[str, Tensor]], rows: Any, columns: Any) -> Array:
        found = np.zeros((self.size, len(rows), len(columns)))
        for r, row in enumerate(rows):
            for k, column in enumerate(columns):
                if column in by[row]:
                    found[:, r, k] = by[row][column].numpy()
        return found


def _columns(values: Mapping[str, Tensor], names: tuple[str, ...]) -> Array:
    return np.stack([values[name].numpy() for name in names], axis=1)
