"""Bad input of every kind: the error says what was expected, what was given and what to do."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import spikeloom as sl
from spikeloom import errors

X = torch.rand(5, 2, 3)


def net() -> nn.Module:
    return sl.nn.Sequential(nn.Linear(3, 4), sl.LIF(), nn.Linear(4, 2), sl.LeakyIntegrator())


def states(model: nn.Module) -> dict[str, dict[str, torch.Tensor]]:
    return sl.unroll(model, X)[1]


def with_nan(step: int) -> torch.Tensor:
    x = X.clone()
    x[step, 1, 2] = math.nan
    return x


def unrolled(change: Callable[[dict[str, dict[str, torch.Tensor]]], object]) -> None:
    model = net()
    with torch.no_grad():
        state = states(model)
    change(state)
    sl.unroll(model, X, state)


def recorded(*names: str) -> None:
    with sl.record(net(), *names):
        pass


Case = tuple[Callable[[], object], type[errors.SpikeloomError], list[str]]

INPUTS: dict[str, Case] = {
    "rank 1": (lambda: sl.LIF()(torch.rand(5)), errors.ShapeError, ["[T, B, *features]", "[5]", "unsqueeze(1)"]),
    "rank 0": (lambda: sl.LIF()(torch.tensor(1.0)), errors.ShapeError, ["[T, B, *features]", "[]", "unsqueeze"]),
    "rank 1 of a stack": (lambda: net()(torch.rand(3)), errors.ShapeError, ["[T, B, *features]", "[3]", "unsqueeze"]),
    "integers": (lambda: sl.LIF()(X.int()), errors.DTypeError, ["floating-point", "torch.int32", ".float()"]),
    "truth values": (lambda: sl.LIF()(X > 0), errors.DTypeError, ["floating-point", "torch.bool", ".float()"]),
    "complex": (lambda: sl.LIF()(X * 1j), errors.DTypeError, ["floating-point", "torch.complex64", "convert"]),
    "an array": (lambda: sl.LIF()(X.numpy()), errors.DTypeError, ["tensor", "ndarray", "convert"]),
    "a list to a stack": (lambda: net()([[1.0]]), errors.DTypeError, ["a tensor", "list"]),
    "no input": (lambda: sl.LIF()(), errors.SpikeloomError, ["1", "0"]),
    "two inputs": (lambda: sl.LIF()(X, X), errors.SpikeloomError, ["1", "2"]),
    "NaN": (lambda: sl.LIF()(with_nan(3)), errors.NonFiniteError, ["LIF.v", "step 3", "[1, 2]", "before it"]),
    "NaN at the first step": (lambda: sl.LIF()(with_nan(0)), errors.NonFiniteError, ["step 0"]),
    "NaN at the last step": (lambda: sl.AdaptiveLIF()(with_nan(4)), errors.NonFiniteError, ["AdaptiveLIF.v", "step 4"]),
    "NaN to a read-out": (
        lambda: sl.LeakyIntegrator()(with_nan(2)), errors.NonFiniteError, ["LeakyIntegrator.v", "step 2"],
    ),
    "overflow within": (
        lambda: sl.LeakyIntegrator()(torch.tensor([math.inf, -math.inf]).view(2, 1, 1)),
        errors.NonFiniteError,
        ["became NaN", "in step 1 of 2 steps", "input scale"],
    ),
    "overflow in the middle": (
        lambda: sl.LeakyIntegrator()(torch.tensor([0.0] * 40 + [math.inf, -math.inf] + [0.0] * 58).view(100, 1, 1)),
        errors.NonFiniteError,
        ["in step 41 of 100 steps"],
    ),
    "no device": (lambda: sl.LIF()(X.to("meta")), errors.SpikeloomError, ["meta"]),
    "parameters elsewhere": (
        lambda: sl.LIF(tau_mem=torch.ones(3, device="meta"))(X), errors.SpikeloomError, ["meta", "cpu"],
    ),
}  # fmt: skip

PARAMETERS: dict[str, Case] = {
    "negative": (lambda: sl.LIF(tau_mem=-1.0), errors.ParameterError, ["LIF.tau_mem", "> 0", "ms", "-1", "is 20"]),
    "zero": (lambda: sl.LIF(tau_mem=0.0), errors.ParameterError, ["LIF.tau_mem", "> 0", "got 0"]),
    "NaN": (lambda: sl.LIF(tau_mem=math.nan), errors.ParameterError, ["LIF.tau_mem", "nan"]),
    "infinite": (lambda: sl.LIF(tau_mem=math.inf), errors.ParameterError, ["LIF.tau_mem", "inf"]),
    "NaN without bounds": (lambda: sl.LIF(v_th=math.nan), errors.ParameterError, ["LIF.v_th", "nan"]),
    "zero time step": (lambda: sl.LIF(dt=0.0), errors.ParameterError, ["LIF.dt", "> 0", "got 0"]),
    "negative in a tensor": (
        lambda: sl.LIF(tau_mem=torch.tensor([1.0, -2.0])), errors.ParameterError, ["LIF.tau_mem", "-2 to 1", "> 0"],
    ),
    "NaN in a tensor": (lambda: sl.LIF(tau_mem=torch.tensor([1.0, math.nan])), errors.ParameterError, ["nan"]),
    "empty": (lambda: sl.LIF(tau_mem=torch.ones(0)), errors.ParameterError, ["LIF.tau_mem"]),
    "integers": (lambda: sl.LIF(tau_mem=torch.tensor([2])), errors.DTypeError, ["floating-point", "int64", ".float()"]),
    "a word": (lambda: sl.LIF(tau_mem="fast"), errors.DTypeError, ["number or a tensor", "'fast'", "float"]),
    "a flag": (lambda: sl.LIF(tau_mem=True), errors.DTypeError, ["number or a tensor", "True"]),
    "nothing": (lambda: sl.LIF(tau_mem=None), errors.DTypeError, ["number or a tensor", "None"]),
    "words": (lambda: sl.LIF(tau_mem=["a"]), errors.DTypeError, ["number or a tensor"]),
    "misspelt": (lambda: sl.LIF(tau_men=2.0), errors.UnknownNameError, ["LIF", "'tau_men'", "did you mean 'tau_mem'"]),
    "another library's": (lambda: sl.LIF(beta=0.9), errors.UnknownNameError, ["LIF", "'beta'", "tau_mem"]),
    "a surrogate's": (
        lambda: sl.surrogate.ATan(widht=1.0), errors.UnknownNameError, ["ATan", "did you mean 'width'"],
    ),
    "learn": (lambda: sl.LIF(learn=("tau_men",)), errors.UnknownNameError, ["learn of LIF", "did you mean 'tau_mem'"]),
    "learn a state": (lambda: sl.LIF(learn=("v",)), errors.UnknownNameError, ["learn of LIF", "'v'"]),
    "learn an option": (lambda: sl.LIF(learn="soft_reset"), errors.UnknownNameError, ["learn of LIF", "'soft_reset'"]),
    "surrogate by name": (
        lambda: sl.LIF(surrogate="atan"), errors.DTypeError, ["LIF.surrogate", "Surrogate", "'atan'", "ATan()"],
    ),
    "surrogate as a class": (lambda: sl.LIF(surrogate=sl.surrogate.ATan), errors.DTypeError, ["Surrogate", "ATan()"]),
    "integrator": (lambda: sl.LIF(integrator=sl.surrogate.ATan()), errors.DTypeError, ["Integrator", "Exact()"]),
    "flag as a number": (lambda: sl.LIF(soft_reset=1), errors.DTypeError, ["LIF.soft_reset", "bool", "1"]),
    "set later": (lambda: setattr(sl.LIF(), "tau_mem", -3.0), errors.ParameterError, ["LIF.tau_mem", "-3"]),
    "width": (lambda: sl.surrogate.ATan(width=0.0), errors.ParameterError, ["ATan.width", "> 0"]),
    "too many axes": (
        lambda: sl.LIF(tau_mem=torch.ones(3, 4))(X), errors.ShapeError, ["LIF.tau_mem", "[3]", "[3, 4]", "per channel"],
    ),
    "wrong size": (lambda: sl.LIF(tau_mem=torch.ones(4))(X), errors.ShapeError, ["LIF.tau_mem", "[3]", "[4]"]),
    "per neuron without features": (lambda: sl.LIF(tau_mem=torch.ones(2))(X[..., 0]), errors.ShapeError, ["[]", "[2]"]),
    "refractory period off the grid": (
        lambda: sl.Refractory(sl.LIF(dt=0.5), t_ref=2.2), errors.ParameterError, ["t_ref", "0.5", "2.2", "2 ms"],
    ),
    "negative refractory period": (
        lambda: sl.Refractory(sl.LIF(), t_ref=-1.0), errors.ParameterError, ["Refractory.t_ref", ">= 0", "-1"],
    ),
    "wrapped class": (lambda: sl.Refractory(sl.LIF), errors.DTypeError, ["a Neuron", "Refractory(sl.LIF(), ...)"]),
    "wrapped layer": (lambda: sl.Refractory(nn.Linear(2, 2)), errors.DTypeError, ["a Neuron", "Linear"]),
    "wrapped twice": (
        lambda: sl.Refractory(sl.Refractory(sl.LIF())), errors.ParameterError, ["Refractory", "t_ref", "remaining"],
    ),
    "a wrapper's name": (lambda: sl.Refractory(sl.LIF(), t_reff=1.0), errors.UnknownNameError, ["mean 't_ref'"]),
}  # fmt: skip

STATES: dict[str, Case] = {
    "of another model": (
        lambda: unrolled(lambda s: s.update(other=s.pop("1"))), errors.UnknownNameError, ["state of unroll", "'other'"],
    ),
    "one neuron missing": (lambda: unrolled(lambda s: s.pop("3")), errors.SpikeloomError, ["state of unroll", "3"]),
    "empty": (lambda: unrolled(lambda s: s.clear()), errors.ShapeError, ["empty", "None"]),
    "one variable missing": (
        lambda: unrolled(lambda s: s["1"].clear()), errors.ShapeError, ["state of LIF", "['v']", "[]"],
    ),
    "one variable more": (
        lambda: unrolled(lambda s: s["1"].update(u=X[0])), errors.ShapeError, ["state of LIF", "['v']", "'u'"],
    ),
    "of another batch size": (
        lambda: unrolled(lambda s: s["1"].update(v=torch.zeros(1, 4))),
        errors.ShapeError,
        ["state 'v' of LIF", "[2, 4]", "[1, 4]", "batch"],
    ),
    "elsewhere": (
        lambda: unrolled(lambda s: s["1"].update(v=torch.zeros(2, 4, device="meta"))),
        errors.DeviceError,
        ["state 'v' of LIF", "cpu", "meta", ".to()"],
    ),
    "not a tensor": (lambda: unrolled(lambda s: s["1"].update(v=0.5)), errors.SpikeloomError, ["state 'v' of LIF"]),
    "with NaN": (
        lambda: unrolled(lambda s: s["1"]["v"].fill_(math.nan)), errors.NonFiniteError, ["LIF.v", "became NaN"],
    ),
    "a recorded name nobody has": (lambda: recorded("w"), errors.UnknownNameError, ["record", "'w'", "s, v"]),
    "a misspelt recorded name": (
        lambda: sl.record(sl.CurrentLIF(), "i_sin").__enter__(), errors.UnknownNameError, ["did you mean 'i_syn'"],
    ),
    "an input recorded": (lambda: recorded("i"), errors.UnknownNameError, ["record", "'i'"]),
    "back end": (lambda: sl.backend("nunba"), errors.UnknownNameError, ["back end", "did you mean 'numba'"]),
}  # fmt: skip


@pytest.mark.parametrize("case", INPUTS)
def test_inputs(case: str) -> None:
    check(INPUTS[case])


@pytest.mark.parametrize("case", PARAMETERS)
def test_parameters(case: str) -> None:
    check(PARAMETERS[case])


@pytest.mark.parametrize("case", STATES)
def test_states_and_names(case: str) -> None:
    check(STATES[case])


def check(case: Case) -> None:
    act, kind, words = case
    with pytest.raises(kind) as caught:
        act()
    missing = [word for word in words if word.lower() not in str(caught.value).lower()]
    assert not missing, f"{missing} not in: {caught.value}"


def test_every_error_is_a_spikeloom_error_and_a_builtin_one() -> None:
    """Callers who know nothing of Spikeloom may catch ValueError, TypeError, ..."""
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.SpikeloomError)]
    for kind in kinds:
        if kind is not errors.SpikeloomError:
            assert issubclass(kind, ValueError | TypeError | ArithmeticError | RuntimeError | ImportError), kind


def test_numba_by_name_refuses_another_device() -> None:
    with sl.backend("numba"), pytest.raises(errors.BackendError, match=r"numba.*got meta.*CPU only"):
        sl.LIF()(X.to("meta"))


def test_a_backend_that_was_refused_changes_nothing() -> None:
    with sl.backend("reference"):
        with pytest.raises(errors.UnknownNameError):
            sl.backend("cuda")
        assert sl.explain(sl.LIF(), X)[0].backend == "reference"
    assert sl.explain(sl.LIF(), X)[0].backend == "numba"


def test_backend_is_restored_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), sl.backend("reference"):
        raise ZeroDivisionError
    assert sl.explain(sl.LIF(), X)[0].backend == "numba"


def test_a_refused_value_leaves_the_old_one() -> None:
    neuron = sl.LIF(tau_mem=3.0, learn=("v_th",))
    for name, value in (("tau_mem", -1.0), ("v_th", math.nan)):
        with pytest.raises(errors.ParameterError):
            setattr(neuron, name, value)
    assert float(neuron.tau_mem) == 3.0
    assert float(neuron.v_th.detach()) == 1.0


def test_options_are_fixed() -> None:
    with pytest.raises(AttributeError, match="fixed at construction"):
        sl.LIF().soft_reset = True


def test_an_infinite_threshold_is_allowed() -> None:
    assert sl.LIF(v_th=math.inf)(10 * X).sum() == 0


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float32(2.0), np.float64(2.0), torch.tensor(2.0), torch.tensor(2.0).double()]
)
def test_numbers_of_every_sort(value: float) -> None:
    assert torch.equal(sl.LIF(tau_mem=value)(X * 4), sl.LIF(tau_mem=2.0)(X * 4))


@pytest.mark.parametrize("value", [[2.0, 3.0, 4.0], (2.0, 3.0, 4.0), np.array([2, 3, 4], dtype=np.float64)], ids=type)
def test_sequences_become_tensors(value: object) -> None:
    wanted = sl.LIF(tau_mem=torch.tensor([2.0, 3.0, 4.0]))(X * 4)
    assert torch.equal(sl.LIF(tau_mem=value)(X * 4), wanted)


class TestParametersOfAWrappedNeuron:
    """They keep their names: reading and setting them on the wrapper means the neuron's."""

    def test_read(self) -> None:
        assert float(sl.Refractory(sl.LIF(tau_mem=3.0)).tau_mem) == 3.0

    def test_set(self) -> None:
        neuron = sl.Refractory(sl.LIF(tau_mem=3.0))
        neuron.tau_mem = 7.0
        assert float(neuron.param_values()["tau_mem"]) == 7.0

    def test_set_time_step(self) -> None:
        neuron = sl.Refractory(sl.LIF(), t_ref=2.0)
        neuron.dt = 0.5
        assert float(neuron.param_values()["dt"]) == 0.5

    def test_bad_value(self) -> None:
        with pytest.raises(errors.ParameterError, match="tau_mem"):
            sl.Refractory(sl.LIF()).tau_mem = -1.0

    def test_refractory_period_off_the_grid(self) -> None:
        with pytest.raises(errors.ParameterError, match="multiple of dt"):
            sl.Refractory(sl.LIF()).t_ref = 2.3


@pytest.mark.parametrize(
    ("stated", "name", "refused"),
    [(sl.LIF(v_th=1.0, v_reset=0.0), "v_reset", 2.0), (sl.plasticity.STDP(w_min=0.0, w_max=1.0), "w_min", 2.0)],
)
def test_a_refused_value_is_not_taken(stated: sl.Neuron | sl.plasticity.Rule, name: str, refused: float) -> None:
    before = stated.param_values()[name]
    with pytest.raises(errors.ParameterError):
        setattr(stated, name, refused)
    assert stated.param_values()[name] == before
