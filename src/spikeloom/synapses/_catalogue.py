"""The list of what `spikeloom.synapses` exports, as neurons that can run."""

from __future__ import annotations

import inspect
import sys

from ..neurons import LIF, ExponentialEuler, Neuron, Wrapper
from .delta import Delta
from .exponential import Exponential
from .receptors import Receptors
from .reversal import Conductance, Reversal
from .synapse import Synapse


def catalogue() -> dict[str, Neuron]:
    """An example of each final class by name: synapses on a LIF, presynaptic statements as they are.

    >>> import spikeloom as sl
    >>> sl.synapses.catalogue()["Alpha"]
    Receptors(LIF(tau_mem=2), syn=Alpha())
    """
    package = sys.modules[__package__]
    kinds = [kind for name in package.__all__ if inspect.isclass(kind := getattr(package, name))]
    found: dict[str, Neuron] = {}
    for kind in kinds:
        if kind in (Synapse, Reversal):
            continue
        if issubclass(kind, Synapse):
            found.update(_on_a_neuron(kind))
        elif issubclass(kind, Neuron) and not issubclass(kind, Wrapper):
            found[kind.__name__] = kind.example()
    return {**found, "Receptors": Receptors(LIF(tau_mem=2.0), exc=Exponential(), inh=Exponential(tau_syn=10.0))}


def _on_a_neuron(kind: type[Synapse]) -> dict[str, Neuron]:
    """By itself; a synapse that states a current as a conductance too."""
    if kind is Conductance:
        return {}
    if issubclass(kind, Reversal):
        # A cell that fires by itself, at 72 Hz, so that inhibition shows.
        lif = LIF.preset("iaf", dt=1.0, v_rest=-50.0, integrator=ExponentialEuler())
        return {kind.__name__: Receptors(lif, syn=kind())}
    found: dict[str, Neuron] = {kind.__name__: Receptors(LIF(tau_mem=2.0), syn=kind())}
    if kind is Delta or not kind.needs_potential:
        lif = LIF(tau_mem=2.0, integrator=ExponentialEuler())
        found[f"Conductance({kind.__name__})"] = Receptors(lif, syn=Conductance(kind(), e_rev=3.0))
    return found
