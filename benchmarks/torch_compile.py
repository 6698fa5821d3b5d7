"""A plain loop given to `torch.compile`, which unrolls it over time."""

from __future__ import annotations

import time

import torch
from torch._inductor.utils import fresh_cache

from benchmarks.agreement import compare, forward_backward
from benchmarks.contenders import LOOP, OURS, loop_lif, spikeloom_lif
from benchmarks.lif import input_and_gradient
from benchmarks.tables import Result, Row
from benchmarks.timing import interleaved, milliseconds, ratio

STEPS, NEURONS = 16, 262_144
COMPILED = "torch.compile"


def run(*, repeats: int) -> list[Result]:
    x, g = input_and_gradient(STEPS, NEURONS)
    layers = {OURS: spikeloom_lif(), COMPILED: torch.compile(loop_lif(), fullgraph=True), LOOP: loop_lif()}
    start = time.perf_counter()
    try:
        with fresh_cache():
            forward_backward(layers[COMPILED], x, g)
    except torch._dynamo.exc.BackendCompilerFailed as error:  # no C++ compiler here
        return [Result("torch.compile", [], f"It does not run here: {str(error).splitlines()[0]}", headline=False)]
    compilation = time.perf_counter() - start
    compare(layers[OURS], layers[COMPILED], x, g).check(f"LIF, {OURS} and {COMPILED}")
    work = {name: lambda layer=layer: forward_backward(layer, x, g) for name, layer in layers.items()}
    times = interleaved(work, repeats=repeats, what=COMPILED)
    rows: list[Row] = [{"": name, "ms": milliseconds(times, name), "×": ratio(times, name, OURS)} for name in times]
    note = f"torch.compile took {compilation:.0f} s to compile, with nothing cached; for ours see start-up."
    return [Result(f"torch.compile: LIF, T={STEPS}, {NEURONS} neurons, forward and backward", rows, note)]
