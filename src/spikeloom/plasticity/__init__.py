"""The catalogue of plasticity: local rules, stated once, one short file each.

>>> import spikeloom as sl
>>> sl.plasticity.STDP().handlers()
('on_post', 'on_pre')
"""

from ._catalogue import catalogue
from .anti_hebbian import AntiHebbian
from .bcm import BCM
from .calcium import CalciumSTDP
from .chronotron import Chronotron
from .clopath import ClopathSTDP
from .dense import Learned, learn
from .dependence import Additive, Dependence, Exponential, Logistic, Mixed, Multiplicative, PowerLaw
from .dopamine_stdp import DopamineSTDP
from .end_trial import end_trial
from .erbp import ERBP
from .first_spike_reward_stdp import FirstSpikeRewardSTDP
from .handler import Handler
from .hebb import Hebb
from .inhibitory import InhibitorySTDP
from .instar import Instar
from .oja import Oja
from .pairing import AllToAll, Nearest, Pairing, PresynapticCentred, Reduced
from .predictive import PredictiveFeedforward, PredictiveLateral
from .psd import PSD
from .resume import ReSuMe
from .reward_stdp import RewardSTDP
from .rule import PostState, PostTrace, PreTrace, Rule, SynapseState
from .sailnet import SAILnet
from .sdsp import SDSP
from .stdp import STDP
from .synaptic_scaling import SynapticScaling
from .td_ltp import TDLTP, Critic
from .teaching_stdp import TeachingSTDP
from .three_factor import ThreeFactor
from .trial import Trial, TrialRule
from .triplet import TripletSTDP
from .widrow_hoff import WidrowHoff
from .window import Asymmetric, Reversed, Symmetric, Window

__all__ = [
    "BCM",
    "ERBP",
    "PSD",
    "SDSP",
    "STDP",
    "TDLTP",
    "Additive",
    "AllToAll",
    "AntiHebbian",
    "Asymmetric",
    "CalciumSTDP",
    "Chronotron",
    "ClopathSTDP",
    "Critic",
    "Dependence",
    "DopamineSTDP",
    "Exponential",
    "FirstSpikeRewardSTDP",
    "Handler",
    "Hebb",
    "InhibitorySTDP",
    "Instar",
    "Learned",
    "Logistic",
    "Mixed",
    "Multiplicative",
    "Nearest",
    "Oja",
    "Pairing",
    "PostState",
    "PostTrace",
    "PowerLaw",
    "PreTrace",
    "PredictiveFeedforward",
    "PredictiveLateral",
    "PresynapticCentred",
    "ReSuMe",
    "Reduced",
    "Reversed",
    "RewardSTDP",
    "Rule",
    "SAILnet",
    "Symmetric",
    "SynapseState",
    "SynapticScaling",
    "TeachingSTDP",
    "ThreeFactor",
    "Trial",
    "TrialRule",
    "TripletSTDP",
    "WidrowHoff",
    "Window",
    "catalogue",
    "end_trial",
    "learn",
]
