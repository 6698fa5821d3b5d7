"""The order of first spikes as a code, whatever made them."""

from __future__ import annotations

import torch
from torch import Tensor

from spikeloom.coding._checks import check_positive, check_values, wide
from spikeloom.coding._outputs import check_sequence
from spikeloom.coding.decoders import first_spike_time
from spikeloom.errors import ShapeError


def spike_ranks(spikes: Tensor) -> Tensor:
    """The place of each neuron in the order of first spikes, from 0.

    Equation: rank_i = number of neurons that fired strictly before i, so simultaneous ones share the better rank; a
    silent neuron has the rank N, the number of neurons. Anything that keeps the order of times keeps the ranks.
    Shapes: spikes [time, batch, neurons], 0/1 -> int64 [batch, neurons], not differentiable.
    Raises: ParameterError (NaN, values other than 0 and 1), DTypeError, ShapeError.

    >>> spike_ranks(torch.tensor([[[0.0, 1.0, 0.0, 0.0]], [[1.0, 0.0, 1.0, 0.0]]])).tolist()
    [[1, 0, 1, 4]]
    """
    check_sequence("spikes of spike_ranks", spikes, axes="neurons", rank=3)
    if spikes.ndim != 3:
        got = f"shape {tuple(spikes.shape)}"
        raise ShapeError("spikes of spike_ranks", expected="[time, batch, neurons]", got=got)
    time = first_spike_time(spikes.detach())
    earlier = torch.searchsorted(time.sort(1).values, time)
    return torch.where(time < len(spikes), earlier, spikes.shape[2])


def rank_weights(spikes: Tensor, *, modulation: float) -> Tensor:
    """What each neuron counts for when order alone counts.

    Equation: m^rank with m the modulation, 0 for a silent neuron. The activation of a read-out neuron with weights w is
    sum_i m^rank_i w_i, so `rank_weights(...) @ w`; the learning rule sets w to m^rank, or to its mean over samples.
    Shapes: spikes [time, batch, neurons], 0/1 -> [batch, neurons], not differentiable; half precision comes out as
    float32.
    Raises: as `spike_ranks`, ParameterError for a modulation outside (0, 1].

    >>> rank_weights(torch.tensor([[[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]]), modulation=0.5).tolist()
    [[0.5, 1.0, 0.0]]

    Source: Thorpe and Gautrais (1998), Rank order coding, Computational Neuroscience: Trends in Research, 113-118.
    Shared ranks of simultaneous spikes are ours.
    """
    modulation = check_positive("modulation of rank_weights", modulation, high=1.0)
    ranks = spike_ranks(spikes)
    dtype = wide(spikes[:0]).dtype
    return torch.where(ranks < spikes.shape[2], modulation ** ranks.to(dtype), 0.0)


def nearest_template(values: Tensor, templates: Tensor) -> Tensor:
    """Scores by distance to templates, for example the class means of `rank_weights`.

    Equation: y_c = -|x - w_c|^2; the largest is the nearest.
    Shapes: values [batch, features], templates [classes, features] -> [batch, classes], differentiable.
    Raises: ParameterError (NaN, infinity), DTypeError, ShapeError.

    >>> nearest_template(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1.0], [1.0, 0.0]])).argmax(1).tolist()
    [1]
    """
    x, w = (
        check_values(f"{n} of nearest_template", v, rank=2) for n, v in (("values", values), ("templates", templates))
    )
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[1]:
        got = f"{tuple(x.shape)} and {tuple(w.shape)}"
        expected = "[batch, features] and [classes, features]"
        raise ShapeError("values and templates of nearest_template", expected=expected, got=got)
    return -(wide(x).unsqueeze(1) - w.to(wide(x).dtype)).square().sum(2)
