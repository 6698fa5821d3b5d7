"""Conversion layer after layer, with training of what is not yet spiking."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ShapeError
from ._descent import Loss, Plan, Track, descend
from ._network import Converted
from .spiking_gradients import Gradient, Tandem
from .spiking_tuning import put_gradients


def tune_progressively(
    converted: Converted,
    data: Tensor,
    labels: Tensor,
    validation: tuple[Tensor, Tensor],
    *,
    gradient: Gradient | None = None,
    loss: Loss | None = None,
    steps: int | None = None,
    patience: int = 2,
    most: int = 10,
    lr: float = 1e-3,
    batch: int = 64,
    seed: int = 0,
    track: Track = iter,
    told: Callable[[str, float], object] = lambda layer, accuracy: None,
) -> Converted:
    """A copy of a converted network whose layers have become spiking one after another, while the others learn.

    At first all activations are those of the original. In each stage one more of them, from the input on, becomes
    neurons; weights before it are left as they are from then on, and those behind it learn from the spikes that really
    arrive. A stage ends when the accuracy on `validation` has not risen for so many epochs (`patience`), or after
    `most`; its best weights are kept. At last, with all neurons in place, the weights behind the last of them learn
    with a tenth of the rate. `told` hears the name of each stage's place and its accuracy. With a `loss` of outputs and
    `labels`, for regression, it takes the place of cross-entropy, and its negative on `validation` that of accuracy.

    Raises: ParameterError, ShapeError, ConversionError, NonFiniteError. Source: Wu, Xu, Zhang, Zhou, Li and Tan 2021,
    "Progressive tandem learning for pattern recognition with deep spiking neural networks", IEEE TPAMI (arXiv
    2007.01204); thresholds here are those of the conversion and not found anew in each stage.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> x = torch.rand(64, 4)
    >>> y = model(x).argmax(1)
    >>> tuned = sl.conversion.tune_progressively(sl.convert(model, x, steps=4), x, y, (x, y), most=1)
    """
    if not len(validation[0]) or len(validation[0]) != len(validation[1]):
        got = f"{len(validation[0])} and {len(validation[1])}"
        raise ShapeError("validation data", expected="some inputs, and one label for each", got=got)
    net = copy.deepcopy(converted)
    net.steps = net.steps if steps is None else steps
    put_gradients(net, Tandem() if gradient is None else gradient)
    places = [node.name for node in net.module.graph.nodes if node.name in net.sites]
    for number, place in enumerate(places):
        staged = _Staged(net, set(places[number + 1 :]))
        rate = lr if number + 1 < len(places) else lr / 10
        learning = _behind(net, place)
        best = _stage(staged, learning, data, labels, validation, patience, most, rate, batch, seed, track, loss)
        told(place, best)
    return net.requires_grad_(False)


class _Staged(nn.Module):
    """The network with exact activations in some places."""

    def __init__(self, net: Converted, exact: set[str]) -> None:
        super().__init__()
        self.net, self.exact = net, exact

    def forward(self, x: Tensor) -> Tensor:
        return self.net.sequence(x, exact=self.exact).mean(0)


def _stage(
    net: _Staged, learning: list[nn.Parameter], data: Tensor, labels: Tensor, validation: tuple[Tensor, Tensor],
    patience: int, most: int, lr: float, batch: int, seed: int, track: Track, loss: Loss | None,
) -> float:  # fmt: skip
    """Train for as long as it helps; the best accuracy, or negative loss."""
    net.requires_grad_(False)
    for values in learning:
        values.requires_grad_(True)
    best, kept, since = _score(net, validation, loss), _state(net), 0
    for epoch in range(most):
        # One epoch at a time, with a rate that stays.
        plan = Plan(1, lr, batch, seed + 7919 * epoch, track=track, loss=loss or functional.cross_entropy)
        descend(net, data, labels, plan, groups=[{"params": learning}])
        now = _score(net, validation, loss)
        since = 0 if now > best else since + 1
        if now > best:
            best, kept = now, _state(net)
        if since >= patience:
            break
    net.load_state_dict(kept)
    return best


def _behind(net: Converted, place: str) -> list[nn.Parameter]:
    """Parameters of what runs after a place."""
    names = [node.name for node in net.module.graph.nodes]
    later = [node for node in net.module.graph.nodes if names.index(node.name) > names.index(place)]
    called = [net.module.get_submodule(str(node.target)) for node in later if node.op == "call_module"]
    return list(dict.fromkeys(values for module in called for values in module.parameters()))


@torch.no_grad()
def _score(net: nn.Module, validation: tuple[Tensor, Tensor], loss: Loss | None) -> float:
    x, y = validation
    pairs = zip(torch.split(x, 256), torch.split(y, 256), strict=True)
    if loss is None:
        return sum(int((net(a).argmax(1) == b).sum()) for a, b in pairs) / len(x)
    return -sum(float(loss(net(a), b)) * len(a) for a, b in pairs) / len(x)


def _state(net: nn.Module) -> dict[str, Any]:
    return {name: value.clone() for name, value in net.state_dict().items()}
