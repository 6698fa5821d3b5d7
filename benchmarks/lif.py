"""Leaky integrate-and-fire, forward and backward."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.agreement import compare, forward_backward
from benchmarks.contenders import OURS, Layer, lif_layers, spikeloom_lif
from benchmarks.tables import Result, Row
from benchmarks.timing import Times, interleaved, milliseconds, ratio

SIZES = ((4, 1_048_576), (16, 262_144), (32, 131_072), (100, 32_768), (1000, 4_096))


RATIOS = f"×: time relative to {OURS}'s, the median of the ratios within each round."


def input_and_gradient(steps: int, neurons: int) -> tuple[Tensor, Tensor]:
    """Currents that make about every fourth step a spike, and a gradient from above."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(steps, neurons, generator=generator) * 0.8 + 0.3
    return x, torch.randn(steps, neurons, generator=generator)


def _calls(layers: dict[str, Layer], x: Tensor, g: Tensor) -> dict[str, Callable[[], object]]:
    return {name: lambda layer=layer: forward_backward(layer, x, g) for name, layer in layers.items()}


def _row(steps: int, neurons: int, times: Times) -> Row:
    row: Row = {"T": steps, "neurons": neurons}
    row |= {f"{name}, ms": milliseconds(times, name) for name in times}
    row |= {f"{name} ×": ratio(times, name, OURS) for name in times if name != OURS}
    return row


def run(*, repeats: int) -> list[Result]:
    layers = lif_layers()
    agreements: list[Row] = []
    rows: list[Row] = []
    for steps, neurons in SIZES:
        x, g = input_and_gradient(steps, neurons)
        for name in layers:
            if name != OURS:
                agreement = compare(spikeloom_lif(like=name), layers[name], x, g)
                agreement.check(f"LIF, T={steps}, {neurons} neurons, {OURS} and {name}")
                agreements.append(
                    {
                        "T": steps,
                        "neurons": neurons,
                        "compared with": name,
                        "differing spikes": agreement.spikes,
                        "gradient error": agreement.gradient,
                    }
                )
        rows.append(_row(steps, neurons, interleaved(_calls(layers, x, g), repeats=repeats, what=f"LIF, T={steps}")))
    return [
        Result("LIF: agreement with the others, checked before the clock starts", agreements, headline=False),
        Result("LIF, forward and backward", rows, RATIOS),
    ]
