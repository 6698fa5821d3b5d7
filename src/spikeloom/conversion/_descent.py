"""Gradient descent on labels, on what another network says, or on both: the same for all ways of fine-tuning."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import CheckpointError, NonFiniteError, ParameterError, ShapeError
from ..training.checkpoint import flatten_optimizer, pack, unflatten_optimizer, unpack
from ..training.folder import write_atomically

Track = Callable[[Iterable[Any]], Iterable[Any]]
# Of outputs and labels, or whatever else is wanted.
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Plan:
    """How long and how fast: the learning rate falls to 0 as a cosine, epoch after epoch, and orders depend on `seed`.

    `distillation` is the share of the loss that is the divergence from the outputs of the original, at `temperature`.
    With `checkpoint`, a file is written after each epoch, from which the same call goes on.
    """

    epochs: int
    lr: float
    batch: int = 64
    seed: int = 0
    distillation: float = 0.0
    temperature: float = 1.0
    checkpoint: str | Path | None = None
    track: Track = field(default=iter)
    loss: Loss = functional.cross_entropy

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ParameterError(f"{name} of fine-tuning", expected="a whole number >= 1", got=repr(value))
        for name in ("lr", "temperature"):
            if not 0.0 < getattr(self, name) < float("inf"):
                raise ParameterError(f"{name} of fine-tuning", expected="a number above 0", got=getattr(self, name))
        if not 0.0 <= self.distillation <= 1.0:
            raise ParameterError("distillation", expected="a share, 0 <= distillation <= 1", got=self.distillation)

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        return self.lr * (1 + math.cos(math.pi * epoch / self.epochs)) / 2


def descend(
    net: nn.Module, data: Any, labels: Tensor | None, plan: Plan, *, groups: Sequence[dict[str, Any]],
    teacher: nn.Module | None = None,
) -> None:  # fmt: skip
    """Train the parameters in `groups`, as Adam takes them; groups may scale the learning rate by `factor`.

    Raises: ParameterError, ShapeError, NonFiniteError, CheckpointError. The caller's random state is left as it was.
    """
    if labels is None and isinstance(data, Tensor):
        plan = Plan(**{**vars(plan), "distillation": 1.0})
    if plan.distillation and teacher is None:
        raise ParameterError("fine-tuning by distillation", expected="the original network", got="none")
    factors = [group.get("factor", 1.0) for group in groups]
    optimiser = torch.optim.Adam([{k: v for k, v in group.items() if k != "factor"} for group in groups], lr=plan.lr)
    teacher = None if teacher is None else teacher.eval()
    with torch.random.fork_rng():
        for epoch in range(_resumed(net, optimiser, plan), plan.epochs):
            torch.manual_seed(plan.seed * 1_000_003 + epoch)
            for group, factor in zip(optimiser.param_groups, factors, strict=True):
                group["lr"] = factor * plan.rate(epoch)
            for x, y in plan.track(_batches(data, labels, plan.batch)):
                loss = _loss(net(x), y, None if teacher is None else _told(teacher, x), plan)
                if not torch.isfinite(loss):
                    do = "try a lower learning rate"
                    raise NonFiniteError(f"loss of fine-tuning, epoch {epoch + 1}", got=float(loss.detach()), do=do)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            _save(net, optimiser, plan, epoch + 1)


@torch.no_grad()
def _told(teacher: nn.Module, x: Tensor) -> Tensor:
    return teacher(x)  # type: ignore[no-any-return]


def _loss(given: Tensor, y: Tensor | None, told: Tensor | None, plan: Plan) -> Tensor:
    """The plan's own, and T^2 times the divergence of softmax(outputs / T) from the teacher's."""
    loss = torch.zeros(())
    if plan.distillation < 1.0:
        if y is None:
            do = "give labels, or distillation=1.0"
            raise ParameterError("labels of fine-tuning", expected="one for each input", got="none", do=do)
        loss = loss + (1 - plan.distillation) * plan.loss(given, y)
    if told is not None and plan.distillation:
        t = plan.temperature
        found, wanted = (functional.log_softmax(each / t, 1) for each in (given, told))
        divergence = functional.kl_div(found, wanted, reduction="batchmean", log_target=True)
        loss = loss + plan.distillation * t * t * divergence
    return loss


def _batches(data: Any, labels: Tensor | None, size: int) -> Iterable[tuple[Tensor, Tensor | None]]:
    """Of tensors, in an order that the global generator draws; or what a loader gives."""
    if not isinstance(data, Tensor):
        return (pair if isinstance(pair, tuple | list) else (pair, None) for pair in data)  # type: ignore[misc]
    if not len(data) or (labels is not None and len(labels) != len(data)):
        got = f"{len(data)} inputs and {'no' if labels is None else len(labels)} labels"
        raise ShapeError("data of fine-tuning", expected="one label for each of some inputs", got=got)
    order = torch.split(torch.randperm(len(data)), size)
    return _Indexed(data, labels, order)


class _Indexed:
    """Batches of tensors, whose number is known."""

    def __init__(self, data: Tensor, labels: Tensor | None, order: Sequence[Tensor]) -> None:
        self.data, self.labels, self.order = data, labels, order

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Any:
        for rows in self.order:
            yield self.data[rows], None if self.labels is None else self.labels[rows]


def _save(net: nn.Module, optimiser: torch.optim.Optimizer, plan: Plan, epoch: int) -> None:
    if plan.checkpoint is None:
        return
    kept, values = flatten_optimizer(optimiser.state_dict(), prefix="optimiser.")
    tensors = {f"net.{name}": value for name, value in net.state_dict().items()} | kept
    named = {"epoch": epoch, "optimiser": values, "plan": _described(plan)}
    write_atomically(Path(plan.checkpoint), pack(tensors, named))


def _resumed(net: nn.Module, optimiser: torch.optim.Optimizer, plan: Plan) -> int:
    """The epoch to go on with."""
    if plan.checkpoint is None or not Path(plan.checkpoint).exists():
        return 0
    tensors, values = unpack(Path(plan.checkpoint).read_bytes(), source=str(plan.checkpoint))
    if values["plan"] != _described(plan):
        do = "give the run's own settings, or another file"
        raise CheckpointError(f"fine-tuning in {plan.checkpoint}", expected=values["plan"], got=_described(plan), do=do)
    state = {name.removeprefix("net."): value for name, value in tensors.items() if name.startswith("net.")}
    net.load_state_dict(state)
    optimiser.load_state_dict(unflatten_optimizer(tensors, values["optimiser"], prefix="optimiser."))
    return int(values["epoch"])


def _described(plan: Plan) -> dict[str, Any]:
    return {name: value for name, value in vars(plan).items() if name not in ("track", "checkpoint", "loss")}
