"""Population codes: tuning curves of the paper, and values read back from them."""

from __future__ import annotations

import math

import pytest
import torch

from spikeloom.coding import (
    Direct,
    GaussianPopulation,
    LinearLatency,
    RadialBasis,
    Regular,
    first_spike_time,
    gaussian_tuning,
    gaussian_tuning_decode,
    radial_basis,
    spike_count,
)
from spikeloom.errors import ParameterError, ShapeError

GRID = torch.linspace(0.0, 1.0, 501, dtype=torch.float64).view(1, -1)


@pytest.mark.parametrize("neurons", [3, 6, 12])
def test_centres_and_widths_are_those_of_the_paper(neurons: int) -> None:
    x = 0.37
    response = gaussian_tuning(torch.tensor([[x]], dtype=torch.float64), neurons)[0, 0].tolist()
    for i, r in enumerate(response, start=1):
        centre = (2 * i - 3) / 2 / (neurons - 2)
        sigma = 1.0 / (1.5 * (neurons - 2))
        assert r == pytest.approx(math.exp(-((x - centre) ** 2) / (2 * sigma**2)), rel=1e-12)


def test_every_value_has_a_neuron_that_responds_well() -> None:
    # Half a distance from the nearest centre at most: exp(-(beta / 2)^2 / 2), beta = 1.5.
    assert gaussian_tuning(GRID, 8).amax(-1).min().item() >= math.exp(-(0.75**2) / 2) - 1e-12


@pytest.mark.parametrize("neurons", [3, 8])
def test_exact_responses_decode_exactly(neurons: int) -> None:
    decoded = gaussian_tuning_decode(gaussian_tuning(GRID, neurons))
    assert (decoded - GRID).abs().max().item() < 1e-9


def test_one_or_no_response_decodes_to_a_preferred_value() -> None:
    responses = torch.zeros(2, 5)
    responses[0, 3] = 0.4
    assert gaussian_tuning_decode(responses)[0].item() == pytest.approx(2.5 / 3)
    assert 0.0 <= gaussian_tuning_decode(responses)[1].item() <= 1.0


# A response is up to 1/T too large, its logarithm 1/(T r). In units of the gap 1/(m - 2) between centres the fit turns
# that into an error of about sigma^2 / (T r), with sigma = 1/1.5: less than 1/(T (m - 2)).
@pytest.mark.parametrize("least", [0.0, 0.1])
@pytest.mark.parametrize(("steps", "neurons"), [(20, 5), (20, 8), (100, 5), (100, 12)])
def test_latencies_of_a_population_tell_more_than_one_latency(steps: int, neurons: int, least: float) -> None:
    encoder = GaussianPopulation(LinearLatency(steps), neurons=neurons, least=least)
    rmse = (encoder.decode(encoder(GRID)) - GRID).square().mean().sqrt().item()
    single = LinearLatency(steps)
    assert rmse < 1.0 / (steps * (neurons - 2))
    assert rmse < (single.decode(single(GRID)) - GRID).square().mean().sqrt().item()


def test_what_the_neurons_prefer_fires_first() -> None:
    encoder = GaussianPopulation(LinearLatency(50), neurons=7)
    times = first_spike_time(encoder(torch.tensor([[0.5]])))[0, 0].tolist()
    # Responses of exp(-1.125) = 0.32 a gap away, exp(-4.5) = 0.01 two gaps away: too weak to fire.
    assert times == [50.0, 50.0, 33.0, 0.0, 33.0, 50.0, 50.0]


def test_radial_basis_by_hand() -> None:
    centres = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    x = torch.tensor([[[0.0, 0.0], [1.0, 2.0]]], dtype=torch.float64)
    expected = torch.exp(-torch.tensor([[[0.0, 1.0, 4.0], [5.0, 4.0, 1.0]]], dtype=torch.float64) / 0.5)
    assert torch.allclose(radial_basis(x, centres, sigma=0.5), expected, rtol=1e-12)


def test_radial_basis_in_one_dimension_is_the_tuning_curve() -> None:
    centres = (torch.arange(6, dtype=torch.float64) - 0.5).unsqueeze(1) / 4
    assert torch.allclose(radial_basis(GRID.unsqueeze(-1), centres, sigma=1 / 6), gaussian_tuning(GRID, 6), rtol=1e-12)


def test_neurons_near_the_point_fire_more() -> None:
    encoder = RadialBasis(Regular(20), centres=torch.tensor([[0.2, 0.2], [0.8, 0.8]]), sigma=0.3)
    counts = spike_count(encoder(torch.tensor([[0.2, 0.3], [0.9, 0.7]])))
    assert counts[0, 0] > counts[0, 1] and counts[1, 1] > counts[1, 0]


def test_what_is_no_population_is_refused() -> None:
    with pytest.raises(ParameterError, match="neurons of GaussianPopulation: expected a whole number of at least 3"):
        GaussianPopulation(Direct(3), neurons=2)
    with pytest.raises(ParameterError, match="least of GaussianPopulation"):
        GaussianPopulation(Direct(3), neurons=5, least=1.0)
    with pytest.raises(ShapeError, match="d]"):
        radial_basis(torch.zeros(2, 3), torch.zeros(4, 2), sigma=1.0)
    with pytest.raises(ParameterError, match="sigma of RadialBasis"):
        RadialBasis(Direct(3), centres=torch.zeros(4, 2), sigma=0.0)
