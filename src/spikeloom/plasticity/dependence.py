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
    """Changes do not depend on the weight; bounds cut them off (hard bounds). Source: Song, Miller and Abbott 2000."""

    def up(self, w: Tensor) -> Tensor:
        return torch.ones_like(w)

    def down(self, w: Tensor) -> Tensor:
        return torch.ones_like(w)


class PowerLaw(Dependence):
    """up (1 - w)^mu_plus, down w^mu_minus; between additive (mu = 0) and multiplicative (mu = 1).

    Source: Gütig, Aharonov, Rotter and Sompolinsky 2003, J. Neurosci. 23, eq. 4, which has one mu; two as in NEST's
    stdp_synapse.
    """

    mu_plus = Param(0.4, "1", "exponent of potentiation", at_least=0.0)
    mu_minus = Param(0.4, "1", "exponent of depression", at_least=0.0)

    def up(self, w: Tensor) -> Tensor:
        return torch.pow(torch.clamp(1 - w, min=0.0), self.mu_plus)

    def down(self, w: Tensor) -> Tensor:
        return torch.pow(torch.clamp(w, min=0.0), self.mu_minus)


class Multiplicative(Dependence):
    """up 1 - w, down w: soft bounds, which are reached never.

    Source: Rubin, Lee and Sompolinsky 2001, Physical Review Letters 86.
    """

    def up(self, w: Tensor) -> Tensor:
        return 1 - w

    def down(self, w: Tensor) -> Tensor:
        return w


class Mixed(Dependence):
    """up 1, down w: potentiation is additive, depression multiplicative.

    Source: van Rossum, Bi and Turrigiano 2000, J. Neurosci. 20, eq. 1, without its noise.
    """

    def up(self, w: Tensor) -> Tensor:
        return torch.ones_like(w)

    def down(self, w: Tensor) -> Tensor:
        return w


class Exponential(Dependence):
    """up exp(-beta_plus w), down exp(-beta_minus (1 - w)): soft, as the conductance of a memristive device.

    Source: Querlioz, Bichler, Dollfus and Gamrat 2013, IEEE Trans. Nanotechnology 12, eqs. 1 and 2.
    """

    beta_plus = Param(3.0, "1", "how fast potentiation weakens", at_least=0.0)
    beta_minus = Param(3.0, "1", "how fast depression weakens", at_least=0.0)

    def up(self, w: Tensor) -> Tensor:
        return torch.exp(-self.beta_plus * w)

    def down(self, w: Tensor) -> Tensor:
        return torch.exp(-self.beta_minus * (1 - w))


class Logistic(Dependence):
    """up and down w (1 - w): weights move fastest half-way, gather at the bounds and never leave them.

    Source: Kheradpisheh, Ganjtabesh, Thorpe and Masquelier 2018, Neural Networks 99, eq. 5.
    """

    def up(self, w: Tensor) -> Tensor:
        return w * (1 - w)

    def down(self, w: Tensor) -> Tensor:
        return w * (1 - w)
