"""Every neuron and synapse of the catalogues against its own loop in plain PyTorch, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor

import spikeloom as sl
from benchmarks.agreement import GRADIENT, SPIKES, DisagreementError
from benchmarks.contenders import LOOP, OURS
from benchmarks.plain_loop import PlainLoop, StatedLoop
from benchmarks.tables import Result, Row
from benchmarks.timing import interleaved, milliseconds, ratio

STEPS, NEURONS = 32, 131_072
# An output that is no spike, and a gradient: polynomials stand in for the C library's functions, and errors add up.
GRADED = 1e-3

Call = Callable[..., Tensor]


def catalogue() -> dict[str, sl.Neuron]:
    """What is measured."""
    return {**sl.neurons.catalogue(), **sl.synapses.catalogue()}


def drive(neuron: sl.Neuron, steps: int, count: int) -> list[Tensor]:
    """An input [T, 1, neurons] for each that the neuron declares, over its span and half as far again."""
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(steps, 1, count, generator=generator) for _ in neuron.inputs]
    spans = (item.span for item in neuron.inputs.values())
    return [(low + high) / 2 + x * (high - low) / 2 for x, (low, high) in zip(drawn, spans, strict=True)]


def forward_backward(call: Call, inputs: list[Tensor], upstream: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Output and gradients with respect to the inputs."""
    leaves = [x.detach().requires_grad_() for x in inputs]
    output = call(*leaves)
    gradients = torch.autograd.grad(output, leaves, upstream, allow_unused=True)
    return output.detach(), [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, gradients, strict=True)]


def compare(name: str, neuron: sl.Neuron, loop: Call, inputs: list[Tensor], upstream: Tensor) -> Row:
    """Fraction of differing outputs and gradient error where they agree; raises DisagreementError."""
    ours, gradients = forward_backward(neuron, inputs, upstream)
    other, gradients_other = forward_backward(loop, inputs, upstream)
    apart = (ours - other).abs() > GRADED * (1 + other.abs())
    same = ~apart.any(dim=0)
    errors = [
        (torch.linalg.vector_norm((a - b)[:, same]) / torch.linalg.vector_norm(b[:, same]).clamp(min=1e-30)).item()
        for a, b in zip(gradients, gradients_other, strict=True)
    ]
    differ, error = apart.double().mean().item(), max(errors)
    if not (differ < 10 * SPIKES and error < 100 * GRADIENT):
        raise DisagreementError(
            f"{name} and its loop: expected a fraction of differing outputs below {10 * SPIKES:g} and a gradient error "
            f"below {100 * GRADIENT:g}, got {differ:.2g} and {error:.2g}."
        )
    size = sum(torch.linalg.vector_norm(gradient).item() for gradient in gradients)
    agreement: Row = {"neuron": name, "mean output": ours.mean().item(), "differing": differ}
    return agreement | {"gradient": size, "gradient error": error}


def own_loop(name: str, neuron: sl.Neuron, inputs: list[Tensor], upstream: Tensor) -> tuple[PlainLoop | None, Row]:
    """A loop that agrees with the neuron, and how well; none for a neuron that draws random numbers."""
    loop = neuron.plan(*(x.requires_grad_() for x in inputs)).loop
    if getattr(loop, "random", False):
        return None, {}
    written = PlainLoop(neuron, loop)
    try:
        return written, compare(name, neuron, written, inputs, upstream)
    except DisagreementError:
        stated = StatedLoop(neuron)
        return stated, compare(name, neuron, stated, inputs, upstream)


def run(*, repeats: int) -> list[Result]:
    agreements: list[Row] = []
    rows: list[Row] = []
    left_out: list[str] = []
    as_stated: list[str] = []
    for name, neuron in catalogue().items():
        inputs = drive(neuron, STEPS, NEURONS)
        upstream = torch.randn(inputs[0].shape, generator=torch.Generator().manual_seed(1))
        plain, agreement = own_loop(name, neuron, inputs, upstream)
        if plain is None:
            left_out.append(name)
            continue
        agreements.append(agreement)
        as_stated += [name] if isinstance(plain, StatedLoop) else []
        work = {
            OURS: lambda neuron=neuron, i=inputs, g=upstream: forward_backward(neuron, i, g),
            LOOP: lambda plain=plain, i=inputs, g=upstream: forward_backward(plain, i, g),
        }
        times = interleaved(work, repeats=repeats, what=name)
        row: Row = {"neuron": name, "states": len(neuron.states), "operations": len(plain.calls)}
        row |= {f"{label}, ms": milliseconds(times, label) for label in work}
        rows.append(row | {"×": ratio(times, LOOP, OURS)})
    ratios = [float(row["×"] or 0) for row in rows]
    note = f"×: the loop relative to {OURS}; median {median(ratios):.2g}, least {min(ratios):.2g}."
    if left_out:
        note += f" They draw random numbers of their own and cannot be compared: {', '.join(left_out)}."
    if as_stated:
        note += (
            " Their loops take a spike as a function minus itself, a few operations more than one written by hand,"
            f" because they have gradients of their own: {', '.join(as_stated)}."
        )
    title = f"Catalogue: forward and backward, T={STEPS}, {NEURONS} neurons"
    return [
        Result("Catalogue: agreement with the loop", agreements, headline=False),
        Result(title, spread(rows), f"The slowest three, the quartiles and the fastest of {len(rows)}. {note}"),
        Result(f"{title}: all", rows, headline=False),
    ]


def spread(rows: list[Row]) -> list[Row]:
    """The three least ratios, the quartiles and the largest."""
    ranked = sorted(rows, key=lambda row: float(row["×"] or 0))
    chosen = sorted({0, 1, 2, *(round(share * (len(ranked) - 1)) for share in (0.25, 0.5, 0.75, 1.0))})
    return [ranked[k] for k in chosen if k < len(ranked)]
