"""Where and with what something is measured."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("spikeloom", "torch", "numpy", "numba", "llvmlite", "triton")


def versions() -> dict[str, str]:
    """Of Python and of the packages that matter; those that are not installed are left out."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """The processor's name; /proc/cpuinfo knows it better than the standard library."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.is_file() else None
    return found.group(1) if found else platform.processor() or platform.machine()


def this_machine() -> str:
    """Processor and cores on one line."""
    return f"{processor()}, {os.cpu_count()} cores"
