"""Setting up, running and ending a simulation."""

from __future__ import annotations

import warnings
from typing import Any

from pyNN import common
from pyNN.common.control import DEFAULT_MAX_DELAY, DEFAULT_MIN_DELAY, DEFAULT_TIMESTEP
from pyNN.connectors import FixedProbabilityConnector
from pyNN.recording import get_io

from . import simulator
from .populations import Population
from .projections import Projection
from .synapses import StaticSynapse


def setup(timestep: float = DEFAULT_TIMESTEP, min_delay: Any = DEFAULT_MIN_DELAY, **extra_params: Any) -> int:
    """Begin anew: all that was described is forgotten.

    Times in ms. Of the extra parameters `max_delay`, `seed`, `threads` (as many as are fastest if not given) and
    `dtype` ("float64", or "float32" for speed) matter here; those of other simulators do not.
    """
    if extra_params.get("spike_precision") == "off_grid":
        warnings.warn(
            "spikeloom.pynn has spikes at whole time steps only, not spike_precision='off_grid'", stacklevel=2
        )
    max_delay = extra_params.get("max_delay", DEFAULT_MAX_DELAY)
    common.setup(timestep, min_delay, **extra_params)
    own = {name: extra_params[name] for name in ("seed", "threads", "dtype") if name in extra_params}
    simulator.state.configure(timestep, min_delay, max_delay, **own)
    return simulator.state.mpi_rank


def end(compatible_output: bool = True) -> None:
    """Write what was to be written at the end."""
    for population, variables, filename in simulator.state.write_on_end:
        population.write_data(get_io(filename), variables)
    simulator.state.write_on_end = []


run, run_until = common.build_run(simulator)
run_for = run
reset = common.build_reset(simulator)
initialize = common.initialize
set = common.set
get_current_time, get_time_step, get_min_delay, get_max_delay, num_processes, rank = common.build_state_queries(
    simulator
)
create = common.build_create(Population)
connect = common.build_connect(Projection, FixedProbabilityConnector, StaticSynapse)
record = common.build_record(simulator)


def record_v(source: Any, filename: str) -> Any:
    """Record the potential to a file."""
    return record(["v"], source, filename)


def record_gsyn(source: Any, filename: str) -> Any:
    """Record the synaptic conductances to a file."""
    return record(["gsyn_exc", "gsyn_inh"], source, filename)
