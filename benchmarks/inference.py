"""One image at a time: the network `fc` with batch 1, without gradients."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.agreement import DisagreementError
from benchmarks.contenders import OURS, installed
from benchmarks.networks import FC, assemble, rates
from benchmarks.tables import Result, Row
from benchmarks.timing import fastest, interleaved, milliseconds, ratio

# A potential next to the threshold may spike in one library only, and then what follows it differs rightly.
SPIKES = 1e-2


def _call(network: nn.Module, x: Tensor) -> Callable[[], Tensor]:
    network.eval()

    def run() -> Tensor:
        with torch.no_grad():
            return network(x)

    return run


def run(*, repeats: int) -> list[Result]:
    x, _ = FC.data(batch=1)
    work = {name: _call(assemble(name, FC.initial()), x) for name in (OURS, *installed())}
    expected = work[OURS]()
    for name, call in work.items():
        differ = (call() != expected).double().mean().item()
        if not differ < SPIKES:
            raise DisagreementError(f"inference, {name}: {differ:.2g} of the spikes differ, more than {SPIKES:g}.")
    # Calls of a millisecond: many, so that one that is interrupted does not matter.
    times = interleaved(work, repeats=10 * repeats, what="inference")
    rows: list[Row] = [{"": name, "ms per image": milliseconds(times, name)} for name in times]
    for row, name in zip(rows, times, strict=True):
        row["×"] = ratio(times, name, OURS)
    active = ", ".join(f"{rate:.1%}" for rate in rates(FC, x))
    note = f"Random weights with the activity of a trained network: {active} of the neurons spike per step, by layer."
    if peers := [name for name in times if name != OURS]:
        note += f" Fastest peer: {fastest(times, peers)}."
    return [Result(f"Inference, fc: 784-512-512-10, T={FC.steps}, batch 1", rows, note)]
