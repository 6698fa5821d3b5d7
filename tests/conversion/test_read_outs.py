"""Read-outs of converted networks: counts and residual potentials, weights over time, stopping when sure."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.coding import confidence_exit, highest_rate, running_count
from spikeloom.conversion import Converted, early_exit, output_spikes, softmax_spikes, weighted_mean
from spikeloom.errors import ParameterError, ShapeError


@pytest.fixture(scope="module")
def net() -> tuple[Converted, nn.Module, Tensor]:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4)), torch.rand(50, 6)
    model[2].bias.data += 0.2
    return sl.convert(model, x, "half-start", steps=12), model, x


def test_counts_and_residual_potential_are_the_output(net: tuple[Converted, nn.Module, Tensor]) -> None:
    spiking, _, x = net
    y = spiking.sequence(x)
    v, threshold = torch.zeros_like(y[0]), 0.7
    for current, spikes in zip(y, output_spikes(spiking, x, threshold=threshold), strict=True):
        v = v + current
        assert torch.equal(spikes, (v >= threshold).float())
        v = v - threshold * spikes
    counts = output_spikes(spiking, x, threshold=threshold).sum(0)
    assert torch.allclose((threshold * counts + v) / 12, spiking(x), atol=1e-5)


def test_the_threshold_is_the_largest_output(net: tuple[Converted, nn.Module, Tensor]) -> None:
    spiking, model, x = net
    found = output_spikes(spiking, x)
    # Not of the very same rounding.
    wanted = output_spikes(spiking, x, threshold=float(model(x).detach().max()))
    assert (found != wanted).float().mean() < 0.01 and found.sum() > 0
    assert highest_rate(found).label.shape == (50,)
    assert running_count(found)[-1].max() <= 12


def test_outputs_below_zero_need_a_threshold() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))
    model[2].bias.data.fill_(-100.0)
    spiking = sl.convert(model, torch.rand(20, 3), steps=4)
    with pytest.raises(ParameterError, match="never spike"):
        output_spikes(spiking, torch.rand(5, 3))
    assert not output_spikes(spiking, torch.rand(5, 3), threshold=1.0).any()


def test_weights_over_time(net: tuple[Converted, nn.Module, Tensor]) -> None:
    spiking, _, x = net
    y = spiking.sequence(x)
    assert torch.allclose(weighted_mean(spiking, x, weights=torch.ones(12)), spiking(x), atol=1e-6)
    late = torch.cat([torch.zeros(8), torch.full((4,), 3.0)])
    assert torch.allclose(weighted_mean(spiking, x, weights=late), y[8:].mean(0), atol=1e-6)
    for bad in (-torch.ones(3), torch.zeros(3), torch.full((3,), torch.nan)):
        with pytest.raises(ParameterError):
            weighted_mean(spiking, x, weights=bad)
    with pytest.raises(ShapeError):
        weighted_mean(spiking, x, weights=torch.ones(3, 1))


def test_each_sample_stops_by_itself(net: tuple[Converted, nn.Module, Tensor]) -> None:
    spiking, _, x = net
    scores = spiking.over_time(x)
    likely = (3.0 * scores).softmax(2).amax(2)
    confidence = float(likely.amax(0).median())
    sure = likely >= confidence
    found = early_exit(spiking, x, confidence=confidence, scale=3.0)
    for sample in range(50):
        stops = [t for t in range(12) if sure[t, sample]]
        assert bool(found.decided[sample]) == bool(stops)
        assert int(found.steps[sample]) == (stops[0] + 1 if stops else 12)
        assert int(found.label[sample]) == int(scores[int(found.steps[sample]) - 1, sample].argmax())
    assert len(found.steps.unique()) > 1
    one = confidence_exit(spiking.over_time(x, steps=5), confidence=0.5)
    assert torch.equal(early_exit(spiking, x, confidence=0.5, steps=5).steps, one.steps)
    with pytest.raises(ParameterError, match="confidence"):
        early_exit(spiking, x, confidence=1.5)
    with pytest.raises(ParameterError, match="scale"):
        early_exit(spiking, x, scale=0.0)


def divergence(counts: Tensor, expected: Tensor) -> Tensor:
    """Kullback and Leibler's, of frequencies from probabilities, in nats."""
    p = counts / counts.sum(-1, keepdim=True)
    return torch.where(p > 0, p * (p / expected).log(), 0.0).sum(-1)


class TestSoftmax:
    def still(self) -> tuple[Converted, Tensor]:
        """A network whose output stands still, so that all draws are from one distribution."""
        model = nn.Sequential(nn.Linear(2, 10))
        torch.manual_seed(1)
        nn.init.normal_(model[0].weight, std=2.0)
        x = torch.rand(4, 2)
        return sl.convert(model, x, steps=1), x

    def test_frequencies_are_the_softmax(self) -> None:
        net, x = self.still()
        spikes = softmax_spikes(net, x, steps=10_000, generator=torch.Generator().manual_seed(0))
        expected = net(x).softmax(1).detach()
        # 2 N KL is about chi squared with 9 degrees of freedom: the mean of KL is 0.00045.
        assert float(divergence(spikes.sum(0), expected).max()) < 0.01
        assert torch.equal(spikes.sum(0).argmax(1), net(x).argmax(1))
        assert torch.equal(spikes.sum(2), torch.ones(10_000, 4))

    def test_the_clock_ticks_at_its_rate(self) -> None:
        net, x = self.still()
        spikes = softmax_spikes(net, x, steps=10_000, rate=0.3, generator=torch.Generator().manual_seed(0))
        # Five standard errors of 40 000 steps.
        assert float(spikes.sum(2).mean()) == pytest.approx(0.3, abs=0.012)
        assert float(divergence(spikes.sum(0), net(x).softmax(1).detach()).max()) < 0.01

    def test_potentials_sharpen_in_time(self) -> None:
        net, x = self.still()
        spikes = softmax_spikes(net, x, steps=2000, accumulated=True, generator=torch.Generator().manual_seed(0))
        best = net(x).argmax(1)
        share = spikes.gather(2, best.expand(2000, 4)[..., None]).mean((1, 2))
        assert float(share[-500:].mean()) == 1.0 > float(share[:3].mean())
        # In step t a class has the probability softmax(t u), which falls from step 1 on for all but the best.
        once = softmax_spikes(net, x, steps=1, accumulated=True, generator=torch.Generator().manual_seed(3))
        assert torch.equal(once, softmax_spikes(net, x, steps=1, generator=torch.Generator().manual_seed(3)))

    @pytest.mark.parametrize("rate", [0.0, -1.0, 1.5, float("nan")])
    def test_bad_rates(self, rate: float) -> None:
        net, x = self.still()
        with pytest.raises(ParameterError, match="rate"):
            softmax_spikes(net, x, rate=rate, generator=None)
