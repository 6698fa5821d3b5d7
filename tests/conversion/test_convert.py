"""Conversion: what a converted network computes, and what is refused."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import METHODS, Maximum, RateCode
from spikeloom.conversion._operations import Kind, Operation
from spikeloom.conversion._sites import increments
from spikeloom.conversion.methods import RATE_CODES
from spikeloom.errors import ConversionError, DTypeError, ParameterError, UnknownNameError


def small(*layers: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*[copy.deepcopy(layer) for layer in layers])


def mlp() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 3))


def data(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def trained_norm(norm: nn.Module) -> nn.Module:
    """Statistics and factors that are not those of the beginning."""
    generator = torch.Generator().manual_seed(3)
    for values in (norm.weight, norm.running_var):
        values.data = 0.5 + torch.rand(values.shape, generator=generator)
    for values in (norm.bias, norm.running_mean):
        values.data = torch.randn(values.shape, generator=generator)
    return norm.eval()


def difference(spiking: nn.Module, model: nn.Module, *x: Tensor, steps: int) -> float:
    wanted = model.eval()(*x)
    return float(((spiking(*x, steps=steps) - wanted).abs().mean() / wanted.std()).detach())


PREFERENCES = ("accuracy", "latency", "operations")


class TestRateEquation:
    """A constant input z at threshold 1."""

    @pytest.mark.parametrize("z", [0.3, 0.55, 0.7, 0.9])
    def test_hard_reset_fires_at_the_inverse_of_whole_steps(self, z: float) -> None:
        assert rate(z, hard_reset=True, start=0.0) == pytest.approx(1 / math.ceil(1 / z), abs=1 / 1000)

    @pytest.mark.parametrize("z", [0.0, 0.3, 0.55, 0.9, 1.0, 1.7])
    def test_soft_reset_is_linear_up_to_one(self, z: float) -> None:
        assert rate(z, start=0.0) == pytest.approx(min(z, 1.0), abs=1.01 / 1000)

    @pytest.mark.parametrize("steps", [1, 2, 5, 8])
    def test_half_a_threshold_at_the_beginning_rounds(self, steps: int) -> None:
        for z in (0.0, 0.07, 0.31, 0.49, 0.51, 0.77, 0.96, 1.3):
            count = rate(z, start=0.5, steps=steps) * steps
            assert count == pytest.approx(min(math.floor(z * steps + 0.5), steps))

    def test_burst_and_augmented_spikes_pass_beyond_one(self) -> None:
        assert rate(1.7, spikes="burst", start=0.0) == pytest.approx(1.7, abs=2 / 1000)
        assert rate(7.3, spikes="augmented", start=0.0) == pytest.approx(7.3, abs=2 / 1000)

    def test_signed_rate_is_a_leaky_rectifier(self) -> None:
        steps = 200
        x = torch.linspace(-0.99, 0.99, 41)
        model = nn.Sequential(nn.LeakyReLU(0.1), nn.Identity())
        spiking = sl.convert(model, torch.linspace(-1, 1, 101)[:, None], RateCode(Maximum(), start=0.0), steps=steps)
        found = spiking(x[:, None])[:, 0]
        # The negative spike is worth as much as the positive one.
        assert (found - F.leaky_relu(x, 0.1)).abs().max() <= 1 / steps + 1e-6


def rate(z: float, *, steps: int = 1000, **given: object) -> float:
    method = RateCode(Maximum(), **given)  # type: ignore[arg-type]
    site = method.site(Operation(Kind.RECTIFIER), torch.tensor(1.0), steps)
    return float(site(torch.full((steps, 1, 1), z)).mean())


@pytest.mark.parametrize("method", RATE_CODES)
def test_error_falls_with_steps(method: str) -> None:
    model, x = mlp(), data(200, 6)
    errors = [difference(sl.convert(model, x, method, steps=steps), model, x, steps=steps) for steps in (4, 64)]
    if method == "hard-reset":
        assert errors[1] < errors[0]
    else:
        # Thresholds from weights alone are high, and rates low.
        assert errors[1] < min(0.07 if method == "model-based" else 0.05, errors[0] / 2 + 0.01)


class Spelled(nn.Module):
    """A rectifier in one of its spellings between two layers of weights."""

    def __init__(self, f: Callable[[Tensor], Tensor] | nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.f, self.b = nn.Linear(6, 16), f, nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.f(self.a(x)))  # type: ignore[no-any-return]


SPELLINGS: dict[str, Callable[[Tensor], Tensor] | nn.Module] = {
    "ReLU": nn.ReLU(), "ReLU in place": nn.ReLU(inplace=True), "F.relu": F.relu, "torch.relu": torch.relu,
    "method": lambda x: x.relu(), "in place": lambda x: x.relu_(), "clamp": lambda x: x.clamp(min=0),
    "clamp_min": lambda x: torch.clamp_min(x, 0), "F.relu in place": lambda x: F.relu(x, inplace=True),
    "clamp between": lambda x: torch.clamp(x, 0.0, 0.4), "ReLU6": nn.ReLU6(), "relu6": F.relu6,
    "Hardtanh": nn.Hardtanh(0.0, 0.3), "LeakyReLU": nn.LeakyReLU(0.2), "leaky_relu": lambda x: F.leaky_relu(x, 0.3),
    "Threshold": nn.Threshold(0.0, 0.0), "PReLU": nn.PReLU(), "GELU": nn.GELU(), "silu": F.silu, "tanh": torch.tanh,
    "sigmoid": lambda x: x.sigmoid(), "ELU": nn.ELU(), "softmax": lambda x: x.softmax(-1), 
    "LayerNorm": nn.LayerNorm(16),
    "square": lambda x: x * x, "GroupNorm": nn.GroupNorm(4, 16), "residual": lambda x: x + torch.relu(x),
    "concatenation": lambda x: torch.cat([x[:, :8].relu(), x[:, 8:].sigmoid()], 1), 
    "constant": lambda x: 2.0 * x.relu() / 3,
    "dropout": nn.Sequential(nn.ReLU(), nn.Dropout(0.5)), "chunks": lambda x: torch.cat(x.relu().chunk(2, 1)[::-1], 1),
    "size": lambda x: x.relu().view(x.size(0), -1), "shape": lambda x: x.relu().reshape(x.shape[0], 4, 4).flatten(1),
    "mean": lambda x: x.relu() - x.mean(1, keepdim=True), "identity": nn.Identity(),
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_operations_are_carried_over(name: str) -> None:
    model, x = Spelled(SPELLINGS[name]).eval(), data(300, 6) * 2 - 1
    spiking = sl.convert(model, x, RateCode(Maximum()), steps=256)
    assert difference(spiking, model, x, steps=256) < 0.03
    assert len(spiking.sites) == {"identity": 0, "concatenation": 1}.get(name, 1)


def test_what_was_changed_in_place_is_used_changed() -> None:
    class Changed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(6, 16), nn.Linear(16, 3)

        def forward(self, x: Tensor) -> Tensor:
            y = self.a(x)
            y.relu_()
            return self.b(y)  # type: ignore[no-any-return]

    torch.manual_seed(0)
    model, x = Changed().requires_grad_(False), data(100, 6) * 2 - 1
    spiking = sl.convert(model, x, RateCode(Maximum()), steps=128)
    assert len(spiking.sites) == 1 and difference(spiking, model, x, steps=128) < 0.03


def test_increments_have_the_function_of_the_mean_as_their_mean() -> None:
    x = data(20, 3, 4).double()
    elapsed = torch.arange(1.0, 21.0, dtype=torch.float64)[:, None, None]
    found = increments(lambda given: given[0].sin(), [x]).cumsum(0) / elapsed
    assert torch.allclose(found, (x.cumsum(0) / elapsed).sin(), atol=1e-12)


def test_changes_in_place_are_seen_or_refused() -> None:
    class InPlace(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x * 2.0
            z = y
            y += 1.0
            return torch.relu(z) + y

    # What tracing does not see, the check on the first batch does.
    with pytest.raises(ConversionError, match="in place"):
        sl.convert(InPlace(), data(50, 3), RateCode(Maximum()), steps=64)


@pytest.mark.parametrize(
    ("layer", "norm", "shape"),
    [
        (nn.Linear(6, 5), nn.BatchNorm1d(5), (6,)),
        (nn.Conv1d(3, 5, 3), nn.BatchNorm1d(5), (3, 9)),
        (nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5), (3, 7, 7)),
        (nn.Conv2d(4, 8, 3, groups=4), nn.BatchNorm2d(8), (4, 7, 7)),
        (nn.Conv3d(2, 5, 2), nn.BatchNorm3d(5), (2, 4, 4, 4)),
        (nn.ConvTranspose2d(3, 5, 3), nn.BatchNorm2d(5), (3, 4, 4)),
        (nn.ConvTranspose2d(4, 4, 3, groups=2), nn.BatchNorm2d(4), (4, 4, 4)),
    ],
    ids=lambda each: type(each).__name__,
)
def test_folded_networks_equal_unfolded(layer: nn.Module, norm: nn.Module, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(layer, trained_norm(norm)).eval(), data(4, *shape)
    spiking = sl.convert(model, x, steps=1)
    assert torch.allclose(spiking(x), model(x), atol=1e-5)
    kept = sum(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in spiking.modules())
    assert kept == (getattr(layer, "transposed", False) and layer.groups > 1)


def test_a_norm_behind_a_layer_used_twice_is_not_folded() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.norm = nn.Linear(5, 5), trained_norm(nn.BatchNorm1d(5))

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(self.a(x)) + self.a(x)  # type: ignore[no-any-return]

    torch.manual_seed(0)
    model, x = Twice().eval(), data(8, 5)
    assert torch.allclose(sl.convert(model, x, steps=2)(x), model(x), atol=1e-5)


def test_adjusted_layers_receive_and_send_on_average_what_they_should() -> None:
    model, x = mlp(), data(32, 6)
    method = RateCode(Maximum(), start=0.0, channelwise=True)
    spiking, plain = (sl.convert(model, x, replace(method, adjusting=rounds), steps=8) for rounds in (4, 0))
    wanted = model[:3](x).mean(0)

    def second(net: nn.Module) -> tuple[Tensor, Tensor]:
        """Mean input and output of the second layer of neurons, by neuron."""
        seen: dict[str, Tensor] = {}
        net.sequence(x, watch=lambda node, site, i: seen.update({node.name: i}))
        site, i = net.sites["_3"], seen["_3"]
        arrived = i.mean((0, 1)) + (0.0 if site.shift is None else site.shift)
        return arrived, (site.spikes(i) * site.scale).mean((0, 1))

    assert torch.allclose(second(spiking)[0], wanted, atol=1e-5)
    assert not torch.allclose(second(plain)[0], wanted, atol=1e-2)
    sent = model[:4](x).mean(0)
    off, before = ((second(net)[1] - sent).abs().mean() for net in (spiking, plain))
    assert off < before / 2


def test_adjusted_potentials_begin_below_threshold_and_not_further_below_rest() -> None:
    """Where thresholds are too low, no first potential makes up for it."""
    method = RateCode(sl.conversion.Percentile(80.0), start=0.0, channelwise=True, adjusting=4)
    spiking = sl.convert(mlp(), data(32, 6), method, steps=8)
    values = [site.neuron.param_values() for site in spiking.sites.values()]
    begun = torch.cat([torch.as_tensor(given["v_rest"]) / torch.as_tensor(given["v_th"]) for given in values])
    assert float(begun.max()) == pytest.approx(0.999) and float(begun.min()) >= -1.0


class TestMaximum:
    def test_counts_pass_the_largest(self) -> None:
        """Exact: after any number of steps the pool has sent as many spikes as its most active input."""
        model = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))
        x = data(2, 3, 4, 4)
        spiking = sl.convert(model, x, RateCode(Maximum(), start=0.0), steps=16)
        seen = {}
        y = spiking.sequence(x, watch=lambda node, site, i: seen.update(spikes=site.spikes(i)))
        worth = spiking.sites["_0"].scale
        assert set((y / worth).round(decimals=4).unique().tolist()) == {0.0, 1.0}
        counts = seen["spikes"].cumsum(0).flatten(0, 1)
        assert torch.allclose(y.cumsum(0).flatten(0, 1) / worth, F.max_pool2d(counts, 2), atol=1e-4)

    @pytest.mark.parametrize(
        "pool", [nn.MaxPool2d(2), nn.AdaptiveMaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1)]
    )
    def test_pools(self, pool: nn.Module) -> None:
        model = small(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), pool, nn.Flatten(), nn.LazyLinear(4)).eval()
        x = data(64, 1, 10, 10)
        model(x)
        spiking = sl.convert(model, x, "channel-wise", steps=200)
        assert difference(spiking, model, x, steps=200) < 0.05
        assert spiking.absorbed == {("_2", "_3")}


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.a, self.b = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.m, self.n = (trained_norm(nn.BatchNorm2d(channels)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.n(self.b(F.relu(self.m(self.a(x))))) + x)


@pytest.mark.parametrize("method", ["percentile", "channel-wise", "calibrated"])
def test_residual_networks(method: str) -> None:
    layers = (nn.Conv2d(1, 8, 3), nn.ReLU(), Block(8), Block(8), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    model, x = small(*layers).eval(), data(64, 1, 8, 8)
    spiking = sl.convert(model, x, method, steps=256)
    assert difference(spiking, model, x, steps=256) < 0.05
    # Spikes that are added to others keep their worth there, and have it in the weights of the layers behind.
    sent = {(node.name, user.name) for node in spiking.module.graph.nodes if spiking.site(node) for user in node.users}
    assert {user for _, user in sent - spiking.absorbed} == {"add", "add_1"}


def test_depthwise_weights_take_up_the_worth_of_spikes() -> None:
    model = small(
        nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 12, 3, groups=3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 4)
    )
    x = data(64, 1, 6, 6)
    spiking = sl.convert(model, x, "channel-wise", steps=256)
    assert len(spiking.absorbed) == len(spiking.sites)
    assert difference(spiking, model, x, steps=256) < 0.05


@pytest.mark.parametrize("start", [1, 2, 3])
def test_linear_layers_behind_channels_take_up_their_worth_where_they_are_flattened_alone(start: int) -> None:
    """A layer on the last axis has the same weights for channels whose spikes are worth different amounts."""
    shape = {1: nn.Flatten(), 2: nn.Flatten(2), 3: nn.Identity()}[start]
    model = small(nn.Conv2d(1, 4, 3), nn.ReLU(), shape, nn.Linear({1: 256, 2: 64, 3: 8}[start], 3))
    model[0].weight.data *= torch.tensor([0.1, 1.0, 3.0, 10.0]).view(4, 1, 1, 1)
    x = data(64, 1, 10, 10)
    spiking = sl.convert(model, x, RateCode(Maximum(), channelwise=True), steps=128)
    assert bool(spiking.absorbed) == (start == 1)
    assert difference(spiking, model, x, steps=128) < 0.02


def test_a_layer_used_twice_does_not_take_up_the_worth_of_spikes() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.c(self.b(self.b(self.a(4 * x).relu()).relu()).relu())  # type: ignore[no-any-return]

    torch.manual_seed(0)
    model, x = Twice(), data(64, 6)
    spiking = sl.convert(model, x, RateCode(Maximum()), steps=128)
    assert spiking.absorbed == {("relu_2", "c")}
    assert difference(spiking, model, x, steps=128) < 0.05


def test_pools_of_features_mix_what_spikes_are_worth() -> None:
    model, x = small(nn.Linear(6, 8), nn.ReLU(), nn.AvgPool1d(3, 1, 1), nn.Linear(8, 3)), data(64, 6)
    model[0].weight.data *= torch.logspace(-1, 1, 8)[:, None]
    spiking = sl.convert(model, x, RateCode(Maximum(), channelwise=True), steps=128)
    assert not spiking.absorbed
    assert difference(spiking, model, x, steps=128) < 0.02


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 8), nn.Linear(5, 8), nn.Linear(16, 3)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.c(torch.cat([self.a(x).relu(), self.b(y).relu()], 1))  # type: ignore[no-any-return]


def test_several_inputs() -> None:
    torch.manual_seed(0)
    model, x, y = Two(), data(80, 4), data(80, 5, seed=2)
    assert difference(sl.convert(model, (x, y), steps=128), model, x, y, steps=128) < 0.05


def test_batches_with_labels_are_calibration_data() -> None:
    model, x = mlp(), data(40, 6)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, torch.arange(40)), batch_size=8)
    a, b = (sl.convert(model, given, "percentile", steps=8)(x) for given in (loader, x))
    assert torch.allclose(a, b, atol=1e-6)


def test_over_time_ends_with_the_mean() -> None:
    model, x = mlp(), data(10, 6)
    spiking = sl.convert(model, x, steps=8)
    assert torch.allclose(spiking.over_time(x)[-1], spiking(x), atol=1e-6)
    assert torch.allclose(spiking.over_time(x)[3], spiking(x, steps=4), atol=1e-6)


def test_encoded_inputs_are_sequences() -> None:
    model, x = mlp(), data(10, 6)
    spiking = sl.convert(model, x, steps=8)
    assert torch.allclose(spiking(x[None].expand(8, -1, -1), encoded=True), spiking(x), atol=1e-5)


def test_the_model_is_left_as_it_is() -> None:
    model, x = mlp().train(), data(10, 6)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    sl.convert(model, x)
    assert model.training and all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(value.requires_grad for value in model.parameters())


def test_copies_and_files() -> None:
    model, x = mlp(), data(10, 6)
    spiking = sl.convert(model, x)
    for other in (copy.deepcopy(spiking), pickle.loads(pickle.dumps(spiking))):
        assert torch.equal(other(x), spiking(x))


def test_exact_sites_are_the_original() -> None:
    model, x = mlp(), data(10, 6)
    spiking = sl.convert(model, x, steps=8)
    assert torch.allclose(spiking.sequence(x, exact=set(spiking.sites)).mean(0), model(x), atol=1e-5)


class TestAuto:
    """On a network with an answer, learned in a moment."""

    @staticmethod
    def taught() -> tuple[nn.Module, Tensor]:
        torch.manual_seed(0)
        x = data(600, 6)
        answers, model = (3 * x[:, 0] + x[:, 1]).mul(2).long().clamp(max=2), mlp()
        optimiser = torch.optim.Adam(model.parameters(), 0.02)
        for _ in range(80):
            optimiser.zero_grad()
            F.cross_entropy(model(x), answers).backward()
            optimiser.step()
        return model, x

    def test_the_best_is_chosen(self) -> None:
        model, x = self.taught()
        found = {prefer: sl.convert(model, x, "auto", steps=16, prefer=prefer) for prefer in PREFERENCES}
        trials = {trial.method: trial for trial in found["accuracy"].trials}
        assert set(trials) == set(METHODS)
        top = max(trial.agreement for trial in trials.values())
        for prefer, spiking in found.items():
            agreement = (spiking(x).argmax(1) == model(x).argmax(1)).float().mean()
            assert agreement >= top - 0.03, prefer
        good = [trial for trial in trials.values() if trial.agreement >= top - 0.005]
        assert found["latency"].latency() == min(trial.latency for trial in good) < 16
        # Two layers of windows of 16 steps, and the one in which outputs come.
        assert trials["few-spikes"].latency == 3 * trials["few-spikes"].steps == 48

    def test_other_preferences_are_refused(self) -> None:
        with pytest.raises(UnknownNameError, match="latency"):
            sl.convert(mlp(), data(9, 6), "auto", steps=8, prefer="speed")  # type: ignore[arg-type]


class Deciding(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.sum() > 0:
            return x
        return -x


class TestRefusals:
    def test_decisions_by_values(self) -> None:
        with pytest.raises(ConversionError, match=r"test_convert\.py:\d+"):
            sl.convert(Deciding(), data(4, 3))

    def test_unknown_layers_are_all_listed(self) -> None:
        model = nn.Sequential(nn.Linear(6, 6), nn.LSTM(6, 6), nn.Bilinear(6, 6, 2))

        class Odd(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.odd, self.shrink = nn.RReLU(), nn.Softshrink()

            def forward(self, x: Tensor) -> Tensor:
                return torch.fft.fft(self.shrink(self.odd(x))).real

        with pytest.raises(ConversionError) as caught:
            sl.convert(Odd(), data(4, 6))
        text = str(caught.value)
        assert "odd (RReLU)" in text and "shrink (Softshrink)" in text and "fft" in text
        assert text.count("test_convert.py:") == 3
        del model

    @pytest.mark.parametrize(
        ("calibration", "said"),
        [
            (torch.zeros(0, 6), "got none"), ([], "got none"), (torch.full((9, 6), math.nan), "NaN"),
            (torch.full((9, 6), math.inf), "infinity"), (torch.ones(9, 6), "values that differ"),
            (torch.arange(54).view(9, 6), "got none"), (None, "NoneType"), ("mnist", "str"),
        ],
    )  # fmt: skip
    def test_calibration_data(self, calibration: object, said: str) -> None:
        with pytest.raises(ParameterError, match=said):
            sl.convert(mlp(), calibration)

    def test_inputs_that_do_not_fit(self) -> None:
        with pytest.raises(ConversionError, match="calibration data"):
            sl.convert(mlp(), data(9, 5))

    @pytest.mark.parametrize("steps", [0, -1, 2.5, True])
    def test_steps(self, steps: int) -> None:
        with pytest.raises(ParameterError, match="steps"):
            sl.convert(mlp(), data(9, 6), steps=steps)
        with pytest.raises(ParameterError, match="steps"):
            sl.convert(mlp(), data(9, 6))(data(9, 6), steps=steps)

    def test_methods(self) -> None:
        with pytest.raises(UnknownNameError, match="layer-wise"):
            sl.convert(mlp(), data(9, 6), "layerwise")
        with pytest.raises(UnknownNameError):
            RateCode(spikes="double")  # type: ignore[arg-type]
        for given in ({"factor": 0.0}, {"start": 1.0}, {"adjusting": -1}):
            with pytest.raises(ParameterError):
                RateCode(**given)  # type: ignore[arg-type]

    def test_no_module(self) -> None:
        with pytest.raises(DTypeError, match="Module"):
            sl.convert(lambda x: x, data(9, 6))  # type: ignore[arg-type]

    def test_dead_layers(self) -> None:
        model = mlp()
        model[0].bias.data.fill_(-100.0)
        with pytest.raises(ConversionError, match="activations above 0"):
            sl.convert(model, data(9, 6))

    def test_whole_numbers_as_input(self) -> None:
        with pytest.raises(DTypeError):
            sl.convert(mlp(), data(9, 6))(torch.ones(2, 6, dtype=torch.int64))
