"""Spiking neural networks: state a neuron once, then train, simulate and measure it.

>>> import torch, spikeloom as sl
>>> net = sl.nn.Sequential(torch.nn.Linear(4, 3), sl.LIF(tau_mem=2.0))
>>> net(torch.rand(8, 1, 4)).shape
torch.Size([8, 1, 3])
"""

import importlib
from typing import TYPE_CHECKING, Any

from . import _pictures, coding, datasets, errors, events, neurons, nn, plasticity, surrogate, synapses, training
from .coding import check_encoder
from .compile import backend, memory
from .neurons import (
    IF,
    LIF,
    AdaptiveLIF,
    AdaptiveThreshold,
    CurrentLIF,
    LeakyIntegrator,
    Neuron,
    Noisy,
    Refractory,
    check_neuron,
    check_surrogate,
)
from .nn import explain, record, unroll
from .parameters import Input, Option, Param, State

__version__ = "0.1.0"

__all__ = [
    "IF",
    "LIF",
    "AdaptiveLIF",
    "AdaptiveThreshold",
    "CurrentLIF",
    "Input",
    "LeakyIntegrator",
    "Neuron",
    "Noisy",
    "Option",
    "Param",
    "Refractory",
    "State",
    "backend",
    "check_encoder",
    "check_neuron",
    "check_rule",
    "check_surrogate",
    "coding",
    "control",
    "conversion",
    "convert",
    "datasets",
    "errors",
    "events",
    "explain",
    "hardware",
    "learning",
    "memory",
    "network",
    "neurons",
    "nn",
    "plasticity",
    "plot",
    "recipes",
    "record",
    "surrogate",
    "synapses",
    "training",
    "unroll",
]

_pictures.drawn_by(lambda: importlib.import_module(".report.network_result", __name__).draw_network)

if TYPE_CHECKING:
    from . import control as control
    from . import conversion as conversion
    from . import hardware as hardware
    from . import learning as learning
    from . import network as network
    from .conversion.convert import convert as convert
    from .network import check_rule
    from .report import plot


def __getattr__(name: str) -> Any:
    """What takes long to import, or stands above all the rest, when it is first used."""
    if name == "plot":
        from .report import plot

        return plot
    if name in ("control", "conversion", "hardware", "learning", "network", "recipes"):
        return importlib.import_module(f".{name}", __name__)
    if name == "convert":
        return importlib.import_module(".conversion", __name__).convert
    if name == "check_rule":
        return importlib.import_module(".network", __name__).check_rule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
