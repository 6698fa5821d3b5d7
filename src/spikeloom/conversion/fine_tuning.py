"""Training before conversion: activations that spikes can tell exactly in few steps."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from torch import Tensor, fx, nn

from ._descent import Plan, Track, descend
from .clipping import QCFS, Clipping, with_activations


def fine_tune(
    model: nn.Module,
    data: Any,
    labels: Tensor | None = None,
    *,
    activation: Clipping | None = None,
    epochs: int = 10,
    lr: float = 1e-3,
    batch: int = 64,
    decay: float = 0.0,
    percent: float = 99.9,
    distillation: float = 0.0,
    temperature: float = 1.0,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    track: Track = iter,
) -> fx.GraphModule:
    """A copy of a trained classifier with clipped activations, trained to do without what is clipped.

    `data` are inputs [N, ...] with `labels` [N], or batches of both, such as a `DataLoader`. Rectifiers become copies
    of `activation` (by default `QCFS(levels=8)`), their bounds begin at a percentile of the model's activations. The
    loss is the cross-entropy; the share `distillation` of it, all of it where tensors have no labels, is the divergence
    from the outputs of the model as it was. `decay` is the L2 penalty of bounds. The rest is that of Adam: batches in
    an order drawn by `seed`, a learning rate that falls to 0 as a cosine. The result is in evaluation mode, ready for
    `sl.convert`; the model itself is left as it is.

    With `checkpoint` the same call goes on after the last finished epoch. `track` sees the batches of each epoch.
    Raises: ParameterError, ShapeError, ConversionError, NonFiniteError, CheckpointError.
    Source: TCL and QCFS, see there; distillation: Hinton, Vinyals and Dean 2015, arXiv 1503.02531.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> x = torch.rand(64, 4)
    >>> tuned = sl.conversion.fine_tune(model, x, model(x).argmax(1), epochs=1)
    >>> spiking = sl.convert(tuned, x, sl.conversion.RateCode(), steps=8)
    """
    plan = Plan(
        epochs=epochs, lr=lr, batch=batch, seed=seed, distillation=distillation, temperature=temperature,
        checkpoint=checkpoint, track=track,
    )  # fmt: skip
    net = with_activations(model, data, QCFS() if activation is None else activation, percent=percent)
    net.requires_grad_(True).train()
    bounds = [module.bound for module in net.modules() if isinstance(module, Clipping)]
    others = [value for value in net.parameters() if not any(value is bound for bound in bounds)]
    groups: list[dict[str, Any]] = [{"params": others}, {"params": bounds, "weight_decay": decay}]
    descend(net, data, labels, plan, groups=groups, teacher=copy.deepcopy(model))
    return net.eval()
