"""`spikeloom neurons` and `spikeloom neuron`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from spikeloom.cli import app
from spikeloom.report.catalogue import catalogue


def spikeloom(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_the_catalogue_is_listed() -> None:
    listed = json.loads(spikeloom("neurons", "--json").stdout)
    assert {row["name"] for row in listed} == set(catalogue())
    assert all(row["meaning"] for row in listed)
    shown = spikeloom("neurons", "--family", "physio").stdout
    assert "HodgkinHuxley" in shown
    assert "CurrentLIF" not in shown


def test_a_family_that_is_not_there() -> None:
    result = spikeloom("neurons", "--family", "quantum")
    assert result.exit_code == 2
    assert "quantum" in result.stderr


def test_one_neuron_runs(tmp_path: Path) -> None:
    picture = tmp_path / "out.png"
    result = spikeloom(
        "neuron", "HodgkinHuxley", "--current", "10", "--duration", "200", "--plot", str(picture), "--json"
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    # 68 spikes per second at 10 uA/cm^2 flow for 160 ms.
    assert found["spikes"] == len(found["spike times, ms"]) == 11
    assert picture.stat().st_size > 10_000


def test_presets_steps_and_parameters() -> None:
    plain = json.loads(spikeloom("neuron", "lif", "--duration", "400", "--json").stdout)
    arguments = ("--set", "tau_mem=40", "--dt", "0.1", "--duration", "400", "--json")
    slower = json.loads(spikeloom("neuron", "LIF", *arguments).stdout)
    assert slower["mean interval, ms"] == pytest.approx(2 * plain["mean interval, ms"], rel=0.05)
    chattering = spikeloom("neuron", "Izhikevich", "--preset", "CH")
    assert "CV of intervals" in chattering.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("neuron", "HodgkinHuxly"), "HodgkinHuxley"),
        (("neuron", "LIF", "--set", "tau=3"), "tau_mem"),
        (("neuron", "LIF", "--set", "tau_mem"), "NAME=NUMBER"),
        (("neuron", "LIF", "--set", "tau_mem=-3"), "tau_mem"),
        (("neuron", "LIF", "--preset", "RS"), "RS"),
        (("neuron", "LIF", "--current", "nan"), "finite"),
        (("neuron", "LIF", "--duration", "-1"), "duration"),
        (("neuron", "LIF", "--plot", "out.txt"), ".png"),
        (("neuron", "LIF", "--plot", "nowhere/out.png"), "folder"),
        (("neuron", "LIF", "--set", "v_reset=2"), "v_reset"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input(arguments: tuple[str, ...], message: str) -> None:
    result = spikeloom(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
