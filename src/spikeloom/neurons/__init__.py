"""The catalogue of neurons: one short file per family, one line here."""

from ._catalogue import catalogue
from ._contract import check_neuron, check_surrogate
from ._precompile import precompile
from .adaptive import AdaptiveLIF
from .adaptive_threshold import AdaptiveThreshold
from .hodgkin_huxley import HodgkinHuxley
from .integrate_and_fire import IF
from .integrators import Euler, Exact, ExponentialEuler, Integrator
from .leaky_integrate_and_fire import LIF, CurrentLIF
from .neuron import Neuron
from .noisy import Noisy
from .read_out import LeakyIntegrator
from .wrapper import Refractory, Wrapper

__all__ = [
    "IF",
    "LIF",
    "AdaptiveLIF",
    "AdaptiveThreshold",
    "CurrentLIF",
    "Euler",
    "Exact",
    "ExponentialEuler",
    "HodgkinHuxley",
    "Integrator",
    "LeakyIntegrator",
    "Neuron",
    "Noisy",
    "Refractory",
    "Wrapper",
    "catalogue",
    "check_neuron",
    "check_surrogate",
    "precompile",
]
