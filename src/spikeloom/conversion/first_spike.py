"""Time-to-first-spike code: an activation is the time at which a falling threshold meets it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..errors import ParameterError
from ..neurons import FirstSpike
from ._operations import Kind, Operation
from ._sites import Site
from ._windows import Windowed
from .methods import Method
from .ramp import RealTimes
from .thresholds import Maximum, Threshold


@dataclass(frozen=True)
class FirstSpikeCode(Method):
    """At most one spike per neuron, in a window of as many steps as the run has for each layer.

    The threshold falls as w(t) = exp(-(t - delay) / tau), in units of the layer's `threshold`, and a spike at t is
    worth w(t), that is the activation rounded down to the next of these levels; with `linear=True`, 1 - t / steps.
    `tau` is a third of the window where it is 0. With `optimised` rounds, tau and delay of each layer follow the
    gradient of what is lost by rounding, by the smallest activations and by the largest (`optimised_kernel`). `early`:
    the share of the window after which the next layer begins to send, while this one still does. `rounding`: levels are
    met half-way. `real_times`: spikes of the linear code come at any time, not in steps, and nothing is rounded.

    Raises: ParameterError. Source: Park, Kim, Na and Yoon 2020, "T2FSNN: deep spiking neural networks with
    time-to-first-spike coding", DAC (arXiv 2003.11741), sections on kernel, gradient-based optimisation and early
    firing; Srivatsa et al. 2020, "You only spike once", arXiv 2006.09982, for the linear code. `rounding` is
    not from there; biases are added at once there, and in equal parts over the window here.

    >>> import torch, spikeloom as sl
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> x = torch.rand(64, 4)
    >>> spiking = sl.convert(model, x, sl.conversion.FirstSpikeCode(optimised=60), steps=24)
    >>> bool((spiking(x) - model(x)).abs().mean() < 0.1)
    True
    """

    threshold: Threshold = field(default_factory=Maximum)
    channelwise: bool = False
    tau: float = 0.0
    delay: float = 0.0
    linear: bool = False
    optimised: int = 0
    early: float = 1.0
    rounding: bool = False
    real_times: bool = False

    def __post_init__(self) -> None:
        if not (0.0 <= self.tau < float("inf") and abs(self.delay) < float("inf") and self.optimised >= 0):
            got = f"tau = {self.tau}, delay = {self.delay}, optimised = {self.optimised}"
            raise ParameterError("FirstSpikeCode", expected="tau >= 0, a finite delay and 0 rounds or more", got=got)
        if not 0.0 < self.early <= 1.0:
            raise ParameterError("FirstSpikeCode.early", expected="a share of the window, above 0", got=self.early)
        if self.real_times and (not self.linear or self.rounding or self.early < 1.0):
            expected = "a linear code, no rounding and whole windows"
            raise ParameterError("FirstSpikeCode.real_times", expected=expected, got=repr(self))
        if self.linear and (self.optimised or self.delay):
            raise ParameterError("FirstSpikeCode", expected="no delay and no rounds with a linear code", got="some")

    def window(self, steps: int) -> int:
        return steps

    def fitted(self, samples: Tensor, scale: Tensor, steps: int) -> Method:
        """With tau and delay for these activations."""
        tau = self.tau or max(steps / 3, 1.0)
        if not self.optimised:
            return replace(self, tau=tau)
        tau, delay = optimised_kernel(
            samples / scale, steps, tau=tau, delay=self.delay, rounds=self.optimised, rounding=self.rounding
        )
        return replace(self, tau=tau, delay=delay)

    def site(self, operation: Operation, scale: Tensor, steps: int) -> Site:
        ratio = (steps - 1) / steps if self.linear else float(torch.tensor(-1.0 / (self.tau or steps / 3)).exp())
        # As tensors they are values of one program, whatever they are.
        given = {"tau": self.tau or steps / 3, "delay": self.delay, "steps": steps}
        given["raised"] = (1 + ratio) / 2 if self.rounding and not self.linear else 1.0
        neuron = FirstSpike(linear=self.linear, **{name: torch.tensor(float(value)) for name, value in given.items()})
        added = 0.5 / steps if self.rounding and self.linear else 0.0
        below = 1.0 if operation.kind is Kind.FUNCTION else operation.slope
        wait = max(round(self.early * steps), 1)
        if self.real_times:
            return RealTimes(neuron, scale, steps, below=below)
        return Windowed(neuron, scale, steps, below=below, added=added, wait=wait)


def optimised_kernel(
    values: Tensor, steps: int, *, tau: float, delay: float = 0.0, rounds: int = 60, rounding: bool = False
) -> tuple[float, float]:
    """Time constant and delay of a falling threshold for activations, by gradient descent on three losses.

    L = 1/2 mean (x - w(t))^2 over x > 0 that have a spike, at t, 1/2 (x_min - w(T - 1))^2 and 1/2 (x_max - w(0))^2,
    where x_min and x_max are the percentiles 0.01 and 99.9 of x > 0: tau follows the first two, delay the last. Each
    step is at most T / 10 long, and less from round to round.

    Shapes: any. Raises: ParameterError without a value above 0.
    Source: Park et al. 2020, gradient-based optimisation; steps and their bound are not from there.

    >>> import torch, spikeloom as sl
    >>> x = torch.rand(1000)
    >>> a, b = (sl.conversion.optimised_kernel(x, 12, tau=tau, rounds=200) for tau in (1.0, 8.0))
    >>> abs(a[0] - b[0]) < 0.2
    True
    """
    x = values.flatten().double()
    x = x[x > 0]
    if not len(x):
        raise ParameterError("values of optimised_kernel", expected="some above 0", got="none")
    smallest, largest = (float(torch.quantile(x[: 1 << 20], q)) for q in (0.0001, 0.999))
    t = torch.arange(steps, dtype=x.dtype, device=x.device)
    bound = steps / 10
    for number in range(rounds):
        left = bound * (1 - number / rounds)
        w = torch.exp((delay - t) / tau)
        first = torch.searchsorted(-w * (_middle(tau) if rounding else 1.0), -x)
        sent = first < steps
        told, at = w[first[sent]], t[first[sent]] - delay
        lost = float(((x[sent] - told) * told * at).mean()) if bool(sent.any()) else 0.0
        last = float(w[-1])
        by_tau = (lost + (smallest - last) * last * (steps - 1 - delay)) / tau**2
        by_delay = (largest - float(w[0])) * float(w[0]) / tau
        tau = max(tau + max(-left, min(left, by_tau * steps**2)), 0.5)
        delay += max(-left, min(left, by_delay * tau**2))
    return tau, delay


def _middle(tau: float) -> float:
    """Half-way from one level to the next, in units of the upper one."""
    return (1.0 + float(torch.tensor(-1.0 / tau).exp())) / 2
