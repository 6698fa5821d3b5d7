"""Weights of -1, 0 and 1, trained through hidden ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..errors import DTypeError, ParameterError


class Trinary(nn.Module):
    """Rounds hidden weights to -1, 0 and 1, with hysteresis, and hands gradients straight on to them.

    The weight becomes 1 where the hidden one is at least 1/2 + h, -1 where it is at most -1/2 - h, 0 where its size is
    at most 1/2 - h, and between stays what it was, lest it change with every step of training. In evaluation mode
    what was last is kept.

    Shapes: as the weight. Raises: ParameterError for a hysteresis not between 0 and 1/2.
    Source: Esser et al. 2016, "Convolutional networks for fast, energy-efficient neuromorphic computing", PNAS 113(41).
    """

    kept: Tensor

    def __init__(self, weight: Tensor, *, hysteresis: float = 0.1) -> None:
        super().__init__()
        if not 0.0 <= hysteresis < 0.5:
            raise ParameterError("hysteresis of Trinary", expected="0 <= hysteresis < 0.5", got=hysteresis)
        self.hysteresis = hysteresis
        self.register_buffer("kept", weight.detach().clamp(-1.0, 1.0).round())

    def forward(self, hidden: Tensor) -> Tensor:
        """The weights."""
        if self.training:
            with torch.no_grad():
                size = hidden.abs()
                far = torch.where(size >= 0.5 + self.hysteresis, hidden.sign(), self.kept)
                self.kept.copy_(torch.where(size <= 0.5 - self.hysteresis, 0.0, far))
        return hidden + (self.kept - hidden).detach()


def trinary(layer: nn.Module, *, hysteresis: float = 0.1) -> nn.Module:
    """Give a layer weights of -1, 0 and 1: its own become the hidden ones, scaled so that their deviation is 1/2.

    Call `clip_hidden` after each step of training. Returns the layer. Raises: DTypeError without a tensor `weight`;
    ParameterError.
    Source: as `Trinary`; the scale is not from there.

    >>> import torch, spikeloom as sl
    >>> layer = sl.nn.trinary(torch.nn.Conv2d(4, 8, 3, groups=2))
    >>> layer.weight.unique()
    tensor([-1.,  0.,  1.], grad_fn=<Unique2Backward0>)
    """
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, Tensor):
        raise DTypeError("layer of trinary", expected="a layer with a weight, such as nn.Linear", got=repr(layer))
    with torch.no_grad():
        weight.mul_(0.5 / weight.std().clamp(min=1e-12)).clamp_(-1.0, 1.0)
    parametrize.register_parametrization(layer, "weight", Trinary(weight, hysteresis=hysteresis))
    return layer


@torch.no_grad()
def clip_hidden(model: nn.Module) -> None:
    """Hidden weights of all trinary layers back between -1 and 1, after a step of training."""
    for module in model.modules():
        if isinstance(module, parametrize.ParametrizationList) and any(isinstance(part, Trinary) for part in module):
            module.original.clamp_(-1.0, 1.0)
