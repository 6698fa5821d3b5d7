"""PyNN's synapse types: static ones; all others say that they are not there."""

from __future__ import annotations

from typing import Any

from pyNN.standardmodels import synapses

from .cells import unchanged
from .simulator import state


class StaticSynapse(synapses.StaticSynapse):
    """A weight (nA, uS or mV) and a delay (ms), rounded to steps; by default the shortest, dt if there is no other."""

    translations = unchanged(synapses.StaticSynapse)

    def _get_minimum_delay(self) -> float:
        return state.dt if state.shortest == "auto" else float(state.shortest)


class Missing:
    """A standard model that cannot be simulated."""

    instead = "use one of list_standard_models()"

    def __init__(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError(f"spikeloom.pynn has no {type(self).__name__}; {self.instead}")


class _MissingSynapse(Missing):
    instead = "synapses are static: use StaticSynapse"


class ElectricalSynapse(_MissingSynapse):
    """Not there."""

    instead = "use spikeloom.network.GapJunction without PyNN"


class TsodyksMarkramSynapse(_MissingSynapse):
    """Not there."""


class SimpleStochasticSynapse(_MissingSynapse):
    """Not there."""


class StochasticTsodyksMarkramSynapse(_MissingSynapse):
    """Not there."""


class MultiQuantalSynapse(_MissingSynapse):
    """Not there."""


class STDPMechanism(_MissingSynapse):
    """Not there."""


class SpikePairRule(_MissingSynapse):
    """Not there."""


class Vogels2011Rule(_MissingSynapse):
    """Not there."""


class AdditiveWeightDependence(_MissingSynapse):
    """Not there."""


class MultiplicativeWeightDependence(_MissingSynapse):
    """Not there."""


class AdditivePotentiationMultiplicativeDepression(_MissingSynapse):
    """Not there."""


class GutigWeightDependence(_MissingSynapse):
    """Not there."""


class IF_cond_exp_gsfa_grr(Missing):
    """Not there."""


class IF_facets_hardware1(Missing):
    """Not there."""


class GIF_cond_exp(Missing):
    """Not there."""


class SpikeSourcePoissonRefractory(Missing):
    """Not there."""


class SpikeSourceInhGamma(Missing):
    """Not there."""


class MultiCompartmentNeuron(Missing):
    """Not there."""
