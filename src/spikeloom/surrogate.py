"""Spike functions: a step forward, the slope of a smooth primitive backward.

Each class states one formula, its unit primitive F(z) with F'(0) = 1; the slope that back-propagation uses is its
derivative, never written by hand. With `width` w and `height` h,

    forward   s = 1 if x >= 0 else 0
    backward  ds/dx = h F'(x / w)

so `height` is the slope at threshold and `width` the scale of the distance x to threshold.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .parameters import Declared, Option, Param


class Surrogate(Declared):
    """Abstract: a subclass states `primitive`."""

    width = Param(1.0, "1", "scale of the distance to threshold", low=0.0)
    height = Param(1.0, "1", "slope at threshold", low=0.0)

    def primitive(self, z: Tensor) -> Tensor:
        """Unit primitive F, elementwise, F'(0) = 1."""
        raise NotImplementedError(f"{type(self).__name__} states no primitive(self, z)")

    def smooth(self, x: Tensor) -> Tensor:
        """The smooth function whose derivative the backward pass uses: h w F(x / w)."""
        return self.height * self.width * self.primitive(x / self.width)

    def __call__(self, x: Tensor) -> Tensor:
        """Spikes of `x`, the distance to threshold: 1 where x >= 0.

        >>> ATan()(torch.tensor([-0.1, 0.0, 2.0]))
        tensor([0., 1., 1.])
        """
        smooth = self.smooth(x)
        return (x >= 0).to(x.dtype) + (smooth - smooth.detach())


def _odd(z: Tensor) -> tuple[Tensor, Tensor]:
    """Sign and magnitude of z with sign(0) = 1, so that slopes at threshold are not lost to the zero of `abs`."""
    sign = torch.where(z < 0, -1.0, 1.0)
    return sign, sign * z


class ATan(Surrogate):
    """Arctangent: F = atan(z), slope 1 / (1 + z^2).

    The default width 1/pi is the common alpha = 2 of slope (alpha / 2) / (1 + (pi alpha x / 2)^2).
    Source: Fang et al. 2021, "Incorporating learnable membrane time constant", ICCV, eq. 8.
    """

    width = Param(1 / math.pi, "1", "scale of the distance to threshold", low=0.0)

    def primitive(self, z: Tensor) -> Tensor:
        return torch.atan(z)


class Sigmoid(Surrogate):
    """Logistic: F = 4 / (1 + exp(-z)), slope 4 sigma(z) (1 - sigma(z)).

    A sigmoid sigma(alpha x) has width 1/alpha and height alpha/4; the default is alpha = 4.
    Source: Zenke and Ganguli 2018 discuss the family; Neftci et al. 2019, IEEE Signal Process. Mag. 36(6), fig. 3.
    """

    width = Param(0.25, "1", "scale of the distance to threshold", low=0.0)

    def primitive(self, z: Tensor) -> Tensor:
        return 4 * torch.sigmoid(z)


class SuperSpike(Surrogate):
    """Fast sigmoid: slope 1 / (1 + |z|)^2; the paper's beta is 1 / width.

    Source: Zenke and Ganguli 2018, "SuperSpike", Neural Computation 30(6), eq. 3.3.
    """

    width = Param(0.1, "1", "scale of the distance to threshold, 1 / beta", low=0.0)

    def primitive(self, z: Tensor) -> Tensor:
        sign, size = _odd(z)
        # 1 - 1/(1+|z|) rather than |z|/(1+|z|): its derivative has no cancelling terms.
        return sign * (1 - 1 / (1 + size))


class Triangle(Surrogate):
    """Triangle: slope max(0, 1 - |z|); zero for |x| >= width.

    Source: Bellec et al. 2018, "Long short-term memory and learning-to-learn in networks of spiking neurons",
    NeurIPS, eq. 4 with dampening 0.3, which is the default height; Esser et al. 2016, PNAS 113(41).
    """

    height = Param(0.3, "1", "slope at threshold, the dampening factor", low=0.0)

    def primitive(self, z: Tensor) -> Tensor:
        sign, size = _odd(z)
        inside = torch.clamp(size, max=1.0)
        return sign * inside * (1 - inside / 2)


class Rectangle(Surrogate):
    """Boxcar: slope 1 for |z| < 1, else 0; the paper's window a is 2 width and its height 1/a.

    Source: Wu et al. 2018, "Spatio-temporal backpropagation", Front. Neurosci. 12:331, eq. 24.
    """

    width = Param(0.5, "1", "half of the window", low=0.0)

    def primitive(self, z: Tensor) -> Tensor:
        return torch.clamp(z, -1.0, 1.0)


class _TwoSidedExponential(Surrogate):
    def primitive(self, z: Tensor) -> Tensor:
        sign, size = _odd(z)
        return sign * (1 - torch.exp(-size))


class Exponential(_TwoSidedExponential):
    """Two-sided exponential: slope exp(-|z|).

    Source: Shrestha and Orchard 2018, "SLAYER", NeurIPS, eq. 15, here without its scale; see `SLAYER`.
    """


class SLAYER(_TwoSidedExponential):
    """The spike escape rate of SLAYER: slope (1 / alpha) exp(-beta |x|): width 1/beta, height 1/alpha.

    The defaults are alpha = beta = 10 at threshold 1.
    Source: Shrestha and Orchard 2018, "SLAYER: spike layer error reassignment in time", NeurIPS, eq. 15.
    """

    width = Param(0.1, "1", "scale of the distance to threshold, 1 / beta", low=0.0)
    height = Param(0.1, "1", "slope at threshold, 1 / alpha", low=0.0)


class Gaussian(Surrogate):
    """Normal density: slope exp(-z^2 / 2); width is the standard deviation.

    Source: Yin et al. 2020, "Effective and efficient computation with multiple-timescale spiking recurrent neural
    networks", ICONS, section 2.3.
    """

    width = Param(0.5, "1", "standard deviation", low=0.0)

    def primitive(self, z: Tensor) -> Tensor:
        return math.sqrt(math.pi / 2) * torch.erf(z / math.sqrt(2))


class Erfc(Surrogate):
    """Complementary error function: F = -(sqrt(pi) / 2) erfc(z), slope exp(-z^2).

    A spike function erfc(-alpha x) / 2 has width 1/alpha and height alpha / sqrt(pi); the default is alpha = 2.
    Source: Fang et al. 2023, "SpikingJelly", Science Advances 9(40), table of surrogate functions.
    """

    width = Param(0.5, "1", "scale of the distance to threshold, 1 / alpha", low=0.0)
    height = Param(2 / math.sqrt(math.pi), "1", "slope at threshold", low=0.0)

    def primitive(self, z: Tensor) -> Tensor:
        return -math.sqrt(math.pi) / 2 * torch.erfc(z)


class MultiGaussian(Surrogate):
    """Centre Gaussian minus two wider ones at its sides, which makes the slope negative there.

    Slope proportional to (1 + h) N(z | 0, 1) - h N(z | 1, s) - h N(z | -1, s), with h = 0.15, s = 6 and N the normal
    density of given mean and standard deviation, scaled to 1 at z = 0. Width is the paper's sigma, default 0.5.
    Source: Yin, Corradi and Bohte 2021, Nature Machine Intelligence 3, eq. 9.
    """

    width = Param(0.5, "1", "standard deviation of the centre", low=0.0)
    side_height = Param(0.15, "1", "weight h of each side Gaussian", at_least=0.0)
    side_width = Param(6.0, "1", "standard deviation s of the sides in units of the centre's", low=0.0)

    def primitive(self, z: Tensor) -> Tensor:
        h, s = self.side_height, self.side_width
        root = math.sqrt(2.0)
        centre = (1 + h) * torch.erf(z / root)
        sides = h * (torch.erf((z - 1) / (s * root)) + torch.erf((z + 1) / (s * root)))
        peak = (1 + h) - 2 * h / s * torch.exp(-1 / (2 * s * s))
        return math.sqrt(math.pi / 2) * (centre - sides) / peak


class StraightThrough(Surrogate):
    """Straight-through estimator: slope 1 everywhere.

    Source: Bengio, Leonard and Courville 2013, arXiv:1308.3432, section 3.
    """

    def primitive(self, z: Tensor) -> Tensor:
        return z


class LeakyReLU(Surrogate):
    """Piecewise linear: slope 1 above threshold, `leak` below it.

    Source: the family of Fang et al. 2023, "SpikingJelly", Science Advances 9(40), table of surrogate functions.
    """

    leak = Param(0.01, "1", "slope below threshold relative to the one above", at_least=0.0)

    def primitive(self, z: Tensor) -> Tensor:
        return torch.where(z >= 0, z, self.leak * z)


class Smoothed(Surrogate):
    """Replaces the step itself by the primitive of another surrogate, for checks against finite differences.

    The output is graded: h w F(x / w). Its derivative is exactly the slope that the wrapped surrogate uses.
    """

    of = Option[Surrogate](ATan(), "surrogate whose primitive becomes the output")

    def __call__(self, x: Tensor) -> Tensor:
        return self.of.smooth(x)


CATALOGUE: tuple[type[Surrogate], ...] = tuple(
    item
    for name, item in list(globals().items())
    if isinstance(item, type)
    and issubclass(item, Surrogate)
    and not name.startswith("_")
    and item not in (Surrogate, Smoothed)
)
