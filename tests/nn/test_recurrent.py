"""Recurrent layers: against a loop written out by hand, as part of networks and streams, and what they refuse."""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable

import pytest
import torch
from functorch.compile import make_boxed_func
from torch import Tensor, nn
from torch._dynamo.backends.common import aot_autograd

import spikeloom as sl


class _Step(torch.autograd.Function):
    """Threshold whose slope is 1 / (1 + (pi u)^2)."""

    @staticmethod
    def forward(ctx, u: Tensor) -> Tensor:
        ctx.save_for_backward(u)
        return (u >= 0).to(u.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient / (1 + (math.pi * ctx.saved_tensors[0]) ** 2)


def by_hand(x: Tensor, weight: Tensor, delay: int) -> Tensor:
    """v <- v + (i - v) / 2, spike at 1, reset to 0; i_t = x_t + W s_{t - delay}."""
    v, spikes = torch.zeros_like(x[0]), []
    for t, current in enumerate(x.unbind()):
        if t >= delay:
            current = current + spikes[t - delay] @ weight.t()
        h = v + (current - v) / 2
        s = _Step.apply(h - 1)
        v = torch.where(s > 0, torch.zeros_like(h), h)
        spikes.append(s)
    return torch.stack(spikes)


def lif(**options: object) -> sl.LIF:
    return sl.LIF(tau_mem=2.0, integrator=sl.neurons.Euler(), **options)


def sixtyfourths(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    """Numbers whose sums are exact in whatever order they are added."""
    return torch.round(torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale * 64) / 64


@pytest.mark.parametrize("delay", [1, 2, 5])
def test_a_loop_written_out_by_hand(delay: int) -> None:
    """Gradients are sums of some hundred float32 terms."""
    x, weight = sixtyfourths(12, 4, 9, scale=2.0), sixtyfourths(9, 9, seed=1)
    leaves = x.requires_grad_(), weight.requires_grad_()
    wanted = by_hand(*leaves, delay)
    layer = sl.nn.Recurrent(lif(), weight.detach(), delay=delay)
    given = layer(x)
    assert torch.equal(given, wanted)
    assert 0.1 < given.mean() < 0.6
    factor = torch.linspace(-1, 1, given.numel()).view_as(given)
    exact = torch.autograd.grad((wanted * factor).sum(), leaves)
    found = torch.autograd.grad((given * factor).sum(), [x, layer.weight])
    for a, b in zip(found, exact, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * float(b.abs().max()))


def test_weight_and_delay_of_a_single_connection() -> None:
    """weight[i, j] is from j to i: neuron 0 spikes at step 2 and neuron 1 three steps later."""
    weight = torch.zeros(2, 2)
    weight[1, 0] = 4.0
    x = torch.zeros(8, 1, 2)
    x[2, 0, 0] = 4.0
    y = sl.nn.Recurrent(lif(), weight, delay=3)(x)
    assert y[:, 0].nonzero().tolist() == [[2, 0], [5, 1]]


def test_what_does_not_spike_returns_its_potential() -> None:
    """Of a linear network v <- a v + (1 - a) (x + W v), powers of one matrix."""
    a, weight = math.exp(-1 / 10), 0.5 * sixtyfourths(4, 4)
    x = torch.zeros(7, 1, 4, dtype=torch.float64)
    x[0] = 1.0
    y = sl.nn.Recurrent(sl.LeakyIntegrator(tau_mem=10.0), weight.double())(x)
    step = a * torch.eye(4, dtype=torch.float64) + (1 - a) * weight.double()
    for t in range(7):
        wanted = (1 - a) * torch.linalg.matrix_power(step, t) @ x[0, 0]
        torch.testing.assert_close(y[t, 0], wanted, rtol=1e-12, atol=1e-14)


def network(delay: int = 2) -> sl.nn.Sequential:
    layers = nn.Linear(6, 9), sl.nn.Recurrent(sl.Refractory(lif(), t_ref=1.0), 9, delay=delay), nn.Linear(9, 3), lif()
    net = sl.nn.Sequential(*layers)
    with torch.no_grad():
        for k, weight in enumerate(net.parameters()):
            weight.copy_(sixtyfourths(*weight.shape, seed=k))
    return net


def spikes(steps: int) -> Tensor:
    return (torch.rand(steps, 3, 6, generator=torch.Generator().manual_seed(0)) < 0.5).float()


@pytest.mark.parametrize("delay", [1, 3])
@pytest.mark.parametrize("pieces", [(1,) * 12, (5, 1, 6), (11, 1), (2, 10), (0, 12)], ids=str)
def test_pieces_equal_the_whole_bit_for_bit(pieces: tuple[int, ...], delay: int) -> None:
    net, x = network(delay), spikes(12)
    whole, wanted = sl.unroll(net, x)
    state, parts = None, []
    for part in x.split(pieces):
        y, state = sl.unroll(net, part, state)
        parts.append(y)
    assert torch.equal(torch.cat(parts), whole)
    assert state is not None
    assert state.keys() == wanted.keys() == {"1.neuron", "3"}
    assert state["1.neuron"].keys() == {"v", "remaining", "in_flight"}
    for name, variables in wanted.items():
        assert all(torch.equal(state[name][variable], value) for variable, value in variables.items())


def test_gradients_through_pieces_are_those_of_the_whole() -> None:
    net, x = network(), spikes(12)
    wanted = torch.autograd.grad(net(x).sum(), list(net.parameters()))
    first, state = sl.unroll(net, x[:5])
    second, _ = sl.unroll(net, x[5:], state)
    found = torch.autograd.grad(first.sum() + second.sum(), list(net.parameters()))
    torch.testing.assert_close(found, wanted)


def test_spikes_in_flight_are_the_last_outputs() -> None:
    net, x = network(delay=3), spikes(12)
    with sl.record(net, "s", "v") as trace:
        _, state = sl.unroll(net, x)
    assert set(trace) == {"1.neuron.s", "1.neuron.v", "3.s", "3.v"}
    assert torch.equal(state["1.neuron"]["in_flight"], trace["1.neuron.s"][-3:])
    _, early = sl.unroll(net, x[:1])
    assert torch.equal(early["1.neuron"]["in_flight"][2], trace["1.neuron.s"][0])
    assert not early["1.neuron"]["in_flight"][:2].any()


def test_recording_changes_nothing() -> None:
    net, x = network(), spikes(12)
    wanted = torch.autograd.grad(net(x).sum(), list(net.parameters()))
    with sl.record(net, "v", "s"):
        found = torch.autograd.grad(net(x).sum(), list(net.parameters()))
    torch.testing.assert_close(found, wanted)


def test_inference_gives_what_training_gives() -> None:
    net, x = network(), spikes(12)
    with torch.no_grad():
        assert torch.equal(net(x), net(x.clone().requires_grad_()))


class Driven(sl.Neuron):
    """A leaky potential with a gated input."""

    i = sl.Input("1", "current")
    gate = sl.Input("1", "factor of the decay")
    v = sl.State(0.0, "1", "potential")

    def charge(self) -> dict[str, Tensor]:
        return {"v": 0.5 * self.gate * self.v + self.i}

    def threshold(self) -> Tensor:
        return self.v - 1.0

    def reset(self) -> dict[str, Tensor]:
        return {"v": torch.zeros_like(self.v)}


def test_one_of_several_inputs_receives_the_current() -> None:
    x, gate, weight = sixtyfourths(9, 2, 5), torch.rand(9, 2, 5), sixtyfourths(5, 5, seed=1)
    layer = sl.nn.Recurrent(Driven(), weight, into="i")
    found = []
    for name in ("auto", "reference"):
        leaves = x.clone().requires_grad_(), gate.clone().requires_grad_()
        with sl.backend(name):
            y = layer(*leaves)
        found.append((y.detach(), *torch.autograd.grad(y.sum(), [*leaves, layer.weight])))
    torch.testing.assert_close(*found)
    assert found[0][2].abs().sum() > 0


def test_parameters_that_vary_with_time_and_noise() -> None:
    layer, x = sl.nn.Recurrent(sl.Noisy(lif(), sigma=0.5), sixtyfourths(5, 5)), torch.full((9, 2, 5), 1.0)
    found = []
    for name in ("auto", "reference"):
        torch.manual_seed(0)
        with sl.backend(name), torch.no_grad():
            y = layer(x, v_th=torch.linspace(1.0, 2.0, 9))
        found.append(y)
    assert torch.equal(*found)
    assert 0 < found[0].mean() < 1


def test_bias_and_weight_of_a_linear_layer_are_taken() -> None:
    linear = nn.Linear(5, 5)
    layer = sl.nn.Recurrent(lif(), linear)
    assert layer.weight is linear.weight
    assert layer.bias is linear.bias
    assert set(layer.state_dict()) == {"weight", "bias"}
    x = torch.rand(9, 2, 5) * 2
    without = sl.nn.Recurrent(lif(), linear.weight)
    assert torch.equal(layer(x), without(x + linear.bias))
    layer(x).sum().backward()
    assert linear.bias.grad is not None


def test_a_drawn_weight_is_like_that_of_a_linear_layer() -> None:
    torch.manual_seed(3)
    layer = sl.nn.Recurrent(lif(), 7)
    torch.manual_seed(3)
    assert torch.equal(layer.weight, nn.Linear(7, 7, bias=False).weight)
    assert layer.features == 7
    assert repr(layer).startswith("Recurrent(\n  7\n")
    assert "7, delay=2" in repr(sl.nn.Recurrent(lif(), 7, delay=2))


def test_copies_and_saved_weights_give_the_same() -> None:
    net, x = network(), spikes(8)
    wanted = net(x)
    assert torch.equal(copy.deepcopy(net)(x), wanted)
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other = network()
    nn.init.zeros_(other[1].weight)
    assert not torch.equal(other(x), wanted)
    other.load_state_dict(torch.load(file))
    assert torch.equal(other(x), wanted)


def test_a_frozen_weight_and_a_functional_call() -> None:
    layer, x = sl.nn.Recurrent(lif(), sixtyfourths(5, 5)), torch.rand(9, 2, 5, requires_grad=True)
    layer.requires_grad_(False)
    layer(x * 2).sum().backward()
    assert layer.weight.grad is None
    assert x.grad is not None and x.grad.abs().sum() > 0
    zero = torch.func.functional_call(layer, {"weight": torch.zeros(5, 5)}, (x,))
    assert torch.equal(zero, layer.neuron(x))


def test_autocast_leaves_the_state_in_float32() -> None:
    net, x = network(), spikes(8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, state = sl.unroll(net, x)
    assert state["1.neuron"]["v"].dtype == state["1.neuron"]["in_flight"].dtype == torch.float32
    y.float().sum().backward()
    assert net[1].weight.grad is not None
    assert net[1].weight.grad.dtype == torch.float32


def test_explain_tells_of_the_layer() -> None:
    told = sl.explain(network(), spikes(8))
    assert [item.name for item in told] == ["1.neuron", "3"]
    assert (told[0].backend, told[0].steps, told[0].neurons) == ("numba", 8, 27)
    assert "its own output through a weight, 2 steps later" in str(told[0])
    assert "add_product" in told[0].source
    with sl.backend("reference"):
        assert "one step after another" in sl.explain(network(), spikes(8))[0].reason


def test_training_lowers_the_loss() -> None:
    torch.manual_seed(0)
    net, x = network(), spikes(12)
    optimiser, losses = torch.optim.Adam(net.parameters(), lr=0.02), []
    for _ in range(25):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(4 * net(x).mean(0), torch.tensor([0, 1, 2]))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: sl.nn.Recurrent(nn.ReLU(), 4), sl.errors.DTypeError, "expected a Neuron"),
        (lambda: sl.nn.Recurrent(lif(), 0), sl.errors.ParameterError, "at least one neuron"),
        (lambda: sl.nn.Recurrent(lif(), 4.0), sl.errors.DTypeError, "a number or a matrix"),
        (lambda: sl.nn.Recurrent(lif(), torch.zeros(4, 3)), sl.errors.ShapeError, r"\[n, n\], got \[4, 3\]"),
        (lambda: sl.nn.Recurrent(lif(), torch.zeros(4, 4, dtype=torch.int64)), sl.errors.DTypeError, "floating-point"),
        (lambda: sl.nn.Recurrent(lif(), torch.full((4, 4), math.nan)), sl.errors.ParameterError, "finite"),
        (lambda: sl.nn.Recurrent(lif(), 4, delay=0), sl.errors.ParameterError, "at least 1 step"),
        (lambda: sl.nn.Recurrent(lif(), 4, delay=1.5), sl.errors.DTypeError, "whole steps"),
        (lambda: sl.nn.Recurrent(Driven(), 4), sl.errors.ParameterError, "several inputs, i, gate"),
        (lambda: sl.nn.Recurrent(Driven(), 4, into="gat"), sl.errors.UnknownNameError, "Did you mean 'gate'"),
        (lambda: sl.nn.Recurrent(lif(), 4)(torch.zeros(5, 2, 3)), sl.errors.ShapeError, r"\[T, B, 4\]"),
        (lambda: sl.nn.Recurrent(lif(), 4)(torch.zeros(5, 4)), sl.errors.ShapeError, r"\[T, B, 4\]"),
        (lambda: sl.nn.Recurrent(lif(), 4)(*[torch.zeros(5, 2, 4)] * 2), sl.errors.DTypeError, "1 of them"),
        (lambda: sl.nn.Recurrent(lif(), 4)(torch.zeros(5, 2, 4).int()), sl.errors.DTypeError, "floating-point"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused(build, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        build()


def test_a_state_that_does_not_fit_is_refused() -> None:
    layer, x = sl.nn.Recurrent(lif(), 4, delay=2), torch.zeros(5, 2, 4)
    _, state = sl.unroll(layer, x)
    without = {"neuron": {"v": state["neuron"]["v"]}}
    with pytest.raises(sl.errors.ShapeError, match="in_flight"):
        sl.unroll(layer, x, without)
    state["neuron"]["in_flight"] = state["neuron"]["in_flight"][1:]
    with pytest.raises(sl.errors.ShapeError, match=r"\[2, 2, 4\], got \[1, 2, 4\]"):
        sl.unroll(layer, x, state)


def test_nan_names_neuron_and_step() -> None:
    layer, x = sl.nn.Recurrent(lif(), 4), torch.zeros(9, 2, 4)
    x[5, 1, 3] = math.nan
    with pytest.raises(sl.errors.NonFiniteError, match=r"neuron \[1, 3\].*from step 5"):
        layer(x)


def test_a_captured_graph_is_one_operation_and_gives_the_same() -> None:
    net, found = network(), []

    def look(graph: torch.fx.GraphModule, _: list[Tensor]) -> Callable[..., object]:
        names = [str(node.target) for node in graph.graph.nodes]
        found.append((len(names), sum("advance_recurrent" in name for name in names)))
        return make_boxed_func(graph.forward)

    for steps in (4, 11):
        x = spikes(steps)
        captured = torch.compile(net, fullgraph=True, dynamic=False, backend=aot_autograd(fw_compiler=look))
        given = torch.autograd.grad(captured(x).sum(), list(net.parameters()))
        torch.testing.assert_close(given, torch.autograd.grad(net(x).sum(), list(net.parameters())))
    sizes = {size for size, _ in found}
    assert all(operations == 1 for _, operations in found)
    assert len(found) == 4, "forward and backward, twice"
    assert len(sizes) == 2, "the graph grows with the number of steps"


def test_a_functional_gradient() -> None:
    layer, x = sl.nn.Recurrent(lif(), sixtyfourths(5, 5)), 2 * torch.rand(9, 2, 5)

    def loss(weight: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"weight": weight}, (x,)).sum()

    found = torch.func.grad(loss)(layer.weight.detach())
    layer(x).sum().backward()
    torch.testing.assert_close(found, layer.weight.grad)
