"""The exception tree. Every message says what was expected, what was given and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class SpikeloomError(Exception):
    """Base of all errors that Spikeloom raises on purpose."""

    def __init__(self, what: str, *, expected: object = None, got: object = None, do: str = "") -> None:
        self.what = what
        message = what
        if expected is not None:
            message += f": expected {expected}"
        if got is not None:
            message += f", got {got}" if expected is not None else f": got {got}"
        if do:
            message += f". {do[0].upper()}{do[1:]}"
        super().__init__(message if message.endswith((".", "?")) else message + ".")


class ParameterError(SpikeloomError, ValueError):
    """A value outside the bounds that its declaration states, or NaN."""


class UnknownNameError(SpikeloomError, TypeError):
    """A name that is not declared; the message suggests the nearest one."""

    def __init__(self, what: str, name: str, known: Iterable[str], *, do: str = "") -> None:
        names = sorted(known)
        # Also where only capitals differ.
        spelled = {known.lower(): known for known in reversed(names)}
        close = difflib.get_close_matches(name.lower(), list(spelled), n=1, cutoff=0.5)
        expected = f"one of {', '.join(names)}" if names else "none, as there are none"
        nearest = f"did you mean {spelled[close[0]]!r}?" if close else "choose one of them" if names else ""
        super().__init__(what, expected=expected, got=repr(name), do=do or nearest)


class ShapeError(SpikeloomError, ValueError):
    """A tensor of the wrong rank or size."""


class DTypeError(SpikeloomError, TypeError):
    """A tensor of the wrong dtype, or something that is not a tensor."""


class DeviceError(SpikeloomError, ValueError):
    """Tensors on devices that do not belong together."""


class NonFiniteError(SpikeloomError, ArithmeticError):
    """NaN appeared; the message names neuron, state variable, time step and position."""

    # What a network has recorded until then.
    result: Any = None


class TraceError(SpikeloomError, TypeError):
    """A neuron's statement that the compiler cannot trace; names file, line and method."""


class ConversionError(SpikeloomError, TypeError):
    """A network that cannot be converted; the message lists what stands in the way, with file and line."""


class BackendError(SpikeloomError, RuntimeError):
    """A back end that was asked for by name cannot do the work."""


class DataError(SpikeloomError, ValueError):
    """A data set that is unknown, missing or damaged."""


class CheckpointError(SpikeloomError, ValueError):
    """A checkpoint or run folder that is missing, damaged or of another version."""

    # What was recorded until then, where a run could not write one.
    result: Any = None


class RankError(SpikeloomError, RuntimeError):
    """Another process of a run on several has died, failed or does not answer; the message names it."""

    # What this process has recorded until then.
    result: Any = None


class RecordingError(SpikeloomError, RuntimeError):
    """A recording that could not be written, for example because the disk is full; nothing is lost, see `result`."""

    # What was recorded in memory until then.
    result: Any = None


class MissingPackageError(SpikeloomError, ImportError):
    """An optional package that is not installed; the message says how to install it."""


class RoundedDelayWarning(UserWarning):
    """A delay that is no whole number of steps was rounded; the message says to what."""
