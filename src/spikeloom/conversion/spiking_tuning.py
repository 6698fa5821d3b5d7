"""Training after conversion: weights, thresholds and leaks of the spiking network itself."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..errors import ConversionError
from ._descent import Plan, Track, descend
from ._network import Converted
from .spiking_gradients import BySurrogate, Gradient, trainable

# Thresholds are learnt as logarithms and leaks as logits, which move by less per change of value than weights do.
_NEURONS = 10.0


def tune_spiking(
    converted: Converted,
    data: Any,
    labels: Tensor | None = None,
    *,
    gradient: Gradient | None = None,
    teacher: nn.Module | None = None,
    encoder: Callable[[Tensor], Tensor] | None = None,
    steps: int | None = None,
    epochs: int = 5,
    lr: float = 5e-4,
    batch: int = 64,
    distillation: float = 0.0,
    temperature: float = 1.0,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    track: Track = iter,
) -> Converted:
    """A copy of a converted network, trained with its spikes in runs of so many `steps`.

    The loss is that of the mean output: cross-entropy with `labels`, or for the share `distillation` the divergence
    from the outputs of a `teacher`, such as the original. `gradient` says how gradients pass neurons, and what these
    learn: `BySurrogate()`, `ByLastSpike()` or `Tandem()`. With an `encoder`, which makes sequences [T, B, ...] of
    inputs, the network learns from spikes, drawn anew each time, and not from inputs that stand still. Weights have
    what a spike is worth in them and learn all the same. Data, order, rate and `checkpoint` are as in `fine_tune`.
    Dropout of the
    model is off; `BySurrogate` has its own.

    Raises: ConversionError where there is nothing but hard resets, signed or several spikes; as `fine_tune` otherwise.
    Source: Rathi et al. 2020, "Enabling deep spiking neural networks with hybrid conversion and spike timing dependent
    backpropagation", ICLR; and the sources of each `Gradient`.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> x = torch.rand(64, 4)
    >>> spiking = sl.convert(model, x, steps=4)
    >>> tuned = sl.conversion.tune_spiking(spiking, x, model(x).argmax(1), epochs=1)
    """
    plan = Plan(
        epochs=epochs, lr=lr, batch=batch, seed=seed, distillation=distillation, temperature=temperature,
        checkpoint=checkpoint, track=track,
    )  # fmt: skip
    net = copy.deepcopy(converted)
    net.steps = net.steps if steps is None else steps
    put_gradients(net, BySurrogate() if gradient is None else gradient)
    net.module.requires_grad_(True)
    net.sites.train()
    groups: list[dict[str, Any]] = [{"params": list(net.module.parameters())}]
    neurons = list(net.sites.parameters())
    if neurons:
        groups.append({"params": neurons, "factor": _NEURONS})
    descend(
        net if encoder is None else _Encoded(net, encoder),
        data,
        labels,
        plan,
        groups=groups,
        teacher=copy.deepcopy(teacher),
    )
    return net.eval().requires_grad_(False)


class _Encoded(nn.Module):
    """The network, shown its inputs as spikes."""

    def __init__(self, net: Converted, encoder: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.net, self.encoder = net, encoder

    def forward(self, x: Tensor) -> Tensor:
        return self.net(self.encoder(x), encoded=True)  # type: ignore[no-any-return]


def put_gradients(net: Converted, gradient: Gradient) -> None:
    """Let gradients pass all plain neurons this way; others keep the surrogate that they have."""
    places = [name for name, site in net.sites.items() if trainable(site)]
    if not places:
        do = "convert with soft reset and single spikes, as RateCode() does"
        got = ", ".join(repr(getattr(site, "neuron", site)) for site in net.sites.values()) or "none"
        raise ConversionError(f"neurons of {net.name} to be tuned", expected="IF with soft reset", got=got, do=do)
    for name in places:
        net.sites[name] = gradient.site(net.sites[name])  # type: ignore[arg-type]
