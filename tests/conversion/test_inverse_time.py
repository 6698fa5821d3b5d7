"""First spikes whose effect lasts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import ClampedReLU, Fixed, InverseTimeCode
from spikeloom.errors import ParameterError


def data(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def test_the_first_layer_tells_inverse_times() -> None:
    x = data(1, 200).double() * 0.98 + 0.01
    sent = InverseTimeCode(smallest=0.01).encode(x, 100)[:, 0]
    assert set(sent.unique().tolist()) <= {0.0, 1.0} and (sent.diff(dim=0) >= 0).all()
    first = 100 - sent.sum(0) + 1
    # The sum of t inputs reaches the threshold of 1.
    assert torch.equal(first, (1 / x[0]).ceil().clamp(max=101))


def test_more_steps_are_finer_ones() -> None:
    x = torch.tensor([[1.0, 0.5, 0.25, 0.126, 0.124]])
    for steps in (8, 80):
        first = steps - InverseTimeCode().encode(x, steps)[:, 0].sum(0) + 1
        assert torch.equal(first, (steps / 8 / x[0]).ceil().clamp(max=steps + 1))


@pytest.mark.parametrize("steps", [7, 20])
@pytest.mark.parametrize("bias", [False, True])
def test_deeper_layers_sum_what_lasts(bias: bool, steps: int) -> None:
    """Against the equation: potentials are sums of weights times the steps since each spike."""
    torch.manual_seed(0)
    layers = (nn.Linear(6, 16, bias=bias), nn.ReLU(), nn.Linear(16, 12, bias=bias), nn.ReLU(), nn.Linear(12, 3))
    model, x = nn.Sequential(*layers).requires_grad_(False).double(), data(30, 6).double()
    spiking = sl.convert(model, x, InverseTimeCode(), steps=steps)
    scales = [float(site.scale) for site in spiking.sites.values()]
    t = torch.arange(1, steps + 1).view(-1, 1, 1)
    v = t * model[0](x)
    for layer, scale in zip((model[2], model[4]), scales, strict=True):
        fired = v >= max(1.0, steps / 8) * scale - 1e-9
        at = torch.where(fired.any(0), fired.double().argmax(0), steps + 1)
        since = (t - at).clamp(min=0).double()
        v = scale * since @ layer.weight.T + (0.0 if layer.bias is None else t * layer.bias)
    assert torch.allclose(spiking(x), v[-1] / steps, atol=1e-6)


def test_neurons_spike_once() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3)).requires_grad_(False), data(30, 6)
    spiking = sl.convert(model, x, InverseTimeCode(), steps=12)
    sent: list[Tensor] = []
    spiking.sequence(x, watch=lambda node, site, i: sent.append(site.neuron(i).sum(0)))
    assert sent[0].max() == 1 and sent[0].min() == 0


def test_clamped_values_and_thresholds() -> None:
    model = nn.Sequential(nn.Linear(2, 2), ClampedReLU(0.2), nn.Linear(2, 2))
    nn.init.ones_(model[0].weight)
    spiking = sl.convert(model, data(50, 2), InverseTimeCode(), steps=4)
    assert float(spiking.sites["_1"].scale) == 1.0
    x = torch.tensor([0.1, 0.3, 1.5], requires_grad=True)
    ClampedReLU(0.2)(x).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [0.0, 1.0, 0.0]


def test_bad_input() -> None:
    with pytest.raises(ParameterError, match="low"):
        ClampedReLU(1.0)
    with pytest.raises(ParameterError, match="smallest"):
        InverseTimeCode(smallest=0.0)


def test_negative_values_have_a_population_of_their_own() -> None:
    """A spike of either comes where its share of the potential reaches the threshold, and its current stays."""
    model = (
        nn.Sequential(nn.Linear(1, 1, bias=False), nn.LeakyReLU(0.5), nn.Linear(1, 1)).double().requires_grad_(False)
    )
    nn.init.ones_(model[0].weight)
    x, steps, theta = torch.linspace(-1.0, 1.0, 201).double()[:, None] + 1e-4, 20, 1.0
    spiking = sl.convert(model, x, InverseTimeCode(Fixed(theta), smallest=0.05), steps=steps)
    sent: list[Tensor] = []
    spiking.sequence(x, watch=lambda node, site, i: sent.append(site.spikes(i)[:, :, 0]))
    wanted = torch.where(x > 0, x, -0.5 * x)[:, 0]
    first = (theta / wanted).ceil()
    t = torch.arange(1, steps + 1)[:, None]
    assert torch.equal(sent[0], torch.where(t >= first, x[:, 0].sign(), 0.0))


def test_a_name_and_functions_of_both_signs() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3)).requires_grad_(False)
    x = data(50, 6) - 0.5
    spiking = sl.convert(model, x, "inverse-time", steps=32)
    # The order of values is kept, not their size.
    for told, y in zip(spiking(x).T, model(x).T, strict=True):
        assert float(torch.corrcoef(torch.stack([told, y]))[0, 1]) > 0.75
    assert sl.conversion.measure(spiking, model, x).spikes <= 16
