"""The stack: time is folded into the batch for modules that know nothing of it, and handed to those that do."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl

STEPS, BATCH = 7, 3


def images(*, requires_grad: bool = False) -> Tensor:
    x = torch.rand(STEPS, BATCH, 2, 6, 6, generator=torch.Generator().manual_seed(0)) * 2
    return x.requires_grad_(requires_grad)


def folded(module: nn.Module, x: Tensor) -> Tensor:
    y = module(x.reshape(STEPS * BATCH, *x.shape[2:]))
    return y.reshape(STEPS, BATCH, *y.shape[1:])


def convolutional() -> sl.nn.Sequential:
    torch.manual_seed(0)
    return sl.nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4),
        sl.LIF(tau_mem=2.0, learn=("tau_mem",)),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 5),
        sl.LeakyIntegrator(),
    )


def by_hand(net: nn.Sequential, x: Tensor) -> Tensor:
    conv, norm, lif, pool, flatten, linear, read_out = net
    x = lif(folded(norm, folded(conv, x)))
    return read_out(folded(linear, folded(flatten, folded(pool, x))))


def test_folding_equals_a_reshape_forward_and_gradient() -> None:
    net, x = convolutional(), images(requires_grad=True)
    other = copy.deepcopy(net)
    y, wanted = net(x), by_hand(other, x)
    torch.testing.assert_close(y, wanted)
    given = torch.autograd.grad(y.square().sum(), [x, *net.parameters()])
    for g, w in zip(given, torch.autograd.grad(wanted.square().sum(), [x, *other.parameters()]), strict=True):
        torch.testing.assert_close(g, w)


def test_batch_norm_counts_every_step_as_a_sample() -> None:
    net, x = convolutional(), images()
    net(x)
    convolved = net[0](x.flatten(0, 1))
    assert net[1].num_batches_tracked == 1
    torch.testing.assert_close(net[1].running_mean, 0.1 * convolved.mean((0, 2, 3)))
    net.eval()
    before = net[1].running_mean.clone()
    net(x)
    assert torch.equal(net[1].running_mean, before)


def test_dropout_draws_for_every_step_in_training_only() -> None:
    torch.manual_seed(0)
    net = sl.nn.Sequential(nn.Dropout(0.5), sl.LeakyIntegrator(tau_mem=1.0))
    x = torch.ones(2, 1, 1000)
    kept = net[0](x)
    assert not torch.equal(kept[0], kept[1])
    assert 0.4 < (net.train()(x)[0] > 0).float().mean() < 0.6
    assert torch.equal(net.eval()(x), net[1](x))


def test_nested_stacks_equal_a_flat_one() -> None:
    net = convolutional()
    conv, norm, lif, pool, flatten, linear, read_out = net
    nested = sl.nn.Sequential(
        sl.nn.Sequential(conv, norm, lif), sl.nn.Sequential(pool, flatten), nn.Sequential(linear), read_out
    )
    x = images()
    assert torch.equal(nested.eval()(x), net.eval()(x))
    with sl.record(nested, "s", "v") as trace:
        nested(x)
    assert set(trace) == {"0.2.s", "0.2.v", "3.v"}


class Residual(nn.Module):
    """A module of one's own with a neuron inside."""

    def __init__(self) -> None:
        super().__init__()
        self.neuron = sl.IF()
        self.seen: list[torch.Size] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.shape)
        return x + self.neuron(x)


def test_a_module_with_a_neuron_inside_receives_time() -> None:
    block = Residual()
    net = sl.nn.Sequential(nn.Flatten(), block)
    x = images()
    y = net(x)
    assert block.seen == [torch.Size([STEPS, BATCH, 72])]
    assert torch.equal(y, x.flatten(2) + sl.IF()(x.flatten(2)))
    with sl.record(net, "v") as trace:
        net(x)
    assert list(trace) == ["1.neuron.v"]


def test_a_slice_is_a_stack() -> None:
    net = convolutional().eval()
    assert isinstance(net[:3], sl.nn.Sequential)
    assert torch.equal(net[3:](net[:3](images())), net(images()))


@pytest.mark.parametrize("module", [nn.Unflatten(0, (-1, 3)), nn.LSTM(72, 4)], ids=["batch", "tuple"])
def test_a_module_that_spoils_the_batch_is_refused(module: nn.Module) -> None:
    with pytest.raises(sl.errors.ShapeError, match=r"result of (Unflatten|LSTM): expected \[21, ...\], got"):
        sl.nn.Sequential(nn.Flatten(), module)(images())


def test_there_is_nothing_to_reset() -> None:
    net = convolutional().eval()
    x = images()
    first = net(x)
    net(torch.rand(2, 1, 2, 6, 6) * 5)
    assert torch.equal(net(x), first)


def test_only_parameters_and_buffers_are_state() -> None:
    net = convolutional()
    before = set(net.state_dict())
    sl.unroll(net, images())
    with sl.record(net, "v"):
        net(images())
    own = {"2.raw_tau_mem"}
    layers = {
        "0.weight", "0.bias", "5.weight", "5.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
        "1.num_batches_tracked",
    }  # fmt: skip
    assert set(net.state_dict()) == before == own | layers
    # Nor does a tensor hide elsewhere on a neuron.
    assert not any(isinstance(value, Tensor) for value in vars(net[6]).values())
    assert net[6].__dict__["_values"] == sl.LeakyIntegrator().__dict__["_values"]


def test_parameter_tensors_are_buffers_that_move_and_are_saved() -> None:
    neuron = sl.LIF(tau_mem=torch.tensor([2.0, 3.0]))
    assert list(neuron.state_dict()) == ["tau_mem"]
    assert neuron.double().tau_mem.dtype == torch.float64
    other = sl.LIF(tau_mem=torch.tensor([5.0, 5.0]))
    other.load_state_dict(neuron.state_dict())
    assert other.tau_mem.tolist() == [2.0, 3.0]


def test_copies_and_saved_weights_give_the_same() -> None:
    net, x = convolutional().eval(), images()
    wanted = net(x)
    assert torch.equal(copy.deepcopy(net)(x), wanted)
    assert torch.equal(pickle.loads(pickle.dumps(net))(x), wanted)
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other = convolutional().eval()
    nn.init.zeros_(other[0].weight)
    other[2].tau_mem = 9.0
    assert not torch.equal(other(x), wanted)
    other.load_state_dict(torch.load(file))
    assert torch.equal(other(x), wanted)


def test_a_deep_copy_is_independent() -> None:
    net = convolutional()
    other = copy.deepcopy(net)
    other[2].tau_mem = 9.0
    assert float(net[2].tau_mem.detach()) == pytest.approx(2.0)
    other[0].weight.data.zero_()
    assert net[0].weight.abs().sum() > 0


def test_an_optimiser_moves_a_learned_time_constant() -> None:
    net, x = convolutional(), images()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    before = float(net[2].tau_mem.detach())
    net(x).square().sum().backward()
    optimiser.step()
    after = float(net[2].tau_mem.detach())
    assert after > 0
    assert after != before
    assert after == pytest.approx(float(net[2].raw_tau_mem.detach().exp()))


def test_autocast_reaches_a_neuron_as_half_precision() -> None:
    net = sl.nn.Sequential(nn.Linear(8, 8), sl.LIF(tau_mem=2.0), nn.Linear(8, 2), sl.LeakyIntegrator())
    x = torch.rand(5, 2, 8, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, state = sl.unroll(net, x)
    assert y.dtype == torch.bfloat16
    assert state["1"]["v"].dtype == torch.float32
    y.float().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in net.parameters())


def test_gradient_checkpointing_gives_the_same_gradients() -> None:
    net, x = convolutional().eval(), images(requires_grad=True)
    wanted = torch.autograd.grad(net(x).sum(), [x, *net.parameters()])
    y = torch.utils.checkpoint.checkpoint(net, x, use_reentrant=False)
    for g, w in zip(torch.autograd.grad(y.sum(), [x, *net.parameters()]), wanted, strict=True):
        assert torch.equal(g, w)


class TestSmallStacksWithoutGradients:
    """They run by a shorter way, to the same results."""

    def network(self) -> sl.nn.Sequential:
        torch.manual_seed(0)
        layers = (
            nn.Linear(9, 30),
            sl.LIF(tau_mem=2.0, learn="tau_mem"),
            nn.Linear(30, 5, bias=False),
            sl.AdaptiveLIF(tau_mem=2.0, v_th=0.2),
        )
        return sl.nn.Sequential(*layers)

    def test_results(self) -> None:
        net, x = self.network(), torch.rand(12, 2, 9) * 5
        wanted = net(x).detach()
        with torch.no_grad():
            torch.testing.assert_close(net(x), wanted)
            torch.testing.assert_close(sl.unroll(net, x)[0], net(x))
            assert net(x).any()

    def test_sessions_hooks_and_changes_are_seen(self) -> None:
        net, x, seen = self.network(), torch.rand(12, 2, 9) * 5, []
        with torch.no_grad():
            before = net(x)
            with sl.record(net, "v") as trace:
                net(x)
            assert set(trace) == {"1.v", "3.v"}
            handle = net[2].register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
            net(x)
            handle.remove()
            assert seen == [(24, 5)]
            net[3].v_th = 0.05
            assert not torch.equal(net(x), before)

    @pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
    def test_dtypes(self, dtype: torch.dtype) -> None:
        net, x = self.network().to(dtype), (torch.rand(12, 2, 9) * 5).to(dtype)
        wanted = net(x).detach()
        with torch.no_grad():
            assert net(x).dtype == dtype
            torch.testing.assert_close(net(x), wanted)

    def test_bad_input_is_told(self) -> None:
        with torch.no_grad(), pytest.raises(sl.errors.ShapeError, match="Time comes first"):
            self.network()(torch.rand(9))
