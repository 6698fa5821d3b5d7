"""The Open Neuromorphic benchmark: a linear layer n to n and a LIF layer, T = 500, batch 16, forward and backward."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from benchmarks.agreement import DisagreementError
from benchmarks.contenders import OURS, installed
from benchmarks.networks import Spiking, Task, assemble
from benchmarks.tables import Result, Row
from benchmarks.timing import Times, fastest, interleaved, milliseconds, ratio

SIZES = (512, 1024, 2048, 4096)
STEPS, BATCH, RATE = 500, 16, 0.3
# Sums of products in another order: a few potentials of two million land on the other side of the threshold.
GRADIENT = 1e-2
NOTE = "×: time of the fastest peer relative to ours, the median of the ratios within each round."


def task(width: int, *, steps: int = STEPS) -> Task:
    """With PyTorch's initial weights doubled, about a twentieth of the neurons spike at each step."""

    def layers() -> list[nn.Module]:
        return [nn.Linear(width, width, bias=False), Spiking()]

    return Task(f"onm {width}", "", layers, (width,), width, steps, BATCH, RATE, gain=2.0)


def _call(network: nn.Module, x: Tensor) -> Callable[[], Tensor]:
    """Forward and backward; the gradient of the weights."""
    weight = next(network.parameters())

    def run() -> Tensor:
        weight.grad = None
        network(x).sum().backward()
        assert weight.grad is not None
        return weight.grad

    return run


def compare(one: Task, x: Tensor) -> list[Row]:
    """Errors of the weights' gradient in each peer; raises DisagreementError where one is too large."""
    rows: list[Row] = []
    for name in installed():
        gradient = _call(assemble(OURS, one.initial(), like=name), x)()
        other = _call(assemble(name, one.initial()), x)()
        error = ((gradient - other).norm() / gradient.norm()).item()
        if not error < GRADIENT:
            raise DisagreementError(
                f"{one.name}, {name}: expected a gradient error below {GRADIENT:g}, got {error:.2g}."
            )
        rows.append({"n": x.shape[-1], "compared with": name, "gradient error": error})
    return rows


def _row(width: int, times: Times) -> Row:
    row: Row = {"n": width} | {f"{name}, ms": milliseconds(times, name) for name in times}
    peers = [name for name in times if name != OURS]
    return row | ({"fastest peer ×": ratio(times, fastest(times, peers), OURS)} if peers else {})


def run(*, repeats: int) -> list[Result]:
    agreements: list[Row] = []
    rows: list[Row] = []
    for width in SIZES:
        one = task(width)
        x, _ = one.data()
        agreements += compare(one, x)
        work = {name: _call(assemble(name, one.initial()), x) for name in (OURS, *installed())}
        # A call of the largest takes many seconds.
        times = interleaved(work, repeats=min(repeats, 3 if width > 1024 else 5), what=one.name)
        rows.append(_row(width, times))
    title = f"Linear layer n to n with LIF, T={STEPS}, batch {BATCH}, forward and backward"
    return [Result("onm: agreement of the gradient with ours", agreements, headline=False), Result(title, rows, NOTE)]
