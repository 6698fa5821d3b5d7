"""A wrapper that finds spike times between the points of the time grid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ..compile import leaf, partials
from ..errors import ParameterError
from ..parameters import Option, Param, State
from .integrators import real_states
from .neuron import Neuron
from .wrapper import Wrapper

# How much of a step the last step of Newton's method may move a crossing that the others have found.
_CLOSE = 1e-3


class Precise(Wrapper):
    """Spikes at the very time at which the threshold is crossed, not at the end of the step.

    Where the wrapped neuron's threshold is reached within a step, the crossing is found by Newton's method between
    bounds that enclose it, its states are reset there, and what is left of the step is integrated from the reset. The
    recorded variable `ahead` is the time from the crossing to the end of the step: the spike of step n, counted from 0,
    is at (n + 1) dt - ahead. `t_ref` holds the membrane potential for exactly that time, of any length.

    With `Exact` the time is that of the closed form at any dt, since input is constant over a step; with another
    integrator it has that one's error. At most one spike per step: a dt longer than an interspike interval delays
    spikes. A crossing and return within one step is not seen.

    Shapes: as the wrapped neuron. Units: ms. Raises: ParameterError for a neuron whose charge is more than its
    derivative (a jump after integration, a refractory period of its own), or which has noise.
    Source: Hanuschkin, Kunkel, Helias, Morrison and Diesmann 2010, Frontiers in Neuroinformatics 4:113.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.neurons.Precise(sl.LIF(tau_mem=10.0))
    >>> with sl.record(neuron, "ahead") as trace:
    ...     s = neuron(torch.full((8, 1, 1), 2.0))
    >>> s.flatten(), 7.0 - trace["ahead"][6, 0, 0]  # 10 ln 2 = 6.9315
    (tensor([0., 0., 0., 0., 0., 0., 1., 0.]), tensor(6.9315))
    """

    t_ref = Param(0.0, "ms", "refractory period", at_least=0.0)
    iterations = Option(6, "steps of Newton's method")
    margin = State(-1.0, "1", "distance to threshold at the end of the step, without reset")
    ahead = State(0.0, "ms", "time from the spike of this step to its end; 0 without spike")
    remaining = State(0.0, "ms", "time left of the refractory period")

    def __init__(self, neuron: Neuron, *, learn: Iterable[str] = (), **given: object) -> None:
        super().__init__(neuron, learn=learn, **given)
        if neuron.noises or not neuron.spiking or not _is_flow(neuron):
            do = "wrap a neuron that integrates its derivative, and give t_ref to Precise itself"
            raise ParameterError(
                "Precise", expected="a spiking neuron without noise that is charged by its derivative alone",
                got=repr(neuron), do=do,
            )  # fmt: skip

    def charge(self) -> dict[str, Tensor]:
        held = torch.minimum(self.remaining, self.dt)
        start = self._advanced(self.wrapped, held, hold=True)
        free = self.dt - held
        end = self._advanced(start, free)
        margin = end.threshold()
        crossed = margin >= 0
        at = self._crossing(start, free, crossed)
        left = free - at
        there = self._advanced(start, at)
        reset = {
            n: torch.where(crossed, value, there.value(n))
            for n, value in there._checked(there.reset(), "reset").items()
        }
        pause = torch.minimum(self.t_ref, left)
        waited = self._advanced(there.bind(reset), pause, hold=True)
        after = self._advanced(waited, left - pause)
        states = {n: torch.where(crossed, after.value(n), end.value(n)) for n in self.neuron.states}
        remaining = torch.where(crossed, self.t_ref - pause, self.remaining - held)
        return {**states, "margin": margin, "ahead": torch.where(crossed, left, 0.0), "remaining": remaining}

    def fire(self) -> Tensor:
        spikes: Tensor = self.wrapped.surrogate(self.margin)
        return spikes

    def threshold(self) -> Tensor:
        return self.margin

    def reset(self) -> dict[str, Tensor]:
        """Done at the crossing."""
        return {}

    def _advanced(self, neuron: Neuron, duration: Tensor, *, hold: bool = False) -> Neuron:
        """The wrapped neuron after `duration`; `hold` keeps the membrane potential where it is."""
        moved = neuron.integrator.advance(neuron.bind({"dt": duration}))
        states = self.neuron.states
        return neuron.bind({n: v for n, v in moved.items() if not (hold and states[n].held)})

    def _newton(self, start: Neuron, at: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Where it starts, the distance to threshold there, and where the tangent reaches it."""
        at = at.detach()
        here = self._advanced(start, at)
        distance, speed = here.threshold(), _speed(here)
        return at, distance, at - distance / torch.where(speed == 0, 1.0, speed)

    def _crossing(self, start: Neuron, free: Tensor, crossed: Tensor) -> Tensor:
        """When the threshold is reached, between 0 and `free`; 0 where it is not crossed or was before."""
        low, high = torch.zeros_like(free), free
        at = 0.5 * free
        for _ in range(self.iterations):
            at, distance, newton = self._newton(start, at)
            low, high = torch.where(distance < 0, at, low), torch.where(distance < 0, high, at)
            at = torch.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
        # The last step alone has the derivative of the crossing, that of the implicit function; no bounds cut it.
        at, _, newton = self._newton(start, at)
        at = torch.where(torch.abs(newton - at) < _CLOSE * free, newton, at)
        return torch.where(crossed & (start.threshold() < 0), at, 0.0)


def _speed(neuron: Neuron) -> Tensor:
    """Time derivative of the distance to threshold."""
    with torch.enable_grad():
        leaves = {name: leaf(neuron.value(name)) for name in real_states(neuron)}
        rises = partials(neuron.bind(leaves).threshold(), leaves)
    slopes = neuron.slopes()
    total: Any = 0.0
    for name, rise in rises.items():
        if name in slopes:
            total = total + rise * slopes[name]
    return torch.as_tensor(total) if isinstance(total, float) else total


def _is_flow(neuron: Neuron) -> bool:
    """Whether `charge` is the integral of `derivative`: tried at one place."""
    numbers = torch.Generator().manual_seed(0)
    names = [*neuron.states, *neuron.inputs]
    drawn = {n: torch.rand((), generator=numbers, dtype=torch.float64) for n in names}
    params = {n: torch.as_tensor(v, dtype=torch.float64).detach() for n, v in neuron.param_values().items()}
    here = neuron.bind({**params, **drawn})
    try:
        charged, moved = here._checked(here.charge(), "charge"), here.integrator.advance(here)
    except NotImplementedError:
        return False
    return charged.keys() == moved.keys() and all(torch.allclose(charged[n], moved[n]) for n in moved)
