"""Products decide anew in each test, and write what they measure into a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikeloom.products import _choice, _measurements


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of measurements."""
    monkeypatch.setattr(_measurements, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(_choice, "_taken", {})
    _measurements._announce.cache_clear()
    return tmp_path
