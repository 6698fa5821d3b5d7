"""Connection rules: which pairs of neurons have a synapse."""

from .all_to_all import AllToAll
from .bernoulli import Bernoulli
from .convolution import Convolution
from .distance_dependent import DistanceDependent
from .explicit import Explicit, FromSparse
from .in_degree import FixedInDegree
from .one_to_one import OneToOne
from .out_degree import FixedOutDegree
from .procedural import Procedural
from .profile import Decay, Disc, Gaussian, Profile
from .rule import Rule
from .total_number import FixedTotalNumber

__all__ = [
    "AllToAll", "Bernoulli", "Convolution", "Decay", "Disc", "DistanceDependent", "Explicit", "FixedInDegree",
    "FixedOutDegree", "FixedTotalNumber", "FromSparse", "Gaussian", "OneToOne", "Procedural", "Profile", "Rule",
]  # fmt: skip
