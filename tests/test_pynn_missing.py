"""Without PyNN, its back end says what to install."""

from __future__ import annotations

import importlib
import sys

import pytest

from spikeloom.errors import MissingPackageError


def test_without_pynn_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("spikeloom.pynn")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyNN", None)
    with pytest.raises(MissingPackageError, match=r"expected PyNN, got none\. Install it: pip install pyNN"):
        importlib.import_module("spikeloom.pynn")
