"""PyNN's populations, views and assemblies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN import common, errors
from pyNN.parameters import ParameterSpace, simplify

from ..network import DirectCurrent, Network
from ..network import Population as Built
from ..neurons import Neuron
from . import simulator
from .cells import Cell
from .recording import Recorder


class Assembly(common.Assembly):
    """Populations and views together."""

    _simulator = simulator


def cells_of(group: Any) -> list[tuple[Population, NDArray[np.int64]]]:
    """The populations that a group's cells are of, and which cells."""
    if isinstance(group, common.Assembly):
        return [found for part in group.populations for found in cells_of(part)]
    if isinstance(group, common.PopulationView):
        return [(group.grandparent, np.asarray(group.index_in_grandparent(np.arange(group.size))))]
    return [(group, np.arange(group.size))]


class _Group:
    """What populations and views have in common: parameters and initial values of some cells of a population."""

    _simulator = simulator

    def _get_parameters(self, *names: str) -> Any:
        (population, indices), *_ = cells_of(self)
        known = population.values
        for name in names:
            if name not in known:
                raise errors.NonExistentParameterError(name, population.celltype.__class__.__name__, list(known))
        return ParameterSpace({name: simplify(known[name][indices]) for name in names}, shape=(len(indices),))

    _get_native_parameters = _get_parameters

    def _set_parameters(self, parameter_space: Any) -> None:
        (population, indices), *_ = cells_of(self)
        parameter_space.evaluate(simplify=False)
        population.change(parameter_space.as_dict(), indices)

    def _set_initial_value_array(self, variable: str, initial_values: Any) -> None:
        (population, indices), *_ = cells_of(self)
        population.initial(variable)[indices] = initial_values.evaluate(simplify=False)
        population.pass_initial(variable, indices)

    def _get_cell_initial_value(self, id: Any, variable: str) -> float:
        (population, _), *_ = cells_of(self)
        return float(population.initial(variable)[population.id_to_index(id)])

    def _set_cell_initial_value(self, id: Any, variable: str, value: float) -> None:
        (population, _), *_ = cells_of(self)
        index = population.id_to_index(id)
        population.initial(variable)[index] = value
        population.pass_initial(variable, index)

    def _get_view(self, selector: Any, label: str | None = None) -> PopulationView:
        return PopulationView(self, selector, label)


class PopulationView(_Group, common.PopulationView):
    """Some cells of a population."""

    _assembly_class = Assembly

    def initialize(self, **initial_values: Any) -> None:
        """Set the initial values of state variables of these cells, as `Population.initialize`."""
        for variable, value in initial_values.items():
            lazy = common.populations.LazyArray(value, shape=(self.size,), dtype=float)
            self._set_initial_value_array(variable, lazy)


class Population(_Group, common.Population):
    """A group of cells of the same type."""

    __doc__ = common.Population.__doc__
    _recorder_class = Recorder
    _assembly_class = Assembly

    def _create_cells(self) -> None:
        state = simulator.state
        if not hasattr(self.celltype, "variables"):
            raise NotImplementedError(
                f"spikeloom.pynn has no {type(self.celltype).__name__}; see list_standard_models()"
            )
        first = state.id_counter
        self.all_cells = np.array([simulator.ID(number) for number in range(first, first + self.size)], dtype=object)
        for cell in self.all_cells:
            cell.parent = self
        state.id_counter += self.size
        self._mask_local = np.ones(self.size, dtype=bool)
        parameters = self.celltype.native_parameters
        parameters.shape = (self.size,)
        parameters.evaluate(simplify=False)
        # Parameters by PyNN's names and in its units, each [n].
        self.values: dict[str, NDArray[Any]] = {
            name: np.broadcast_to(value, self.size).copy() for name, value in parameters.as_dict().items()
        }
        self._check(self.values)
        self.initials = {name: np.zeros(self.size) for name in self.celltype.variables}
        self.built: Built | None = None
        self.changed = False
        # Parameters of the neuron as they were passed on last.
        self._passed: Mapping[str, Any] = {}
        state.populations.append(self)

    def _check(self, values: dict[str, Any]) -> None:
        if not isinstance(self.celltype, Cell):
            self.celltype.check(values)

    def change(self, values: dict[str, Any], indices: NDArray[np.int64]) -> None:
        """Set parameters of some cells."""
        self._check(values)
        for name, value in values.items():
            self.values[name][indices] = value
        self.changed = True
        if "i_offset" in values:
            simulator.state.currents_changed = True

    def initial(self, variable: str) -> NDArray[np.float64]:
        """Initial values of a state variable. Raises: NonExistentParameterError."""
        if variable not in self.initials:
            raise errors.NonExistentParameterError(variable, self.celltype.__class__.__name__, ", ".join(self.initials))
        return self.initials[variable]

    def pass_initial(self, variable: str, indices: Any) -> None:
        """After the first run, initial values are those from now on."""
        if self.built is not None:
            state = self.built.states[self.celltype.variables[variable]]
            state[0, indices] = self.initials[variable][indices]

    def forget(self) -> None:
        """What was built is gone."""
        self.built, self.changed = None, False

    def prepare(self, network: Network) -> None:
        """Build it, or pass on what was changed since the last run."""
        if self.built is None:
            taken = {population.name for population in network.populations}
            name = self.label if self.label not in taken else f"{self.label} ({len(taken)})"
            initial = {self.celltype.variables[variable]: value for variable, value in self.initials.items()}
            made = self._made(network)
            self._passed = made.param_values() if isinstance(made, Neuron) else {}
            self.built = network.population(self.size, made, name=name, initial=initial)
        elif self.changed:
            self._pass_on(network, self.built)
        self.changed = False

    def _made(self, network: Network) -> Any:
        if isinstance(self.celltype, Cell):
            same = {name: value[0] if (value == value[0]).all() else value for name, value in self.values.items()}
            return self.celltype.build(same, network.dt)
        return self.celltype.source(self.values, network.dt, network.step)

    def _pass_on(self, network: Network, built: Built) -> None:
        made = self._made(network)
        if isinstance(made, Neuron):
            for name, value in made.param_values().items():
                old = self._passed[name]
                if np.shape(old) != np.shape(value) or not np.array_equal(old, value):
                    built[name] = value
            self._passed = made.param_values()
        else:
            made.states(built)
            built.neuron = made
            network.changed()

    def attach_offset(self) -> None:
        """Make the constant currents of its cells flow."""
        if self.built is not None and "i_offset" in self.values and self.values["i_offset"].any():
            amplitude = self.values["i_offset"] * self.celltype.per_nanoampere
            same = (amplitude == amplitude[0]).all()
            current = DirectCurrent(float(amplitude[0]) if same else amplitude)
            self.built.owner.connect(current, self.built, receptor="i")
