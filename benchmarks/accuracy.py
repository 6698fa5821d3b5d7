"""Test accuracy with float32 and with bfloat16 products: fc and csnn on MNIST, three seeds, same training otherwise.

Pixels are Bernoulli rates, T = 8; one pass over 20 000 images (fc) or 6 000 (csnn), Adam 1e-3, cross-entropy on the
mean output rate; tested on the first 2 000 test images. Chance is 10 %. Control: both precisions start from the same
weights and see the same spikes.
"""

from __future__ import annotations

import contextlib
import sys
from statistics import mean

import torch
from torch import Tensor, nn

import spikeloom as sl
from benchmarks.contenders import OURS
from benchmarks.networks import CSNN, FC, Task, assemble
from benchmarks.tables import Result, Row
from spikeloom.errors import DataError

STEPS, SEEDS, TESTED = 8, (0, 1, 2), 2000
TRAINED = {FC.name: 20_000, CSNN.name: 6_000}


def _spikes(images: Tensor, task: Task, generator: torch.Generator) -> Tensor:
    rates = images.view(1, -1, *task.features).expand(STEPS, -1, *[-1] * len(task.features))
    return torch.bernoulli(rates, generator=generator)


def _network(task: Task, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return assemble(OURS, task.layers())


def accuracy(task: Task, data: sl.datasets.Dataset, seed: int, bfloat16: bool) -> float:
    """Fraction of the tested images that are classified right."""
    network = _network(task, seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(data.train), generator=generator)[: TRAINED[task.name]]
    precision = torch.autocast("cpu", dtype=torch.bfloat16) if bfloat16 else contextlib.nullcontext()
    for chosen in order.split(task.batch):
        images, labels = data.train[chosen]
        optimiser.zero_grad()
        with precision:
            output = network(_spikes(images, task, generator))
        nn.functional.cross_entropy(output.float().mean(0), labels).backward()
        optimiser.step()
    network.eval()
    right = 0
    with torch.no_grad(), precision:
        for chosen in torch.arange(TESTED).split(500):
            images, labels = data.test[chosen]
            rates = network(_spikes(images, task, generator)).float().mean(0)
            right += int((rates.argmax(1) == labels).sum())
    return right / TESTED


def run(*, repeats: int) -> list[Result]:
    title = f"Accuracy with bfloat16 products: MNIST, T={STEPS}, seeds 0 to {max(SEEDS)}"
    try:
        data = sl.datasets.mnist(download=False)
    except DataError as error:
        return [Result(title, [], f"Not measured: {error}", headline=False)]
    rows: list[Row] = []
    for task in (FC, CSNN):
        found: dict[bool, list[float]] = {False: [], True: []}
        for seed in SEEDS:
            for bfloat16 in found:
                print(f"accuracy of {task.name}, seed {seed} ...", file=sys.stderr, flush=True)
                found[bfloat16].append(accuracy(task, data, seed, bfloat16))
        for bfloat16, values in found.items():
            row: Row = {"network": task.name, "products": "bfloat16" if bfloat16 else "float32"}
            row |= {f"seed {seed}": f"{value:.2%}" for seed, value in zip(SEEDS, values, strict=True)}
            rows.append(row | {"mean": f"{mean(values):.2%}"})
    return [Result(title, rows, (__doc__ or "").split("\n\n")[1].replace("\n", " "), headline=False)]
