"""Training before and after conversion: activations, gradients through spikes, loops."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import (
    QCFS,
    TCL,
    ByLastSpike,
    BySurrogate,
    Clipping,
    Converted,
    LastSpikeLIF,
    Maximum,
    RateCode,
    Tandem,
    fine_tune,
    tune_progressively,
    tune_spiking,
    with_activations,
)
from spikeloom.errors import (
    CheckpointError,
    ConversionError,
    NonFiniteError,
    ParameterError,
    ShapeError,
    UnknownNameError,
)
from spikeloom.surrogate import Smoothed, Triangle


def mlp(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 3))


def data(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def spiking(steps: int = 4, start: float = 0.5) -> Converted:
    return sl.convert(mlp(), data(100, 6), RateCode(Maximum(), start=start), steps=steps)


class TestTCL:
    def test_gradients(self) -> None:
        layer, x = TCL(1.0), torch.tensor([-2.0, 0.5, 1.0, 1.5, 7.0], requires_grad=True)
        layer(x).sum().backward()
        assert layer.bound.grad == 3.0
        assert x.grad is not None and x.grad.tolist() == [0.0, 1.0, 0.0, 0.0, 0.0]

    def test_spikes_tell_the_clipped_activation(self) -> None:
        """By less than one spike in T for the first layer."""
        model = nn.Sequential(nn.Linear(6, 16), TCL(0.3)).eval()
        x = data(50, 6)
        for steps in (4, 16, 256):
            net = sl.convert(model, x, RateCode(start=0.5), steps=steps)
            assert (net(x) - model(x)).abs().max() <= 0.3 / steps / 2 + 1e-5


class TestQCFS:
    def test_equation(self) -> None:
        layer, x = QCFS(0.7, levels=5), torch.linspace(-1.003, 2.0071, 301)
        expected = 0.7 * torch.clip(torch.floor(x * 5 / 0.7 + 0.5) / 5, 0, 1)
        assert torch.allclose(layer(x), expected, atol=1e-6)

    def test_gradients(self) -> None:
        layer, x = QCFS(1.0, levels=2), torch.tensor([-2.0, 0.2, 0.3, 0.9, 7.0], requires_grad=True)
        y = layer(x)
        y.sum().backward()
        assert x.grad is not None and x.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]
        # (y - x) / lambda within, 1 above.
        assert float(layer.bound.grad) == pytest.approx(-0.2 + 0.2 + 0.1 + 1.0)

    @pytest.mark.parametrize("levels", [1, 2, 4, 7])
    def test_one_layer_is_told_exactly_in_as_many_steps(self, levels: int) -> None:
        torch.manual_seed(0)
        model, x = nn.Sequential(nn.Linear(6, 16), QCFS(0.5, levels=levels), nn.Linear(16, 3)).eval(), data(200, 6)
        net = sl.convert(model, x, RateCode(start=0.5), steps=levels)
        assert torch.allclose(net(x), model(x), atol=1e-5)

    def test_rounding_does_not_fail_the_check_of_folded_networks(self) -> None:
        torch.manual_seed(0)
        norm = nn.BatchNorm2d(8)
        norm.running_mean.uniform_(), norm.running_var.uniform_(0.5, 1.5)
        model = nn.Sequential(nn.Conv2d(1, 8, 3), norm, QCFS(1.0), nn.Flatten(), nn.Linear(8 * 64, 3)).eval()
        sl.convert(model, data(64, 1, 10, 10), RateCode(), steps=8)


class Spelled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList(nn.Linear(6, 6) for _ in range(6))
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.layers[1](self.act(self.layers[0](x))))
        x = F.relu(self.layers[2](x)) + self.layers[3](x).clamp(min=0)
        return F.leaky_relu(self.layers[5](F.relu6(self.layers[4](x))), 0.1)


class TestWithActivations:
    def test_every_rectifier_has_its_own(self) -> None:
        model, x = Spelled(), data(300, 6)
        changed = with_activations(model, x, TCL(), percent=100.0)
        found = [m for m in changed.modules() if isinstance(m, Clipping)]
        assert len(found) == 5 and len({m.value for m in found}) == 5
        # Bounds at the largest values change nothing on the data that they are from.
        assert torch.allclose(changed(x), model(x), atol=1e-6)
        assert not any(isinstance(m, nn.ReLU) for m in changed.modules())

    def test_the_model_is_left_as_it_is(self) -> None:
        model, x = mlp().train(), data(50, 6)
        before = copy.deepcopy(model.state_dict())
        changed = fine_tune(model, x, torch.zeros(50, dtype=torch.int64), epochs=1)
        assert all(torch.equal(v, model.state_dict()[k]) for k, v in before.items())
        assert model.training and not changed.training
        assert not {id(p) for p in model.parameters()} & {id(p) for p in changed.parameters()}

    def test_thresholds_are_the_bounds(self) -> None:
        x = data(100, 6)
        changed = with_activations(mlp(), x, QCFS(), percent=80.0)
        net = sl.convert(changed, x, "layer-wise", steps=4)
        bounds = [m.value for m in changed.modules() if isinstance(m, Clipping)]
        assert [float(site.scale) for site in net.sites.values()] == pytest.approx(bounds)

    def test_refusals(self) -> None:
        with pytest.raises(ConversionError, match="rectifier"):
            with_activations(nn.Sequential(nn.Linear(6, 3)), data(9, 6), TCL())
        for bound in (0.0, -1.0, math.nan, math.inf):
            with pytest.raises(ParameterError):
                TCL(bound)
        with pytest.raises(ParameterError):
            QCFS(levels=0)
        model = nn.Sequential(nn.Linear(6, 3), TCL())
        model[1].bound.data.fill_(-0.1)
        with pytest.raises(ConversionError):
            sl.convert(model, data(9, 6))


@pytest.mark.parametrize(("layer", "bound"), [(nn.ReLU6(), 6.0), (nn.Hardtanh(0.0, 0.3), 0.3)])
def test_thresholds_stay_below_ceilings(layer: nn.Module, bound: float) -> None:
    model, x = nn.Sequential(nn.Linear(6, 16), layer), data(100, 6) * 30
    for method in ("layer-wise", "channel-wise", "percentile", "calibrated"):
        net = sl.convert(model, x, method, steps=4)
        assert all(float(site.scale.max()) <= bound + 1e-6 for site in net.sites.values())


class TestFineTuning:
    def labelled(self) -> tuple[Tensor, Tensor]:
        x = data(200, 6)
        return x, (x[:, :3] + 0.3 * x[:, 3:]).argmax(1)

    def test_learns_to_do_with_two_levels(self) -> None:
        x, y = self.labelled()
        tuned = fine_tune(mlp(), x, y, activation=QCFS(levels=2), epochs=20, lr=1e-2)
        before, after = (F.cross_entropy(net(x), y) for net in (with_activations(mlp(), x, QCFS(levels=2)), tuned))
        assert after < 0.6 * before

    def test_distillation_needs_no_labels(self) -> None:
        x, _ = self.labelled()
        model = mlp()
        for p in model.parameters():
            p.data *= 3
        untuned = with_activations(model, x, QCFS(levels=2))
        tuned = fine_tune(model, x, activation=QCFS(levels=2), epochs=10, lr=3e-3)
        away = [F.mse_loss(net(x).softmax(1), model(x).softmax(1)) for net in (untuned, tuned)]
        assert away[1] < 0.7 * away[0]

    def test_penalty_lowers_bounds(self) -> None:
        x, y = self.labelled()
        free, held = (fine_tune(mlp(), x, y, activation=TCL(), epochs=5, lr=1e-2, decay=d) for d in (0.0, 1.0))
        sums = [sum(m.value for m in net.modules() if isinstance(m, Clipping)) for net in (free, held)]
        assert sums[1] < sums[0]

    def test_seeds_and_global_random_numbers(self) -> None:
        x, y = self.labelled()
        torch.manual_seed(5)
        first = fine_tune(mlp(), x, y, epochs=1, seed=1)
        torch.manual_seed(6)
        model = mlp()
        state = torch.random.get_rng_state()
        same, other = (fine_tune(model, x, y, epochs=1, seed=s).state_dict() for s in (1, 2))
        assert torch.equal(torch.random.get_rng_state(), state)
        assert all(torch.equal(v, same[k]) for k, v in first.state_dict().items())
        assert not all(torch.equal(v, other[k]) for k, v in same.items())

    def test_goes_on_after_an_interruption(self, tmp_path: Path) -> None:
        x, y = self.labelled()
        whole = fine_tune(mlp(), x, y, epochs=3).state_dict()

        def stopping() -> object:
            count = iter(range(2))

            def track(batches: object) -> object:
                if next(count, None) is None:
                    raise KeyboardInterrupt
                return batches

            return track

        file = tmp_path / "tuning.safetensors"
        with pytest.raises(KeyboardInterrupt):
            fine_tune(mlp(), x, y, epochs=3, checkpoint=file, track=stopping())  # type: ignore[arg-type]
        resumed = fine_tune(mlp(), x, y, epochs=3, checkpoint=file).state_dict()
        assert all(torch.equal(v, resumed[k]) for k, v in whole.items())
        with pytest.raises(CheckpointError):
            fine_tune(mlp(), x, y, epochs=4, checkpoint=file)

    def test_loaders(self) -> None:
        x, y = self.labelled()
        pairs = [(x[:100], y[:100]), (x[100:], y[100:])]
        seen = []
        fine_tune(mlp(), pairs, epochs=2, track=lambda batches: seen.append(1) or batches)
        assert len(seen) == 2

    def test_refusals(self) -> None:
        x, y = self.labelled()
        for given in ({"epochs": 0}, {"lr": 0.0}, {"batch": 0}, {"distillation": 2.0}, {"temperature": 0.0}):
            with pytest.raises(ParameterError):
                fine_tune(mlp(), x, y, **given)
        with pytest.raises(ShapeError):
            fine_tune(mlp(), x, y[:-1])
        with pytest.raises(ParameterError, match="labels"):
            fine_tune(mlp(), [x], epochs=1)
        with pytest.raises(NonFiniteError):
            fine_tune(mlp(), x, y, epochs=20, lr=1e30)


class TestLastSpike:
    @pytest.mark.parametrize(("after", "expected"), [(0, 0.3), (5, 0.3 * math.exp(-0.05))])
    def test_slope(self, after: int, expected: float) -> None:
        """The slope for the potential of a step so long after the spike."""
        neuron = LastSpikeLIF()
        x = torch.zeros(1 + after, 1, 1)
        x[0] = 1.0
        x.requires_grad_()
        neuron(x)[-1].sum().backward()
        assert float(x.grad[-1]) == pytest.approx(expected)

    def test_neurons_that_never_spiked_learn_nothing(self) -> None:
        x = torch.zeros(1, 1, 1, requires_grad=True)
        LastSpikeLIF()(x).sum().backward()
        assert float(x.grad) == pytest.approx(0.3 * math.exp(-0.01 * 1001), rel=1e-5)

    def test_spikes_are_those_of_integrate_and_fire(self) -> None:
        x = data(20, 4, 5)
        assert torch.equal(LastSpikeLIF()(x), sl.IF(soft_reset=True)(x))


class TestGradients:
    @pytest.mark.parametrize("gradient", [BySurrogate(), ByLastSpike(), Tandem()], ids=lambda g: type(g).__name__)
    @pytest.mark.parametrize("method", ["half-start", "channel-wise", "calibrated"])
    def test_spikes_stay_the_same(self, gradient: sl.conversion.Gradient, method: str) -> None:
        from spikeloom.conversion.spiking_tuning import put_gradients

        net = sl.convert(mlp(), data(100, 6), method, steps=6)
        other = copy.deepcopy(net)
        put_gradients(other, gradient)
        x = data(30, 6, seed=4)
        assert torch.allclose(other(x), net(x), atol=1e-5)

    def test_thresholds_and_leaks_by_finite_differences(self) -> None:
        """With the smooth function in place of the spike, forward and backward."""
        from spikeloom.conversion.spiking_tuning import put_gradients

        net = spiking()
        put_gradients(net, BySurrogate(Smoothed(of=Triangle(width=3.0)), learn=("v_th", "leak")))
        for site in net.sites.values():
            site.neuron = site.neuron.with_options(detach_reset=False)
        net = net.double()
        x = data(8, 6, seed=4).double()
        for values in net.sites.parameters():
            values.grad = None
            (slope,) = torch.autograd.grad(net(x).square().sum(), values)
            found = []
            for change in (1e-5, -1e-5):
                with torch.no_grad():
                    values += change
                    found.append(float(net(x).square().sum().detach()))
                    values -= change
            assert float(slope) == pytest.approx((found[0] - found[1]) / 2e-5, rel=1e-4, abs=1e-7)

    def test_tandem_is_the_gradient_of_the_clipped_network(self) -> None:
        """One layer of neurons: what they send does not enter the gradient of what is before them."""
        from spikeloom.conversion.spiking_tuning import put_gradients

        torch.manual_seed(0)
        model, x = nn.Sequential(nn.Linear(6, 16), TCL(0.2), nn.Linear(16, 3)), data(40, 6)
        net = sl.convert(model, x, RateCode(), steps=5)
        put_gradients(net, Tandem())
        net.module.requires_grad_(True)
        net(x)[:, 0].sum().backward()
        model(x)[:, 0].sum().backward()
        assert torch.allclose(net.module.get_submodule("0").weight.grad, model[0].weight.grad, atol=1e-5)

    def test_refusals(self) -> None:
        with pytest.raises(UnknownNameError):
            BySurrogate(learn=("tau",))
        with pytest.raises(ParameterError):
            ByLastSpike(learn="v_th")
        with pytest.raises(ConversionError, match="soft reset"):
            tune_spiking(sl.convert(mlp(), data(9, 6), "hard-reset", steps=4), data(9, 6), torch.zeros(9).long())


@pytest.mark.parametrize(
    "gradient", [BySurrogate(learn=("v_th", "leak")), ByLastSpike(), Tandem()], ids=lambda g: type(g).__name__
)
def test_tuning_with_spikes_learns(gradient: sl.conversion.Gradient) -> None:
    x = data(200, 6)
    y = (x[:, :3] + 0.3 * x[:, 3:]).argmax(1)
    net = spiking()
    tuned = tune_spiking(net, x, y, gradient=gradient, epochs=8, batch=20, lr=2e-2)
    before, after = (float(F.cross_entropy(each(x), y).detach()) for each in (net, tuned))
    assert after < 0.8 * before
    # The one that was given has not changed, and the new one can be copied and measured.
    assert float(F.cross_entropy(net(x), y).detach()) == before
    assert torch.equal(copy.deepcopy(tuned)(x), tuned(x))
    assert len(sl.conversion.measure(tuned, mlp(), x, y).sites) == 2


def test_progressive_tuning_freezes_what_spikes() -> None:
    x = data(200, 6)
    y = (x[:, :3] + 0.3 * x[:, 3:]).argmax(1)
    net, stages = spiking(), []
    tuned = tune_progressively(
        net, x, y, (x, y), most=4, lr=1e-2, told=lambda name, accuracy: stages.append((name, accuracy))
    )
    assert [name for name, _ in stages] == list(net.sites)
    assert torch.equal(tuned.module.get_submodule("0").weight, net.module.get_submodule("0").weight)
    assert not torch.equal(tuned.module.get_submodule("4").weight, net.module.get_submodule("4").weight)
    right = (tuned(x).argmax(1) == y).double().mean()
    assert float(right) == pytest.approx(stages[-1][1])
    assert right > (net(x).argmax(1) == y).double().mean() + 0.1
    with pytest.raises(ShapeError):
        tune_progressively(net, x, y, (x, y[:-1]))
