"""Methods of conversion by name."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import UnknownNameError
from .amos import AMOSCode
from .few_spikes import FewSpikeCode
from .first_spike import FirstSpikeCode
from .inverse_time import InverseTimeCode
from .methods import RATE_CODES, Method
from .phase import BurstCode, PhaseCode

METHODS: Mapping[str, Method] = {
    **RATE_CODES,
    "amos": AMOSCode(),
    "few-spikes": FewSpikeCode(),
    "first-spike": FirstSpikeCode(optimised=60, rounding=True),
    "growing-burst": BurstCode(),
    "inverse-time": InverseTimeCode(),
    "linear-first-spike": FirstSpikeCode(linear=True),
    "phase": PhaseCode(),
}


def method_of(given: str | Method) -> Method:
    """A method by name, or itself. Raises: UnknownNameError."""
    if isinstance(given, Method):
        return given
    if given not in METHODS:
        raise UnknownNameError("method of convert", str(given), METHODS)
    return METHODS[given]
