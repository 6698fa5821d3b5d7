"""What a test needs beyond Python, and what happens where it is missing."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import hypothesis
import pytest
import torch

# The first call of a neuron compiles its kernel, so the time of one example says nothing.
hypothesis.settings.register_profile("spikeloom", deadline=None)
hypothesis.settings.load_profile("spikeloom")


def _missing() -> dict[str, str]:
    """Markers whose need is not met here, with the reason."""
    missing = {}
    if not torch.cuda.is_available():
        missing["gpu"] = "needs a CUDA device"
    if any(importlib.util.find_spec(name) is None for name in ("spikingjelly", "snntorch", "norse")):
        missing["peers"] = "needs SpikingJelly, snnTorch and Norse: make peers"
    if not Path(os.environ.get("SPIKELOOM_DATA", "/nonexistent")).is_dir():
        missing["data"] = "needs SPIKELOOM_DATA to name the folder of data sets"
    return missing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = _missing()
    for item in items:
        for marker, reason in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
