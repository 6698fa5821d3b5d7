"""What is fused into a neuron's kernel gives what the modules give one by one: values, gradients, statistics."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.nn import _normalisation, sequential

STEPS, BATCH = 5, 3


@pytest.fixture(autouse=True)
def however_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fuse also where it does not pay."""
    monkeypatch.setattr(sequential, "WORTHWHILE", 0)


def one_by_one(modules: Iterable[nn.Module], x: Tensor) -> Tensor:
    """The definition: each module called by itself, time folded into the batch for those of PyTorch."""
    for module in modules:
        if isinstance(module, sl.nn.Residual):
            start = x if module.shortcut is None else one_by_one([module.shortcut], x)
            x = one_by_one(module.branch, x) + start
        elif isinstance(module, nn.Sequential):
            x = one_by_one(module, x)
        elif isinstance(module, sl.Neuron | sl.nn.Count):
            x = module(x)
        else:
            x = module(x.flatten(0, 1).contiguous()).unflatten(0, x.shape[:2])
    return x


def linear() -> list[nn.Module]:
    return [nn.Linear(6, 8), sl.LIF(tau_mem=2.0, learn=("tau_mem",)), nn.Linear(8, 4), sl.LeakyIntegrator()]


def normalised() -> list[nn.Module]:
    neuron = sl.Refractory(sl.AdaptiveLIF(tau_mem=3.0), t_ref=1.0)
    return [nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), neuron, nn.Linear(8, 8), sl.IF()]


def convolutional() -> list[nn.Module]:
    return [
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        sl.LIF(tau_mem=torch.tensor([2.0, 3.0, 4.0, 5.0]), v_th=0.5, learn=("tau_mem", "v_th")),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 3, 2),
        nn.BatchNorm2d(3),
        sl.CurrentLIF(tau_mem=4.0, tau_syn=2.0, v_th=torch.linspace(0.1, 0.4, 12).view(3, 2, 2), learn=("v_th",)),
    ]


def volumetric() -> list[nn.Module]:
    return [nn.Unflatten(1, (2, 1)), nn.Conv3d(2, 4, (1, 3, 3)), nn.BatchNorm3d(4), sl.LIF(tau_mem=2.0)]


def residual() -> list[nn.Module]:
    inner = [nn.Linear(6, 6), nn.BatchNorm1d(6), sl.LIF(tau_mem=2.0), nn.Linear(6, 6), nn.BatchNorm1d(6)]
    other = sl.nn.Residual(nn.Linear(6, 5), shortcut=nn.Sequential(nn.Linear(6, 5, bias=False), nn.BatchNorm1d(5)))
    return [sl.nn.Residual(*inner), sl.IF(), other, sl.LIF(tau_mem=2.0), sl.nn.Residual(nn.Linear(5, 5), sl.IF())]


def residual_images() -> list[nn.Module]:
    inner = [
        nn.Conv2d(2, 2, 3, padding=1),
        nn.BatchNorm2d(2),
        sl.IF(),
        nn.Conv2d(2, 2, 3, padding=1),
        nn.BatchNorm2d(2),
    ]
    return [sl.nn.Residual(*inner), sl.LIF(tau_mem=2.0)]


def counted() -> list[nn.Module]:
    return [nn.Linear(6, 8), nn.BatchNorm1d(8), sl.LIF(tau_mem=2.0), nn.Linear(8, 4), sl.LIF(tau_mem=2.0), sl.nn.Rate()]


def summed() -> list[nn.Module]:
    return [nn.Linear(6, 4), sl.LeakyIntegrator(tau_mem=2.0), sl.nn.Count()]


def nested() -> list[nn.Module]:
    front = sl.nn.Sequential(nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)), sl.IF())
    return [front, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3), sl.nn.Sequential(sl.LIF(), sl.nn.Count())]


def unusual() -> list[nn.Module]:
    """Statistics that are not tracked, a mean over all batches, nothing learned."""
    layers: list[nn.Module] = [nn.Linear(6, 6), nn.BatchNorm1d(6, track_running_stats=False), sl.IF(v_th=0.5)]
    layers += [nn.Linear(6, 6), nn.BatchNorm1d(6, momentum=None, affine=False), sl.IF(v_th=0.5)]
    return [*layers, nn.Linear(6, 6), nn.BatchNorm1d(6, momentum=0.3, eps=0.1), sl.IF(v_th=0.5)]


NETWORKS: list[Callable[[], list[nn.Module]]] = [
    linear, normalised, convolutional, volumetric, residual, residual_images, counted, summed, nested, unusual,
]  # fmt: skip
IMAGES = {convolutional, volumetric, residual_images, nested}


def built(build: Callable[[], list[nn.Module]]) -> sl.nn.Sequential:
    torch.manual_seed(0)
    net = sl.nn.Sequential(*build())
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine:
                module.weight.uniform_(0.5, 2.0)
                module.bias.uniform_(0.2, 1.0)
    return net


def given(build: Callable[[], list[nn.Module]], dtype: torch.dtype = torch.float64) -> Tensor:
    torch.manual_seed(1)
    size = (2, 6, 6) if build in IMAGES else (6,)
    return (torch.rand(STEPS, BATCH, *size, dtype=dtype) * 2).requires_grad_()


def compared(net: sl.nn.Sequential, x: Tensor, **tolerance: float) -> None:
    """The net as a stack against its modules one by one, twice: values, all gradients, buffers."""
    other = copy.deepcopy(net)
    for _ in range(2):
        y, wanted = net(x), one_by_one(other, x)
        torch.testing.assert_close(y, wanted, **tolerance)
        weights = torch.linspace(0.1, 1.0, y.numel(), dtype=y.dtype).view(y.shape)
        found = torch.autograd.grad((y * weights).sum(), [x, *net.parameters()])
        for (name, _), g, w in zip(
            [("x", None), *net.named_parameters()],
            found,
            torch.autograd.grad((wanted * weights).sum(), [x, *other.parameters()]),
            strict=True,
        ):
            torch.testing.assert_close(g, w, msg=lambda text, name=name: f"{name}: {text}", **tolerance)
    for (name, buffer), same in zip(net.named_buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(buffer, same, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("build", NETWORKS)
def test_in_float64(build: Callable[[], list[nn.Module]], train: bool) -> None:
    net = built(build).double()
    net(given(build))  # running statistics that are not those of an untrained layer
    compared(net.train(train), given(build))


@pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("build", NETWORKS)
def test_in_float32(build: Callable[[], list[nn.Module]], train: bool) -> None:
    net = built(build)
    net(given(build, torch.float32))
    # Spikes are the same unless a potential is within rounding of the threshold; gradients divide by small variances.
    compared(net.train(train), given(build, torch.float32), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("build", [normalised, convolutional, residual_images], ids=lambda build: build.__name__)
def test_on_the_reference_back_end(build: Callable[[], list[nn.Module]]) -> None:
    with sl.backend("reference"):
        compared(built(build).double(), given(build))


@pytest.mark.parametrize("build", NETWORKS)
def test_inference_gives_the_same(build: Callable[[], list[nn.Module]]) -> None:
    net, x = built(build).double(), given(build)
    net(x)
    wanted = one_by_one(net.eval(), x)
    with torch.no_grad():
        torch.testing.assert_close(net(x), wanted)


def test_autocast_normalises_in_float32() -> None:
    net, x = built(convolutional), given(convolutional, torch.float32)
    other = copy.deepcopy(net)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = net(x)
        convolved = nn.functional.conv2d(x.flatten(0, 1), other[0].weight, padding=1)
    assert y.dtype == convolved.dtype == torch.bfloat16
    y.float().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in net.parameters())
    # The statistics of the rounded numbers, to more digits than those have.
    mean = convolved.double().mean((0, 2, 3)) + other[0].bias
    torch.testing.assert_close(net[1].running_mean, 0.1 * mean.float())
    assert net[1].running_var.dtype == torch.float32


def test_autocast_gives_what_the_modules_give_on_the_same_products() -> None:
    torch.manual_seed(0)
    x = torch.randn(STEPS, BATCH, 4, 6, 6).bfloat16().requires_grad_()
    net = sl.nn.Sequential(nn.BatchNorm2d(4), sl.LIF(tau_mem=2.0, v_th=0.3), nn.MaxPool2d(2))
    other = copy.deepcopy(net)
    y, wanted = net(x), one_by_one(other.float(), x.detach().float().requires_grad_())
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), wanted)


def test_noise_is_that_of_the_neuron_by_itself() -> None:
    """It is drawn by the neuron's index, which must not depend on the order in memory."""
    neuron = sl.Noisy(sl.LIF(tau_mem=2.0), sigma=1.0)
    net = sl.nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), neuron).eval()
    x = given(convolutional, torch.float32)
    torch.manual_seed(7)
    y = net(x)
    torch.manual_seed(7)
    torch.testing.assert_close(y, one_by_one(net, x))


@pytest.mark.parametrize("build", [convolutional, residual_images, counted], ids=lambda build: build.__name__)
def test_recomputed_in_the_backward_pass(build: Callable[[], list[nn.Module]]) -> None:
    net, x = built(build).double(), given(build)
    wanted = torch.autograd.grad(net(x).sum(), [x, *net.parameters()])
    with sl.memory("recompute"):
        found = torch.autograd.grad(net(x).sum(), [x, *net.parameters()])
    torch.testing.assert_close(found, wanted)


class TestState:
    @pytest.mark.parametrize("build", NETWORKS)
    def test_names_are_those_of_the_modules(self, build: Callable[[], list[nn.Module]]) -> None:
        net, other = built(build).double(), built(build).double()
        net(given(build))
        other.load_state_dict(net.state_dict())
        assert torch.equal(net.eval()(given(build)), other.eval()(given(build)))

    @pytest.mark.parametrize("build", [convolutional, residual, residual_images, nested], ids=lambda b: b.__name__)
    def test_sessions_see_what_they_always_see(self, build: Callable[[], list[nn.Module]]) -> None:
        net, x = built(build).double().eval(), given(build)
        with sl.record(net, "s", "v") as trace:
            y, state = sl.unroll(net, x)
        watched(net)
        with sl.record(net, "s", "v") as plain_trace:
            wanted, plain_state = sl.unroll(net, x)
        torch.testing.assert_close(y, wanted)
        assert state.keys() == plain_state.keys()
        for name, variables in plain_state.items():
            torch.testing.assert_close(state[name], variables)
        assert trace.keys() == plain_trace.keys()
        for name, values in plain_trace.items():
            torch.testing.assert_close(trace[name], values)

    @pytest.mark.parametrize("build", [convolutional, residual_images], ids=lambda b: b.__name__)
    def test_pieces_equal_the_whole(self, build: Callable[[], list[nn.Module]]) -> None:
        net, x = built(build).double().eval(), given(build)
        first, state = sl.unroll(net, x[:2])
        second, _ = sl.unroll(net, x[2:], state)
        torch.testing.assert_close(torch.cat([first, second]), net(x))

    def test_counts_of_pieces_add_up(self) -> None:
        net, x = built(counted).double().eval(), given(counted)
        first, state = sl.unroll(net, x[:2])
        second, _ = sl.unroll(net, x[2:], state)
        assert state["4"].keys() == {"v"}
        torch.testing.assert_close((2 * first + 3 * second) / 5, net(x))

    def test_wrong_state_is_refused_in_the_callers_order_of_axes(self) -> None:
        net, x = built(convolutional), given(convolutional, torch.float32)
        _, state = sl.unroll(net, x)
        state["2"]["v"] = state["2"]["v"][:, :, :5]
        with pytest.raises(sl.errors.ShapeError, match=r"expected \[3, 4, 6, 6\], got \[3, 4, 5, 6\]"):
            sl.unroll(net, x, state)

    def test_nan_is_found_in_the_callers_order_of_axes(self) -> None:
        net = sl.nn.Sequential(nn.Conv2d(2, 4, 1), sl.LIF())
        x = torch.zeros(STEPS, BATCH, 2, 5, 6)
        x[2, 1, 0, 3, 4] = float("nan")
        with pytest.raises(sl.errors.NonFiniteError, match=r"LIF.v of neuron \[1, 0, 3, 4\].*NaN from step 2"):
            net(x)


def watched(module: nn.Module) -> list[str]:
    """Hook every part; the list fills with the classes of those that are called."""
    called: list[str] = []
    for part in module.modules():
        part.register_forward_hook(lambda part, *_: called.append(type(part).__name__))
    return called


def told(net: nn.Module, x: Tensor) -> list[tuple[str, ...]]:
    return [item.fused for item in sl.explain(net, x)]


class TestWhatIsFused:
    def test_explain_says_it(self) -> None:
        assert told(built(linear), given(linear, torch.float32)) == [("bias",), ("bias",)]
        assert told(built(convolutional), given(convolutional, torch.float32)) == [("bias", "batch normalisation")] * 2
        assert told(built(counted), given(counted, torch.float32)) == [
            ("bias", "batch normalisation"),
            ("bias", "rate"),
        ]
        fused = told(built(residual), given(residual, torch.float32))
        assert fused[:2] == [("bias", "batch normalisation"), ("bias", "batch normalisation", "residual")]
        assert fused[2:] == [("bias", "residual"), ("bias",)]
        text = str(sl.explain(built(counted), given(counted, torch.float32))[1])
        assert "fused with bias, rate" in text

    def test_little_is_left_to_pytorch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """But counts and additions, which need nothing per channel."""
        monkeypatch.setattr(sequential, "WORTHWHILE", 8 * BATCH + 1)
        assert told(built(counted), given(counted, torch.float32)) == [(), ("rate",)]
        assert told(built(residual_images), given(residual_images, torch.float32)) == [
            ("bias", "batch normalisation"),
            ("bias", "batch normalisation", "residual"),
        ]
        compared(built(counted).double(), given(counted))
        monkeypatch.setattr(sequential, "WORTHWHILE", 1 << 20)
        assert told(built(residual_images), given(residual_images, torch.float32)) == [(), ("residual",)]

    def test_spikes_that_are_only_counted_are_not_written(self) -> None:
        net, x = built(counted).eval(), given(counted, torch.float32)
        with torch.no_grad():
            last = sl.explain(net, x)[1]
            assert "store(out_" not in last.source
            assert "fused_count" in last.source
            with sl.record(net, "s") as trace:
                rate = net(x)
        torch.testing.assert_close(trace["4.s"].mean(0), rate)

    def test_a_hook_sees_its_module_being_called(self) -> None:
        for part in (0, 1, 2, 4):
            net, x = built(counted).double(), given(counted)
            other = copy.deepcopy(net)
            called = watched(net[part])
            torch.testing.assert_close(net(x), one_by_one(other, x))
            assert called == [type(net[part]).__name__]

    def test_a_hook_may_change_what_passes(self) -> None:
        net, x = built(linear), given(linear, torch.float32)
        net[0].register_forward_pre_hook(lambda module, inputs: (torch.zeros_like(inputs[0]),))
        assert torch.equal(net(x), net(x * 3))
        net = built(linear)
        net[1].register_forward_hook(lambda module, inputs, output: output * 0)
        assert torch.equal(net(x), net(x * 3))

    def test_every_hook_sees_every_module(self) -> None:
        net, x = built(residual).double(), given(residual)
        wanted = net(x)
        called = watched(net)
        torch.testing.assert_close(net(x), wanted)
        assert sorted(called) == sorted(type(m).__name__ for m in net.modules())

    def test_a_hook_on_all_modules(self) -> None:
        net, x = built(counted).double(), given(counted)
        called: list[nn.Module] = []
        handle = nn.modules.module.register_module_forward_hook(lambda module, *_: called.append(module))
        try:
            net(x)
        finally:
            handle.remove()
        assert set(net).issubset(called)

    def test_a_class_of_ones_own_is_called(self) -> None:
        class Loud(nn.Linear):
            def forward(self, x: Tensor) -> Tensor:
                return super().forward(x) * 100

        class Doubled(sl.LIF):
            def forward(self, *inputs: Tensor) -> Tensor:
                return 2 * super().forward(*inputs)

        net = sl.nn.Sequential(Loud(6, 6), Doubled())
        x = given(linear, torch.float32)
        assert torch.equal(net(x), 2 * sl.LIF()(100 * nn.functional.linear(x, net[0].weight, net[0].bias)))

    def test_a_replaced_forward_is_called(self) -> None:
        net, x = built(linear), given(linear, torch.float32)
        net[0].forward = lambda x: torch.zeros(x.shape[0], 8)
        assert torch.equal(net(x), net(3 * x))


def test_too_few_samples_are_refused_as_by_the_module() -> None:
    net = sl.nn.Sequential(nn.BatchNorm1d(4), sl.IF())
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        net(torch.rand(1, 1, 4))
    with pytest.raises(RuntimeError, match="running_mean should contain"):
        net(torch.rand(2, 2, 5))


def test_a_branch_of_another_shape_is_refused() -> None:
    for after in ([], [sl.IF()]):
        net = sl.nn.Sequential(sl.nn.Residual(nn.Linear(6, 5)), *after)
        with pytest.raises(sl.errors.ShapeError, match=r"expected \[5, 3, 5\], got \[5, 3, 6\]. Give it shortcut="):
            net(torch.rand(STEPS, BATCH, 6))


def test_a_count_ends_a_stack() -> None:
    net = sl.nn.Sequential(sl.IF(), sl.nn.Count(), nn.Linear(6, 2))
    with pytest.raises(
        sl.errors.ShapeError, match=r"Count within Sequential: expected no layer after it. Put Count at the end"
    ):
        net(torch.rand(STEPS, BATCH, 6))


def test_counts_are_exact_beyond_bfloat16() -> None:
    x = torch.ones(300, 1, 2, dtype=torch.bfloat16)
    for net in (sl.nn.Sequential(sl.IF(), sl.nn.Count()), sl.nn.Count()):
        assert torch.equal(net(x), torch.full((1, 2), 300.0))


def test_the_result_has_the_order_in_memory_of_the_input() -> None:
    net, x = built(convolutional), given(convolutional, torch.float32).detach()
    assert net(x).is_contiguous()
    last = x.movedim(2, -1).contiguous().movedim(-1, 2)
    y = net(last)
    assert y.movedim(2, -1).is_contiguous()
    assert torch.equal(y, net(x))


def test_a_direct_current_passes_the_layers_once() -> None:
    net = built(convolutional).double().eval()
    x = given(convolutional)[:1].detach()
    torch.testing.assert_close(net(x.expand(STEPS, -1, -1, -1, -1)), net(x.repeat(STEPS, 1, 1, 1, 1)))
    net.train()
    torch.testing.assert_close(net(x.expand(STEPS, -1, -1, -1, -1)), net(x.repeat(STEPS, 1, 1, 1, 1)))


def test_the_gradient_is_that_of_finite_differences() -> None:
    """Through statistics, scale and shift, on a neuron without spikes."""
    torch.manual_seed(0)
    net = sl.nn.Sequential(nn.BatchNorm2d(3), sl.LeakyIntegrator(tau_mem=2.0)).double()
    x = torch.randn(3, 2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(net, (x,))


class TestStatistics:
    """In one pass, without cancellation, whatever the order in memory."""

    @pytest.mark.parametrize("last", [True, False], ids=["channels last", "channels first"])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
    def test_of_numbers_far_from_zero(self, dtype: torch.dtype, last: bool) -> None:
        torch.manual_seed(0)
        x = (torch.randn(5, 41, 3, 20, 20, dtype=torch.float64) + torch.tensor([0.0, 3.0, -1e3])[:, None, None]).to(
            dtype
        )
        x = x.movedim(2, -1).contiguous().movedim(-1, 2) if last else x
        mean, var = _normalisation.statistics(x)
        wanted_var, wanted_mean = torch.var_mean(x.double(), (0, 1, 3, 4), correction=0)
        # The third channel loses three digits to its mean where differences are not taken first, as PyTorch does not.
        tolerance = 1e-12 if dtype == torch.float64 else 1e-5
        torch.testing.assert_close(mean, wanted_mean, rtol=tolerance, atol=tolerance)
        torch.testing.assert_close(var, wanted_var, rtol=tolerance if last else 1e-3, atol=0.0)

    def test_are_the_same_for_any_number_of_threads(self) -> None:
        x = torch.randn(6, 50, 7, 9, 11).movedim(2, -1).contiguous().movedim(-1, 2)
        before = torch.get_num_threads()
        found = []
        try:
            for threads in (1, 2, 3):
                torch.set_num_threads(threads)
                found.append(torch.stack(_normalisation.statistics(x)))
        finally:
            torch.set_num_threads(before)
        assert torch.equal(found[0], found[1])
        assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("build", [convolutional, residual, counted], ids=lambda build: build.__name__)
def test_compiled_by_pytorch_in_one_graph(build: Callable[[], list[nn.Module]]) -> None:
    torch._dynamo.reset()
    net, x = built(build).eval(), given(build, torch.float32)
    compiled = torch.compile(copy.deepcopy(net), fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x), net(x))
