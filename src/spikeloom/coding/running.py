"""Scores over time: what a network's output says after every step."""

from __future__ import annotations

import torch
from torch import Tensor

from spikeloom.coding._checks import wide
from spikeloom.coding._outputs import check_sequence


def running_count(spikes: Tensor) -> Tensor:
    """The number of spikes so far.

    Equation: N[t] = sum_{u <= t} s[u]. The last step is `spike_count`.
    Shapes: spikes [time, batch, *features] -> the same, differentiable; half precision comes out as float32.
    Raises: ParameterError (NaN, infinity), DTypeError, ShapeError.

    >>> running_count(torch.tensor([1.0, 0.0, 1.0]).view(3, 1)).flatten().tolist()
    [1.0, 1.0, 2.0]
    """
    return wide(check_sequence("spikes of running_count", spikes)).cumsum(0)


def running_rate(x: Tensor) -> Tensor:
    """The mean so far: of spikes their number per step, of currents or potentials their average.

    Equation: m[t] = 1 / (t + 1) sum_{u <= t} x[u], t counted from 0. The last step is `spike_rate` or `mean_potential`.
    Shapes, Raises: as `running_count`.

    >>> running_rate(torch.tensor([1.0, 0.0, 1.0, 0.0]).view(4, 1)).flatten().tolist()
    [1.0, 0.5, 0.666..., 0.5]
    """
    return _per_step(wide(check_sequence("x of running_rate", x)).cumsum(0))


def potential_per_step(v: Tensor) -> Tensor:
    """The membrane read-out: the potential of an output neuron that never fires, divided by the time so far.

    Equation: V[t] / (t + 1), t counted from 0; the last step is V(T) / T. It is meant for a perfect integrator without
    reach of its threshold, `IF(v_th=math.inf)`; there it is the mean of the input current, `running_rate` of that,
    and what `nn.Rate` gives behind a linear layer.
    Shapes: v [time, batch, *features] -> the same, differentiable; half precision comes out as float32.
    Raises: ParameterError (NaN, infinity), DTypeError, ShapeError.

    >>> potential_per_step(torch.tensor([0.5, 1.0, 3.0]).view(3, 1)).flatten().tolist()
    [0.5, 0.5, 1.0]

    Source: Lee et al. (2020), Front. Neurosci. 14:119 (output neurons do not fire; their potential over the number of
    time steps is the output).
    """
    return _per_step(wide(check_sequence("v of potential_per_step", v)))


def _per_step(x: Tensor) -> Tensor:
    elapsed = torch.arange(1, x.shape[0] + 1, dtype=x.dtype, device=x.device)
    return x / elapsed.view(-1, *[1] * (x.ndim - 1))
