"""The page of all rules, and the picture of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spikeloom as sl
from spikeloom.errors import ParameterError
from spikeloom.report.rule import paired
from spikeloom.report.rules_page import rules_page

PAGE = Path(__file__).parents[2] / "docs" / "plasticity-rules.md"


def test_the_page_is_that_of_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == rules_page(sl.plasticity.catalogue()), "python docs/make.py rules"


def test_every_rule_names_its_source() -> None:
    lacking = [name for name, rule in sl.plasticity.catalogue().items() if "Source: " not in (type(rule).__doc__ or "")]
    assert lacking == []


def test_what_the_picture_shows() -> None:
    rule = sl.plasticity.STDP(a_plus=0.1, a_minus=0.12, tau_plus=10.0, tau_minus=30.0)
    lags = np.array([-20.0, -1.0, 1.0, 20.0])
    found = paired(rule, lags, np.full(4, np.inf), 1, None)
    wanted = np.where(lags > 0, 0.1 * np.exp(-lags / 10.0), -0.12 * np.exp(lags / 30.0))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_rules_that_cannot_be_shown() -> None:
    for rule in (sl.plasticity.ClopathSTDP(), sl.plasticity.ReSuMe(), sl.plasticity.SAILnet()):
        with pytest.raises(ParameterError, match="a rule of pairs of spikes"):
            sl.plot.rule(rule)
