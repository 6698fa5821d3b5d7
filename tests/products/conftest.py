"""Products decide anew in each test, in one thread, and write what they measure into a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from spikeloom.products import _choice, _measurements


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of measurements."""
    monkeypatch.setattr(_measurements, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(_choice, "_taken", {})
    _measurements._announce.cache_clear()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield tmp_path
    torch.set_num_threads(threads)
