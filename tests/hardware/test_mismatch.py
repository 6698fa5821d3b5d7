"""Converted networks on chips that are not quite as they should be."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import Converted, Tandem, tune_spiking
from spikeloom.errors import DTypeError, ParameterError
from spikeloom.hardware import Mismatch, with_mismatch


def data(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def converted() -> tuple[nn.Sequential, Converted]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3)).requires_grad_(False)
    return model, sl.convert(model, data(64, 6), "half-start", steps=16)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_without_spread_it_is_the_network() -> None:
    _, net = converted()
    chip = with_mismatch(net, 0.0, generator=generator())
    assert torch.equal(chip(data(5, 6)), net(data(5, 6)))


def test_weights_and_thresholds_differ_by_the_spread() -> None:
    _, net = converted()
    chip = with_mismatch(net, 0.2, generator=generator())
    before, after = (part.module.get_submodule("0").weight for part in (net, chip))
    ratio = after / before
    assert float(ratio.std()) == pytest.approx(0.2, rel=0.2)
    assert float(ratio.mean()) == pytest.approx(1.0, abs=0.05)
    (site,) = chip.sites.values()
    assert site.neuron.param_values()["v_th"].shape == (32,)
    # The network itself is left as it is, and the same draws make the same chip.
    assert torch.equal(before, converted()[1].module.get_submodule("0").weight)
    again = with_mismatch(net, 0.2, generator=generator())
    assert torch.equal(chip(data(5, 6)), again(data(5, 6)))
    assert not torch.equal(chip(data(5, 6)), with_mismatch(net, 0.2, generator=generator(1))(data(5, 6)))


def test_rounding_has_levels_and_passes_gradients() -> None:
    weight = torch.linspace(-1.0, 1.0, 101).requires_grad_()
    factor = torch.full((101,), 1.5)
    acting = Mismatch(factor, bits=3)(weight)
    assert torch.allclose((acting / 1.5 * 3).round(), acting / 1.5 * 3, atol=1e-5)
    assert acting.unique().numel() == 7
    acting.sum().backward()
    assert torch.equal(weight.grad, factor)


def test_learning_in_the_loop_keeps_the_chip_and_recovers() -> None:
    model, net = converted()
    x = data(512, 6, seed=3)
    labels = model(x).argmax(1)
    chip = with_mismatch(net, 0.5, generator=generator(), bits=5)

    def agreement(part: Converted) -> float:
        return float((part(x).argmax(1) == labels).float().mean())

    tuned = tune_spiking(chip, x, labels, gradient=Tandem(), epochs=10, lr=3e-3)
    before, after = (part.module.get_submodule("0").parametrizations.weight[0].factor for part in (chip, tuned))
    assert torch.equal(before, after)
    assert torch.equal(*(part.sites["_1"].neuron.param_values()["v_th"] for part in (chip, tuned)))
    assert agreement(tuned) - agreement(chip) > 0.5 * (agreement(net) - agreement(chip)) > 0.0


def test_refuses() -> None:
    model, net = converted()
    with pytest.raises(DTypeError):
        with_mismatch(model, 0.1, generator=generator())
    with pytest.raises(ParameterError, match="spread"):
        with_mismatch(net, -0.1, generator=generator())
    with pytest.raises(ParameterError, match="bits"):
        with_mismatch(net, 0.1, generator=generator(), bits=1)
