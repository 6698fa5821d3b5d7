"""Boltzmann machines; what neurons make of belief networks."""

from __future__ import annotations

import itertools

import pytest
import torch

from spikeloom.errors import ParameterError, ShapeError
from spikeloom.learning import DeepBelief, LogisticUnits, RestrictedBoltzmann, SiegertUnits
from spikeloom.neurons import siegert


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


class TestUnits:
    def test_siegert_units_are_neurons_in_units_of_their_highest_rate(self) -> None:
        x, weight, bias = drawn(3, 5), drawn(4, 5, seed=1) - 0.4, torch.full((4,), 0.1)
        units = SiegertUnits(tau_mem=10.0, t_ref=2.0)
        found = units.mean(x, weight, bias)
        rates = x / 2.0
        mu = 10.0 * (rates @ weight.T + bias / 2.0)
        sigma = (10.0 * rates @ weight.T**2).sqrt()
        assert torch.allclose(found, siegert(mu, sigma, tau_mem=10.0, t_ref=2.0) * 2e-3, rtol=1e-5)
        assert float(found.min()) >= 0.0
        assert float(found.max()) < 1.0

    def test_refuses(self) -> None:
        with pytest.raises(ParameterError, match="t_ref"):
            SiegertUnits(t_ref=0.0)


class TestRestrictedBoltzmann:
    @staticmethod
    def likelihood(machine: RestrictedBoltzmann, data: torch.Tensor) -> float:
        """The mean logarithm of the probability of data, by enumeration."""
        n = data.shape[1]
        every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=n)))

        def free(v: torch.Tensor) -> torch.Tensor:
            up = v @ machine.weight.T + machine.hidden_bias
            return v @ machine.visible_bias + torch.nn.functional.softplus(up).sum(1)

        return float(free(data).mean() - free(every).logsumexp(0))

    @pytest.mark.parametrize("persistent", [False, True])
    def test_learning_raises_the_likelihood_to_that_of_the_data(self, persistent: bool) -> None:
        # One of four bits, each as often: the entropy is ln 4.
        data = torch.eye(4).repeat(50, 1)
        machine = RestrictedBoltzmann(4, 6, generator=torch.Generator().manual_seed(1))
        before = self.likelihood(machine, data)
        machine.learn(data, epochs=400, lr=0.1, batch=40, persistent=persistent)
        after = self.likelihood(machine, data)
        assert before < -2.7
        assert -1.75 < after <= -torch.tensor(4.0).log()

    def test_rounding_is_used_and_the_rest_learnt(self) -> None:
        machine = RestrictedBoltzmann(4, 3, rounding=torch.sign, generator=torch.Generator().manual_seed(0))
        machine.learn(torch.eye(4), epochs=3)
        assert set(machine.weight.unique().tolist()) <= {-1.0, 0.0, 1.0}
        x = drawn(2, 4)
        assert torch.allclose(machine(x), torch.sigmoid(x @ machine.raw.sign().T + machine.hidden_bias))
        assert machine.raw.unique().numel() == 12

    def test_same_seed_same_machine(self) -> None:
        found = [
            RestrictedBoltzmann(4, 3, units=SiegertUnits(), generator=torch.Generator().manual_seed(3))
            .learn(drawn(20, 4), epochs=2)
            .raw
            for _ in range(2)
        ]
        assert torch.equal(*found)

    def test_refuses(self) -> None:
        generator = torch.Generator()
        with pytest.raises(ParameterError, match="hidden"):
            RestrictedBoltzmann(4, 0, generator=generator)
        with pytest.raises(ShapeError, match="data"):
            RestrictedBoltzmann(4, 2, generator=generator).learn(torch.rand(3, 5), epochs=1)


class TestDeepBelief:
    @staticmethod
    def learnt() -> tuple[DeepBelief, torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(0)
        labels = torch.arange(120) % 3
        x = 0.8 * torch.nn.functional.one_hot(labels, 3).float().repeat_interleave(4, 1) + 0.2 * drawn(120, 12)
        net = DeepBelief((12, 20, 15), 3, units=SiegertUnits(), generator=generator)
        return net.learn(x, labels, epochs=10, lr=0.2), x, labels

    def test_tells_labels_and_neurons_do_so_too(self) -> None:
        net, x, labels = self.learnt()
        assert float((net(x).argmax(1) == labels).float().mean()) > 0.98
        counts = net.spiking(0.25)(net.encode(x, 100.0, 0.25)).sum(0)
        assert float((counts.argmax(1) == labels).float().mean()) > 0.98

    def test_one_layer_of_neurons_has_the_means_of_its_units(self) -> None:
        net = DeepBelief((400, 12, 3), 2, units=SiegertUnits(), generator=torch.Generator().manual_seed(0))
        machine = net.machines[0]
        # Jumps of a few hundredths of the threshold, of both signs, for which the curve is meant.
        machine.raw.copy_(0.02 * (drawn(12, 400) - 0.5) + torch.linspace(0.0, 0.008, 12)[:, None])
        x, steps, dt = drawn(2, 400, seed=1), 10_000, 0.1
        spikes = net.spiking(dt)[:2](net.encode(x, steps * dt, dt))
        rates = spikes[steps // 10 :].mean(0) * net.units.t_ref / dt
        means = machine.up(x)
        assert float(means.min()) < 0.2 < 0.6 < float(means.max())
        assert torch.allclose(rates, means, rtol=0.05, atol=0.01)

    def test_rounded_weights_are_multiples_of_a_step(self) -> None:
        net, x, _ = self.learnt()
        for weight, _ in net.rounded(4).layers:
            levels = weight / weight.abs().max() * 7
            assert torch.allclose(levels, levels.round(), atol=1e-4) and levels.abs().max() <= 7.001
        assert torch.allclose(net.rounded(20)(x), net(x), atol=1e-3)
        new = DeepBelief((4, 3), 2, generator=torch.Generator().manual_seed(0))
        assert torch.equal(new.rounded(4)(torch.eye(4)), torch.full((4, 2), 0.5))

    def test_refuses(self) -> None:
        generator = torch.Generator()
        with pytest.raises(ParameterError, match="SiegertUnits"):
            DeepBelief((4, 3), 2, units=LogisticUnits(), generator=generator).spiking(0.5)
        with pytest.raises(ParameterError, match="sizes"):
            DeepBelief((4,), 2, generator=generator)
        with pytest.raises(ParameterError, match="bits"):
            DeepBelief((4, 3), 2, generator=generator).rounded(1)
