"""From a trained network to a spiking one."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx, nn

from ..errors import ConversionError, DTypeError, ParameterError
from ._absorb import absorb
from ._adjust import Original, adjust
from ._balance import balance
from ._elementwise import elementwise
from ._fold import folded, positive
from ._named import METHODS, method_of
from ._network import Converted
from ._operations import WEIGHTED, Kind, Operation, operation_of_each
from ._search import Preference, best, tried
from ._sites import Site
from ._statistics import statistics
from ._trace import place, traced
from .methods import Method, usable


def convert(
    model: nn.Module,
    calibration: Any,
    method: str | Method = "calibrated",
    *,
    steps: int = 32,
    images: int = 512,
    prefer: Preference = "accuracy",
) -> Converted:
    """A spiking network that computes what a trained one does, by rates of spikes.

    `calibration` are inputs as the model takes them: a tensor [N, ...], a tuple of tensors for several inputs, or
    batches of either, with or without labels behind, such as a `DataLoader`; up to `images` of them are used, and in
    the end the result is checked against the model on the first batch. `method` is a name of `METHODS` or a `Method`;
    "auto" tries all of them, calibrated with one half of the data and judged by the other, for most agreement with the
    model (`prefer="accuracy"`), or, within half a point of it, for the fewest steps ("latency") or "operations"; the
    result then has its `trials`.
    The model itself is left as it is. `steps` is for how many steps thresholds are chosen, and how many a call runs.

    Weights stay what they are, batch normalisation is folded into them, and biases are constant currents. Rectifiers
    (any spelling of ReLU, ReLU6, leaky ReLU, and modules that state `as_rectifier`) become neurons, with the threshold
    that a module states by `as_threshold`, or that of the method; modules with `as_site` state neurons of their own. A
    maximum is that of counts of spikes. Other functions are told by increments of f(mean so far) and sent on as signed
    spikes.

    Raises: ConversionError with file and line of all that cannot be converted; ParameterError for calibration data that
    are empty, not finite or of one value only; UnknownNameError for a method.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> spiking = sl.convert(model, torch.rand(64, 4), steps=64)
    >>> spiking(torch.rand(5, 4)).shape
    torch.Size([5, 3])
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ParameterError("steps of convert", expected="a whole number >= 1", got=repr(steps))
    if not isinstance(model, nn.Module):
        raise DTypeError("model of convert", expected="a torch.nn.Module", got=type(model).__name__)
    batches = batches_of(calibration, images)
    trained = copy.deepcopy(model).eval().requires_grad_(False)
    module = folded(traced(trained, batches[0]))
    operations = _operations(module, type(model).__name__)
    _check_same(trained, module, batches[0])
    if method != "auto":
        return _made(module, operations, steps, method_of(method), batches)
    trials = tried(partial(_made, module, operations, steps), trained, METHODS, batches, steps)
    chosen = best(trials, prefer)
    converted = _made(module, operations, steps, METHODS[chosen.method], batches)
    if prefer != "accuracy":
        converted.steps = -(-chosen.steps // converted.window) * converted.window
    converted.trials = trials
    return converted


def _made(
    module: fx.GraphModule, operations: dict[str, Operation], steps: int, method: Method,
    batches: Sequence[tuple[Tensor, ...]],
) -> Converted:  # fmt: skip
    """The network by one method; the graph may be used again."""
    module, chosen = copy.deepcopy(module), method.with_steps(steps)
    sites = _sites(module, operations, chosen, batches, steps)
    window, pooling = chosen.window(steps), chosen.pooling
    converted = Converted(module, operations, sites, steps, type(module).__name__, window, pooling).eval()
    if chosen.sequential:
        balance(converted, chosen, batches, steps)
    original = Original(converted, batches) if chosen.adjusting else None
    absorb(converted)
    if original is not None:
        adjust(converted, original, steps, rounds=chosen.adjusting)
    return converted


def _operations(module: fx.GraphModule, name: str) -> dict[str, Operation]:
    found = operation_of_each(module)
    unknown = [
        f"{found[node.name].label} at {place(node)}"
        for node in module.graph.nodes
        if found[node.name].kind is Kind.UNKNOWN
    ]
    if unknown:
        do = "use layers of PyTorch, or give the module as_rectifier() -> (slope, ceiling) if it is linear above 0"
        listed = "".join(f"\n  {each}" for each in unknown)
        raise ConversionError(f"{name} cannot be converted", expected="known operations", got=listed, do=do)
    return found


@torch.no_grad()
def _check_same(model: nn.Module, module: fx.GraphModule, inputs: tuple[Tensor, ...]) -> None:
    """Whether the traced and folded network still computes what the model does."""
    wanted, found = model(*(x.clone() for x in inputs)), module(*(x.clone() for x in inputs))
    if not isinstance(wanted, Tensor):
        do = "convert the part that makes the tensor you need"
        raise ConversionError(type(model).__name__, expected="one tensor as output", got=type(wanted).__name__, do=do)
    each = (wanted - found).abs().flatten(1).amax(1) if wanted.dim() > 1 else (wanted - found).abs()
    # Folded weights differ in the last digit, by which an activation that rounds takes the next level in few inputs.
    names = ("as_threshold", "as_site")
    rounds = any(callable(getattr(layer, name, None)) for layer in module.modules() for name in names)
    away = float((each.median() if rounds else each.max()) / wanted.abs().max().clamp(min=1e-12))
    if not away < 1e-3:
        do = "look for changes in place, such as x += y, of what is used again"
        got = f"a difference of {away:.2g} of the largest output on the first batch"
        raise ConversionError(f"the traced {type(model).__name__}", expected="the model's own output", got=got, do=do)


def _sites(
    module: fx.GraphModule, operations: dict[str, Operation], method: Method, batches: Sequence[tuple[Tensor, ...]],
    steps: int,
) -> dict[str, Site]:  # fmt: skip
    fired = [node for node in module.graph.nodes if _fires(node, operations)]
    functions = {node: elementwise(node) for node in fired} if type(method).gated is not Method.gated else {}
    arguments = [node.all_input_nodes[0] for node, function in functions.items() if function is not None]
    found = statistics(module, [*fired, *arguments], batches)
    if method.threshold.of_weights:
        found = statistics(positive(module), fired, [_largest(batches)])
    sites: dict[str, Site] = {}
    for node in fired:
        operation, seen = operations[node.name], found[node.name]
        if operation.own:
            sites[node.name] = module.get_submodule(str(node.target)).as_site(steps)  # type: ignore[operator]
            continue
        samples, highest = seen.samples, seen.highest
        assert highest is not None and seen.lowest is not None
        if operation.kind is Kind.FUNCTION or operation.slope > 0.0:
            samples, highest = samples.abs(), torch.maximum(highest, -seen.lowest)
        if not (method.channelwise and _channels_first(node)):
            samples, highest = samples.flatten(), highest.max()
        if not float(highest.max()) > 0.0:
            do = "calibrate with data as the network knows them, or leave the layer away"
            got = f"0 for all {len(samples)} samples"
            raise ConversionError(f"{operation.label} at {place(node)}", expected="activations above 0", got=got, do=do)
        theta = _stated(node)
        if theta is None:
            theta = usable(method.threshold.of(samples, highest))
        chosen, function = method.fitted(samples, theta, steps), functions.get(node)
        if function is not None:
            chosen = chosen.gated(function, found[node.all_input_nodes[0].name].samples, steps)
        sites[node.name] = chosen.site(operation, theta, steps)
    return sites


def _largest(batches: Sequence[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """One input that is nowhere below any other."""
    return tuple(torch.stack([x.amax(0) for x in each]).amax(0, keepdim=True) for each in zip(*batches, strict=True))


def _stated(node: fx.Node) -> Tensor | None:
    """The threshold that a module states of itself, `as_threshold() -> Tensor`, because it was trained."""
    module = node.graph.owning_module
    assert module is not None
    stated = getattr(module.get_submodule(str(node.target)), "as_threshold", None) if node.op == "call_module" else None
    return stated() if callable(stated) else None


def _fires(node: fx.Node, operations: dict[str, Operation]) -> bool:
    """Rectifiers, and other functions of which the result goes on to a layer of weights."""
    kind = operations[node.name].kind
    return kind is Kind.RECTIFIER or (kind is Kind.FUNCTION and _feeds_weights(node))


def _feeds_weights(node: fx.Node) -> bool:
    module = node.graph.owning_module
    assert module is not None
    targets = [str(user.target) for user in node.users if user.op == "call_module"]
    return any(isinstance(module.get_submodule(target), WEIGHTED) for target in targets)


def _channels_first(node: fx.Node) -> bool:
    """Whether the axis behind the batch is one of channels: after a convolution, or the only one there is."""
    shape = node.meta["tensor_meta"].shape
    return len(shape) in (2, 4, 5)


def batches_of(calibration: Any, images: int) -> list[tuple[Tensor, ...]]:
    """Inputs in batches, of which labels are left away."""
    expected = "inputs of the network: a tensor [N, ...], or batches"
    if isinstance(calibration, Tensor) or (isinstance(calibration, tuple) and _whole(calibration)):
        given: Iterable[Any] = zip(
            *(
                torch.split(x[:images], 64)
                for x in ((calibration,) if isinstance(calibration, Tensor) else calibration)
            ),
            strict=True,
        )
    elif isinstance(calibration, Iterable) and not isinstance(calibration, str | bytes):
        given = calibration
    else:
        raise ParameterError("calibration data", expected=expected, got=type(calibration).__name__)
    found: list[tuple[Tensor, ...]] = []
    count = 0
    for batch in given:
        inputs = (batch,) if isinstance(batch, Tensor) else tuple(batch)
        # Labels are whole numbers.
        inputs = tuple(x for x in inputs if isinstance(x, Tensor) and x.is_floating_point())
        if not inputs or not len(inputs[0]):
            continue
        found.append(inputs)
        count += len(inputs[0])
        if count >= images:
            break
    if not found:
        do = "give some hundred inputs as the network was trained with"
        raise ParameterError("calibration data", expected=expected, got="none", do=do)
    for number, x in enumerate(found[0]):
        every = torch.cat([batch[number] for batch in found])
        if not torch.isfinite(every).all():
            raise ParameterError("calibration data", expected="finite values", got="NaN or infinity")
        if every.numel() > 1 and bool((every == every.flatten()[0]).all()):
            do = "nothing can be learnt from it about activations"
            raise ParameterError(
                "calibration data", expected="values that differ", got=f"{float(x.flatten()[0]):g}", do=do
            )
    return found


def _whole(calibration: tuple[Any, ...]) -> bool:
    return bool(calibration) and all(isinstance(x, Tensor) and x.is_floating_point() for x in calibration)
