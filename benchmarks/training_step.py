"""One training step of the networks of `networks.py`: forward, cross-entropy on the mean output rate, backward, Adam.

Products in float32, and under `torch.autocast` in bfloat16 where a library works with it; weights, and our neurons'
state, stay in float32.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.agreement import DisagreementError
from benchmarks.contenders import OURS, installed
from benchmarks.networks import Task, assemble, rates
from benchmarks.tables import Result, Row, Value
from benchmarks.timing import Times, fastest, interleaved, milliseconds, ratio

# Products are summed in another order step by step than over all steps at once, so a potential may land on the other
# side of the threshold: one such spike moves the loss by about 1 / (T * batch * classes), and the spikes after it.
LOSS, GRADIENT = 1e-4, 1e-2
# Rounding every product to 8 bits moves the rates themselves.
LOSS_BFLOAT16 = 2e-2

FLOAT32, BFLOAT16 = "float32", "bfloat16"
NOTE = "×: time of the fastest peer relative to ours, the median of the ratios within each round."


@dataclass(frozen=True)
class Contender:
    """A library, and what it multiplies in."""

    library: str
    products: str

    @property
    def label(self) -> str:
        return f"{self.library}, {self.products}"

    def loss(self, network: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
        """Of the mean output rate over time."""
        bfloat16 = self.products == BFLOAT16
        with torch.autocast("cpu", torch.bfloat16) if bfloat16 else contextlib.nullcontext():
            rates = network(x).mean(dim=0)
        return nn.functional.cross_entropy(rates.float(), labels)


def _loss_and_gradient(contender: Contender, network: nn.Module, x: Tensor, labels: Tensor) -> tuple[float, Tensor]:
    """The loss and the gradient of the first layer's weights, to which all others lead."""
    loss = contender.loss(network, x, labels)
    loss.backward()
    gradient = next(network.parameters()).grad
    assert gradient is not None
    return loss.item(), gradient


def compare(task: Task, contender: Contender, x: Tensor, labels: Tensor) -> Row:
    """Errors of loss and gradient against ours in float32; raises DisagreementError where they are too large."""
    layers = task.initial()
    ours = assemble(OURS, layers, like=contender.library)
    loss, gradient = _loss_and_gradient(Contender(OURS, FLOAT32), ours, x, labels)
    other = assemble(contender.library, layers)
    loss_other, gradient_other = _loss_and_gradient(contender, other, x, labels)
    loss_error = abs(loss - loss_other) / loss
    gradient_error = ((gradient - gradient_other).norm() / gradient.norm()).item()
    exact = contender.products == FLOAT32
    if not (loss_error < (LOSS if exact else LOSS_BFLOAT16) and (gradient_error < GRADIENT or not exact)):
        raise DisagreementError(
            f"{task.name}, {OURS} and {contender.label}: expected errors of loss and gradient below {LOSS:g} and "
            f"{GRADIENT:g} (loss alone, {LOSS_BFLOAT16:g}, in bfloat16), got {loss_error:.2g} and {gradient_error:.2g}."
        )
    return {"compared with": contender.label, "loss error": loss_error, "gradient error": gradient_error}


def step(task: Task, contender: Contender, x: Tensor, labels: Tensor) -> Callable[[], None]:
    """What is timed."""
    network = assemble(contender.library, task.initial())
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)

    def run() -> None:
        optimiser.zero_grad()
        contender.loss(network, x, labels).backward()
        optimiser.step()

    return run


def _rows(times: Times) -> list[Row]:
    """A row for each precision, a column for each library."""
    peers32 = [name for name in times if name.endswith(FLOAT32) and not name.startswith(OURS)]
    rows: list[Row] = []
    for products in (FLOAT32, BFLOAT16):
        named = {name.removesuffix(f", {products}"): name for name in times if name.endswith(products)}
        ours = named.get(OURS)
        row: dict[str, Value] = {"products": products}
        row |= {f"{library}, ms": milliseconds(times, name) for library, name in named.items()}
        peers = [name for library, name in named.items() if library != OURS]
        if ours and peers:
            row["fastest peer alike ×"] = ratio(times, fastest(times, peers), ours)
            row["fastest peer in float32 ×"] = ratio(times, fastest(times, peers32), ours)
        rows.append(row)
    return rows


def run(task: Task, *, repeats: int) -> list[Result]:
    x, labels = task.data()
    contenders = [Contender(name, products) for products in (FLOAT32, BFLOAT16) for name in (OURS, *installed())]
    agreements: list[Row] = []
    absent: list[str] = []
    for contender in contenders:
        try:
            agreements.append(compare(task, contender, x, labels))
        except RuntimeError as error:  # a peer whose state is float32 where autocast hands it bfloat16
            if contender.library == OURS or contender.products == FLOAT32:
                raise
            absent.append(f"{contender.label} does not run: {str(error).splitlines()[0]}")
    work = {c.label: step(task, c, x, labels) for c in contenders if not any(a.startswith(c.label) for a in absent)}
    times = interleaved(work, repeats=repeats, what=f"training step of {task.name}")
    note = " ".join([NOTE, *absent])
    active = f"Neurons that spike per step, by layer: {', '.join(f'{rate:.1%}' for rate in rates(task, x))}."
    return [
        Result(f"{task.name}: agreement with ours in the first step, same weights", agreements, active, headline=False),
        Result(f"Training step, {task.name}: {task.described}, Adam", _rows(times), note),
    ]
