"""The catalogue of neurons: one short file per family, one line here."""

from ._catalogue import catalogue
from ._contract import check_neuron, check_surrogate
from ._precompile import precompile
from .adaptive import AdaptiveLIF
from .adaptive_current import AdLIF
from .adaptive_step import RungeKutta45
from .adaptive_threshold import AdaptiveThreshold
from .bursting import Bursting
from .cable import Cable
from .complementary import CLIF
from .connor_stevens import ConnorStevens
from .decaying_reset import DecayingReset
from .difference import DifferenceIF
from .escape_noise import EscapeNoise, ExponentialHazard, Hazard, LinearHazard, SigmoidHazard
from .exponential import AdEx, ExponentialIF
from .few_spikes import FewSpikes
from .few_spikes_fit import fit_few_spikes
from .first_spike import FirstSpike
from .fitzhugh_nagumo import FitzHughNagumo
from .gated import GatedLIF
from .gated_units import GRUUnit, LSTMUnit
from .gif import GIF
from .glif import GLIF
from .glm import GLM, raised_cosines
from .hindmarsh_rose import HindmarshRose
from .hodgkin_huxley import HodgkinHuxley
from .implicit import BackwardEuler, CrankNicolson, Implicit
from .integrate_and_fire import IF
from .integrators import Euler, Exact, ExponentialEuler, Integrator
from .izhikevich import Izhikevich, Izhikevich2007
from .klif import KLIF
from .late_reset import LateResetLIF
from .leaky_integrate_and_fire import LIF, CurrentLIF
from .loihi import Loihi
from .mat import MAT
from .mckean import McKean
from .meta_dynamic import MetaDynamic
from .mihalas_niebur import MihalasNiebur
from .morphology import Branch, Morphology
from .morris_lecar import MorrisLecar
from .multi_spike import MultiSpike
from .net_count import NetCount
from .neuron import Neuron
from .noisy import Noisy
from .noisy_threshold import NoisyThreshold
from .parallel import SlidingPSN, ThresholdUnit
from .parametric import PLIF
from .passive_membrane import PassiveMembrane
from .piecewise_linear import PiecewiseLinearIF
from .pinsky_rinzel import PinskyRinzel
from .poisson_neuron import LinearNonlinearPoisson
from .precise import Precise
from .quadratic import QuadraticIF
from .read_out import LeakyIntegrator
from .resonate_and_fire import BalancedResonateAndFire, ResonateAndFire
from .runge_kutta import Midpoint, RungeKutta, RungeKutta4, Substeps
from .sampling import SamplingNeuron
from .sequential_euler import SequentialEuler
from .siegert import siegert
from .sigma_delta import SigmaDelta
from .signed import Signed
from .spike_response import SRM0, SpikeResponse
from .stdp_refractory import Depression, STDPRefractory
from .stochastic_integrators import Heun, Milstein
from .swc import read_swc
from .symplectic_euler import SymplecticEuler
from .theta import ThetaNeuron
from .traub_miles import TraubMiles
from .two_compartment import Dendrite, PassiveDendrite, SaturatingDendrite, TwoCompartmentLIF
from .voltage_threshold import VoltageThreshold
from .wang_buzsaki import WangBuzsaki
from .weighted_spikes import WeightedSpikes
from .wide_spike import WideSpikeAdEx
from .wrapper import Refractory, Wrapper

__all__ = [
    "CLIF",
    "GIF",
    "GLIF",
    "GLM",
    "IF",
    "KLIF",
    "LIF",
    "MAT",
    "PLIF",
    "SRM0",
    "AdEx",
    "AdLIF",
    "AdaptiveLIF",
    "AdaptiveThreshold",
    "BackwardEuler",
    "BalancedResonateAndFire",
    "Branch",
    "Bursting",
    "Cable",
    "ConnorStevens",
    "CrankNicolson",
    "CurrentLIF",
    "DecayingReset",
    "Dendrite",
    "Depression",
    "DifferenceIF",
    "EscapeNoise",
    "Euler",
    "Exact",
    "ExponentialEuler",
    "ExponentialHazard",
    "ExponentialIF",
    "FewSpikes",
    "FirstSpike",
    "FitzHughNagumo",
    "GRUUnit",
    "GatedLIF",
    "Hazard",
    "Heun",
    "HindmarshRose",
    "HodgkinHuxley",
    "Implicit",
    "Integrator",
    "Izhikevich",
    "Izhikevich2007",
    "LSTMUnit",
    "LateResetLIF",
    "LeakyIntegrator",
    "LinearHazard",
    "LinearNonlinearPoisson",
    "Loihi",
    "McKean",
    "MetaDynamic",
    "Midpoint",
    "MihalasNiebur",
    "Milstein",
    "Morphology",
    "MorrisLecar",
    "MultiSpike",
    "NetCount",
    "Neuron",
    "Noisy",
    "NoisyThreshold",
    "PassiveDendrite",
    "PassiveMembrane",
    "PiecewiseLinearIF",
    "PinskyRinzel",
    "Precise",
    "QuadraticIF",
    "Refractory",
    "ResonateAndFire",
    "RungeKutta",
    "RungeKutta4",
    "RungeKutta45",
    "STDPRefractory",
    "SamplingNeuron",
    "SaturatingDendrite",
    "SequentialEuler",
    "SigmaDelta",
    "SigmoidHazard",
    "Signed",
    "SlidingPSN",
    "SpikeResponse",
    "Substeps",
    "SymplecticEuler",
    "ThetaNeuron",
    "ThresholdUnit",
    "TraubMiles",
    "TwoCompartmentLIF",
    "VoltageThreshold",
    "WangBuzsaki",
    "WeightedSpikes",
    "WideSpikeAdEx",
    "Wrapper",
    "catalogue",
    "check_neuron",
    "check_surrogate",
    "fit_few_spikes",
    "precompile",
    "raised_cosines",
    "read_swc",
    "siegert",
]
