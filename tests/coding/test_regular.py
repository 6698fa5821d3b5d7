"""Regular, signed and complement codes: how exactly they tell a value, beside the Bernoulli code."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeloom.coding import Bernoulli, Complement, Direct, LinearLatency, Regular, Signed, regular, spike_count
from spikeloom.errors import DTypeError, ParameterError

unit = st.floats(0.0, 1.0, width=32)


@pytest.mark.parametrize("steps", [10, 100])
@pytest.mark.parametrize("x", [0.1, 0.3, 0.5, 0.8])
def test_bernoulli_decodes_with_the_standard_deviation_of_the_binomial(x: float, steps: int) -> None:
    encoder = Bernoulli(steps)
    decoded = encoder.decode(encoder(torch.full((20_000, 1), x), torch.Generator().manual_seed(0))).double()
    # The relative standard error of a standard deviation from n samples is 1 / sqrt(2 n) = 0.5 %; the row allows 5 %.
    assert decoded.std().item() == pytest.approx(math.sqrt(x * (1 - x) / steps), rel=0.05)
    assert decoded.mean().item() == pytest.approx(x, abs=6 * math.sqrt(x * (1 - x) / steps / 20_000))


@given(x=st.lists(unit, min_size=1, max_size=8), steps=st.integers(1, 300))
def test_regular_decodes_to_within_one_spike(x: list[float], steps: int) -> None:
    values = torch.tensor([x], dtype=torch.float64)
    error = values - Regular(steps).decode(regular(values, steps))
    assert bool((error >= 0.0).all()) and bool((error < 1.0 / steps + 1e-12).all())


@given(count=st.integers(0, 50), steps=st.integers(1, 50))
def test_regular_spikes_are_evenly_spaced(count: int, steps: int) -> None:
    count = min(count, steps)
    x = torch.tensor([[count / steps]], dtype=torch.float64)
    times = regular((x + 1e-12).clamp(max=1.0), steps).flatten().nonzero().flatten()
    assert len(times) == count
    if count:
        assert times[-1] == steps - 1
        # Whole steps cannot be closer to steps / count than the two integers around it.
        assert set(times.diff().tolist()) <= {steps // count, -(-steps // count)}


def test_regular_is_monotonous_and_keeps_its_ends() -> None:
    counts = spike_count(regular(torch.linspace(0.0, 1.0, 200).view(1, -1), 37))[0]
    assert bool((counts.diff() >= 0).all())
    assert counts[0] == 0 and counts[-1] == 37


@given(x=st.lists(st.floats(-1.0, 1.0, width=32), min_size=1, max_size=8), steps=st.integers(1, 60))
def test_signed_values_keep_sign_and_exactness(x: list[float], steps: int) -> None:
    encoder = Signed(Regular(steps))
    values = torch.tensor([x], dtype=torch.float64)
    spikes = encoder(values)
    assert bool((spikes * values.sign() >= 0).all())
    assert torch.equal(spikes.abs(), regular(values.abs(), steps))
    assert bool(((encoder.decode(spikes) - values).abs() < 1.0 / steps + 1e-12).all())


def test_signed_bernoulli_has_the_variance_of_the_magnitude() -> None:
    encoder = Signed(Bernoulli(10))
    decoded = encoder.decode(encoder(torch.full((20_000, 1), -0.3), torch.Generator().manual_seed(1))).double()
    assert decoded.mean().item() == pytest.approx(-0.3, abs=6 * math.sqrt(0.021 / 20_000))
    assert decoded.std().item() == pytest.approx(math.sqrt(0.021), rel=0.05)


@given(x=unit, steps=st.integers(1, 60))
def test_the_complement_halves_what_a_latency_code_adds(x: float, steps: int) -> None:
    encoder = Complement(LinearLatency(steps))
    value = torch.tensor([[x]], dtype=torch.float64)
    # Each channel is up to 1/T too large, and they enter with opposite signs.
    assert abs(encoder.decode(encoder(value)).item() - x) <= 0.5 / steps + 1e-12


def test_complements_share_a_constant_number_of_spikes() -> None:
    x = torch.arange(17).view(1, -1) / 16
    assert spike_count(Complement(Regular(16))(x)).sum(1).unique().tolist() == [16.0]


def test_wrappers_refuse_what_they_cannot_wrap() -> None:
    with pytest.raises(DTypeError, match="inner of Signed: expected an Encoder, got int"):
        Signed(3)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="inner of Complement: expected an encoder of values"):
        from spikeloom.coding import Delta

        Complement(Delta(threshold=0.1))


def test_a_wrapper_is_as_graded_as_its_inner_encoder() -> None:
    assert Complement(Direct(4)).graded and not Complement(Regular(4)).graded
