"""The neurosynaptic core against the layers that it stands for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.errors import ParameterError, ShapeError
from spikeloom.hardware import NeurosynapticCore


def drawn(seed: int = 0, axons: int = 12, neurons: int = 7) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def whole(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high, shape, generator=generator)

    return {
        "crossbar": whole(0, 2, axons, neurons), "kinds": whole(0, 4, axons), "strength": whole(-3, 5, neurons, 4),
        "v_th": whole(3, 12, neurons), "leak": whole(-2, 2, neurons),
    }  # fmt: skip


def spikes(axons: int = 12) -> Tensor:
    return (torch.rand(40, 3, axons, generator=torch.Generator().manual_seed(5)) < 0.3).float()


class TestCore:
    @pytest.mark.parametrize("seed", range(4))
    def test_is_the_equation(self, seed: int) -> None:
        given, s = drawn(seed), spikes()
        found = NeurosynapticCore(**given).run(s).spikes[0]
        for b in range(3):
            v = [0] * 7
            for t in range(40):
                for j in range(7):
                    v[j] += int(given["leak"][j])
                    for i in range(12):
                        connected = int(s[t, b, i]) * int(given["crossbar"][i, j])
                        v[j] += connected * int(given["strength"][j, given["kinds"][i]])
                    v[j] = max(v[j], 0)
                    assert int(found[t, b, j]) == (v[j] >= int(given["v_th"][j]))
                    v[j] = 0 if v[j] >= int(given["v_th"][j]) else v[j]

    def test_without_inhibition_it_is_a_float_network_of_the_same_numbers(self) -> None:
        given, s = drawn(), spikes()
        given["strength"], given["leak"] = given["strength"].abs(), given["leak"].abs()
        core = NeurosynapticCore(**given)
        layer = nn.Linear(12, 7).requires_grad_(False)
        layer.weight.data, layer.bias.data = core.weight.float(), core.leak.float()
        net = sl.nn.Sequential(layer, sl.IF(v_th=given["v_th"].float()))
        assert torch.equal(net(s), core.run(s).spikes[0].float())

    def test_signs_have_two_axons_each(self) -> None:
        weight = torch.tensor([[1.0, -1.0, 0.0], [0.0, 1.0, 1.0]])
        core = NeurosynapticCore.of_signs(weight, torch.tensor([1.0, -2.0]), v_th=4)
        s = spikes(3)
        run = core.run(torch.cat([s, s], -1))
        assert torch.equal((torch.cat([s, s], -1) @ core.weight.T.float()), s @ weight.T)
        assert core.leak.tolist() == [1, -2]
        # Zeros of the crossbar cost nothing.
        assert run.operations[0] == int((s.sum((0, 1)) * torch.tensor([1, 2, 1])).sum())
        assert run.events[0] == 2 * int(s.sum())

    def test_refuses(self) -> None:
        for name, wrong in (
            ("crossbar", torch.full((12, 7), 2)),
            ("kinds", torch.full((12,), 4)),
        ):
            with pytest.raises(ParameterError, match=name):
                NeurosynapticCore(**{**drawn(), name: wrong})
        with pytest.raises(ShapeError, match="v_th"):
            NeurosynapticCore(**{**drawn(), "v_th": torch.ones(3)})
        with pytest.raises(ShapeError, match="1024 axons"):
            NeurosynapticCore(**{**drawn(), "crossbar": torch.zeros(1025, 7)})
        with pytest.raises(ParameterError, match="-1, 0 and 1"):
            NeurosynapticCore.of_signs(torch.full((2, 2), 0.5), torch.zeros(2), v_th=1)
