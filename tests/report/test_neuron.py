"""Pictures and pages of neurons: what they show is what was run, and every model of the catalogue has a page."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

import spikeloom as sl
from spikeloom.errors import ParameterError
from spikeloom.report.catalogue import catalogue
from spikeloom.report.model_page import index_page, model_page, write_pages
from spikeloom.report.neuron_run import rates, run_neuron

DOCS = Path(__file__).parents[2] / "docs" / "models"
MODELS = catalogue()


def test_a_run_is_the_neuron_under_a_step_of_current() -> None:
    """t = tau ln(x / (x - 1)) after the current begins at a tenth of the time."""
    run = run_neuron(sl.LIF(dt=0.01), i=2.0, duration=100.0)
    period = 20 * math.log(2)
    expected = 10 + period * torch.arange(1, len(run.spike_times) + 1)
    # A spike is seen at the end of its step, and each resets up to a step late.
    assert len(run.spike_times) == int(80 / period)
    torch.testing.assert_close(run.spike_times, expected.double(), atol=0.01 * len(expected) + 1e-9, rtol=0)
    assert run.rate == pytest.approx(1000 * len(expected) / 80)
    assert run.drive[0] == run.drive[-1] == 0
    assert set(run.states) == {"v"}


def test_rates_are_those_of_the_closed_form() -> None:
    currents = torch.tensor([0.9, 1.5, 3.0])
    found = rates(sl.LIF(dt=0.01), currents, duration=5000.0)
    expected = [0.0, 1000 / (20 * math.log(3)), 1000 / (20 * math.log(1.5))]
    torch.testing.assert_close(found, torch.tensor(expected).double(), rtol=5e-3, atol=0)


def test_rates_of_a_neuron_that_does_not_spike_are_its_output() -> None:
    assert rates(sl.LeakyIntegrator(), torch.tensor([2.0]), duration=1000.0).item() == pytest.approx(2.0)


def test_noise_is_that_of_the_seed() -> None:
    noisy = sl.Noisy(sl.LIF(), sigma=2.0)
    state = torch.get_rng_state()
    first = run_neuron(noisy, seed=1).states["v"]
    assert torch.equal(first, run_neuron(noisy, seed=1).states["v"])
    assert not torch.equal(first, run_neuron(noisy, seed=2).states["v"])
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("neuron", "panels"),
    [(sl.LIF(), 3), (sl.neurons.FitzHughNagumo(), 5), (sl.LeakyIntegrator(), 3), (sl.Refractory(sl.LIF()), 4)],
    ids=repr,
)
def test_a_picture_has_trace_rates_and_for_two_variables_the_plane(neuron: sl.Neuron, panels: int) -> None:
    assert len(sl.plot.neuron(neuron).axes) == panels


def test_nullclines_cross_at_the_fixed_point() -> None:
    """FitzHugh and Nagumo's at rest: v - v^3/3 - w = 0 and v + a - b w = 0."""
    neuron = sl.neurons.FitzHughNagumo()
    axes = sl.plot.neuron(neuron, i=0.0).axes[-1]
    lines = [path.vertices for each in axes.collections for path in each.get_paths() if len(path.vertices) > 20]
    v = torch.linspace(-2.5, 2.5, 100_001, dtype=torch.float64)
    a, b = float(neuron.a), float(neuron.b)
    rest = float(v[(v - v**3 / 3 - (v + a) / b).abs().argmin()])
    near = [min(math.hypot(x - rest, y - (rest + a) / b) for x, y in line) for line in lines]
    assert sum(distance < 0.2 for distance in near) >= 2


@pytest.mark.parametrize(("i", "duration"), [(math.nan, 10.0), (1.0, 0.0), (1.0, -5.0), (1.0, 1e9), (1.0, math.nan)])
def test_what_cannot_be_run_is_refused(i: float, duration: float) -> None:
    with pytest.raises(ParameterError, match=r"current|duration"):
        run_neuron(sl.LIF(), i=i, duration=duration)


@pytest.mark.parametrize("name", MODELS)
def test_the_page_is_that_of_the_statement(name: str) -> None:
    assert (DOCS / f"{name}.md").read_text(encoding="utf-8") == model_page(name, MODELS[name], f"{name}.png"), (
        "make docs"
    )
    assert (DOCS / f"{name}.png").stat().st_size > 1000, "make docs"


def test_the_index_lists_every_page_and_there_are_no_others() -> None:
    assert (DOCS / "README.md").read_text(encoding="utf-8") == index_page(MODELS), "make docs"
    assert (
        {path.stem for path in DOCS.glob("*.md")} - {"README"}
        == {path.stem for path in DOCS.glob("*.png")}
        == set(MODELS)
    )


@pytest.mark.parametrize("name", MODELS)
def test_every_model_says_where_it_is_from(name: str) -> None:
    page = model_page(name, MODELS[name], "")
    assert "Source:" in page
    assert all(preset.source for preset in type(MODELS[name]).presets.values())


@pytest.mark.parametrize("name", [name for name, neuron in MODELS.items() if type(neuron).presets])
def test_every_preset_makes_a_neuron(name: str) -> None:
    kind = type(MODELS[name])
    for preset in kind.presets:
        assert isinstance(kind.preset(preset), kind)
    with pytest.raises(sl.errors.UnknownNameError, match="no preset 'nonesuch'"):
        kind.preset("nonesuch")


def test_pages_are_written(tmp_path: Path) -> None:
    assert list(write_pages({"IF": sl.IF()}, tmp_path)) == ["IF"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["IF.md", "IF.png", "README.md"]
