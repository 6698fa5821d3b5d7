"""Complex states: the same bits as two real ones, and the same gradients; complex functions against PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import DTypeError, TraceError, UnknownNameError
from spikeloom.neurons import Euler, Exact, ExponentialEuler


class Resonator(sl.Neuron):
    """Resonate-and-fire: dz/dt = (b + i omega) z + i; spike where Im z >= v_th, then z <- i."""

    b = sl.Param(-0.1, "1/ms", "attraction to rest")
    omega = sl.Param(0.8, "1/ms", "angular frequency", low=0.0)
    v_th = sl.Param(1.0, "1", "spike threshold")
    i = sl.Input("1", "input")
    z = sl.State(0.25 - 0.5j, "1", "current and voltage", held=True)

    def derivative(self) -> dict[str, Tensor]:
        return {"z": torch.complex(self.b, self.omega) * self.z + self.i}

    def threshold(self) -> Tensor:
        return self.z.imag - self.v_th

    def reset(self) -> dict[str, Tensor]:
        return {"z": 1j + 0.5 * self.z.conj()}


class RealResonator(sl.Neuron):
    """The same with two real states."""

    b = sl.Param(-0.1, "1/ms", "attraction to rest")
    omega = sl.Param(0.8, "1/ms", "angular frequency", low=0.0)
    v_th = sl.Param(1.0, "1", "spike threshold")
    i = sl.Input("1", "input")
    z_real = sl.State(0.25, "1", "current", held=True)
    z_imag = sl.State(-0.5, "1", "voltage", held=True)

    def derivative(self) -> dict[str, Tensor]:
        return {
            "z_real": self.b * self.z_real - self.omega * self.z_imag + self.i,
            "z_imag": self.b * self.z_imag + self.omega * self.z_real,
        }

    def threshold(self) -> Tensor:
        return self.z_imag - self.v_th

    def reset(self) -> dict[str, Tensor]:
        return {"z_real": 0.5 * self.z_real, "z_imag": 1.0 - 0.5 * self.z_imag}


def drive(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(60, 2, 9, generator=torch.Generator().manual_seed(0)).to(dtype)


def outcome(neuron: sl.Neuron, x: Tensor) -> dict[str, Tensor]:
    leaf = x.clone().requires_grad_()
    with sl.record(neuron, "s", "z_real", "z_imag") as trace:
        y = neuron(leaf)
    total = sum((v * torch.linspace(-1, 1, v.numel(), dtype=v.dtype).view_as(v)).sum() for v in trace.values())
    wanted = [leaf, *neuron.parameters()]
    gradients = torch.autograd.grad(total, wanted)  # type: ignore[arg-type]
    assert 0 < float(y.detach().mean()) < 1
    return {**trace, **{f"gradient {k}": g for k, g in enumerate(gradients)}}


@pytest.mark.parametrize("backend", ["reference", "numba"])
@pytest.mark.parametrize("integrator", [Euler(), ExponentialEuler(), Exact()], ids=repr)
def test_a_complex_state_is_two_real_ones(backend: str, integrator: sl.neurons.Integrator) -> None:
    """The programs are the same up to the order of commutative operations, so states and gradients are equal bits."""
    given = {"dt": 0.25, "integrator": integrator, "learn": ("b", "omega"), "detach_reset": False}
    with sl.backend(backend):
        found = outcome(Resonator(**given), drive())
        wanted = outcome(RealResonator(**given), drive())
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name


@pytest.mark.parametrize(
    "neuron", [Resonator(), Resonator(dt=0.25, integrator=Euler()), sl.Refractory(Resonator(), t_ref=2.0)]
)
def test_a_complex_neuron_keeps_the_contract(neuron: sl.Neuron) -> None:
    """In it, the plain loop runs on PyTorch's own complex tensors."""
    sl.check_neuron(neuron)


def test_exact_meets_the_closed_form() -> None:
    """z(t) = exp((b + i omega) t) z(0) without input."""
    neuron = Resonator(v_th=math.inf)
    with sl.record(neuron, "z_real", "z_imag") as trace:
        neuron(torch.zeros(50, 1, 1, dtype=torch.float64))
    t = torch.arange(1, 51)
    wanted = torch.exp(complex(-0.1, 0.8) * t) * (0.25 - 0.5j)
    torch.testing.assert_close(trace["z_real"].flatten(), wanted.real.double(), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(trace["z_imag"].flatten(), wanted.imag.double(), rtol=1e-6, atol=1e-7)


def test_streams_go_on_with_both_parts() -> None:
    neuron, x = Resonator(), drive()
    first, state = sl.unroll(neuron, x[:20])
    assert set(state[""]) == {"z_real", "z_imag"}
    assert neuron.states["z_imag"].meaning == "current and voltage, imaginary part"
    second, _ = sl.unroll(neuron, x[20:], state)
    assert torch.equal(torch.cat([first, second]), neuron(x))


Function = Callable[[Tensor, Tensor], Tensor]
FUNCTIONS: dict[str, Function] = {
    "add": lambda z, w: z + w + 1 + 2j + (1 - z),
    "sub": lambda z, w: z - w - 0.5j - torch.tensor(0.25 + 1j),
    "mul": lambda z, w: z * w * 2j * (1 + z.real),
    "div": lambda z, w: z / w + z / 2 + z / w.real + (1 + 1j) / w,
    "neg": lambda z, w: -z + (+w),
    "conj": lambda z, w: z.conj() * w + torch.conj(w),
    "abs": lambda z, w: abs(z) + torch.abs(w) * z,
    "angle": lambda z, w: torch.angle(z) * w,
    "parts": lambda z, w: torch.real(z) + 1j * torch.imag(w) + torch.complex(z.imag, w.real),
    "polar": lambda z, w: torch.polar(z.abs(), w.imag) * z,
    "exp": lambda z, w: torch.exp(z) + (w / 4).exp(),
    "log": lambda z, w: torch.log(z) * w,
    "sqrt": lambda z, w: torch.sqrt(z) - torch.sqrt(w),
    "pow": lambda z, w: z**2 + w**3 + z**0.5 + z**-1 + 2**w + torch.pow(z, w / 8) + (1 + 1j) ** z,
    "reciprocal": lambda z, w: torch.reciprocal(z) + torch.square(w),
    "where": lambda z, w: torch.where(z.real > 0, z, w) + torch.where(w.imag > 0, z, 1j) + torch.where(z == w, 1.0, w),
    "detach": lambda z, w: z * w.detach() + z.clone(),
    "real argument": lambda z, w: z * torch.exp(w.real) + torch.exp(1j * z.real) + z.real * w - 3,
}


def calculator(function: Function) -> sl.Neuron:
    class Calculator(sl.Neuron):
        """A complex function of two complex numbers."""

        a, b = sl.Input("1", "real part of z"), sl.Input("1", "imaginary part of z")
        c, d = sl.Input("1", "real part of w"), sl.Input("1", "imaginary part of w")
        f = sl.State(0j, "1", "value")
        output = "f_real"

        def charge(self) -> dict[str, Tensor]:
            return {"f": function(torch.complex(self.a, self.b), torch.complex(self.c, self.d))}

    return Calculator()


# Kernels of the operations have tests of their own; here a few that use many.
CASES = [("reference", name) for name in FUNCTIONS] + [("numba", name) for name in ("div", "pow", "sqrt")]


@pytest.mark.parametrize(("backend", "name"), CASES)
def test_value_and_derivative(backend: str, name: str) -> None:
    function = FUNCTIONS[name]
    numbers = torch.randn(4, 1, 2, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    leaves = [x.clone().requires_grad_() for x in numbers]
    plain = [x.clone().requires_grad_() for x in numbers]
    with sl.backend(backend), sl.record(neuron := calculator(function), "f_real", "f_imag") as trace:
        neuron(*leaves)
    wanted = function(torch.complex(plain[0], plain[1]), torch.complex(plain[2], plain[3])).to(torch.complex128)
    found = torch.complex(trace["f_real"], trace["f_imag"])
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    weights = torch.linspace(1, 2, wanted.numel(), dtype=torch.float64).view_as(wanted) * (1 - 0.3j)
    slopes = torch.autograd.grad((wanted * weights).real.sum(), plain, allow_unused=True)
    given = torch.autograd.grad((found * weights).real.sum(), leaves)
    for slope, gradient in zip(slopes, given, strict=True):
        wanted_slope = torch.zeros_like(gradient) if slope is None else slope
        torch.testing.assert_close(gradient, wanted_slope, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ["abs", "angle", "sqrt"])
def test_at_zero(name: str) -> None:
    """At rest, z = 0: value 0 as PyTorch has it, and no gradient that is not a number."""
    function = {"abs": torch.abs, "angle": torch.angle, "sqrt": torch.sqrt}[name]
    zeros = [torch.zeros(1, 1, 1, dtype=torch.float64, requires_grad=True) for _ in range(4)]
    with sl.backend("reference"):
        y = calculator(lambda z, w: function(z) + 0 * w)(*zeros)
    assert float(y.detach()) == 0.0
    assert all(float(g) == 0.0 for g in torch.autograd.grad(y.sum(), zeros))


def refused(function: Function) -> str:
    inputs = [torch.zeros(1, 1, 1)] * 4
    with pytest.raises((TraceError, DTypeError, UnknownNameError)) as caught:
        calculator(function)(*inputs)
    return str(caught.value)


def test_refusals_say_what_to_do() -> None:
    assert "no order" in refused(lambda z, w: z * (z < w))
    assert "for complex values there are" in refused(lambda z, w: torch.erf(z)).lower()
    assert "torch.where" in refused(lambda z, w: z if z == w else w)
    assert "not declared" in refused(lambda z, w: z * torch.zeros(3, dtype=torch.complex64))
    assert "mul_" in refused(lambda z, w: z.mul_(w))


def test_a_complex_value_for_a_real_state_is_refused() -> None:
    class Wrong(Resonator):
        """Returns a complex value for a real state."""

        v = sl.State(0.0, "1", "real")

        def derivative(self) -> dict[str, Tensor]:
            return {**super().derivative(), "v": self.z}

    with pytest.raises((TraceError, DTypeError), match="expected a real value, got a complex one"):
        Wrong()(drive())
