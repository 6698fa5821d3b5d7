"""All encoders by name."""

from __future__ import annotations

import importlib
import inspect

from spikeloom.coding.encoder import Encoder


def catalogue() -> dict[str, Encoder]:
    """The example of every encoder that this folder exports, by name.

    >>> catalogue()["Regular"]
    Regular(steps=16)
    """
    exported = vars(importlib.import_module("spikeloom.coding"))
    kinds = (item for item in exported.values() if inspect.isclass(item) and issubclass(item, Encoder))
    return {kind.__name__: kind.example() for kind in sorted(kinds, key=_name) if not inspect.isabstract(kind)}


def _name(kind: type) -> str:
    return kind.__name__
