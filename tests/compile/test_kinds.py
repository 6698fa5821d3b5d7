"""Integer and truth-value states, parameters that vary with time, and storage in half precision."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import DTypeError, ShapeError, TraceError, UnknownNameError
from spikeloom.parameters import Input, Param, State

BACKENDS = ("numba", "reference")


class Counting(sl.Neuron):
    """Fires when the charge is above v_th and fewer than `most` spikes came before; counts with integers."""

    v_th = Param(1.0, "1", "threshold")
    i = Input("1", "charge")
    spikes = State(0, "1", "spikes so far", dtype=torch.int32)
    odd = State(False, "1", "whether their number is odd", dtype=torch.bool)
    last = State(-1, "1", "bits of recent spikes", dtype=torch.int32)
    level = State(0.0, "1", "a real number made of integers")

    def charge(self) -> dict[str, Tensor]:
        fires = (self.i >= self.v_th) & ((self.spikes < 3) | (self.i > 5.0))
        spikes = self.spikes + fires
        last = ((self.last << 1) | fires) & 0xFFFF
        level = torch.where(self.odd, spikes * 0.5, (spikes // 2 + last % 5).to(torch.float32)) + self.i
        return {"spikes": spikes, "odd": spikes % 2 == 1, "last": last, "level": level}

    def threshold(self) -> Tensor:
        return torch.where(self.odd, self.level, -self.level) - self.v_th


def plain(x: Tensor) -> tuple[list[int], list[int], list[bool]]:
    """The same in Python for one neuron."""
    spikes, last, odd = 0, -1, False
    counts, bits, odds = [], [], []
    for value in x.tolist():
        fires = value >= 1.0 and (spikes < 3 or value > 5.0)
        spikes += fires
        last = ((last << 1) | int(fires)) & 0xFFFF
        odd = spikes % 2 == 1
        counts.append(spikes)
        bits.append(last)
        odds.append(odd)
    return counts, bits, odds


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("policy", ["states", "recompute"])
def test_states_of_every_kind(backend: str, policy: str) -> None:
    x = (torch.rand(40, 2, 3, generator=torch.Generator().manual_seed(0)) * 6).requires_grad_()
    neuron = Counting()
    with sl.backend(backend), sl.memory(policy), sl.record(neuron, "spikes", "odd", "last") as trace:
        y, state = sl.unroll(neuron, x)
    assert state[""]["spikes"].dtype == torch.int32 and state[""]["odd"].dtype == torch.bool
    assert not trace["spikes"].requires_grad
    for b in range(2):
        for n in range(3):
            counts, bits, odds = plain(x[:, b, n])
            assert trace["spikes"][:, b, n].tolist() == counts
            assert trace["last"][:, b, n].tolist() == bits
            assert trace["odd"][:, b, n].tolist() == odds
    y.sum().backward()
    assert x.grad is not None and x.grad.any()


def test_back_ends_agree_on_every_kind() -> None:
    x = torch.rand(40, 1, 500, generator=torch.Generator().manual_seed(1)) * 6
    runs = []
    for backend in BACKENDS:
        leaf = x.clone().requires_grad_()
        with sl.backend(backend):
            y, state = sl.unroll(Counting(), leaf)
        (y.sum() + state[""]["level"].sum()).backward()
        runs.append([y, *state[""].values(), leaf.grad])
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def test_a_stream_of_integers_goes_on() -> None:
    x = torch.rand(20, 2, 3) * 6
    neuron = Counting()
    whole = neuron(x)
    first, state = sl.unroll(neuron, x[:7])
    second, _ = sl.unroll(neuron, x[7:], state)
    assert torch.equal(torch.cat([first, second]), whole)
    state[""]["spikes"] = state[""]["spikes"].float()
    with pytest.raises(DTypeError, match=r"expected torch\.int32, got torch\.float32"):
        sl.unroll(neuron, x[7:], state)


@pytest.mark.parametrize("backend", BACKENDS)
def test_integers_are_those_of_32_bits(backend: str) -> None:
    class Integers(sl.Neuron):
        """Sums and products wrap; quotients round down; by zero they are zero; casts end at the bounds."""

        i = Input("1", "x")
        wrapped = State(2**31 - 1, "1", "largest", dtype=torch.int32)
        quotient = State(-7, "1", "q", dtype=torch.int32)
        remainder = State(-7, "1", "r", dtype=torch.int32)
        zero = State(5, "1", "z", dtype=torch.int32)
        cast = State(0, "1", "c", dtype=torch.int32)
        flipped = State(12, "1", "f", dtype=torch.int32)
        output = "cast"

        def charge(self) -> dict[str, Tensor]:
            return {
                "wrapped": self.wrapped + 1,
                "quotient": self.quotient // 2,
                "remainder": self.remainder % 4,
                "zero": self.zero // (self.zero - self.zero) + self.zero % (self.zero ^ self.zero),
                "cast": (self.i * 1e10).to(torch.int32),
                "flipped": (~self.flipped >> 1) + (self.flipped << 40) + (self.flipped << -1) + (self.flipped >> 33),
            }

    with sl.backend(backend):
        _, state = sl.unroll(Integers(), torch.tensor([[[1.0, -1.0, 1e-9]]]))
    found = {name: value.flatten().tolist() for name, value in state[""].items()}
    assert found["wrapped"] == [-(2**31)] * 3
    assert (found["quotient"], found["remainder"], found["zero"]) == ([-4] * 3, [1] * 3, [0] * 3)
    assert found["cast"] == [2**31 - 1, -(2**31), 10]
    assert found["flipped"] == [~12 >> 1] * 3


def test_a_real_number_does_not_silently_become_an_integer() -> None:
    class Wrong(sl.Neuron):
        """Adds a half to an integer."""

        i = Input("1", "x")
        n = State(0, "1", "count", dtype=torch.int32)
        output = "n"

        def charge(self) -> dict[str, Tensor]:
            return {"n": self.n + 0.5}

    with pytest.raises(TraceError, match=r"n of Wrong: expected torch.int32, as declared, got a real number.*\.to\("):
        Wrong()(torch.rand(2, 1, 1))


class TestVaryingParameters:
    """A parameter given to the call as a tensor over time."""

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_step_by_step(self, backend: str) -> None:
        """As one call per step, each with the value of its step."""
        x = torch.rand(9, 2, 4) * 2
        v_th = torch.linspace(0.3, 1.5, 9)
        with sl.backend(backend):
            given = sl.LIF(tau_mem=2.0)(x, v_th=v_th)
            state, steps = None, []
            for t in range(9):
                y, state = sl.unroll(sl.LIF(tau_mem=2.0, v_th=float(v_th[t])), x[t : t + 1], state)
                steps.append(y)
        assert torch.equal(given, torch.cat(steps)) and given.any()

    @pytest.mark.parametrize("shape", [(9,), (9, 2), (9, 1, 4), (9, 2, 4), (9, 1, 1)])
    def test_shapes_and_gradients(self, shape: tuple[int, ...]) -> None:
        x = torch.rand(9, 2, 4, generator=torch.Generator().manual_seed(0)) * 2
        values = (torch.rand(shape, generator=torch.Generator().manual_seed(1)) + 0.3).requires_grad_()
        full = values.detach().reshape((*shape, *[1] * (3 - len(shape)))).expand(9, 2, 4).clone().requires_grad_()
        (given,) = torch.autograd.grad(sl.LIF(tau_mem=2.0)(x, v_th=values).sum(), values)
        (wanted,) = torch.autograd.grad(sl.LIF(tau_mem=2.0)(x, v_th=full).sum(), full)
        wanted = wanted.sum_to_size((*shape, *[1] * (3 - len(shape)))).reshape(shape)
        torch.testing.assert_close(given, wanted)
        assert wanted.any()

    def test_refused(self) -> None:
        lif, x = sl.LIF(), torch.rand(9, 2, 4)
        with pytest.raises(ShapeError, match=r"expected the leading sizes of \[9, 2, 4\], got \[8\]"):
            lif(x, v_th=torch.ones(8))
        with pytest.raises(UnknownNameError, match="Did you mean 'v_th'"):
            lif(x, vth=torch.ones(9))
        with pytest.raises(sl.errors.ParameterError, match="tau_mem"):
            lif(x, tau_mem=-torch.ones(9))
        with pytest.raises(ShapeError, match="a number"):
            lif(x, v_th=2.0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_rounded_to_nearest_even(dtype: torch.dtype) -> None:
    """Kernels convert by themselves; every number of half precision, infinities and NaN included, passes unchanged."""

    class Through(sl.Neuron):
        """Hands on its input, and 1 + 1/512 of it."""

        i = Input("1", "x")
        v = State(0.0, "1", "v")
        w = State(0.0, "1", "w")
        output = "w"

        def charge(self) -> dict[str, Tensor]:
            return {"v": self.v + 0.0, "w": self.i * 1.001953125}

    bits = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16)
    x = bits.view(dtype)
    x = x[torch.isfinite(x)].view(1, 1, -1)
    wanted = (x.float() * 1.001953125).to(dtype)
    assert torch.equal(Through()(x), wanted)
