"""The twenty firing patterns of Izhikevich 2004, figure 1: parameters and the input current that shows each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..parameters import Preset


@dataclass(frozen=True)
class Pattern:
    """Parameters, the end in ms, the background current, and pieces of it: from, to (ms), current there and there.

    `dt` is the step of the published program, on which some patterns depend.
    """

    values: dict[str, float]
    end: float
    pieces: tuple[tuple[float, float, float, float], ...]
    background: float = 0.0
    dt: float = 0.25

    def current(self, dt: float) -> Tensor:
        """The input current step by step, [T, 1, 1]; step n is at n dt."""
        t = torch.arange(round(self.end / dt), dtype=torch.float64) * dt
        i = torch.full_like(t, self.background)
        for start, stop, first, last in self.pieces:
            # Half a step less, so that rounding does not shift a piece.
            inside = (t >= start - dt / 2) & (t < stop - dt / 2)
            i = torch.where(inside, first + (last - first) * (t - start) / (stop - start), i)
        return i.to(torch.get_default_dtype()).view(-1, 1, 1)

    def preset(self, letter: str) -> Preset:
        """As a preset of the neuron."""
        (_, stop, first, last), *others = self.pieces
        steady = not others and first == last and stop == self.end
        source = f"Izhikevich 2004, IEEE Trans. Neural Networks 15(5), figure 1{letter} and the program that drew it"
        return Preset({"dt": self.dt, **self.values}, source, drive=first if steady else None, duration=self.end)


def _values(a: float, b: float, c: float, d: float, v_0: float) -> dict[str, float]:
    """The program starts from u = b v."""
    return {"a": a, "b": b, "c": c, "d": d, "v_0": v_0, "u_0": b * v_0}


def _on(at: float, current: float, end: float) -> tuple[tuple[float, float, float, float], ...]:
    return ((at, end, current, current),)


def _pulses(times: tuple[float, ...], length: float, current: float) -> tuple[tuple[float, float, float, float], ...]:
    return tuple((t, t + length, current, current) for t in times)


# Integrators have another quadratic: 0.04 v^2 + 4.1 v + 108.
_OTHER = {"linear": 4.1, "constant": 108.0}
# Accommodation has another recovery: u' = a b (v + 65).
_DRIFT = {"v_b": -65.0, "decay": 0.0, "u_0": -16.0}

PATTERNS: dict[str, Pattern] = {
    "tonic spiking": Pattern(_values(0.02, 0.2, -65, 6, -70), 100, _on(10, 14, 100)),
    "phasic spiking": Pattern(_values(0.02, 0.25, -65, 6, -64), 200, _on(20, 0.5, 200)),
    "tonic bursting": Pattern(_values(0.02, 0.2, -50, 2, -70), 220, _on(22, 15, 220)),
    "phasic bursting": Pattern(_values(0.02, 0.25, -55, 0.05, -64), 200, _on(20, 0.6, 200), dt=0.2),
    "mixed mode": Pattern(_values(0.02, 0.2, -55, 4, -70), 160, _on(16, 10, 160)),
    "spike frequency adaptation": Pattern(_values(0.01, 0.2, -65, 8, -70), 85, _on(8.5, 30, 85)),
    "class 1 excitable": Pattern(_values(0.02, -0.1, -55, 6, -60) | _OTHER, 300, ((30, 300, 0, 20.25),)),
    "class 2 excitable": Pattern(_values(0.2, 0.26, -65, 0, -64), 300, ((30, 300, -0.5, 3.55),), -0.5),
    "spike latency": Pattern(_values(0.02, 0.2, -65, 6, -70), 100, _pulses((10,), 3, 7.04), dt=0.2),
    "subthreshold oscillation": Pattern(_values(0.05, 0.26, -60, 0, -62), 200, _pulses((20,), 5, 2)),
    "resonator": Pattern(_values(0.1, 0.26, -60, -1, -62), 400, _pulses((40, 60, 280, 320), 4, 0.65)),
    "integrator": Pattern(
        _values(0.02, -0.1, -55, 6, -60) | _OTHER, 100, _pulses((100 / 11, 100 / 11 + 5, 70, 80), 2, 9)
    ),
    "rebound spike": Pattern(_values(0.03, 0.25, -60, 4, -64), 200, _pulses((20,), 5, -15), dt=0.2),
    "rebound burst": Pattern(_values(0.03, 0.25, -52, 0, -64), 200, _pulses((20,), 5, -15), dt=0.2),
    "threshold variability": Pattern(
        _values(0.03, 0.25, -60, 4, -64), 100, ((10, 15, 1, 1), (70, 75, -6, -6), (80, 85, 1, 1))
    ),
    "bistability": Pattern(_values(0.1, 0.26, -60, 0, -61), 300, _pulses((37.5, 216), 5, 1.24), 0.24),
    "depolarizing after-potential": Pattern(_values(1, 0.2, -60, -21, -70), 50, _pulses((9,), 2, 20), dt=0.1),
    "accommodation": Pattern(
        _values(0.02, 1, -55, 4, -65) | _DRIFT, 400, ((0, 200, 0, 8), (300, 312.5, 0, 4)), dt=0.5),
    "inhibition-induced spiking": Pattern(_values(-0.02, -1, -60, 8, -63.8), 350, _on(50, 75, 250), 80, dt=0.5),
    "inhibition-induced bursting": Pattern(_values(-0.026, -1, -45, -2, -63.8), 350, _on(50, 75, 250), 80, dt=0.5),
}  # fmt: skip
