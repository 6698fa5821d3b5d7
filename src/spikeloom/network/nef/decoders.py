"""Decoders: weights with which activities add up to what they stand for."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import signal
from torch import Tensor

from ...errors import ParameterError, ShapeError
from ..spike_trains import SpikeTrains


def solve(rates: Tensor, target: Tensor, *, noise: float) -> Tensor:
    """Decoders [outputs, neurons] with the least squared error under noise on the activities.

    Equation: D = (A^T A + m sigma^2 I)^-1 A^T Y for m samples and independent noise of standard deviation sigma on each
    activity. Solved without squaring condition numbers; without noise, the smallest of the best ones.
    Shapes: rates A [samples, neurons], target Y [samples, outputs] -> float64. Units: `noise` in those of the rates.
    Raises: ShapeError, ParameterError.
    Source: Eliasmith and Anderson 2003, "Neural engineering", eqs 2.10 to 2.12.

    >>> solve(torch.eye(2), torch.tensor([[1.0], [2.0]]), noise=1.0)
    tensor([[0.3333, 0.6667]], dtype=torch.float64)
    """
    a, y = rates.double(), target.double()
    if a.dim() != 2 or y.dim() != 2 or len(a) != len(y) or not len(a):
        got = f"{list(rates.shape)} and {list(target.shape)}"
        raise ShapeError("rates and target of solve", expected="[samples, neurons] and [samples, outputs]", got=got)
    if not 0 <= noise < math.inf:
        raise ParameterError("noise of solve", expected="a number >= 0", got=noise)
    if not bool(torch.isfinite(a).all() and torch.isfinite(y).all()):
        raise ParameterError("rates and target of solve", expected="finite numbers", got="NaN or infinity")
    # As samples in which one neuron alone fires and nothing is wanted; with them the matrix has full rank.
    silence = math.sqrt(len(a)) * noise * torch.eye(a.shape[1], dtype=torch.float64)
    samples = torch.cat([a, silence]) if noise else a
    wanted = torch.cat([y, y.new_zeros(a.shape[1], y.shape[1])]) if noise else y
    found: Tensor = torch.linalg.lstsq(samples, wanted, driver="gels" if noise else "gelsd").solution.T
    return found


def decode(trains: SpikeTrains, decoders: Tensor, *, tau: float, every: float = 1.0) -> np.ndarray:
    """What spikes stand for over time: sum_i d_i (h * s_i)(t), h(t) = exp(-t / tau) / tau.

    Values are those at start + every, start + 2 every, ...; the filter begins at 0, so it takes some tau to settle.

    Shapes: decoders [outputs, neurons] in the order of the recorded neurons -> [times, outputs]. Units: ms.
    Raises: ShapeError, ParameterError.

    >>> import spikeloom as sl
    >>> trains = sl.network.SpikeTrains.of([[1.0, 2.0, 3.0, 4.0, 5.0]], stop=5.0)
    >>> decode(trains, torch.tensor([[0.001]]), tau=5.0)[:, 0].round(3)  # on its way to 1: 1000 spikes/s
    array([0.181, 0.33 , 0.451, 0.551, 0.632])
    """
    if decoders.dim() != 2 or decoders.shape[1] != len(trains.recorded):
        expected = f"[outputs, {len(trains.recorded)}], a row for each output"
        raise ShapeError("decoders", expected=expected, got=list(decoders.shape))
    for name, value in (("tau", tau), ("every", every)):
        if not 0 < value < math.inf:
            raise ParameterError(f"{name} of decode", expected="a time > 0 (ms)", got=value)
    if trains.batch != 1:
        raise ParameterError("spikes to decode", expected="those of one run", got=trains.batch, do="take in_run(0)")
    steps = int(np.floor(trains.duration / every + 1e-9))
    each = decoders.double().numpy().T
    summed = np.zeros((steps, each.shape[1]))
    step = np.ceil((trains.times - trains.start) / every - 1e-9).astype(np.int64) - 1
    kept = step < steps
    np.add.at(summed, step[kept], each[trains.index[kept]])
    keep = math.exp(-every / tau)
    # A spike within an interval counts as spread over it, which keeps the mean exact.
    return np.asarray(signal.lfilter([(1 - keep) * 1e3 / every], [1.0, -keep], summed, axis=0))
