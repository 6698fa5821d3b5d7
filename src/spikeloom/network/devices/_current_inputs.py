"""Which inputs of a neuron take a current, as opposed to weighted spikes."""

from __future__ import annotations

from ...errors import ParameterError
from ...neurons import Neuron, Wrapper
from ...neurons._refractory_period import RefractoryPeriod
from ...synapses import Receptors
from ..population import Population
from ..projection import receptor_of


def current_inputs(neuron: Neuron) -> list[str]:
    """Those that act on the derivative itself: no synapse takes them, and nothing jumps by them."""
    synaptic, inner = set(neuron.late_inputs), neuron
    while isinstance(inner, Wrapper):
        if isinstance(inner, Receptors):
            synaptic |= inner.synapses.keys()
        inner = inner.neuron
    if _jumps(inner):
        synaptic |= inner.inputs.keys()
    return [name for name in neuron.inputs if name not in synaptic]


def _jumps(neuron: Neuron) -> bool:
    """Whether the neuron states what its input does at once; counting down a refractory period is no such thing."""
    first = next(kind for kind in type(neuron).__mro__ if "deliver" in vars(kind) and kind is not RefractoryPeriod)
    return first is not Neuron


def current_receptor(name: str, population: Population, receptor: str) -> str:
    """The input that a current goes into; where there is only one, it need not be named."""
    neuron = population.neuron
    if not isinstance(neuron, Neuron) or receptor:
        receptor = receptor_of(name, population, receptor)
    assert isinstance(neuron, Neuron)
    found = current_inputs(neuron)
    if not found or (receptor and receptor not in found):
        got = f"the input {receptor!r} for weighted spikes" if receptor else f"{', '.join(neuron.inputs)} for spikes"
        do = "keep the neuron's own: Receptors(..., keep_input=True)"
        raise ParameterError(f"receptor of {name}", expected="an input that takes a current", got=got, do=do)
    if not receptor and len(found) > 1:
        do = "name one with receptor="
        raise ParameterError(f"receptor of {name}", expected=f"one of {', '.join(found)}", got="none", do=do)
    return receptor or found[0]
