"""The list of what `spikeloom.plasticity` exports, found by itself."""

from __future__ import annotations

import inspect
import sys

from .rule import Rule


def catalogue() -> dict[str, Rule]:
    """An example of each final rule by name, with default options.

    >>> import spikeloom as sl
    >>> sl.plasticity.catalogue()["STDP"]
    STDP()
    """
    package = sys.modules[__package__]
    exported = [getattr(package, name) for name in package.__all__]
    kinds = [kind for kind in exported if inspect.isclass(kind) and issubclass(kind, Rule) and kind is not Rule]
    abstract = {base for kind in kinds for base in kind.__mro__[1:]}
    return {kind.__name__: kind.example() for kind in kinds if kind not in abstract}
