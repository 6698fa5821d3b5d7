"""Packages that recordings are handed over to, where they are installed."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import MissingPackageError


def optional(package: str) -> Any:
    """The package. Raises: MissingPackageError, which says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        do = "pip install spikeloom[analysis]"
        raise MissingPackageError(f"package {package}", expected="it to be installed", got="none", do=do) from error
