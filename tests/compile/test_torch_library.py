"""The operation under torch.library's own checks, torch.compile, torch.func and autocast."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jacrev, vmap
from torch.utils._python_dispatch import TorchDispatchMode

import spikeloom as sl
from spikeloom.errors import SpikeloomError

# What PyTorch's graph capture warns of in its own code.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*lru_cache:UserWarning")


def prepared(neuron: sl.Neuron, x: Tensor) -> tuple[list[Tensor], Tensor, int]:
    """Arguments of `spikeloom::advance` for a call of the neuron."""
    call = sl.compile.prepare(neuron, neuron.param_values(), {"i": x}, None, (neuron.output, "v"))
    tensors = [*call.inputs.values(), *call.states.values(), *call.params.values()]
    return [t.detach().clone().requires_grad_() for t in tensors], call.origin, call.plan.number


@pytest.mark.parametrize("policy", ["states", "recompute"])
@pytest.mark.parametrize("backend", ["numba", "reference"])
def test_opcheck(policy: str, backend: str) -> None:
    neuron = sl.AdaptiveLIF(tau_mem=torch.linspace(1.5, 3.0, 5), learn=("tau_mem", "v_th"))
    with sl.backend(backend), sl.memory(policy):
        arguments = prepared(neuron, torch.rand(12, 3, 5).requires_grad_())
    torch.library.opcheck(torch.ops.spikeloom.advance.default, arguments)


def test_the_operation_and_the_eager_function_are_equal() -> None:
    lif, x = sl.LIF(tau_mem=2.0, learn="tau_mem"), (torch.rand(12, 3, 5) * 2).requires_grad_()
    tensors, origin, plan = prepared(lif, x)
    y, v, final = torch.ops.spikeloom.advance(tensors, origin, plan)[:3]
    with sl.record(lif, "v") as trace:
        wanted, state = sl.unroll(lif, x)
    assert torch.equal(y, wanted) and torch.equal(v, trace["v"]) and torch.equal(final, state[""]["v"])
    (given,) = torch.autograd.grad(y.sum() + v.sum(), tensors[:1])
    assert torch.equal(given, torch.autograd.grad(wanted.sum() + trace["v"].sum(), x)[0])


class TestCompiled:
    """torch.compile captures one operation per neuron and no loop."""

    @pytest.fixture(autouse=True)
    def forget(self) -> None:
        """Sizes that differed between captures of other tests are left open in later ones."""
        torch._dynamo.reset()

    def network(self) -> nn.Module:
        torch.manual_seed(0)
        last = sl.Refractory(sl.AdaptiveLIF(tau_mem=torch.full((3,), 2.0), v_th=0.1))
        return sl.nn.Sequential(nn.Linear(5, 4), sl.LIF(tau_mem=2.0, learn="tau_mem"), nn.Linear(4, 3), last)

    def test_whole_graph(self) -> None:
        net = self.network()
        operations: list[str] = []

        def look(graph: torch.fx.GraphModule, _inputs: object) -> object:
            operations.extend(str(node.target) for node in graph.graph.nodes if node.op == "call_function")
            return graph.forward

        compiled = torch.compile(copy.deepcopy(net), fullgraph=True, backend="aot_eager")
        x = torch.rand(12, 2, 5) * 20
        y, wanted = compiled(x), net(x)
        assert torch.equal(y, wanted) and wanted.any()
        y.sum().backward()
        wanted.sum().backward()
        for (name, given), expected in zip(compiled.named_parameters(), net.parameters(), strict=True):
            torch.testing.assert_close(given.grad, expected.grad, msg=name)
        torch.compile(net, fullgraph=True, backend=look)(x)
        long = len(operations)
        operations.clear()
        torch._dynamo.reset()
        torch.compile(net, fullgraph=True, backend=look)(torch.rand(120, 2, 5))
        assert len(operations) == long < 40

    def test_other_lengths(self) -> None:
        net = self.network()
        compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
        for steps in (12, 13, 40):
            x = torch.rand(steps, 2, 5) * 20
            assert torch.equal(compiled(x), net(x))

    def test_without_gradients(self) -> None:
        net, x = self.network(), torch.rand(12, 2, 5) * 4
        with torch.no_grad():
            assert torch.equal(torch.compile(net, fullgraph=True, backend="aot_eager")(x), net(x))

    def test_noise_is_drawn_anew_in_every_call(self) -> None:
        noisy = sl.Noisy(sl.LIF(tau_mem=2.0), sigma=1.0)
        compiled = torch.compile(noisy, fullgraph=True, backend="aot_eager")
        x = torch.ones(20, 2, 50)
        torch.manual_seed(5)
        first, second = compiled(x), compiled(x)
        assert not torch.equal(first, second)
        assert 0.05 < first.mean() < 0.9

    def test_recording_a_compiled_model_is_refused(self) -> None:
        net, x = self.network(), torch.rand(4, 2, 5)
        compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
        with pytest.raises(SpikeloomError, match=r"compiled by torch\.compile"):
            sl.unroll(compiled, x)
        with sl.record(net, "v"), pytest.raises(torch._dynamo.exc.TorchDynamoException):
            compiled(x)


class TestTransforms:
    """torch.func over inputs and over parameters."""

    lif = sl.LIF(tau_mem=2.0, learn=("tau_mem",))
    x = torch.rand(12, 3, 5, generator=torch.Generator().manual_seed(0)) * 2

    def loss(self, raw: Tensor, x: Tensor) -> Tensor:
        y: Tensor = functional_call(self.lif, {"raw_tau_mem": raw}, (x,))
        return (y * torch.linspace(-1, 1, y.numel()).view_as(y)).sum()

    def autograd(self, raw: Tensor, x: Tensor) -> tuple[Tensor, ...]:
        leaves = raw.detach().requires_grad_(), x.detach().requires_grad_()
        return torch.autograd.grad(self.loss(*leaves), leaves)

    def test_grad(self) -> None:
        raw = torch.tensor(0.5)
        for argument in (0, 1):
            torch.testing.assert_close(grad(self.loss, argument)(raw, self.x), self.autograd(raw, self.x)[argument])

    def test_vmap_over_parameters(self) -> None:
        raws = torch.tensor([0.1, 0.5, 0.9, 1.3])
        torch.testing.assert_close(
            vmap(self.loss, (0, None))(raws, self.x), torch.stack([self.loss(raw, self.x) for raw in raws])
        )
        for argument in (0, 1):
            given = vmap(grad(self.loss, argument), (0, None))(raws, self.x)
            wanted = torch.stack([self.autograd(raw, self.x)[argument] for raw in raws])
            torch.testing.assert_close(given, wanted)

    def test_vmap_over_inputs(self) -> None:
        raw, xs = torch.tensor(0.5), torch.stack([self.x, self.x.flip(0), 0.5 * self.x], dim=1)
        given = vmap(grad(self.loss, (0, 1)), (None, 1))(raw, xs)
        wanted = [self.autograd(raw, x) for x in xs.unbind(1)]
        for k in (0, 1):
            torch.testing.assert_close(given[k], torch.stack([w[k] for w in wanted]))

    def test_per_channel_parameters(self) -> None:
        lif = sl.LIF(tau_mem=torch.full((5,), 2.0), learn="tau_mem")
        raws = torch.rand(3, 5, generator=torch.Generator().manual_seed(1))

        def loss(raw: Tensor) -> Tensor:
            y: Tensor = functional_call(lif, {"raw_tau_mem": raw}, (self.x,))
            return (y * y.new_tensor(range(5))).sum()

        torch.testing.assert_close(vmap(grad(loss))(raws), torch.stack([grad(loss)(raw) for raw in raws]))

    @pytest.mark.parametrize("policy", ["states", "recompute"])
    def test_jacobian(self, policy: str) -> None:
        """One row per output, from one backward pass over all of them at once."""
        with sl.memory(policy):
            rows = jacrev(lambda x: sl.LeakyIntegrator(tau_mem=2.0)(x).flatten())(torch.rand(4, 1, 2))
        decay = torch.exp(torch.tensor(-0.5))
        for t in range(4):
            for s in range(4):
                wanted = (1 - decay) * decay ** (t - s) if s <= t else torch.zeros(())
                torch.testing.assert_close(rows[2 * t, s, 0, 0], wanted)

    def test_a_second_derivative_is_refused(self) -> None:
        with pytest.raises(Exception, match=r"differentiated again|once_differentiable"):
            grad(lambda raw: grad(self.loss)(raw, self.x))(torch.tensor(0.5))


class _Counted(TorchDispatchMode):
    """Counts the operations that reach PyTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("policy", ["states", "recompute"])
def test_the_number_of_operations_does_not_depend_on_the_number_of_steps(policy: str) -> None:
    """And a kernel visits each step a fixed number of times: cost is linear in T, without measuring time."""
    net = sl.nn.Sequential(nn.Linear(5, 4), sl.LIF(tau_mem=2.0, learn="tau_mem"), sl.nn.Recurrent(sl.LIF(), 4))
    counts = []
    for steps in (10, 1000):
        x = torch.rand(steps, 2, 5)
        with sl.memory(policy):
            net(x).sum().backward()
            with _Counted() as counted:
                net(x).sum().backward()
        counts.append(counted.count)
    assert counts[0] == counts[1]


def test_autocast() -> None:
    """Products in bfloat16, state in float32: the neuron takes what it is given and hands on the same dtype."""
    net = sl.nn.Sequential(nn.Linear(6, 4), sl.LIF(tau_mem=2.0, learn="tau_mem"))
    x = torch.rand(7, 2, 6) * 4
    with torch.autocast("cpu", dtype=torch.bfloat16), sl.record(net, "v"):
        y, state = sl.unroll(net, x)
    assert y.dtype == torch.bfloat16 and state["1"]["v"].dtype == torch.float32
    y.float().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in net.parameters())
