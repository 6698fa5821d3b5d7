"""How much a weight changes, by how large it is."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Declared, Param


class Dependence(Declared):
    """Abstract: factors of potentiation and depression for a weight scaled to 0 ... 1 between its bounds."""

    def up(self, w: Tensor) -> Tensor:
        """Factor of potentiation."""
        raise NotImplementedError(f"{type(self).__name__} states no up(self, w)")

    def down(self, w: Tensor) -> Tensor:
        """Factor of depression."""
        raise NotImplementedError(f"{type(self).__name__} states no down(self, w)")


class Additive(Dependence):
    """Changes do not depend on the weight; bounds cut them off. Source: Song, Miller and Abbott 2000."""

    def up(self, w: Tensor) -> Tensor:
        return torch.ones_like(w)

    def down(self, w: Tensor) -> Tensor:
        return torch.ones_like(w)


class PowerLaw(Dependence):
    """up (1 - w)^mu, down w^mu; between additive (mu = 0) and multiplicative (mu = 1).

    Source: Gütig, Aharonov, Rotter and Sompolinsky 2003, J. Neurosci. 23, eq. 4.
    """

    mu = Param(0.4, "1", "exponent", at_least=0.0)

    def up(self, w: Tensor) -> Tensor:
        return torch.pow(torch.clamp(1 - w, min=0.0), self.mu)

    def down(self, w: Tensor) -> Tensor:
        return torch.pow(torch.clamp(w, min=0.0), self.mu)


class Multiplicative(Dependence):
    """up 1 - w, down w: soft bounds, which are reached never. Source: Rubin, Lee and Sompolinsky 2001."""

    def up(self, w: Tensor) -> Tensor:
        return 1 - w

    def down(self, w: Tensor) -> Tensor:
        return w
