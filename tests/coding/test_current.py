"""Direct current."""

from __future__ import annotations

import math

import pytest
import torch

from spikeloom.coding import Direct, direct
from spikeloom.errors import ParameterError


def test_every_step_is_the_value_and_nothing_is_copied() -> None:
    x = torch.tensor([[1.5, -2.0]])
    y = Direct(1000)(x)
    assert y.shape == (1000, 1, 2)
    assert all(torch.equal(step, x) for step in y)
    assert y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    assert y.stride(0) == 0


def test_gradient_is_summed_over_time() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    direct(x, 5).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, torch.full((2, 3), 5.0))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ParameterError, match="x of direct: expected finite values"):
        direct(torch.tensor([[bad]]), 2)
