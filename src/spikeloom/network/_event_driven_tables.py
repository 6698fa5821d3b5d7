"""The tables that the kernels of the loop over events are given."""

from __future__ import annotations

from ..compile import layout

# Entries of the table of the loop.
LOOP = layout(
    "clock",  # now, when to stop, and the tolerance within which times are one
    "counts",  # see COUNTS
    "units",  # neurons and channels of all populations
    "next",
    "heap",  # units, the earliest first
    "place",  # of each unit in the heap
    "kind_of",  # which population it belongs to
    "kinds",  # tables of populations
    "marks",  # the instant at which a unit was touched last
    "short",  # by how much rounding leaves it short of the threshold at its foreseen time, which is now; else 0
    "touched",
    "flight_time",  # spikes in flight: next arrival, number, synapse of that arrival, end of the row, when it set out
    "flight_number",
    "flight_synapse",
    "flight_stop",
    "flight_origin",
    "flight_room",
    "row_start",  # synapses of each unit, ordered by delay
    "targets",
    "weights",
    "delays",
    "inputs",
    "log_time",
    "log_unit",
    "log_room",
    "wanted",
    "most_rounds",  # instants at one time, beyond which it is a loop without delay
    "room",
    "pause",  # the instant before which to come back
)
COUNTS = layout("in_flight", "launched", "touched", "logged", "instant", "delivered", "spikes", "rounds", "stopped")
STOPPED = ("end", "room", "avalanche")
# Entries that the tables of all populations begin with.
KIND = layout(
    "states",  # [n, D]: state variables, and the constant drives of those that have one
    "last",  # when they were so
    "until",  # end of the refractory period
    "t_ref",
    "theta",
    "landing",
    "variant",  # which of the rows below is that of a neuron
    "dims",  # D; 0 for sources
    "margin",
    "reset",
    "jumps",  # by variant, input, whether refractory
    "input_count",
    "clock",
    "next",
    "move",  # kernels: bring the states up to now; foresee the next spike
    "foresee",
    "first",  # number of the first unit
)
# Of linear neurons. Modes as in `_event_driven_modes.py`; those of the refractory period RESTING entries further on.
LINEAR = layout(
    *KIND._fields,
    "modes",
    "rates",
    "powers",
    "parts",
    "resting_modes",
    "resting_rates",
    "resting_powers",
    "resting_parts",
    "views",  # what the margin sees of each mode
    "peaks",  # the largest value of each mode
    "room",
)
RESTING = 4
QUADRATIC = layout(*KIND._fields, "curvature", "slope")
POISSON = layout(*KIND._fields, "rates", "counts", "seed", "end")
LISTED = layout(*KIND._fields, "times", "place", "stop")
