"""Recomputing segments gives what keeping every step gives, bit for bit, on every back end, and keeps less."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl

NEURONS: dict[str, Callable[[], sl.Neuron]] = {
    "lif": lambda: sl.LIF(tau_mem=2.0, learn=("tau_mem", "v_th")),
    "soft": lambda: sl.LIF(tau_mem=3.0, soft_reset=True, detach_reset=False, learn="v_reset"),
    "current": lambda: sl.CurrentLIF(tau_mem=4.0, tau_syn=2.0, learn=("tau_syn",)),
    "adaptive": lambda: sl.AdaptiveLIF(tau_mem=2.0, tau_adapt=9.0, learn="beta"),
    "refractory": lambda: sl.Refractory(sl.AdaptiveLIF(tau_mem=2.0), t_ref=2.0),
    "read-out": lambda: sl.LeakyIntegrator(learn="tau_mem"),
    "per neuron": lambda: sl.LIF(tau_mem=torch.linspace(1.5, 4.0, 9), learn="tau_mem"),
}


def results(neuron: sl.Neuron, x: Tensor, policy: str, segments: int | None) -> list[Tensor]:
    """Output, recorded potential, final state and all gradients."""
    leaf = x.detach().requires_grad_()
    with sl.memory(policy, segments=segments), sl.record(neuron, "v") as trace:
        y, state = sl.unroll(neuron, leaf)
    tensors = [y, trace["v"], *state[""].values()]
    loss = sum((weighted(t) for t in tensors), torch.zeros((), dtype=x.dtype))
    return [*tensors, *torch.autograd.grad(loss, [leaf, *neuron.parameters()])]


def weighted(y: Tensor) -> Tensor:
    return (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum()


def drive(steps: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return (4 * torch.rand(steps, 2, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(3))).to(dtype)


@pytest.mark.parametrize("backend", ["numba", "reference"])
@pytest.mark.parametrize("name", NEURONS)
def test_recomputed_and_kept_are_equal(name: str, backend: str) -> None:
    with sl.backend(backend):
        wanted = results(NEURONS[name](), drive(23), "states", None)
        for segments in (None, 1, 4, 23, 500):
            given = results(NEURONS[name](), drive(23), "recompute", segments)
            assert all(torch.equal(a, b) for a, b in zip(given, wanted, strict=True))
    assert wanted[0].any() or name == "read-out"


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_dtypes(dtype: torch.dtype) -> None:
    wanted = results(NEURONS["adaptive"](), drive(23, dtype), "states", None)
    given = results(NEURONS["adaptive"](), drive(23, dtype), "recompute", 5)
    assert all(torch.equal(a, b) for a, b in zip(given, wanted, strict=True))


@pytest.mark.parametrize("neurons", [1, 1023, 1025, 5000])
def test_blocks(neurons: int) -> None:
    x = torch.rand(12, 1, neurons, generator=torch.Generator().manual_seed(0)) * 3
    lif = sl.LIF(tau_mem=2.0)
    wanted, given = results(lif, x, "states", None), results(lif, x, "recompute", 3)
    assert all(torch.equal(a, b) for a, b in zip(given, wanted, strict=True))


def test_a_sequence_without_steps() -> None:
    with sl.memory("recompute"):
        x = torch.rand(0, 2, 3).requires_grad_()
        sl.LIF()(x).sum().backward()
    assert x.grad is not None and x.grad.shape == x.shape


def kept_bytes(neuron: sl.Neuron, x: Tensor) -> int:
    """Bytes of the distinct storages that autograd holds, but for the input's own."""
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = neuron(x)
    storages.pop(x.untyped_storage().data_ptr(), None)
    assert y.requires_grad
    return sum(storages.values())


def test_what_is_kept() -> None:
    """LIF: four bytes per neuron and step, or four bytes per neuron and segment."""
    x = torch.rand(100, 1, 4096).requires_grad_()
    with sl.memory("states"):
        assert kept_bytes(sl.LIF(), x) == 4 * x.numel()
    with sl.memory("recompute"):
        assert kept_bytes(sl.LIF(), x) == 4 * 4096 * 10
    with sl.memory("recompute", segments=25):
        assert kept_bytes(sl.LIF(), x) == 4 * 4096 * 25


def test_auto_recomputes_where_memory_would_run_short(monkeypatch: pytest.MonkeyPatch) -> None:
    import spikeloom.compile._policy as policy

    x = torch.rand(50, 1, 300).requires_grad_()
    neuron = sl.Refractory(sl.AdaptiveLIF(), t_ref=2.0)
    assert not neuron.plan(x).variant.recompute
    monkeypatch.setattr(policy, "_total", lambda device: 8 * 10_000)
    assert neuron.plan(torch.rand(51, 1, 300).requires_grad_()).variant.recompute


@pytest.mark.parametrize("segments", [0, -1, 2.5, True])
def test_bad_segments(segments: object) -> None:
    with pytest.raises(sl.errors.ParameterError, match="a whole number"):
        sl.memory("recompute", segments=segments)  # type: ignore[arg-type]


def test_an_unknown_policy_is_refused_with_the_nearest() -> None:
    with pytest.raises(sl.errors.UnknownNameError, match="Did you mean 'recompute'"):
        sl.memory("recomputed")


class TestSegmentsOfAModel:
    """`unroll(model, x, segments=n)` keeps the input and the state between pieces."""

    def network(self) -> nn.Module:
        torch.manual_seed(0)
        layers = (nn.Linear(5, 40), sl.LIF(tau_mem=2.0), nn.Dropout(0.0), nn.Linear(40, 3), sl.AdaptiveLIF(tau_mem=3.0))
        return sl.nn.Sequential(*layers)

    def gradients(self, net: nn.Module, loss: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad(loss, list(net.parameters())))

    @pytest.mark.parametrize("segments", [1, 3, 7, 50, 90])
    @pytest.mark.parametrize("last", [None, sl.nn.Count, sl.nn.Rate])
    def test_equals_the_whole(self, segments: int, last: type[nn.Module] | None) -> None:
        net = self.network() if last is None else sl.nn.Sequential(*self.network().children(), last())
        x = torch.rand(50, 3, 5, generator=torch.Generator().manual_seed(1)) * 4
        whole, state = sl.unroll(net, x)
        pieces, state_of_pieces = sl.unroll(net, x, segments=segments)
        torch.testing.assert_close(pieces, whole, rtol=1e-6, atol=0)
        for name, values in state.items():
            for n, value in values.items():  # products of fewer rows may add up in another order
                torch.testing.assert_close(state_of_pieces[name][n], value, rtol=1e-5, atol=1e-5)
        wanted = self.gradients(net, weighted(whole))
        for a, b in zip(self.gradients(net, weighted(pieces)), wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)

    def test_truncated(self) -> None:
        """As pieces run by hand with a detached state between them."""
        net, x = self.network(), torch.rand(20, 2, 5, generator=torch.Generator().manual_seed(2)) * 4
        given = self.gradients(net, weighted(sl.unroll(net, x, segments=4, truncate=True)[0]))
        state, pieces = None, []
        for piece in x.split(5):
            y, after = sl.unroll(net, piece, state)
            state = {name: {n: v.detach() for n, v in values.items()} for name, values in after.items()}
            pieces.append(y)
        wanted = self.gradients(net, weighted(torch.cat(pieces)))
        assert all(torch.equal(a, b) for a, b in zip(given, wanted, strict=True))
        whole = self.gradients(net, weighted(net(x)))
        assert not all(torch.equal(a, b) for a, b in zip(given, whole, strict=True))

    def test_back_end_and_policy_hold_in_the_backward_pass(self) -> None:
        net, x = self.network(), torch.rand(20, 2, 5) * 4
        used = []
        net[1].register_forward_pre_hook(lambda module, inputs: used.append(module.plan(*inputs).backend))
        with sl.backend("reference"):
            y, _ = sl.unroll(net, x, segments=2)
        y.sum().backward()
        assert used == ["reference"] * 4

    def test_batch_normalisation_is_refused(self) -> None:
        net = sl.nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), sl.LIF())
        with pytest.raises(sl.errors.SpikeloomError, match="'1' normalises over all steps"):
            sl.unroll(net, torch.rand(8, 2, 5), segments=2)
        sl.unroll(net.eval(), torch.rand(8, 2, 5), segments=2)

    def test_recording_is_refused(self) -> None:
        net = self.network()
        with sl.record(net, "v"), pytest.raises(sl.errors.SpikeloomError, match="recorded"):
            sl.unroll(net, torch.rand(8, 2, 5), segments=2)

    def test_memory_grows_with_a_piece(self) -> None:
        """What autograd keeps of T = 400 in 20 pieces is less than a tenth of what it keeps of the whole."""
        net = self.network()
        current = (torch.rand(1, 3, 5) * 4).expand(400, 3, 5)

        def kept(segments: int | None) -> int:
            storages: dict[int, int] = {}

            def pack(tensor: Tensor) -> Tensor:
                storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
                return tensor

            counted = sl.nn.Sequential(*net.children(), sl.nn.Count())
            with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                y, _ = sl.unroll(counted, current, segments=segments)
                assert y.requires_grad
            return sum(storages.values())

        assert kept(20) * 10 < kept(None)
