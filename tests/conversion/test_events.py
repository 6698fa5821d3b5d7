"""Spikes that the report counts are those that neurons send."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import METHODS, FirstSpikeCode, Fixed, InverseTimeCode, Method, RateCode, SoftLIF
from spikeloom.conversion import _sites as sites
from spikeloom.errors import ConversionError

MANY = (sl.neurons.NetCount, sl.neurons.MultiSpike)


def network(*activations: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    first, second = activations if len(activations) == 2 else (nn.ReLU(), nn.ReLU())
    layers = (nn.Linear(6, 16), first, nn.Linear(16, 12), second, nn.Linear(12, 3))
    return nn.Sequential(*layers).requires_grad_(False)


def data(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def sent_by_neurons(net: sl.conversion.Converted, x: Tensor, patch: pytest.MonkeyPatch) -> float:
    """For an input, of all that neurons put out in a run, watched from outside of their places."""
    total = 0.0

    def add(neuron: nn.Module, s: Tensor) -> None:
        nonlocal total
        total += float((s.abs() if isinstance(neuron, MANY) else (s != 0)).sum()) / len(x)

    def advance(neuron: sl.Neuron, *given: object) -> Tensor:
        s = real(neuron, *given)  # type: ignore[arg-type]
        add(neuron, s)
        return s

    real = sites.advance
    cells = [m for m in net.sites.modules() if isinstance(m, sl.Neuron | sl.conversion.AMOSGate)]
    hooks = [cell.register_forward_hook(lambda cell, given, s: add(cell, s)) for cell in cells]
    with patch.context() as within:
        within.setattr(sites, "advance", advance)
        net.sequence(x)
    for hook in hooks:
        hook.remove()
    return total


CODES = {
    **METHODS,
    "early": FirstSpikeCode(early=0.5),
    "opposite": RateCode(spikes="opposite"),
    "filtered": RateCode(tau_syn=4.0),
    "floored": RateCode(floored=True),
}


@pytest.mark.parametrize("name", CODES)
def test_counted_spikes_are_those_of_the_neurons(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = network(), data(20, 6)
    net = sl.convert(model, x, CODES[name], steps=16)
    wanted = sent_by_neurons(net, x, monkeypatch)
    assert wanted > 0
    assert sl.conversion.measure(net, model, x).spikes == pytest.approx(wanted, rel=1e-5)


SIGNED: dict[str, Method] = {
    name: METHODS[name]
    for name in ("layer-wise", "calibrated", "few-spikes", "first-spike", "phase", "growing-burst", "inverse-time")
}


@pytest.mark.parametrize("name", SIGNED)
def test_so_are_those_of_two_signs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = network(nn.LeakyReLU(0.5), nn.Tanh()), data(20, 6)
    net = sl.convert(model, x, SIGNED[name], steps=16)
    assert sl.conversion.measure(net, model, x).spikes == pytest.approx(sent_by_neurons(net, x, monkeypatch), rel=1e-5)


def test_opposite_spikes_that_cancel_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without inhibition below 0 both populations may be due in one step."""
    model, x = network(nn.LeakyReLU(0.9), nn.LeakyReLU(0.9)), data(40, 6)
    # Inputs of the second layer go up and down by more than a threshold.
    model[2].weight.mul_(10.0)
    net = sl.convert(model, x, RateCode(Fixed(0.6), spikes="opposite", floored=True), steps=32)
    cancelled = 0.0

    def watch(node: object, site: sites.Site, i: Tensor) -> None:
        nonlocal cancelled
        cancelled += float((site.neuron(i) * site.other(-0.9 * i)).sum())  # type: ignore[operator]

    net.sequence(x, watch=watch)
    assert cancelled > 0
    assert sl.conversion.measure(net, model, x).spikes == pytest.approx(sent_by_neurons(net, x, monkeypatch), rel=1e-5)


def test_real_times_are_one_spike_each() -> None:
    model, x = network(), data(20, 6)
    net = sl.convert(model, x, FirstSpikeCode(linear=True, real_times=True), steps=16)
    values = [model[:2](x), model[:4](x)]
    wanted = sum(float((value > 0).sum()) for value in values) / 20
    assert sl.conversion.measure(net, model, x).spikes == pytest.approx(wanted)


def test_a_current_that_lasts_costs_an_operation_at_its_beginning() -> None:
    model, x = network(), data(20, 6)
    net = sl.convert(model, x, InverseTimeCode(), steps=16)
    found = sl.conversion.measure(net, model, x)
    first, second = (site.spikes for site in found.sites)
    assert found.synaptic == pytest.approx(12 * first + 3 * second) and found.dense == 6 * 16
    # Other places in the same network go on as they are.
    mixed = sl.convert(network(nn.ReLU(), SoftLIF()), x, InverseTimeCode(), steps=16)
    found = sl.conversion.measure(mixed, model, x)
    first, second = (site.spikes for site in found.sites)
    assert found.synaptic == pytest.approx(12 * first + 3 * second)


def test_measuring_leaves_modes_as_they_were_and_dropout_off() -> None:
    model, x = nn.Sequential(network(), nn.Dropout(0.5)), data(20, 6)
    model[1].eval()
    net = sl.convert(model, x, "layer-wise", steps=8)
    wanted = sl.conversion.measure(net, model, x)
    tuned = sl.conversion.tune_spiking(net, x, data(20, 3), epochs=1, gradient=sl.conversion.BySurrogate(dropout=0.5))
    still = sl.conversion.measure(tuned, model, x).spikes
    assert sl.conversion.measure(tuned.train(), model, x).spikes == still
    assert tuned.training and model.training and not model[1].training and wanted.spikes > 0


@pytest.mark.parametrize(
    "method", [RateCode(spikes="opposite", hard_reset=True), RateCode(tau_syn=3.0, hard_reset=True)]
)
def test_event_driven_runs_refuse_other_places(method: Method) -> None:
    model, x = network(nn.LeakyReLU(0.5), nn.LeakyReLU(0.5)) if not method.tau_syn else network(), data(20, 6)  # type: ignore[attr-defined]
    with pytest.raises(ConversionError, match="IF neurons"):
        sl.conversion.run_event_driven(sl.convert(model, x, method, steps=4), torch.ones(4, 2, 6))
