"""`unroll` continues streams, `record` captures variables, `explain` tells what runs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl


def dyadic(module: nn.Module) -> None:
    """Weights in steps of 1/64, so that the products of spikes add up exactly in whatever order a library chooses."""
    if isinstance(module, nn.Linear | nn.Conv2d):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(torch.round(parameter * 64 * 4) / 64)


def deep() -> sl.nn.Sequential:
    torch.manual_seed(1)
    net = sl.nn.Sequential(
        nn.Linear(6, 9),
        sl.LIF(tau_mem=3.0),
        nn.Linear(9, 8),
        sl.CurrentLIF(tau_mem=4.0, tau_syn=2.0),
        nn.Linear(8, 8),
        sl.Refractory(sl.AdaptiveLIF(tau_mem=3.0), t_ref=1.0),
        nn.Linear(8, 4),
        sl.LeakyIntegrator(tau_mem=5.0),
    )
    return net.apply(dyadic)


def spikes(steps: int, batch: int = 2) -> Tensor:
    return (torch.rand(steps, batch, 6, generator=torch.Generator().manual_seed(0)) < 0.6).float()


@pytest.mark.parametrize("pieces", [(1,) * 24, (5, 1, 18), (23, 1), (12, 12), (0, 24)], ids=str)
def test_pieces_equal_the_whole_bit_for_bit(pieces: tuple[int, ...]) -> None:
    net, x = deep(), spikes(24)
    whole, wanted = sl.unroll(net, x)
    state, parts = None, []
    for part in x.split(pieces):
        y, state = sl.unroll(net, part, state)
        parts.append(y)
    assert torch.equal(torch.cat(parts), whole)
    assert torch.equal(whole, net(x))
    assert state is not None
    assert state.keys() == wanted.keys() == {"1", "3", "5", "7"}
    for name, variables in wanted.items():
        assert state[name].keys() == variables.keys()
        for variable, value in variables.items():
            assert torch.equal(state[name][variable], value), (name, variable)


def test_the_state_is_named_and_shaped_like_the_network() -> None:
    _, state = sl.unroll(deep(), spikes(3))
    shapes = {name: {variable: list(v.shape) for variable, v in values.items()} for name, values in state.items()}
    assert shapes == {
        "1": {"v": [2, 9]},
        "3": {"v": [2, 8], "i_syn": [2, 8]},
        "5": {"v": [2, 8], "a": [2, 8], "remaining": [2, 8]},
        "7": {"v": [2, 4]},
    }


def test_a_state_is_not_changed_by_using_it() -> None:
    net, x = deep(), spikes(8)
    _, state = sl.unroll(net, x)
    kept = {name: {k: v.clone() for k, v in values.items()} for name, values in state.items()}
    first, _ = sl.unroll(net, x, state)
    second, _ = sl.unroll(net, x, state)
    assert torch.equal(first, second)
    assert all(torch.equal(state[name][k], v) for name, values in kept.items() for k, v in values.items())


def test_truncation_is_a_detached_state() -> None:
    net, x = deep(), spikes(8)
    _, state = sl.unroll(net, x)
    assert state["1"]["v"].requires_grad
    detached = {name: {k: v.detach() for k, v in values.items()} for name, values in state.items()}
    y, _ = sl.unroll(net, x, detached)
    y.sum().backward()
    assert net[0].weight.grad is not None


def test_a_neuron_that_runs_twice_has_no_state_of_its_own() -> None:
    shared = sl.LIF()
    net = sl.nn.Sequential(nn.Linear(6, 6), shared, nn.Linear(6, 6), shared)
    assert net(spikes(4)).shape == (4, 2, 6)
    with pytest.raises(sl.errors.SpikeloomError, match=r"'1' runs twice.*Give each place.*a neuron of its own"):
        sl.unroll(net, spikes(4))


def test_a_neuron_alone_has_the_empty_name() -> None:
    _, state = sl.unroll(sl.LIF(), spikes(4))
    assert list(state) == [""]
    with sl.record(neuron := sl.LIF(), "s", "v") as trace:
        neuron(spikes(4))
    assert set(trace) == {"s", "v"}


class TestRecord:
    def test_keys_shapes_and_values(self) -> None:
        net, x = deep(), spikes(12)
        with sl.record(net, "s", "v", "a", "i_syn") as trace:
            y = net(x)
        assert set(trace) == {"1.s", "1.v", "3.s", "3.v", "3.i_syn", "5.s", "5.v", "5.a", "7.v"}
        assert all(value.shape[:2] == (12, 2) for value in trace.values())
        assert torch.equal(trace["7.v"], y)
        assert torch.equal(trace["1.s"], net[:2](x))
        # After the reset of each step: where there is a spike, the potential is that of the reset.
        assert (trace["1.v"][trace["1.s"] == 1] == 0).all()

    def test_the_last_recorded_value_is_the_final_state(self) -> None:
        net, x = deep(), spikes(12)
        with sl.record(net, "v") as trace:
            _, state = sl.unroll(net, x)
        for name, values in state.items():
            assert torch.equal(trace[f"{name}.v"][-1], values["v"])

    def test_recording_changes_nothing(self) -> None:
        net, x = deep(), spikes(12)
        wanted = torch.autograd.grad(net(x).sum(), list(net.parameters()))
        with sl.record(net, "v", "s") as trace:
            given = torch.autograd.grad(net(x).sum(), list(net.parameters()))
        assert len(trace) == 7
        assert all(torch.equal(g, w) for g, w in zip(given, wanted, strict=True))

    def test_losses_on_what_is_recorded_train(self) -> None:
        net, x = deep(), spikes(12)
        with sl.record(net, "v", "s") as trace:
            net(x)
        (gradient,) = torch.autograd.grad(trace["3.v"].square().sum() + trace["1.s"].mean(), net[0].weight)
        assert gradient.abs().sum() > 0

    def test_two_models_do_not_interfere(self) -> None:
        one, two, x = deep(), sl.nn.Sequential(nn.Linear(6, 2), sl.IF()), spikes(5)
        with sl.record(one, "v") as first, sl.record(two, "s") as second:
            one(x)
            two(x)
        assert set(first) == {"1.v", "3.v", "5.v", "7.v"}
        assert set(second) == {"1.s"}
        with sl.record(one, "v") as first:
            two(x)
        assert first == {}

    def test_two_recordings_of_one_model(self) -> None:
        net, x = deep(), spikes(5)
        with sl.record(net, "v") as first, sl.record(net[1], "s") as second:
            net(x)
        assert "1.v" in first
        assert set(second) == {"s"}

    def test_a_later_run_replaces_an_earlier_one(self) -> None:
        net = deep()
        with sl.record(net, "v") as trace:
            net(spikes(5))
            net(spikes(9))
        assert trace["1.v"].shape[0] == 9

    def test_nothing_is_recorded_after_the_block(self) -> None:
        net = deep()
        with sl.record(net, "v") as trace:
            pass
        net(spikes(5))
        assert trace == {}

    def test_an_error_inside_ends_the_recording(self) -> None:
        net = deep()
        with pytest.raises(ZeroDivisionError), sl.record(net, "v") as trace:
            raise ZeroDivisionError
        net(spikes(5))
        assert trace == {}


class TestExplain:
    def test_back_end_work_and_bytes(self) -> None:
        told = sl.explain(deep(), spikes(5))
        assert [item.name for item in told] == ["1", "3", "5", "7"]
        first = told[0]
        assert (first.backend, first.steps, first.neurons, first.dtype, first.saved_bytes) == (
            "numba",
            5,
            18,
            "float32",
            4,
        )
        assert "def forward(" in first.source
        assert "def backward(" in first.source
        for part in ("1: LIF(tau_mem=3)", "numba", "5 steps x 18 neurons", "4 bytes kept"):
            assert part in str(first)

    def test_inference(self) -> None:
        with torch.no_grad():
            told = sl.explain(sl.LIF(), spikes(5))[0]
        assert told.saved_bytes == 0
        assert "def backward(" not in told.source

    def test_reference(self) -> None:
        with sl.backend("reference"):
            told = sl.explain(sl.LIF(), spikes(5))[0]
        assert told.backend == "reference"
        assert told.reason == "chosen by name"

    def test_the_model_is_left_as_it_was(self) -> None:
        net = deep()
        sl.explain(net, spikes(5))
        assert not any(module._forward_pre_hooks for module in net.modules())
