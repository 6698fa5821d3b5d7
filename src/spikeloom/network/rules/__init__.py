"""Connection rules: which pairs of neurons have a synapse."""

from .in_degree import FixedInDegree
from .rule import Rule

__all__ = ["FixedInDegree", "Rule"]
