"""Where and with what it was measured."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import torch

from spikeloom.cli._diagnosis import processor

PACKAGES = ("spikeloom", "torch", "numba", "numpy", "spikingjelly", "snntorch", "norse")
BUSY = 0.5  # load average above which times are not to be trusted


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def describe() -> dict[str, object]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {package: found for package in PACKAGES if (found := _version(package))},
    }


def slug(machine: dict[str, object]) -> str:
    """Name of the machine for a file: ``2025-01-31-some-processor-2-cores``."""
    return re.sub(r"[^a-z0-9]+", "-", "{date} {processor} {cores} cores".format(**machine).lower()).strip("-")
