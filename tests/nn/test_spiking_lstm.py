"""Layers of gated units: their recursion, their state, and that they train."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spikeloom as sl


def lstm(layer: sl.nn.SpikingLSTM, x: Tensor) -> Tensor:
    """The published equations with weights [W, U] on [x, h]."""
    c, h, rows = torch.zeros(x.shape[1], layer.units), torch.zeros(x.shape[1], layer.units), []
    for now in x:
        f, i, o, g = (layer.below(now) + layer.returned(h) >= 0.1).float().chunk(4, dim=1)
        c = (f * c + i * g >= 0.1).float()
        h = o * c
        rows.append(h)
    return torch.stack(rows)


def gru(layer: sl.nn.SpikingGRU, x: Tensor) -> Tensor:
    h, rows = torch.zeros(x.shape[1], layer.units), []
    for now in x:
        below, returned = layer.below(now).chunk(3, dim=1), layer.returned(h).chunk(3, dim=1)
        r, z = ((b + u >= 0.1).float() for b, u in zip(below[:2], returned[:2], strict=True))
        n = (below[2] + r * returned[2] >= 0.1).float()
        h = (1 - z) * n + z * h
        rows.append(h)
    return torch.stack(rows)


LAYERS = [(sl.nn.SpikingLSTM, lstm), (sl.nn.SpikingGRU, gru)]


def dyadic(layer: nn.Module) -> nn.Module:
    """Weights in steps of 1/64, so that sums are exact in any order."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.round(parameter * 64) / 64)
    return layer


@pytest.mark.parametrize(("kind", "reference"), LAYERS)
def test_recursion(kind: type[nn.Module], reference: object) -> None:
    torch.manual_seed(0)
    layer, x = dyadic(kind(6, 9)), (torch.rand(20, 3, 6) < 0.5).float()
    with torch.no_grad():
        h = layer(x)
        assert torch.equal(h, reference(layer, x))  # type: ignore[operator]
    assert set(h.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize(("kind", "reference"), LAYERS)
def test_state_goes_in_and_out(kind: type[nn.Module], reference: object) -> None:
    torch.manual_seed(0)
    net, x = sl.nn.Sequential(dyadic(kind(6, 9)), sl.LIF()), (torch.rand(20, 3, 6) < 0.5).float()
    whole, wanted = sl.unroll(net, x)
    first, state = sl.unroll(net, x[:7])
    second, final = sl.unroll(net, x[7:], state)
    assert torch.equal(torch.cat([first, second]), whole)
    assert torch.equal(final["0.neuron"]["h"], wanted["0.neuron"]["h"])
    with sl.record(net, "h") as trace:
        net(x)
    assert trace["0.neuron.h"].shape == (20, 3, 9)
    assert ((trace["0.neuron.h"] == 0) | (trace["0.neuron.h"] == 1)).all()


@pytest.mark.parametrize(("kind", "reference"), LAYERS)
def test_every_weight_has_a_gradient(kind: type[nn.Module], reference: object) -> None:
    torch.manual_seed(0)
    layer = kind(6, 9)
    layer(torch.rand(8, 3, 6)).sum().backward()
    assert all((parameter.grad != 0).any() for parameter in layer.parameters())


@pytest.fixture
def one_thread() -> Iterator[None]:
    """On tensors as small as these, waiting for a second thread of a busy machine takes longer than the work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("kind", [sl.nn.SpikingLSTM, sl.nn.SpikingGRU])
def test_digits_row_by_row(kind: type[nn.Module]) -> None:
    """Eight rows of eight pixels; chance is 0.1."""
    images, labels = digits()
    torch.manual_seed(0)
    layer, read_out = kind(8, 48), nn.Linear(48, 10)
    optimiser = torch.optim.Adam([*layer.parameters(), *read_out.parameters()], lr=5e-3)
    rows = images.transpose(0, 1)
    for _ in range(16):
        for batch in torch.randperm(1000).split(100):
            optimiser.zero_grad()
            F.cross_entropy(read_out(layer(rows[:, batch])[-1]), labels[batch]).backward()
            optimiser.step()
    with torch.no_grad():
        accuracy = (read_out(layer(rows[:, 1000:])[-1]).argmax(1) == labels[1000:]).float().mean()
    assert accuracy > 0.7


def digits() -> tuple[Tensor, Tensor]:
    """Images [n, 8 rows, 8 pixels] from 0 to 1, and labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return torch.tensor(data.images, dtype=torch.float32) / 16, torch.tensor(data.target)


def test_nan_and_wrong_sizes_are_refused() -> None:
    layer, x = sl.nn.SpikingLSTM(6, 4), torch.rand(5, 2, 6)
    with pytest.raises(sl.errors.ShapeError, match=r"\[T, B, 6\]"):
        layer(x[..., :5])
    x[3, 1, 2] = torch.nan
    with pytest.raises(sl.errors.NonFiniteError, match="step 3"):
        layer(x)
    with pytest.raises(sl.errors.DTypeError, match="LSTMUnit"):
        sl.nn.SpikingLSTM(6, 4, neuron=sl.LIF())
    with pytest.raises(sl.errors.ParameterError, match="at least 1"):
        sl.nn.SpikingGRU(0, 4)
