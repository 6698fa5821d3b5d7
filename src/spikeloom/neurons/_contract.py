"""Public contract tests: what holds for every neuron and every surrogate of the catalogue, and should for yours."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ..compile import backend
from ..errors import NonFiniteError, ParameterError, SpikeloomError, UnknownNameError
from ..parameters import Option, Param
from ..surrogate import Smoothed, Surrogate
from . import _plain
from ._session import Session, active
from .integrate_and_fire import IF
from .neuron import Neuron

_STEPS, _BATCH = 13, 3


def check_neuron(neuron: Neuron) -> None:
    """Raise AssertionError, naming neuron and rule, unless `neuron` keeps the contract.

    Checked: declarations are complete and refuse bad values; output has the input's shape and spikes are 0 or 1;
    neurons are independent; running in pieces equals running whole; every back end equals the plain PyTorch loop over
    `step`, forward and gradient; gradients equal finite differences on the smoothed model; a parameter given per neuron
    equals the same number; copies and pickles behave alike; NaN is refused.

    >>> import spikeloom as sl
    >>> check_neuron(sl.LIF())
    """
    for rule in _NEURON_RULES:
        try:
            rule(neuron)
        except AssertionError as error:
            raise AssertionError(f"{neuron!r} breaks {rule.__name__.removeprefix('_')}: {error}") from error


def check_surrogate(surrogate: Surrogate) -> None:
    """Raise AssertionError unless `surrogate` is a step at 0 whose slope is that of its primitive.

    Checked: the output is 1 where x >= 0 and 0 elsewhere; the slope is finite, equals `height` at threshold and is the
    derivative of the primitive (finite differences); `width` scales it along x; a compiled neuron uses the same slope.

    >>> import spikeloom as sl
    >>> check_surrogate(sl.surrogate.SuperSpike(width=0.2))
    """
    for rule in (_is_a_step, _slope_is_that_of_the_primitive, _width_and_height_scale, _compiles_to_the_same_slope):
        try:
            rule(surrogate)
        except AssertionError as error:
            raise AssertionError(f"{surrogate!r} breaks {rule.__name__.removeprefix('_')}: {error}") from error


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _drive(neuron: Neuron, *features: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Inputs over the declared span, which make a neuron spike now and then."""
    generator = torch.Generator().manual_seed(0)
    shape = (_STEPS, _BATCH, *features)
    drawn = [torch.rand(shape, generator=generator, dtype=dtype) for _ in neuron.inputs]
    spans = [item.span for item in neuron.inputs.values()]
    return [(high - low) * x + low for x, (low, high) in zip(drawn, spans, strict=True)]


def _run(neuron: Neuron, inputs: list[Tensor]) -> Tensor:
    """A call with a seed, so that a neuron with noise draws the same every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return neuron(*inputs)  # type: ignore[no-any-return]


def _plain_loop(neuron: Neuron, inputs: list[Tensor]) -> Tensor:
    """The definition, with the seed of `_run`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        named = dict(zip(neuron.inputs, inputs, strict=True))
        return _plain.run(neuron, named, None, (neuron.output,), {})[0][neuron.output]


def _gradients(run: Callable[[list[Tensor]], Tensor], inputs: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    y = run(leaves)
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
    return y.detach(), list(torch.autograd.grad((y * weights).sum(), leaves))


def _close(what: str, given: Tensor, wanted: Tensor, tolerance: float) -> None:
    _require(given.shape == wanted.shape, f"{what} has shape {list(given.shape)}, not {list(wanted.shape)}")
    scale = max(1.0, float(wanted.detach().abs().max()))
    error = float((given - wanted).detach().abs().max()) / scale
    _require(error <= tolerance, f"{what} differs by {error:.2e}, more than {tolerance:.0e}")


def _bad_values(param: Param) -> Iterator[float]:
    yield math.nan
    yield from (bound for bound in (param.low, param.high) if math.isfinite(bound))
    if math.isfinite(param.at_least):
        yield param.at_least - 1
    if math.isfinite(param.at_most):
        yield param.at_most + 1


def _declarations_are_complete(neuron: Neuron) -> None:
    for kind in (neuron.params, neuron.states, neuron.inputs):
        for name, item in kind.items():
            _require(bool(item.unit and item.meaning), f"{name} has no unit or meaning")
    for name, state in neuron.states.items():
        known = not isinstance(state.rest, str) or state.rest in neuron.params
        _require(known, f"state {name} rests at {state.rest!r}, which is no parameter")
    _require(bool(type(neuron).__doc__), "it has no docstring")


def _bad_parameters_are_refused(neuron: Neuron) -> None:
    probe = copy.deepcopy(neuron)
    for name in probe.declared(Param):
        for value in _bad_values(probe.params[name]):
            try:
                setattr(probe, name, value)
            except ParameterError:
                continue
            raise AssertionError(f"{name}={value} is accepted")
    try:
        type(neuron)(*([neuron.neuron] if hasattr(neuron, "neuron") else []), no_such_parameter=1.0)
    except UnknownNameError:
        return
    raise AssertionError("an unknown parameter is accepted")


def _shape_is_kept(neuron: Neuron) -> None:
    for features in ((), (1,), (7,), (2, 3, 5)):
        inputs = _drive(neuron, *features, dtype=torch.float32)
        y = _run(neuron, inputs)
        _require(y.shape == inputs[0].shape, f"{list(inputs[0].shape)} becomes {list(y.shape)}")
        if neuron.spiking and not neuron.graded:
            _require(bool(((y == 0) | (y == 1)).all()), "spikes are not 0 or 1")


def _neurons_are_independent(neuron: Neuron) -> None:
    if neuron.noises:
        return  # each draws its own
    inputs = _drive(neuron, 5)
    turned = _run(neuron, [x.flip(1, 2) for x in inputs])
    _close("output of reordered neurons", turned.flip(1, 2), _run(neuron, inputs), 0.0)


def _pieces_equal_the_whole(neuron: Neuron) -> None:
    inputs = _drive(neuron, 5)
    state, pieces = None, []
    for part in (slice(0, 4), slice(4, 5), slice(5, None)):
        session = Session({neuron: ""}, given=state, final={})
        with active(session):
            pieces.append(_run(neuron, [x[part] for x in inputs]))
        state = session.final
    _close("output in pieces", torch.cat(pieces), _run(neuron, inputs), 0.0)


def _backends_agree_with_the_plain_loop(neuron: Neuron) -> None:
    inputs = _drive(neuron, 5)
    wanted, gradients = _gradients(lambda xs: _plain_loop(neuron, xs), inputs)
    for name in ("reference", "auto"):
        with backend(name):
            y, found = _gradients(lambda xs: _run(neuron, xs), inputs)
        _close(f"output of back end {name}", y, wanted, 1e-9)
        for label, given, gradient in zip(neuron.inputs, found, gradients, strict=True):
            _close(f"gradient of {label} by back end {name}", given, gradient, 1e-8)


def _gradients_match_finite_differences(neuron: Neuron) -> None:
    own = {name for name, item in neuron.declared(Option).items() if isinstance(item.default, Surrogate)}
    surrogates = {name: Smoothed(of=neuron.option(name)) for name in {"surrogate", *own}}
    smooth = neuron.with_options(**surrogates, detach_reset=False)
    inputs = _drive(smooth, 4)
    # By the definition, with which the other back ends agree: a smoothed neuron is a kernel that nobody uses.
    with backend("reference"):
        _compare_with_differences(smooth, inputs)


def _compare_with_differences(smooth: Neuron, inputs: list[Tensor]) -> None:
    _, gradients = _gradients(lambda xs: _run(smooth, xs), inputs)
    y = _run(smooth, inputs)
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
    # Central differences are exact to O(eps^2); 1e-6 balances that against rounding, 1e-16 / 1e-6.
    eps = 1e-6
    for k, x in enumerate(inputs):
        for index in ((0, 0, 0), (_STEPS // 2, 1, 2), (_STEPS - 1, 2, 3)):
            sides = []
            for sign in (1, -1):
                moved = x.clone()
                moved[index] += sign * eps
                sides.append((_run(smooth, [*inputs[:k], moved, *inputs[k + 1 :]]) * weights).sum())
            slope = (sides[0] - sides[1]) / (2 * eps)
            _close(f"gradient at {index}", gradients[k][index], slope, 1e-5)


def _a_parameter_per_neuron_equals_the_number(neuron: Neuron) -> None:
    inputs = _drive(neuron, 5)
    wanted = _run(neuron, inputs)
    probe, names = copy.deepcopy(neuron), []
    for name in neuron.declared(Param):
        value = torch.as_tensor(neuron.param_values()[name], dtype=torch.float64).detach()
        if value.dim() == 0 and name not in neuron.learn:
            setattr(probe, name, value.expand(5).clone())
            names.append(name)
    # All at once, because each combination is a kernel of its own to compile.
    _close(f"output with {', '.join(names)} per neuron", _run(probe, inputs), wanted, 0.0)


def _copies_behave_alike(neuron: Neuron) -> None:
    inputs = _drive(neuron, 5)
    wanted = _run(neuron, inputs)
    _close("output of a deep copy", _run(copy.deepcopy(neuron), inputs), wanted, 0.0)
    _close("output of an unpickled copy", _run(pickle.loads(pickle.dumps(neuron)), inputs), wanted, 0.0)
    kept = {*(name for name, _ in neuron.named_parameters()), *(name for name, _ in neuron.named_buffers())}
    _require(set(neuron.state_dict()) == kept, "state_dict holds more than parameters and buffers")


def _nan_is_refused(neuron: Neuron) -> None:
    inputs = _drive(neuron, 5)
    inputs[0][3:] = math.nan  # for long, because a refractory neuron ignores its input
    try:
        neuron(*inputs)
    except NonFiniteError as error:
        _require("step 3" in str(error), f"the message does not name the step: {error}")
        return
    except SpikeloomError:
        pass
    raise AssertionError("NaN in the input passes")


_NEURON_RULES = (
    _declarations_are_complete,
    _bad_parameters_are_refused,
    _shape_is_kept,
    _neurons_are_independent,
    _pieces_equal_the_whole,
    _backends_agree_with_the_plain_loop,
    _gradients_match_finite_differences,
    _a_parameter_per_neuron_equals_the_number,
    _copies_behave_alike,
    _nan_is_refused,
)


def _slope(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    leaf = x.detach().clone().requires_grad_()
    return torch.autograd.grad(function(leaf).sum(), leaf)[0]


def _grid() -> Tensor:
    """Both sides of the threshold, and the threshold itself."""
    side = torch.linspace(0.01, 3, 300, dtype=torch.float64)
    return torch.cat([-side.flip(0), torch.zeros(1, dtype=torch.float64), side])


def _is_a_step(surrogate: Surrogate) -> None:
    x = _grid()
    _require(bool((surrogate(x) == (x >= 0)).all()), "the output is not 1 for x >= 0 and 0 below")


def _slope_is_that_of_the_primitive(surrogate: Surrogate) -> None:
    x = _grid() + 1e-3  # off the kinks of piecewise primitives
    slope = _slope(surrogate, x)
    _require(bool(torch.isfinite(slope).all()), "the slope is not finite")
    eps = 1e-6
    difference = (surrogate.smooth(x + eps) - surrogate.smooth(x - eps)) / (2 * eps)
    _close("slope", slope, difference.detach(), 1e-6)
    at_threshold = _slope(surrogate, torch.zeros(1, dtype=torch.float64))
    _close("slope at threshold", at_threshold, surrogate.height.reshape(1).double(), 1e-6)


def _width_and_height_scale(surrogate: Surrogate) -> None:
    x = _grid()
    scaled = copy.copy(surrogate)
    scaled.__dict__["_values"] = {**surrogate.__dict__["_values"]}
    scaled.width, scaled.height = float(surrogate.width) * 2, float(surrogate.height) * 3
    _close("slope at twice the width and thrice the height", _slope(scaled, 2 * x), 3 * _slope(surrogate, x), 1e-9)


def _compiles_to_the_same_slope(surrogate: Surrogate) -> None:
    x = _grid()
    wanted = _slope(lambda z: surrogate(z - 1), x)
    given = _slope(lambda z: IF(surrogate=surrogate)(z.view(1, 1, -1)), x)
    _close("slope of a compiled neuron", given, wanted, 1e-9)
