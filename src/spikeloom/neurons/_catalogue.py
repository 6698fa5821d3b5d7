"""The list of what `spikeloom.neurons` exports, found by itself."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable

from .neuron import Neuron


def catalogue() -> dict[str, Neuron]:
    """An example of each final class of the catalogue by name, with default options; wrappers around a LIF.

    >>> import spikeloom as sl
    >>> sl.neurons.catalogue()["LIF"]
    LIF()
    """
    package = sys.modules[__package__]
    return {kind.__name__: kind.example() for kind in final(getattr(package, name) for name in package.__all__)}


def final(exported: Iterable[object]) -> list[type[Neuron]]:
    """The neurons among them from which no other of the package is made; a user may derive from any."""
    kinds = [kind for kind in exported if inspect.isclass(kind) and issubclass(kind, Neuron)]
    return [kind for kind in kinds if not any(d.__module__.startswith("spikeloom.") for d in kind.__subclasses__())]
