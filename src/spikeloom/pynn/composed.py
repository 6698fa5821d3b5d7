"""PyNN's cells that are put together from a membrane and any number of receptors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import cells, receptors

from ..neurons import Neuron
from ..synapses import Alpha, Conductance, DoubleExponential, Exponential, Receptors, Synapse
from .cells import Cell, Values, adaptive, given, leaky, refractory, unchanged


class LIF(cells.LIF):
    """The membrane of a leaky integrate-and-fire cell."""

    translations = unchanged(cells.LIF)

    def membrane(self, values: Values, dt: float, *, exact: bool) -> Neuron:
        """The neuron without synapses."""
        return leaky(values, dt, exact=exact)


class AdExp(cells.AdExp):
    """The membrane of an adaptive exponential integrate-and-fire cell."""

    translations = unchanged(cells.AdExp)

    def membrane(self, values: Values, dt: float, *, exact: bool) -> Neuron:
        """The neuron without synapses."""
        return adaptive(values, dt)


class Response:
    """What a receptor is made of here."""

    # PyNN's name of what it makes.
    recordable: ClassVar[list[str]]

    @abstractmethod
    def synapse(self, values: Values) -> Synapse:
        """The synapse with these parameters."""


class CurrExpPostSynapticResponse(Response, receptors.CurrExpPostSynapticResponse):
    """An exponential current."""

    translations = unchanged(receptors.CurrExpPostSynapticResponse)
    recordable: ClassVar[list[str]] = ["isyn"]

    def synapse(self, values: Values) -> Synapse:
        return Exponential(**given({"tau_syn": values["tau_syn"]}))


class CondExpPostSynapticResponse(Response, receptors.CondExpPostSynapticResponse):
    """An exponential conductance."""

    translations = unchanged(receptors.CondExpPostSynapticResponse)
    recordable: ClassVar[list[str]] = ["gsyn"]

    def synapse(self, values: Values) -> Synapse:
        return Conductance(Exponential(**given({"tau_syn": values["tau_syn"]})), **given({"e_rev": values["e_syn"]}))


class CondAlphaPostSynapticResponse(Response, receptors.CondAlphaPostSynapticResponse):
    """An alpha-shaped conductance."""

    translations = unchanged(receptors.CondAlphaPostSynapticResponse)
    recordable: ClassVar[list[str]] = ["gsyn"]

    def synapse(self, values: Values) -> Synapse:
        return Conductance(Alpha(**given({"tau_syn": values["tau_syn"]})), **given({"e_rev": values["e_syn"]}))


class CondBetaPostSynapticResponse(Response, receptors.CondBetaPostSynapticResponse):
    """A conductance that rises and decays; the weight is its peak."""

    translations = unchanged(receptors.CondBetaPostSynapticResponse)
    recordable: ClassVar[list[str]] = ["gsyn"]

    def synapse(self, values: Values) -> Synapse:
        kernel = DoubleExponential(**given({name: values[name] for name in ("tau_rise", "tau_decay")}))
        return Conductance(kernel, **given({"e_rev": values["e_syn"]}))


ExpPSR, AlphaPSR, BetaPSR = CondExpPostSynapticResponse, CondAlphaPostSynapticResponse, CondBetaPostSynapticResponse


class PointNeuron(Cell, cells.PointNeuron):
    """A membrane, `LIF` or `AdExp`, with receptors by name; their parameters are named "AMPA.tau_syn"."""

    def __init__(self, neuron: Any, **post_synaptic_receptors: Any) -> None:
        parts = {"neuron": (neuron, LIF | AdExp)} | {k: (v, Response) for k, v in post_synaptic_receptors.items()}
        for name, (part, known) in parts.items():
            if not isinstance(part, known):
                raise NotImplementedError(f"spikeloom.pynn has no PointNeuron with {type(part).__name__} as {name}")
        super().__init__(neuron, **post_synaptic_receptors)
        found = dict(neuron.parameter_space.items())
        self.default_parameters = dict(neuron.default_parameters)
        for name, part in post_synaptic_receptors.items():
            for key, value in part.parameter_space.items():
                if key != "locations":
                    found[f"{name}.{key}"] = value
                    self.default_parameters[f"{name}.{key}"] = part.default_parameters[key]
        self.parameter_space = ParameterSpace(
            {name: value.base_value for name, value in found.items()}, self.get_schema(), component=type(self)
        )

    def build(self, values: Values, dt: float) -> Neuron:
        synapses = {}
        for name, part in self.post_synaptic_receptors.items():
            own = {key.removeprefix(f"{name}."): value for key, value in values.items() if key.startswith(f"{name}.")}
            synapses[name] = part.synapse(own)
        membrane = self.neuron.membrane(values, dt, exact=not self.conductance_based)
        return refractory(Receptors(membrane, keep_input=True, **synapses), values["tau_refrac"], dt)

    def has_parameter(self, name: str) -> bool:
        """Whether there is a parameter of that name."""
        return name in self.default_parameters

    def get_parameter_names(self) -> list[str]:
        """Those of the membrane, and those of receptors after their names and a dot."""
        return list(self.default_parameters)

    def computed_parameters_include(self, parameter_names: Any) -> bool:
        """Never: parameters are kept as PyNN has them."""
        return False

    def translate(self, parameters: Any, copy: bool = True) -> Any:
        """The same."""
        return parameters

    @property
    def native_parameters(self) -> Any:
        """The same."""
        return self.parameter_space

    @property
    def inputs(self) -> Mapping[str, str]:  # type: ignore[override]
        """A receptor's is its name."""
        return {name: name for name in self.post_synaptic_receptors}

    @property
    def variables(self) -> Mapping[str, str]:  # type: ignore[override]
        """Those of the membrane, and current or conductance of each receptor."""
        own = {name: name for name in self.neuron.default_initial_values}
        return own | {
            f"{name}.{variable}": f"{name}_g"
            for name, part in self.post_synaptic_receptors.items()
            for variable in part.recordable
        }
