"""Codes other than rates: what a train stands for, how many spikes it has, and when there is an answer."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import (
    METHODS,
    BurstCode,
    FewSpikeCode,
    FirstSpikeCode,
    InverseTimeCode,
    Maximum,
    Method,
    PhaseCode,
    RateCode,
    optimised_kernel,
)
from spikeloom.conversion._operations import Kind, Operation
from spikeloom.errors import ParameterError

RECTIFIER = Operation(Kind.RECTIFIER)


def mlp(function: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(0)
    f = nn.ReLU() if function is None else function
    return nn.Sequential(nn.Linear(6, 16), f, nn.Linear(16, 12), f, nn.Linear(12, 3)).requires_grad_(False)


def data(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def train(method: Method, values: Tensor, steps: int, *, alpha: float = 1.0, slope: float = 0.0) -> Tensor:
    """What neurons send, [steps, n], for constant inputs [n]."""
    operation = Operation(Kind.RECTIFIER, slope=slope)
    site = method.site(operation, torch.tensor(alpha), steps)
    return site(values.expand(steps, 1, -1))[:, 0]


def floored(values: Tensor, bits: int, alpha: float) -> Tensor:
    return (values / alpha * 2**bits).floor().clamp(0, 2**bits - 1) * alpha * 2.0**-bits


def quantised(model: nn.Sequential, x: Tensor, bits: int, alphas: list[float]) -> Tensor:
    """The model with its rectifiers rounded down."""
    scales = iter(alphas)
    for layer in model:
        x = floored(x, bits, next(scales)) if isinstance(layer, nn.ReLU) else layer(x)
    return x


class TestFewSpikes:
    @pytest.mark.parametrize("bits", range(1, 13))
    def test_error_is_that_of_so_many_bits(self, bits: int) -> None:
        alpha = 4.0
        # Every value is a float, and so are the levels.
        values = torch.arange(-(1 << 13), 5 << 13) / (1 << 13)
        sent = train(FewSpikeCode(), values, bits, alpha=alpha)
        # Digits are exact; only the mean over a number of steps that is no power of two is rounded.
        told = sent.double().mean(0)
        assert torch.allclose(told, floored(values, bits, alpha).double(), rtol=0, atol=1e-6)
        inside = (values >= 0) & (values < alpha)
        error = (values - told)[inside]
        assert float(error.min()) == pytest.approx(0.0, abs=1e-6)
        # The grid is finer than 2^-bits, so that the largest error is one step of it below the bound.
        assert float(error.max()) == pytest.approx(alpha * 2.0**-bits, abs=1.01 / (1 << 13))
        assert float(error.max()) < alpha * 2.0**-bits

    def test_rounding_halves_the_error(self) -> None:
        values = torch.linspace(0.0, 0.96, 4001)
        sent = train(FewSpikeCode(rounding=True), values, 5).mean(0)
        assert (sent - values).abs().max() <= 2.0**-6 + 1e-6

    def test_trains_are_those_of_few_spike_neurons(self) -> None:
        values = data(500) * 1.3 - 0.2
        x = torch.zeros(4, 1, 500)
        x[0, 0] = values
        wanted = sl.neurons.FewSpikes.relu(4, alpha=1.0)(x)[:, 0]
        assert torch.equal(train(FewSpikeCode(), values, 4), 4 * wanted)

    @pytest.mark.parametrize("bits", [3, 5, 8])
    def test_a_network_is_the_quantised_one(self, bits: int) -> None:
        model, x = mlp().double(), data(200, 6).double()
        spiking = sl.convert(model, x, "few-spikes", steps=bits)
        alphas = [float(site.scale) for site in spiking.sites.values()]
        # Values within float rounding of a step may fall on either side of it.
        same = (spiking(x) - quantised(model, x, bits, alphas)).abs().amax(1) < 1e-9
        assert same.double().mean() >= 0.99

    def test_several_windows_say_the_same_again(self) -> None:
        model, x = mlp(), data(50, 6)
        spiking = sl.convert(model, x, "few-spikes", steps=6)
        assert torch.allclose(spiking(x, steps=18), spiking(x), atol=1e-5)

    def test_negative_values_have_a_population_of_their_own(self) -> None:
        values = torch.linspace(-0.99, 0.99, 199)
        sent = train(FewSpikeCode(), values, 10, slope=0.1).mean(0)
        assert (sent - F.leaky_relu(values, 0.1)).abs().max() < 2.0**-10 + 1e-6

    @pytest.mark.parametrize(
        ("function", "steps"), [(nn.GELU(), 16), (nn.SiLU(), 16), (nn.Sigmoid(), 12), (nn.Tanh(), 13)]
    )
    def test_gates_compute_functions(self, function: nn.Module, steps: int) -> None:
        x = torch.linspace(-8.0, 8.0, 401)[:, None]
        model = nn.Sequential(nn.Linear(1, 1), function, nn.Linear(1, 1))
        for layer in (model[0], model[2]):
            nn.init.ones_(layer.weight), nn.init.zeros_(layer.bias)
        spiking = sl.convert(model, x, FewSpikeCode(), steps=18)
        assert (spiking(x) - function(x)).abs().max() < 0.05 + 1e-4
        # Nothing is told but by spikes.
        assert not spiking.graded and spiking.sites["_1"].gate
        with pytest.raises(ParameterError, match="at least"):
            sl.convert(model, x, FewSpikeCode(), steps=steps - 1)

    def test_other_functions_are_sent_in_bits_or_by_a_given_gate(self) -> None:
        model, x = mlp(nn.Softsign()), data(100, 6) * 4 - 2
        told = sl.convert(model, x, FewSpikeCode(), steps=10)
        assert (told(x) - model(x)).abs().max() < 0.02 and len(told.graded) == 2
        gate = sl.neurons.fit_few_spikes(F.softsign, 8, low=-4.0, high=4.0, generations=60, points=161)
        gated = sl.convert(model, x, FewSpikeCode(gates={"softsign": gate}), steps=18)
        assert (gated(x) - model(x)).abs().mean() < 0.1 and not gated.graded


class TestFirstSpike:
    @pytest.mark.parametrize("linear", [False, True])
    def test_at_most_one_spike_at_the_time_of_the_value(self, linear: bool) -> None:
        steps, tau = 16, 4.0
        # No value is at a level, where rounding would decide.
        values = torch.linspace(-0.5, 1.5, 402)
        sent = train(FirstSpikeCode(tau=tau, linear=linear), values, steps) / steps
        assert int((sent != 0).sum(0).max()) == 1
        levels = [1 - t / steps if linear else math.exp(-t / tau) for t in range(steps)]
        for value, train_ in zip(values.tolist(), sent.t(), strict=True):
            below = [t for t in range(steps) if levels[t] <= value + 1e-7]
            wanted = levels[below[0]] if below and value >= levels[below[0]] - 1e-7 else 0.0
            assert float(train_.sum()) == pytest.approx(wanted, abs=1e-5)

    def test_rounding_meets_levels_of_a_linear_code_half_way(self) -> None:
        values = (torch.arange(0, 64) + 0.25) / 64
        sent = train(FirstSpikeCode(linear=True, rounding=True), values, 32).mean(0)
        assert torch.allclose(sent, (values * 32 + 0.5).floor() / 32, atol=1e-6)

    def test_a_linear_code_is_a_quantiser(self) -> None:
        values = (torch.arange(0, 33) + 0.5) / 32
        sent = train(FirstSpikeCode(linear=True), values, 32).mean(0)
        assert torch.allclose(sent, (values * 32).floor().clamp(max=32) / 32, atol=1e-6)

    def test_a_network_becomes_the_original_with_steps(self) -> None:
        model, x = mlp(), data(200, 6)
        found = [sl.convert(model, x, FirstSpikeCode(linear=True), steps=steps) for steps in (16, 64, 1024)]
        errors = [float((spiking(x) - model(x)).abs().max()) for spiking in found]
        assert errors[2] < 0.01 and errors[0] > errors[1] > errors[2]
        assert (found[2](x).argmax(1) == model(x).argmax(1)).all()

    @pytest.mark.parametrize("steps", [8, 12])
    def test_kernels_do_not_depend_on_where_they_begin(self, steps: int) -> None:
        values = data(2000) ** 2
        found = [optimised_kernel(values, steps, tau=tau, rounds=200) for tau in (1.0, steps / 3, float(steps))]
        for tau, delay in found[1:]:
            assert tau == pytest.approx(found[0][0], rel=0.02) and delay == pytest.approx(found[0][1], abs=0.02)

    def test_optimised_kernels_lose_less(self) -> None:
        values = data(2000) ** 2

        def loss(tau: float, delay: float) -> float:
            code = FirstSpikeCode(tau=tau, delay=delay)
            return float((train(code, values, 8).mean(0) - values).square().mean())

        assert loss(*optimised_kernel(values, 8, tau=1.0)) < loss(1.0, 0.0) / 2

    def test_early_firing_is_sooner_and_worse(self) -> None:
        model, x = mlp(), data(200, 6)
        whole, half = (sl.convert(model, x, FirstSpikeCode(early=early), steps=32) for early in (1.0, 0.5))
        assert whole.latency() == 96 and half.latency() == 64
        errors = [float((spiking(x) - model(x)).abs().mean()) for spiking in (whole, half)]
        assert errors[0] < errors[1]

    def test_early_neurons_see_what_has_arrived(self) -> None:
        """An input that is complete when firing begins is told as if nobody were early."""
        x = torch.zeros(8, 1, 3)
        x[:4, 0] = 8 / 4 * torch.tensor([0.9, 0.5, 0.2])
        sites = [FirstSpikeCode(early=early).site(RECTIFIER, torch.tensor(1.0), 8) for early in (1.0, 0.5)]
        assert torch.allclose(sites[0](x), sites[1](x))


class TestPhaseAndBurst:
    def test_weighted_spikes_are_binary_digits(self) -> None:
        """What is there at the beginning of a period is sent as its digits."""
        x = torch.zeros(8, 1, 256)
        x[0, 0] = torch.arange(256) / 256
        s = sl.neurons.WeightedSpikes(period=8.0)(x)[:, 0]
        assert torch.equal(s.sum(0), torch.arange(256) / 256)
        encoded = sl.coding.weighted_phase(torch.arange(256)[None] / 256, 8)
        assert torch.equal((s > 0).float(), encoded[:, 0])

    @pytest.mark.parametrize("method", [PhaseCode(), BurstCode(), BurstCode(first=1.0, beta=1.0), PhaseCode(period=4)])
    def test_means_become_the_value(self, method: Method) -> None:
        # A period of four steps tells no more than 1 - 2^-4.
        values = torch.linspace(-0.5, 0.9, 57)
        few, many = (
            (train(method, values, steps, alpha=2.0).mean(0) - values.relu()).abs().max() for steps in (64, 640)
        )
        assert many < few / 5 and many < 0.01

    def test_potential_is_what_is_not_yet_sent(self) -> None:
        """Closed form: v_th times all spikes, and what is left, is all input."""
        x = data(40, 2, 5) * 0.2
        for neuron in (sl.neurons.WeightedSpikes(), sl.neurons.Bursting()):
            with sl.record(neuron, "v") as trace:
                s = neuron(x)
            assert torch.allclose(s.sum(0) + trace["v"][-1], x.sum(0), atol=1e-5)

    def test_bursts_grow_and_begin_anew(self) -> None:
        x = torch.zeros(8, 1, 1)
        x[0] = 0.3 + 1 + 3 + 9 + 2
        spikes = sl.neurons.Bursting(beta=3.0)(x).flatten().tolist()
        assert spikes == [1, 3, 9, 0, 1, 0, 1, 0]

    def test_answers_come_by_periods(self) -> None:
        model, x = mlp(), data(20, 6)
        spiking = sl.convert(model, x, "phase", steps=24)
        found = spiking.over_time(x)
        assert spiking.window == 8 and (found[:7] == 0).all()
        assert torch.allclose(found[7], spiking(x, steps=8), atol=1e-6)
        assert torch.equal(found[15], found[22]) and torch.allclose(found[23], spiking(x), atol=1e-6)
        with pytest.raises(ParameterError, match="whole windows of 8"):
            spiking(x, steps=12)


CODES = [FewSpikeCode(), FirstSpikeCode(linear=True), PhaseCode(), BurstCode(), RateCode(Maximum())]


@pytest.mark.parametrize("code", CODES, ids=lambda code: type(code).__name__)
def test_inputs_are_encoded(code: Method) -> None:
    x = data(7, 3, 4) * 0.99
    y = code.encode(x, 64)
    assert y.shape == (64, 7, 3, 4) and (y.mean(0) - x).abs().max() < 0.1
    model = mlp()
    spiking = sl.convert(model, x.flatten(0, 1).repeat(1, 2)[:, :6], code, steps=64)
    z = data(20, 6)
    assert (spiking(code.encode(z, 64), encoded=True) - spiking(z)).abs().mean() < 0.1


@pytest.mark.parametrize("code", CODES, ids=lambda code: type(code).__name__)
def test_maximum_residual_and_convolution(code: Method) -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.pool, self.c = (
                nn.Conv2d(1, 4, 3),
                nn.Conv2d(4, 4, 1),
                nn.MaxPool2d(2),
                nn.Linear(36, 5),
            )

        def forward(self, x: Tensor) -> Tensor:
            x = self.a(x).relu()
            return self.c(self.pool(x + self.b(x).relu()).flatten(1))  # type: ignore[no-any-return]

    torch.manual_seed(0)
    model, x = Block().requires_grad_(False), data(30, 1, 8, 8)
    errors = [
        float((sl.convert(model, x, code, steps=steps)(x) - model(x)).abs().mean() / model(x).std())
        for steps in (8, 128)
    ]
    assert errors[1] < 0.05 and errors[1] < errors[0]


class Residual(nn.Module):
    """Biases, and an addition, in front of functions that have negative values."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.c = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)
        self.d = nn.Linear(144, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.b(F.leaky_relu(self.a(x), 0.3)), 0.3)
        return self.d(F.leaky_relu(self.c(x) + x, 0.3).flatten(1))  # type: ignore[no-any-return]


KERNELS = [*CODES, FirstSpikeCode(early=0.5), METHODS["calibrated"], InverseTimeCode()]
KERNELS += [RateCode(spikes="opposite", adjusting=1), RateCode(tau_syn=2.0)]


@pytest.mark.parametrize("code", KERNELS, ids=str)
def test_what_kernels_add_up_is_the_input_of_watched_neurons(code: Method) -> None:
    model, x = Residual().requires_grad_(False), data(20, 1, 8, 8) * 2 - 1
    spiking = sl.convert(model, x, code, steps=8)
    encoded = (data(8, 20, 1, 8, 8, seed=3) < 0.5).float()
    seen = spiking.sequence(encoded, encoded=True, watch=lambda node, site, i: None)
    assert spiking.handed_on == {"a", "b", "add"} and seen.std() > 0.01
    assert torch.allclose(seen, spiking.sequence(encoded, encoded=True), atol=1e-4)


def test_report_counts_spikes_and_the_time_of_windows() -> None:
    model, x = mlp(), data(100, 6)
    found = sl.conversion.measure(sl.convert(model, x, "few-spikes", steps=8), model, x)
    assert found.latency == 24 and found.agreement[-1] > 0.95 and found.suggested == 8
    # 28 neurons with at most 8 spikes each, and some accumulates for every one of them.
    assert 10 < found.spikes < 28 * 8 and 0 < found.synaptic <= 28 * 8 * 12 and found.dense == 6 * 16
    single = sl.conversion.measure(sl.convert(model, x, "linear-first-spike", steps=8), model, x)
    assert single.spikes <= 28 and single.latency == 24


def test_bad_parameters() -> None:
    for wrong in (
        lambda: FirstSpikeCode(early=0.0), lambda: FirstSpikeCode(tau=-1.0), lambda: PhaseCode(period=0),
        lambda: FirstSpikeCode(linear=True, delay=1.0), lambda: PhaseCode().window(12), lambda: BurstCode(first=0.0),
        lambda: BurstCode(beta=0.5), lambda: optimised_kernel(torch.zeros(5), 8, tau=2.0),
        lambda: sl.neurons.WeightedSpikes(period=2.5), lambda: sl.neurons.FirstSpike(steps=2.5),
    ):  # fmt: skip
        with pytest.raises(ParameterError):
            wrong()
