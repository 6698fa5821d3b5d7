"""The cost of a sequence four times as long."""

from __future__ import annotations

from benchmarks.agreement import forward_backward
from benchmarks.contenders import lif_layers
from benchmarks.lif import input_and_gradient
from benchmarks.tables import Result, Row
from benchmarks.timing import interleaved, milliseconds, ratio

# Enough that the fixed cost of a call, about half a millisecond, does not hide what a step costs.
NEURONS, SHORT, LONG = 65_536, 64, 256


def run(*, repeats: int) -> list[Result]:
    short, long = (input_and_gradient(steps, NEURONS) for steps in (SHORT, LONG))
    rows: list[Row] = []
    for name, layer in lif_layers().items():
        calls = {
            "short": lambda layer=layer: forward_backward(layer, *short),
            "long": lambda layer=layer: forward_backward(layer, *long),
        }
        times = interleaved(calls, repeats=repeats, what=f"cost in T, {name}")
        rows.append(
            {
                "": name,
                f"T={SHORT}, ms": milliseconds(times, "short"),
                f"T={LONG}, ms": milliseconds(times, "long"),
                "ratio": ratio(times, "long", "short"),
            }
        )
    return [Result(f"Cost in T: LIF, {NEURONS} neurons, forward and backward (linear: 4)", rows)]
