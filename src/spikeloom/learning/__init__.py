"""Learning: networks and rules beyond plain back-propagation."""

from .belief_network import DeepBelief, LogisticUnits, RestrictedBoltzmann, SiegertUnits, Units

__all__ = ["DeepBelief", "LogisticUnits", "RestrictedBoltzmann", "SiegertUnits", "Units"]
