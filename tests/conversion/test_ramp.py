"""First spikes at real times."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import TCL, FirstSpikeCode
from spikeloom.conversion._operations import Kind, Operation
from spikeloom.errors import ParameterError

EXACT = FirstSpikeCode(linear=True, real_times=True)


def data(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_one_spike_in_the_step_of_its_time(steps: int) -> None:
    x = torch.tensor([-0.5, 0.0, 0.01, 0.2, 0.51, 0.99, 1.0, 1.7]).double()
    sent = EXACT.site(Operation(Kind.RECTIFIER), torch.tensor(1.0).double(), steps)(x.expand(steps, 1, -1))[:, 0]
    assert int((sent != 0).sum(0).max()) == 1
    assert torch.allclose(sent.mean(0), x.clamp(0, 1), atol=1e-12)
    for value, train in zip(x.tolist(), sent.t(), strict=True):
        if value > 0:
            assert int(train.argmax()) == int(steps * (1 - min(value, 1.0)))


@pytest.mark.parametrize("steps", [1, 4, 16])
def test_bounded_networks_are_computed_exactly(steps: int) -> None:
    torch.manual_seed(0)
    layers = (nn.Linear(6, 16), TCL(0.4), nn.Linear(16, 12), TCL(0.3), nn.Linear(12, 3))
    model, x = nn.Sequential(*layers).requires_grad_(False), data(100, 6)
    assert (model[1](model[0](x)) == 0.4).any()
    spiking = sl.convert(model, x, EXACT, steps=steps)
    encoded = EXACT.encode(x, steps)
    assert torch.allclose(spiking(encoded, encoded=True), model(x), atol=1e-5)
    # With times in steps it is not.
    coarse = sl.convert(model, x, FirstSpikeCode(linear=True), steps=steps)
    assert not torch.allclose(coarse(x), model(x), atol=1e-3)


def test_rectifiers_above_all_inputs_are_exact_too() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.1), nn.Linear(16, 3)).requires_grad_(False), data(100, 6)
    assert torch.allclose(sl.convert(model, x, EXACT, steps=5)(x), model(x), atol=1e-5)


def test_what_does_not_go_with_real_times() -> None:
    for given in ({}, {"linear": True, "rounding": True}, {"linear": True, "early": 0.5}):
        with pytest.raises(ParameterError, match="real_times"):
            FirstSpikeCode(real_times=True, **given)
