"""Connection rules: which pairs of neurons have a synapse."""

from .all_to_all import AllToAll
from .bernoulli import Bernoulli
from .explicit import Explicit, FromSparse
from .in_degree import FixedInDegree
from .one_to_one import OneToOne
from .out_degree import FixedOutDegree
from .procedural import Procedural
from .rule import Rule
from .total_number import FixedTotalNumber

__all__ = [
    "AllToAll", "Bernoulli", "Explicit", "FixedInDegree", "FixedOutDegree", "FixedTotalNumber", "FromSparse",
    "OneToOne", "Procedural", "Rule",
]  # fmt: skip
