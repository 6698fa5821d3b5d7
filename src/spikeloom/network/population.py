"""Populations of neurons, and views of some of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import DTypeError, ParameterError, ShapeError, UnknownNameError
from ..neurons import Neuron
from .distributions import Distribution
from .sources import Source

if TYPE_CHECKING:
    from .network import Network

Given = float | NDArray[Any] | Sequence[float] | torch.Tensor | Distribution


class View:
    """Some neurons of a population, in an order; what `connect`, `record` and devices work on.

    Indexing works as with NumPy arrays: `population[:50]`, `population[[3, 1]]`, `population[mask]`. A view reads and
    sets states and parameters of its neurons by name: `population[:50]["v"] = 0.5`; what is read is a copy.
    """

    def __init__(self, population: Population, indices: NDArray[np.int64]) -> None:
        self.population, self.indices = population, indices

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def network(self) -> Network:
        """The network that it belongs to."""
        return self.population.owner

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, str):
            values = self.population[index]
            return values if np.ndim(values) == 0 else values[..., self.indices]
        try:
            chosen = self.indices[index]
        except IndexError as error:
            mask = np.asarray(index).dtype == bool
            expected = f"a mask of [{len(self)}]" if mask else f"neurons 0 to {len(self) - 1}"
            got = list(np.shape(index)) if mask else index
            raise ShapeError(f"index into {self!r}", expected=expected, got=got) from error
        return View(self.population, np.atleast_1d(chosen).ravel())

    def __setitem__(self, name: str, value: Given) -> None:
        """Set a state or a parameter of these neurons. Raises: ParameterError, ShapeError, UnknownNameError."""
        whole = self.population
        before = np.asarray(whole[name])
        values = np.array(np.broadcast_to(before, (*before.shape[:-1], whole.size)))
        drawn = self.network.drawn(value, whole)[self.indices] if isinstance(value, Distribution) else value
        try:
            values[..., self.indices] = drawn
        except (TypeError, ValueError) as error:
            expected = f"a number, [{len(self)}] or a distribution"
            raise ShapeError(f"{self!r}[{name!r}]", expected=expected, got=value) from error
        whole[name] = values

    def __iter__(self) -> Iterator[View]:
        """Views of one neuron each."""
        return (View(self.population, self.indices[k : k + 1]) for k in range(len(self)))

    def __repr__(self) -> str:
        return f"{self.population.name}[{len(self)} of {self.population.size}]"


class Population(View):
    """Neurons of one kind. Made by `Network.population`.

    Its states are arrays [n], or [batch, n] with independent runs, that are read and written in place:
    `population["v"]` is the array itself, `population["v"] = Uniform(-60.0, -50.0)` sets it. Parameters read and write
    by name in the same way, and may differ from neuron to neuron, or from run to run: number, [n] or [batch, n].
    """

    def __init__(
        self,
        owner: Network,
        number: int,
        name: str,
        shape: tuple[int, ...],
        neuron: Neuron | Source,
        parameters: Mapping[str, Given],
        initial: Mapping[str, Given],
    ) -> None:
        self.owner, self.number, self.name, self.shape = owner, number, name, shape
        self.size = int(np.prod(shape))
        super().__init__(self, np.arange(self.size))
        self.positions: NDArray[np.float64] | None = None
        # Names of what arrives at the neurons for rules of plasticity.
        self.signals: list[str] = []
        self.neuron: Neuron | Source = neuron
        self.fired = np.zeros((owner.batch, -(-self.size // 64) * 64), dtype=np.uint8)
        self.states: dict[str, NDArray[Any]] = {}
        self.parameters: dict[str, Any] = {}
        if isinstance(neuron, Neuron):
            self.neuron = _in_steps_of(neuron, owner.dt, name) if owner.clocked else copy.deepcopy(neuron)
            self.parameters = dict(self.neuron.param_values())
        for label, value in parameters.items():
            self[label] = value
        if isinstance(self.neuron, Neuron):
            self._rest()
        elif owner.clocked:
            self.states.update(self.neuron.states(self))
        for label, value in initial.items():
            if label not in self.states:
                raise UnknownNameError(f"initial value of {name}", label, self.states)
            self[label] = value

    @property
    def own_inputs(self) -> tuple[str, ...]:
        """Names of the inputs of the neurons; none for sources."""
        return tuple(self.neuron.inputs) if isinstance(self.neuron, Neuron) else ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what can be connected to: inputs of the neurons, and those of rules of plasticity."""
        return (*self.own_inputs, *self.signals)

    @property
    def late_inputs(self) -> frozenset[str]:
        """Inputs that act at the end of a step."""
        return self.neuron.late_inputs if isinstance(self.neuron, Neuron) else frozenset()

    def _rest(self) -> None:
        assert isinstance(self.neuron, Neuron)
        for name, state in self.neuron.states.items():
            real = np.dtype(str(self.owner.dtype).removeprefix("torch."))
            kind = {"r": real, "i": np.dtype(np.int32), "b": np.dtype(np.uint8)}[state.kind]
            value = self.parameters[state.rest] if isinstance(state.rest, str) else state.rest
            array = np.empty((self.owner.batch, self.size), dtype=kind)
            array[:] = value.detach().numpy() if isinstance(value, torch.Tensor) else value
            self.states[name] = array

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, str):
            return super().__getitem__(index)
        if index in self.states:
            array = self.states[index]
            return array[0] if self.owner.batch == 1 else array
        if index in self.parameters:
            return self.parameters[index]
        raise UnknownNameError(f"variable of {self.name}", index, [*self.states, *self.parameters])

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{self._hint(name)}")

    def __setattr__(self, name: str, value: Any) -> None:
        if hint := self._hint(name):
            raise ParameterError(
                f"attribute {name} of {self.name}", expected="none of that name", got=repr(value), do=hint[2:]
            )
        super().__setattr__(name, value)

    def _hint(self, name: str) -> str:
        """How states and parameters are written, where the name is one of them."""
        known = name in self.__dict__.get("states", ()) or name in self.__dict__.get("parameters", ())
        return f"; states and parameters are items, population[{name!r}]" if known else ""

    def __setitem__(self, name: str, value: Given) -> None:
        if name in self.states:
            drawn = self.owner.drawn(value, self)
            fitting = self._fitting(name, drawn)
            if not np.isfinite(fitting).all():
                got = fitting[~np.isfinite(fitting)].flat[0] if fitting.ndim else fitting
                raise ParameterError(f"{self.name}[{name!r}]", expected="finite numbers", got=got)
            self.states[name][...] = fitting
        elif name == "dt":
            do = "give it to Network"
            raise ParameterError(f"{self.name}['dt']", expected="to be left alone", got=repr(value), do=do)
        elif name in self.parameters:
            assert isinstance(self.neuron, Neuron)
            drawn = self._fitting(name, self.owner.drawn(value, self))
            given = float(drawn) if np.ndim(drawn) == 0 else torch.as_tensor(np.asarray(drawn, dtype=np.float64))
            self._set_parameter(name, given)
            self.owner.changed()
        else:
            raise UnknownNameError(f"variable of {self.name}", name, [*self.states, *self.parameters])

    def _set_parameter(self, name: str, value: float | torch.Tensor) -> None:
        """Checked with the others: of each run by itself, where some differ from run to run."""
        assert isinstance(self.neuron, Neuron)
        wanted = {**self.parameters, name: self.neuron.params[name].check(type(self.neuron).__name__, value)}
        wide = {label for label, given in wanted.items() if np.ndim(given) > 1}
        for run in range(self.owner.batch if wide else 1):
            trial = copy.deepcopy(self.neuron)
            for label in wide | {name}:
                given = wanted[label]
                trial._assign(label, given[run] if label in wide else given)
            trial.verify()
        self.parameters = wanted
        if np.ndim(value) < 2:
            setattr(self.neuron, name, value)

    def _fitting(self, name: str, value: Any) -> Any:
        """A number, [n] or [batch, n], finite."""
        what = f"{self.name}[{name!r}]"
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DTypeError(what, expected="numbers or a distribution", got=repr(value)) from error
        if array.shape == self.shape and array.ndim > 1:
            array = array.reshape(-1)
        if array.shape not in ((), (self.size,), (self.owner.batch, self.size)):
            expected = f"a number, [{self.size}] or [{self.owner.batch}, {self.size}]"
            raise ShapeError(what, expected=expected, got=list(array.shape))
        if np.isnan(array).any():
            raise ParameterError(what, expected="numbers", got="NaN")
        return array

    def __repr__(self) -> str:
        return f"{self.name}({self.size} x {self.neuron!r})"


def _in_steps_of(neuron: Neuron, dt: float, name: str) -> Neuron:
    """A copy whose dt is that of the network; one chosen otherwise is refused."""
    copied = copy.deepcopy(neuron).requires_grad_(False)
    own = copied.param_values()["dt"]
    if isinstance(own, torch.Tensor) or own not in (dt, copied.params["dt"].default):
        do = f"leave dt away, or give {dt:g}"
        raise ParameterError(f"dt of the neuron of {name}", expected=f"{dt:g}, that of the network", got=own, do=do)
    if own != dt:
        copied.dt = dt
    if copied.graded:
        raise ParameterError(f"neuron of {name}", expected="spikes of 0 and 1", got=f"graded ones of {neuron!r}")
    return copied
