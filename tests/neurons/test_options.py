"""Options: what they share between neurons, which is nothing, and what a neuron says of a wrong number of inputs."""

from __future__ import annotations

import pytest
import torch

import spikeloom as sl


@pytest.mark.parametrize("given", [lambda s: sl.LIF(surrogate=s), lambda s: sl.LIF().with_options(surrogate=s)])
def test_a_surrogate_is_copied(given) -> None:  # type: ignore[no-untyped-def]
    surrogate = sl.surrogate.ATan(width=0.5)
    given(surrogate).surrogate.width = 2.0
    assert float(surrogate.width) == 0.5


def test_a_wrong_number_of_inputs() -> None:
    x = torch.rand(2, 1, 3)
    with pytest.raises(sl.errors.DTypeError, match="expected 1 of them, in this order: i, got 2"):
        sl.LIF()(x, x)
