"""The catalogue of plasticity: local rules, stated once, one short file each.

>>> import spikeloom as sl
>>> sl.plasticity.STDP().handlers()
('on_post', 'on_pre')
"""

from ._catalogue import catalogue
from .anti_hebbian import AntiHebbian
from .bcm import BCM
from .dense import Learned, learn
from .dependence import Additive, Dependence, Multiplicative, PowerLaw
from .end_trial import end_trial
from .handler import Handler
from .hebb import Hebb
from .instar import Instar
from .oja import Oja
from .predictive import PredictiveFeedforward, PredictiveLateral
from .rule import PostState, PostTrace, PreTrace, Rule, SynapseState
from .sailnet import SAILnet
from .stdp import STDP
from .synaptic_scaling import SynapticScaling
from .trial import Trial, TrialRule

__all__ = [
    "BCM",
    "STDP",
    "Additive",
    "AntiHebbian",
    "Dependence",
    "Handler",
    "Hebb",
    "Instar",
    "Learned",
    "Multiplicative",
    "Oja",
    "PostState",
    "PostTrace",
    "PowerLaw",
    "PreTrace",
    "PredictiveFeedforward",
    "PredictiveLateral",
    "Rule",
    "SAILnet",
    "SynapseState",
    "SynapticScaling",
    "Trial",
    "TrialRule",
    "catalogue",
    "end_trial",
    "learn",
]
