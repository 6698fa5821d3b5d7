"""Ready models: published networks with their settings and the rates that are known of them.

`models.Brunel(panel="C").build(seed=1)` is a network. A model is a frozen dataclass; `models.catalogue()` has all.
"""

from __future__ import annotations

from .brunel import Brunel, BrunelAlpha, BrunelDelta
from .microcircuit import Microcircuit
from .model import Expected, Model, Setting, setting
from .pulse_coupled import PulseCoupled
from .vogels_abbott import COBA, COBAHH, CUBA

__all__ = [
    "COBA", "COBAHH", "CUBA", "Brunel", "BrunelAlpha", "BrunelDelta", "Expected", "Microcircuit", "Model", "PulseCoupled", "Setting",
    "catalogue", "setting",
]  # fmt: skip


def catalogue() -> dict[str, type[Model]]:
    """All models by their names on the command line.

    >>> catalogue()["brunel"]
    <class 'spikeloom.network.models.brunel.Brunel'>
    """
    found = [value for name in __all__ if isinstance(value := globals()[name], type) and issubclass(value, Model)]
    return {model.title(): model for model in found if model is not Model}
