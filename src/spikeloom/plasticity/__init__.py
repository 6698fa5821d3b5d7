"""The catalogue of plasticity: local rules, stated once, one short file each.

>>> import spikeloom as sl
>>> sl.plasticity.STDP().handlers()
('on_post', 'on_pre')
"""

from ._catalogue import catalogue
from .anti_hebbian import AntiHebbian
from .astrocyte_stdp import AstrocyteSTDP, repair_target
from .augmented_spikes import AugmentedSpikes
from .bcm import BCM
from .binary_stdp import BinarySTDP
from .bp_stdp import BPSTDP, LayeredTrial
from .calcium import CalciumSTDP
from .chronotron import Chronotron
from .chronotron_e import ChronotronE
from .clopath import ClopathSTDP
from .deep_r import Connections, DeepR
from .dense import Learned, learn
from .dependence import Additive, Dependence, Exponential, Logistic, Mixed, Multiplicative, PowerLaw
from .derivative_stdp import DerivativeSTDP
from .diehl_cook_stdp import DiehlCookSTDP
from .dopamine_stdp import DopamineSTDP
from .end_trial import end_trial
from .erbp import ERBP
from .first_spike_reward_stdp import FirstSpikeRewardSTDP
from .first_to_fire import FirstToFire, Winners
from .gnm import GNM
from .handler import Handler
from .hebb import Hebb
from .inhibitory import InhibitorySTDP
from .instar import Instar
from .interval_stdp import IntervalSTDP
from .intrinsic import IntrinsicPlasticity, SigmoidPlasticity
from .membrane_driven import MembraneDriven
from .memristive_stdp import MemristiveSTDP
from .multi_spike import MembraneMultiSpikeRule, MultiSpikeRule
from .multi_spike_tempotron import MultiSpikeTempotron
from .normalisation import normalise
from .oja import Oja
from .pairing import AllToAll, Nearest, Pairing, PresynapticCentred, Reduced
from .pes import PES
from .power_law_stdp import PowerLawSTDP
from .predictive import PredictiveFeedforward, PredictiveLateral
from .pruning import Pruned, Pruning, strongest
from .psd import PSD
from .rectangular_stdp import RectangularSTDP
from .resume import ReSuMe
from .reward_stdp import RewardSTDP
from .rewiring import Rewiring, Wiring
from .rule import PostState, PostTrace, PreTrace, Rule, SynapseState
from .sailnet import SAILnet
from .sdsp import SDSP
from .segmented_probability import SegmentedProbability
from .short_term_stdp import ShortTermSTDP
from .simplified_stdp import SimplifiedSTDP
from .span import SPAN
from .spike_kernels import (
    AlphaKernel,
    ExponentialKernel,
    GaussianKernel,
    SpikeKernel,
    inner_product,
    spike_correlation,
    spread,
)
from .spiking_sgd import Presentation, SpikingSGD
from .stdp import STDP
from .synaptic_scaling import SynapticScaling
from .target_time import TargetTime
from .td_ltp import TDLTP, Critic
from .teaching_stdp import TeachingSTDP
from .tempotron import Tempotron
from .three_factor import ThreeFactor
from .threshold_driven import ThresholdDriven
from .trial import Change, Trained, Trial, TrialRule
from .triplet import TripletSTDP
from .widrow_hoff import WidrowHoff
from .window import Asymmetric, Reversed, Symmetric, Window

__all__ = [
    "BCM",
    "BPSTDP",
    "ERBP",
    "GNM",
    "PES",
    "PSD",
    "SDSP",
    "SPAN",
    "STDP",
    "TDLTP",
    "Additive",
    "AllToAll",
    "AlphaKernel",
    "AntiHebbian",
    "AstrocyteSTDP",
    "Asymmetric",
    "AugmentedSpikes",
    "BinarySTDP",
    "CalciumSTDP",
    "Change",
    "Chronotron",
    "ChronotronE",
    "ClopathSTDP",
    "Connections",
    "Critic",
    "DeepR",
    "Dependence",
    "DerivativeSTDP",
    "DiehlCookSTDP",
    "DopamineSTDP",
    "Exponential",
    "ExponentialKernel",
    "FirstSpikeRewardSTDP",
    "FirstToFire",
    "GaussianKernel",
    "Handler",
    "Hebb",
    "InhibitorySTDP",
    "Instar",
    "IntervalSTDP",
    "IntrinsicPlasticity",
    "LayeredTrial",
    "Learned",
    "Logistic",
    "MembraneDriven",
    "MembraneMultiSpikeRule",
    "MemristiveSTDP",
    "Mixed",
    "MultiSpikeRule",
    "MultiSpikeTempotron",
    "Multiplicative",
    "Nearest",
    "Oja",
    "Pairing",
    "PostState",
    "PostTrace",
    "PowerLaw",
    "PowerLawSTDP",
    "PreTrace",
    "PredictiveFeedforward",
    "PredictiveLateral",
    "Presentation",
    "PresynapticCentred",
    "Pruned",
    "Pruning",
    "ReSuMe",
    "RectangularSTDP",
    "Reduced",
    "Reversed",
    "RewardSTDP",
    "Rewiring",
    "Rule",
    "SAILnet",
    "SegmentedProbability",
    "ShortTermSTDP",
    "SigmoidPlasticity",
    "SimplifiedSTDP",
    "SpikeKernel",
    "SpikingSGD",
    "Symmetric",
    "SynapseState",
    "SynapticScaling",
    "TargetTime",
    "TeachingSTDP",
    "Tempotron",
    "ThreeFactor",
    "ThresholdDriven",
    "Trained",
    "Trial",
    "TrialRule",
    "TripletSTDP",
    "WidrowHoff",
    "Window",
    "Winners",
    "Wiring",
    "catalogue",
    "end_trial",
    "inner_product",
    "learn",
    "normalise",
    "repair_target",
    "spike_correlation",
    "spread",
    "strongest",
]
