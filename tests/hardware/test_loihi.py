"""Converted networks in Loihi's whole numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import Converted, RateCode
from spikeloom.errors import ConversionError
from spikeloom.hardware import loihi_cores, on_loihi
from spikeloom.neurons import Loihi

STEPS = 40


def perceptron(seed: int = 0) -> tuple[nn.Sequential, Tensor, Converted]:
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 14), nn.ReLU(), nn.Linear(14, 5))
    for layer in model[::2]:
        layer.weight.data = torch.randn(layer.weight.shape, generator=generator) / 3
        layer.bias.data = 0.1 * torch.randn(layer.bias.shape, generator=generator)
    x = torch.rand(50, 12, generator=generator)
    return model, x, sl.convert(model, x, RateCode(sl.conversion.Maximum(), start=0.25), steps=STEPS)


def whole(x: Tensor) -> np.ndarray:
    """As integers, which they must be."""
    assert torch.equal(x, x.round())
    return x.detach().numpy().astype(np.int64)


def test_equals_integers() -> None:
    model, x, spiking = perceptron()
    chip = on_loihi(spiking)
    s = whole(RateCode(start=0.0).encode(x, STEPS))
    given = torch.tensor(s, dtype=torch.float32)
    for number, site in zip((0, 2), chip.sites.values(), strict=True):
        neuron = site.neuron
        assert isinstance(neuron, Loihi)
        layer = chip.module.get_submodule(str(number))
        weight, bias = whole(layer.weight), whole(layer.bias)
        v, v_th, sent = np.full((50, len(bias)), int(neuron.v_rest)), int(neuron.v_th), []
        for each in s:
            v = v + each @ weight.T + bias
            sent.append(v > v_th)
            v = v - v_th * sent[-1]
        s = np.array(sent).astype(np.int64)
    wanted = torch.tensor(s, dtype=torch.float32) @ chip.module.get_submodule("4").weight.T + model[4].bias
    assert torch.allclose(chip.sequence(given, encoded=True), wanted, atol=1e-5)


def test_weights_and_biases_are_what_the_chip_has() -> None:
    model, _, spiking = perceptron()
    chip = on_loihi(spiking)
    for number, site in zip((0, 2), chip.sites.values(), strict=True):
        neuron, layer = site.neuron, chip.module.get_submodule(str(number))
        assert isinstance(neuron, Loihi)
        # 2^6 (mantissa of 17 bits); even weights of 8 bits and a sign, times 2^(6 + exponent); biases of 13 bits.
        assert float(neuron.v_th) % 64 == 0 and 1024 <= float(neuron.v_th) / 64 < 2**17
        assert float(neuron.v_rest) == round(0.25 * float(neuron.v_th))
        exponents = [e for e in range(-6, 8) if torch.equal(torch.fmod(layer.weight, 2.0 ** (7 + e)), 0 * layer.weight)]
        assert float(layer.weight.abs().max()) / 2.0 ** (6 + max(exponents)) <= 256
        mantissas = [layer.bias / 2.0**e for e in range(16)]
        assert any(torch.equal(each, each.round()) and float(each.abs().max()) < 2**12 for each in mantissas)
        # Ratios are those of the network within half a step of the weights, and the threshold's rounding.
        site_before = spiking.sites[next(n for n, s in chip.sites.items() if s is site)]
        theta = float(site_before.neuron.v_th)
        before = spiking.module.get_submodule(str(number)).weight
        step = 2 * float(before.abs().max()) / 254
        assert float((layer.weight / float(neuron.v_th) * theta - before).abs().max()) <= 0.51 * step + 1e-3 * theta
    assert [type(site.neuron).__name__ for site in spiking.sites.values()] == ["IF", "IF"]
    assert model[0].weight.abs().max() < 3


def test_rates_are_nearly_those_of_floats() -> None:
    _, x, spiking = perceptron(1)
    spikes = RateCode(start=0.0).encode(x, 400)
    y, z = spiking(spikes, encoded=True), on_loihi(spiking)(spikes, encoded=True)
    # Eight bits: half a step of 2/254 per weight, averaged over a dozen inputs and twice.
    assert float((y - z).abs().max() / y.abs().max()) < 0.03


def test_channels_with_thresholds_of_their_own() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3))
    x = torch.rand(20, 1, 7, 7)
    spiking = sl.convert(model, x, RateCode(sl.conversion.Maximum(), channelwise=True, start=0.0))
    spikes = RateCode(start=0.0).encode(x, 300)
    y, z = spiking(spikes, encoded=True), on_loihi(spiking)(spikes, encoded=True)
    assert float((y - z).abs().max() / y.abs().max()) < 0.05


def test_thresholds_far_apart_leave_room_for_inputs() -> None:
    model = nn.Sequential(nn.Linear(200, 4), nn.ReLU(), nn.Linear(4, 3))
    model[0].weight.data = torch.rand(4, 200) * torch.logspace(-4, 0, 4)[:, None]
    x = torch.rand(20, 200)
    chip = on_loihi(sl.convert(model, x, RateCode(sl.conversion.Maximum(), channelwise=True, start=0.0)))
    (site,) = chip.sites.values()
    mantissas = torch.as_tensor(site.neuron.param_values()["v_th"]) / 64  # type: ignore[union-attr, operator]
    # At most 2^15, though those of the smallest threshold have less than ten bits then.
    assert float(mantissas.min()) < 1024 and 2**14 <= float(mantissas.max()) <= 2**15


def test_cores() -> None:
    model = nn.Sequential(
        nn.Conv2d(2, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(2048, 300), nn.ReLU(),
        nn.Linear(300, 2),
    )  # fmt: skip
    cores = loihi_cores(sl.convert(model, torch.rand(8, 2, 32, 32), RateCode(), steps=8))
    # Input 2 * 2048 compartments; 2 * 2048; 300 * 2048 synapses of a byte in 128 KiB; 600 synapses.
    assert cores.layers == {"input": 4, "0": 4, "3": 5, "5": 1}
    assert cores.total == 14


def test_what_cannot_be_put_on_the_chip_is_named() -> None:
    pooled = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(18, 3))
    with pytest.raises(ConversionError, match="AvgPool2d"):
        on_loihi(sl.convert(pooled, torch.rand(8, 1, 8, 8), RateCode()))
    _, x, spiking = perceptron()
    with pytest.raises(ConversionError, match="stand still"):
        on_loihi(spiking)(x)
    model = nn.Sequential(nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, 2))
    with pytest.raises(ConversionError, match="ReLU"):
        on_loihi(sl.convert(model, x, "hard-reset"))
