"""Maxima of values that come as spikes: what stands in the place of max-pooling."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ParameterError


class Pooling(ABC):
    """Abstract: what a pool sends of the spikes that reach it.

    Values are at least 0; -inf where a pool reaches beyond the edge. Shapes: [T, ..., inputs] to [T, ...].
    """

    @abstractmethod
    def pooled(self, x: Tensor) -> Tensor:
        """The spikes of each pool."""


@dataclass(frozen=True)
class Counts(Pooling):
    """A spike whenever the largest count grows: the count of the pool is the largest of its inputs', at all times.

    Equation: y[t] = max_i n_i[t] - max_i n_i[t-1], with n_i[t] = sum of x_i up to t. Also for values of both signs.

    >>> import torch, spikeloom as sl
    >>> x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> sl.conversion.Counts().pooled(x)
    tensor([1., 0., 1.])
    """

    def pooled(self, x: Tensor) -> Tensor:
        most = x.cumsum(0).amax(-1)
        return torch.diff(most, dim=0, prepend=torch.zeros_like(most[:1]))


@dataclass(frozen=True)
class Gate(Pooling):
    """Spikes of the input with the largest count so far, the present step included; the first of equal ones.

    Equation: y[t] = x_k[t], k = argmax_i n_i[t]. As the winner changes, some spikes are let through twice: the count of
    the pool is at least the largest one.

    >>> import torch, spikeloom as sl
    >>> x = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    >>> sl.conversion.Gate().pooled(x)
    tensor([1., 1., 1.])

    Source: Rueckauer, Lungu, Hu, Pfeiffer and Liu 2017, "Conversion of continuous-valued deep networks to efficient
    event-driven networks for image classification", Front. Neurosci. 11:682, section 2.2.6.
    """

    def pooled(self, x: Tensor) -> Tensor:
        return x.gather(-1, x.cumsum(0).argmax(-1, keepdim=True)).squeeze(-1)


@dataclass(frozen=True)
class WinnerTakeAll(Pooling):
    """A circuit of two layers: a neuron for each input, which inhibit each other, and one that relays their spikes.

    Equation: v_i <- v_i + x_i; the highest v_k above 0 is sent and taken from all, v_i <- max(v_i - v_k, -depth). A
    potential is how far an input is ahead of what has been sent, so that without a bound (`depth=inf`) the circuit has
    the counts of `Counts`. Where potentials cannot fall below rest (`depth=0`) inhibition leaves no memory, and spikes
    of all inputs get through that do not come together.
    `depth` is in units of the input, in which a spike is 1 where layers of weights follow. Raises: ParameterError.

    >>> import torch, spikeloom as sl
    >>> x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> sl.conversion.WinnerTakeAll().pooled(x), sl.conversion.WinnerTakeAll(depth=0.0).pooled(x)
    (tensor([1., 0., 1.]), tensor([1., 1., 1.]))

    Source: Cao, Chen and Khosla 2015, "Spiking deep convolutional neural networks for energy-efficient object
    recognition", Int. J. Comput. Vis. 113, section 3, name such a circuit and avoid it; its equations are ours.
    """

    depth: float = float("inf")

    def __post_init__(self) -> None:
        if not self.depth >= 0.0:
            raise ParameterError("WinnerTakeAll.depth", expected="0 or more, or inf", got=self.depth)

    def pooled(self, x: Tensor) -> Tensor:
        v, sent = torch.zeros_like(x[0]), []
        for now in x:
            v = v + now
            sent.append(v.amax(-1).clamp(min=0.0))
            v = (v - sent[-1][..., None]).clamp(min=-self.depth)
        return torch.stack(sent)


@dataclass(frozen=True)
class FirstSpike(Pooling):
    """The input that sends first has the pool for itself; of equal ones the first. For codes in which early is large.

    >>> import torch, spikeloom as sl
    >>> x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    >>> sl.conversion.FirstSpike().pooled(x)
    tensor([0., 1., 0.])
    """

    def pooled(self, x: Tensor) -> Tensor:
        waits = ((x > 0.0).cumsum(0) == 0).sum(0)
        first = waits.argmin(-1, keepdim=True).expand(len(x), *x.shape[1:-1], 1)
        return x.gather(-1, first).squeeze(-1)


@dataclass(frozen=True)
class Average(Pooling):
    """The mean in the place of the maximum: nothing but spikes with weights, for networks that allow it.

    >>> import torch, spikeloom as sl
    >>> sl.conversion.Average().pooled(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    tensor([0.5000, 1.0000])
    """

    def pooled(self, x: Tensor) -> Tensor:
        inside = torch.isfinite(x)
        return x.where(inside, 0.0).sum(-1) / inside.sum(-1)
