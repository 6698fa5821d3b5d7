"""The catalogue of plasticity: local rules, stated once, one short file each.

>>> import spikeloom as sl
>>> sl.plasticity.STDP().handlers()
('on_post', 'on_pre')
"""

from ._catalogue import catalogue
from .dense import Learned, learn
from .dependence import Additive, Dependence, Multiplicative, PowerLaw
from .handler import Handler
from .rule import PostState, PostTrace, PreTrace, Rule, SynapseState
from .stdp import STDP
from .trial import Trial, TrialRule

__all__ = [
    "STDP",
    "Additive",
    "Dependence",
    "Handler",
    "Learned",
    "Multiplicative",
    "PostState",
    "PostTrace",
    "PowerLaw",
    "PreTrace",
    "Rule",
    "SynapseState",
    "Trial",
    "TrialRule",
    "catalogue",
    "learn",
]
