"""Ready models: published networks with their settings and the rates that are known of them.

`models.Brunel(panel="C").build(seed=1)` is a network. A model is a frozen dataclass; `models.catalogue()` has all.
"""

from __future__ import annotations

from .brunel import Brunel, BrunelAlpha, BrunelDelta
from .circuits import FeedbackInhibition, FeedForwardExcitation, FeedForwardInhibition, LateralInhibition, WinnerTakeAll
from .clock_network import ClockNetwork
from .competitive_layer import CompetitiveCell, CompetitiveLayer
from .izhikevich_2003 import Izhikevich2003
from .microcircuit import Microcircuit
from .model import Expected, Model, Setting, setting
from .polychronization import Polychronization
from .pulse_coupled import PulseCoupled
from .synfire_chain import SynfireChain
from .vogels_abbott import COBA, COBAHH, CUBA
from .wang_2002 import Wang2002

__all__ = [
    "COBA", "COBAHH", "CUBA", "Brunel", "BrunelAlpha", "BrunelDelta", "ClockNetwork", "CompetitiveCell",
    "CompetitiveLayer", "Expected", "FeedForwardExcitation", "FeedForwardInhibition", "FeedbackInhibition",
    "Izhikevich2003", "LateralInhibition", "Microcircuit", "Model", "Polychronization", "PulseCoupled", "Setting",
    "SynfireChain", "Wang2002", "WinnerTakeAll", "catalogue", "setting",
]  # fmt: skip


def catalogue() -> dict[str, type[Model]]:
    """All models by their names on the command line.

    >>> catalogue()["brunel"]
    <class 'spikeloom.network.models.brunel.Brunel'>
    """
    found = [value for name in __all__ if isinstance(value := globals()[name], type) and issubclass(value, Model)]
    return {model.title(): model for model in found if model is not Model}
