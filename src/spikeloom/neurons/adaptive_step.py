"""A Runge-Kutta method that chooses its own steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import NonFiniteError, TraceError
from ..parameters import Option, Param
from .integrators import Integrator, combined, without_noise

if TYPE_CHECKING:
    from .neuron import Neuron

_A = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_B = (*_A[6], 0)
# Fifth order less fourth order.
_ERROR = (71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
_SAFETY, _SHRINK, _GROW, _TRIES = 0.9, 0.2, 5.0, 10_000


class RungeKutta45(Integrator):
    """Dormand and Prince's pair of orders 5 and 4, with as many steps inside dt as accuracy asks for.

    The error of a step, the difference of both orders, is kept below atol + rtol |x| in every state; a step that misses
    it is repeated with h <- 0.9 h error^(-1/5), between h / 5 and 5 h. Each neuron has steps of its own or, with
    `per_neuron=False`, all take the shortest that one of them needs. Threshold and reset are looked at once per dt, and
    the input is constant over it: choose dt for those, tolerances for the dynamics.

    How many operations a step takes is not known beforehand, so no kernel can be made: it runs as a plain PyTorch loop
    on any device, differentiable and much slower than a kernel. For references, not for networks.

    Raises: NonFiniteError where no step is short enough; TraceError where a kernel is asked for.
    Source: Dormand and Prince 1980, J. Comput. Appl. Math. 6, table 2; step control: Hairer, Norsett and Wanner 1993,
    "Solving ordinary differential equations I", eqs II.4.11 to II.4.13, maximum norm in place of the mean.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.LIF(tau_mem=10.0, v_th=9.0, integrator=sl.neurons.RungeKutta45(rtol=1e-9, atol=1e-12))
    >>> with sl.record(neuron, "v") as trace:
    ...     _ = neuron(torch.ones(10, 1, 1, dtype=torch.float64))
    >>> abs(trace["v"][-1].item() - (1 - torch.exp(torch.tensor(-1.0, dtype=torch.float64)).item())) < 1e-9
    True
    """

    compiled = False
    stable = True
    rtol = Param(1e-6, "1", "relative tolerance", low=0.0)
    atol = Param(1e-9, "1", "absolute tolerance, in the units of each state", low=0.0)
    per_neuron = Option(True, "each neuron has steps of its own, instead of one for all")

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        without_noise(self, neuron)
        if not all(isinstance(neuron.value(name), Tensor) for name in neuron.states):
            do = "run the neuron by itself, or choose an integrator with a fixed step"
            raise TraceError("RungeKutta45 takes as many steps as it needs and cannot be compiled", do=do)
        states = {name: neuron.value(name) for name in neuron.slopes()}
        shape = torch.broadcast_shapes(*(v.shape for v in states.values()))  # type: ignore[no-untyped-call]
        duration = neuron.dt.expand(shape)
        done, h = torch.zeros_like(duration), duration
        for _ in range(_TRIES):
            left = duration - done
            last = h >= left
            length = torch.where(last, left, h)
            proposed, error = self._step(neuron.bind({**states, "dt": length}))
            error = error.detach().expand(shape) if self.per_neuron else error.detach().max().expand(shape)
            good = error <= 1
            states = {name: torch.where(good, proposed[name], value) for name, value in states.items()}
            done = torch.where(good, torch.where(last, duration, done + length), done)
            h = length * (_SAFETY * error.clamp(min=1e-10) ** -0.2).clamp(_SHRINK, _GROW)
            if bool((done >= duration).all()):
                return states
            # At the end a neuron waits for the others; its own step must not become zero.
            h = torch.where(done >= duration, duration, h)
        name = type(neuron).__name__
        raise NonFiniteError(f"RungeKutta45 of {name} found no step that is short enough", do="raise rtol and atol")

    def _step(self, neuron: Neuron) -> tuple[dict[str, Tensor], Tensor]:
        """The states after dt, and the largest error over the states relative to its tolerance."""
        stages: list[dict[str, Tensor]] = []
        for row in _A:
            stages.append(neuron.bind(combined(neuron, row, stages)).slopes())
        moved = combined(neuron, _B, stages)
        ratios = []
        for name, after in moved.items():
            error = neuron.dt * sum(w * stage[name] for w, stage in zip(_ERROR, stages, strict=True) if w)
            size = torch.maximum(torch.abs(neuron.value(name)), torch.abs(after))
            ratio = torch.abs(error) / (self.atol + self.rtol * size)
            # A step into the void is a step too long.
            ratios.append(torch.where(torch.isfinite(ratio), ratio, torch.inf).expand(neuron.dt.shape))
        return moved, torch.stack(ratios).amax(0)
