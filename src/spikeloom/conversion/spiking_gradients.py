"""How gradients pass the neurons of a converted network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ParameterError, UnknownNameError
from ..neurons import IF, LateResetLIF, Neuron
from ..surrogate import Surrogate, Triangle
from ._sites import Site, by_channel
from .last_spike import LastSpikeLIF


class Gradient(ABC):
    """Abstract: what takes the place of a site while weights behind and before it learn."""

    @abstractmethod
    def site(self, site: Site) -> Site:
        """The same neurons, through which gradients pass. Forward, spikes are the same."""


class TrainedSite(Site):
    """Neurons that begin at a potential of their own; it is part of their first input, so that any neuron will do.

    In training mode the share `dropout` of them, drawn for each input and the same in all steps, sends nothing.
    """

    def __init__(self, site: Site, neuron: Neuron, dropout: float = 0.0) -> None:
        super().__init__(neuron, site.scale)
        self.dropout = dropout
        self.amplitude, self.shift = site.amplitude.clone(), site.shift
        self.register_buffer("first", torch.as_tensor(site.neuron.param_values()["v_rest"]).clone())

    first: Tensor

    def spikes(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        begun = torch.cat([x[:1] + by_channel(self.first, x), x[1:]])
        s = super().spikes(begun, bias=bias, residual=residual)
        if not self.training or not self.dropout:
            return s
        return s * functional.dropout(torch.ones_like(s[:1]), self.dropout)


@dataclass(frozen=True)
class BySurrogate(Gradient):
    """Back-propagation through time with the slope of a surrogate at z = v / v_th - 1.

    `learn` names what neurons learn of "v_th" and "leak"; a learning leak begins at 0.99, as at 1 it would stay. The
    share `dropout` of neurons, drawn anew for each input of a batch, is silent in all of its steps, and the others'
    spikes are worth 1 / (1 - dropout).

    Raises: UnknownNameError, ParameterError. Source: Rathi and Roy 2020, "DIET-SNN", arXiv 2008.03658 (triangle of
    height 0.3, both learnt, dropout fixed in time); their leak begins at 1.

    >>> import spikeloom as sl
    >>> sl.conversion.BySurrogate(learn=("v_th", "leak")).surrogate
    Triangle()
    """

    surrogate: Surrogate = field(default_factory=Triangle)
    learn: Sequence[str] = ("v_th",)
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _check_learn(self.learn)
        if not 0.0 <= self.dropout < 1.0:
            raise ParameterError("BySurrogate.dropout", expected="a share, 0 <= dropout < 1", got=self.dropout)

    def site(self, site: Site) -> Site:
        leak = 0.99 if "leak" in self.learn else 1.0
        theta = site.neuron.param_values()["v_th"]
        neuron = LateResetLIF(v_th=theta, leak=leak, surrogate=self.surrogate, learn=self.learn)
        return TrainedSite(site, neuron, self.dropout)


@dataclass(frozen=True)
class ByLastSpike(Gradient):
    """Spike-timing-dependent back-propagation: the slope decays with the time since the neuron's last spike.

    ds/dz = alpha exp(-beta k), see `LastSpikeLIF`. Raises: UnknownNameError, ParameterError.

    >>> import spikeloom as sl
    >>> sl.conversion.ByLastSpike().alpha
    0.3
    """

    alpha: float = 0.3
    beta: float = 0.01
    learn: Sequence[str] = ()

    def __post_init__(self) -> None:
        _check_learn(self.learn)

    def site(self, site: Site) -> Site:
        leak = 0.99 if "leak" in self.learn else 1.0
        theta = site.neuron.param_values()["v_th"]
        return TrainedSite(
            site, LastSpikeLIF(v_th=theta, leak=leak, alpha=self.alpha, beta=self.beta, learn=self.learn)
        )


class Tandem(Gradient):
    """Spikes forward, the rectifier backward: the mean of the spikes has the slope of min(max(mean input, 0), theta).

    Nothing is kept of single steps but their mean, so that it costs as little as training without spikes.
    Source: Wu, Chua, Zhang, Li, Li and Tan 2021, "A tandem learning rule for effective training and rapid inference of
    deep spiking neural networks", IEEE TNNLS (arXiv 1907.01167), where the coupled network has shared weights.

    >>> import spikeloom as sl
    >>> gradient = sl.conversion.Tandem()
    """

    def site(self, site: Site) -> Site:
        return TandemSite(site)


class TandemSite(Site):
    """Neurons with the gradient of a clipped rectifier of the mean input."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.neuron, site.scale)
        self.amplitude, self.shift = site.amplitude.clone(), site.shift

    def spikes(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        with torch.no_grad():
            y = super().spikes(x, bias=bias, residual=residual)
        mean = (x if residual is None else x + residual).mean(0, keepdim=True)
        mean = mean if bias is None else mean + by_channel(bias, x)
        if self.shift is not None:
            mean = mean + by_channel(self.shift, x)
        a = torch.minimum(mean.relu(), by_channel(self.scale, x)) / by_channel(self.amplitude, x)
        return y + (a - a.detach())


def trainable(site: nn.Module) -> bool:
    """Whether it is one of plain neurons in the place of a rectifier: soft reset, single positive spikes."""
    neuron = getattr(site, "neuron", None)
    return type(site) is Site and type(neuron) is IF and bool(neuron.soft_reset)


def _check_learn(learn: Sequence[str]) -> None:
    if isinstance(learn, str):
        raise ParameterError("learn", expected="a sequence of names, such as ('v_th',)", got=repr(learn))
    for name in learn:
        if name not in ("v_th", "leak"):
            raise UnknownNameError("learn", name, ("v_th", "leak"))
