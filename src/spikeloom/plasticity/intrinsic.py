"""Intrinsic plasticity: a neuron changes its own excitability until its activity is what it is aimed to be."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import DTypeError, ParameterError, ShapeError
from ..parameters import Declared, Param


class IntrinsicPlasticity(Declared):
    """Thresholds that seek a number of spikes: v_th <- v_th + eta (s - target), s the spikes of a step or of a trial.

    It acts between runs on thresholds given to it; set what it returns as `v_th` of the neurons. Within a run
    `spikeloom.AdaptiveThreshold` raises the threshold of any neuron with each spike.

    Raises: ParameterError, UnknownNameError.
    Source: Lazar, Pipa and Triesch 2009, Frontiers in Computational Neuroscience 3:23, for each step; Földiák 1990,
    Biological Cybernetics 64:165, and Zylberberg, Murphy and DeWeese 2011, PLoS Computational Biology 7:e1002250, for
    each trial.

    >>> import torch, spikeloom as sl
    >>> layer = sl.LIF(v_th=torch.ones(3))
    >>> spikes = layer(torch.tensor([0.5, 1.5, 3.0]).expand(20, 1, 3))
    >>> layer.v_th = sl.plasticity.IntrinsicPlasticity(eta=0.1, target=1.0).update(layer.v_th, spikes.sum(0))
    >>> layer.v_th
    tensor([0.9000, 0.9000, 1.1000])
    """

    eta = Param(0.001, "1", "learning rate, a change of threshold per spike", at_least=0.0)
    target = Param(0.1, "1", "spikes in a step or trial that are aimed at", at_least=0.0)

    def update(self, v_th: Tensor, spikes: Tensor) -> Tensor:
        """Thresholds [*neuron] after a batch of spike counts [B, *neuron], by the mean over the batch."""
        name = type(self).__name__
        _verify(f"v_th of {name}", v_th)
        _verify(f"spikes of {name}", spikes)
        if spikes.shape[1:] != v_th.shape:
            raise ShapeError(f"spikes of {name}", expected=["B", *v_th.shape], got=list(spikes.shape))
        eta, target = (float(self.param_values()[label]) for label in ("eta", "target"))
        return v_th + eta * (spikes.mean(0).to(v_th) - target)


class SigmoidPlasticity(Declared):
    """Gain a and bias b of y = 1 / (1 + exp(-(a x + b))), a rate that seeks an exponential distribution.

    Equation: db = eta (1 - (2 + 1/target) y + y^2 / target), da = eta / a + x db; y is between 0 and 1, a share of the
    highest rate. Of all distributions with that mean the exponential one carries the most information.

    Raises: ParameterError, UnknownNameError.
    Source: Triesch 2005, A gradient rule for the plasticity of a neuron's intrinsic excitability, ICANN 2005, LNCS
    3696:65.

    >>> import torch, spikeloom as sl
    >>> rule = sl.plasticity.SigmoidPlasticity(eta=0.1, target=0.1)
    >>> rule.update(torch.ones(1), torch.zeros(1), torch.zeros(1, 1))
    (tensor([1.1000]), tensor([-0.2500]))
    """

    eta = Param(0.001, "1", "learning rate", at_least=0.0)
    target = Param(0.1, "1", "mean rate that is aimed at, as a share of the highest", low=0.0, high=1.0)

    def update(self, a: Tensor, b: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Gain and bias [*neuron] after a batch of inputs x [B, *neuron], by the mean over the batch."""
        name = type(self).__name__
        for label, value in (("a", a), ("b", b), ("x", x)):
            _verify(f"{label} of {name}", value)
        if a.shape != b.shape or x.shape[1:] != a.shape:
            got = f"{list(a.shape)}, {list(b.shape)} and {list(x.shape)}"
            raise ShapeError(f"a, b and x of {name}", expected="[*neuron], [*neuron] and [B, *neuron]", got=got)
        if not bool((a > 0).all()):
            raise ParameterError(f"a of {name}", expected="gains above 0", got=f"{float(a.min()):g}")
        eta, target = (float(self.param_values()[label]) for label in ("eta", "target"))
        y = torch.sigmoid(a * x + b)
        rise = eta * (1 - (2 + 1 / target) * y + y * y / target)
        return a + eta / a + (x * rise).mean(0), b + rise.mean(0)


def _verify(what: str, value: Tensor) -> None:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        got = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise DTypeError(what, expected="a floating-point tensor", got=got)
    if not bool(torch.isfinite(value).all()):
        raise ParameterError(what, expected="finite numbers", got="NaN or infinity")
