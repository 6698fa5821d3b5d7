"""A back end of PyNN: `import spikeloom.pynn as sim`. Needs PyNN, which is under a licence of its own (CeCILL 2.1)."""

from ..errors import MissingPackageError

try:
    from pyNN import errors, random, space
except ImportError as error:
    raise MissingPackageError(
        "spikeloom.pynn", expected="PyNN", got="none", do="install it: pip install pyNN"
    ) from error

from pyNN.connectors import (
    AllToAllConnector,
    ArrayConnector,
    CloneConnector,
    CSAConnector,
    DisplacementDependentProbabilityConnector,
    DistanceDependentProbabilityConnector,
    FixedNumberPostConnector,
    FixedNumberPreConnector,
    FixedProbabilityConnector,
    FixedTotalNumberConnector,
    FromFileConnector,
    FromListConnector,
    IndexBasedProbabilityConnector,
    OneToOneConnector,
    SmallWorldConnector,
)
from pyNN.core import IndexBasedExpression
from pyNN.network import Network
from pyNN.random import GSLRNG, NumpyRNG, RandomDistribution
from pyNN.space import Space

from . import simulator
from .cells import (
    EIF_cond_alpha_isfa_ista,
    EIF_cond_exp_isfa_ista,
    HH_cond_exp,
    IF_cond_alpha,
    IF_cond_exp,
    IF_curr_alpha,
    IF_curr_delta,
    IF_curr_exp,
    Izhikevich,
)
from .composed import (
    LIF,
    AdExp,
    AlphaPSR,
    BetaPSR,
    CondAlphaPostSynapticResponse,
    CondBetaPostSynapticResponse,
    CondExpPostSynapticResponse,
    CurrExpPostSynapticResponse,
    ExpPSR,
    PointNeuron,
)
from .control import (
    connect,
    create,
    end,
    get_current_time,
    get_max_delay,
    get_min_delay,
    get_time_step,
    initialize,
    num_processes,
    rank,
    record,
    record_gsyn,
    record_v,
    reset,
    run,
    run_for,
    run_until,
    set,
    setup,
)
from .electrodes import ACSource, DCSource, NoisyCurrentSource, StepCurrentSource
from .populations import Assembly, Population, PopulationView
from .projections import Connection, Projection
from .sources import SpikeSourceArray, SpikeSourceGamma, SpikeSourcePoisson
from .synapses import (
    AdditivePotentiationMultiplicativeDepression,
    AdditiveWeightDependence,
    ElectricalSynapse,
    GIF_cond_exp,
    GutigWeightDependence,
    IF_cond_exp_gsfa_grr,
    IF_facets_hardware1,
    MultiCompartmentNeuron,
    MultiplicativeWeightDependence,
    MultiQuantalSynapse,
    SimpleStochasticSynapse,
    SpikePairRule,
    SpikeSourceInhGamma,
    SpikeSourcePoissonRefractory,
    StaticSynapse,
    STDPMechanism,
    StochasticTsodyksMarkramSynapse,
    TsodyksMarkramSynapse,
    Vogels2011Rule,
)

__all__ = [
    "GSLRNG", "LIF", "ACSource", "AdExp", "AdditivePotentiationMultiplicativeDepression", "AdditiveWeightDependence",
    "AllToAllConnector", "AlphaPSR", "ArrayConnector", "Assembly", "BetaPSR", "CSAConnector", "CloneConnector",
    "CondAlphaPostSynapticResponse", "CondBetaPostSynapticResponse", "CondExpPostSynapticResponse", "Connection",
    "CurrExpPostSynapticResponse", "DCSource", "DisplacementDependentProbabilityConnector",
    "DistanceDependentProbabilityConnector", "EIF_cond_alpha_isfa_ista", "EIF_cond_exp_isfa_ista",
    "ElectricalSynapse", "ExpPSR", "FixedNumberPostConnector", "FixedNumberPreConnector", "FixedProbabilityConnector",
    "FixedTotalNumberConnector", "FromFileConnector", "FromListConnector", "GIF_cond_exp", "GutigWeightDependence",
    "HH_cond_exp", "IF_cond_alpha", "IF_cond_exp", "IF_cond_exp_gsfa_grr", "IF_curr_alpha", "IF_curr_delta",
    "IF_curr_exp", "IF_facets_hardware1", "IndexBasedExpression", "IndexBasedProbabilityConnector", "Izhikevich",
    "MultiCompartmentNeuron", "MultiQuantalSynapse", "MultiplicativeWeightDependence", "Network",
    "NoisyCurrentSource", "NumpyRNG", "OneToOneConnector", "PointNeuron", "Population", "PopulationView",
    "Projection", "RandomDistribution", "STDPMechanism", "SimpleStochasticSynapse", "SmallWorldConnector", "Space",
    "SpikePairRule", "SpikeSourceArray", "SpikeSourceGamma", "SpikeSourceInhGamma", "SpikeSourcePoisson",
    "SpikeSourcePoissonRefractory", "StaticSynapse", "StepCurrentSource", "StochasticTsodyksMarkramSynapse",
    "TsodyksMarkramSynapse", "Vogels2011Rule", "connect", "create", "end", "errors", "get_current_time",
    "get_max_delay", "get_min_delay", "get_time_step", "initialize", "list_standard_models", "num_processes",
    "random", "rank", "record", "record_gsyn", "record_v", "reset", "run", "run_for", "run_until", "set", "setup",
    "simulator", "space",
]  # fmt: skip

_CELLS = (
    IF_curr_exp, IF_curr_alpha, IF_curr_delta, IF_cond_exp, IF_cond_alpha, EIF_cond_exp_isfa_ista,
    EIF_cond_alpha_isfa_ista, HH_cond_exp, Izhikevich, SpikeSourcePoisson, SpikeSourceGamma, SpikeSourceArray,
)  # fmt: skip


def list_standard_models() -> list[str]:
    """Names of the standard cells."""
    return [cell.__name__ for cell in _CELLS]
