"""Training with the rate of a leaky neuron as activation, so that this neuron can take its place."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ParameterError
from ..neurons import LIF, Precise
from ..synapses import IIRFilter
from ._sites import Site, added_up


class SoftLIF(nn.Module):
    """Soft LIF: y = amplitude / (t_ref + tau_mem ln(1 + v_th / rho(j - v_th))), j = x + current.

    rho(u) = gamma ln(1 + e^(u / gamma)) is the rectifier, made smooth, lest the slope be infinite at threshold; for
    gamma -> 0 y / amplitude is the rate, per ms, of a LIF neuron with constant current j. `sl.convert` puts that neuron
    in its place, with steps of 1 ms and spikes at their exact times, whatever the method; with `tau_syn` its input
    passes an alpha function first. The `amplitude` is by default tau_mem, so that for a large x the slope is
    about 1, and the constant `current` v_th, so that activation begins at x = 0.

    Shapes: any to the same. Units: ms; x and current in units of v_th. Raises: ParameterError; a t_ref below 1 ms, with
    which there would be more than a spike in a step, is one.
    Source: Hunsberger and Eliasmith 2015, "Spiking deep networks with LIF neurons", arXiv 1510.08829, the soft
    LIF response and alpha synapses; the defaults of amplitude and current, and exact spike times, are not from there.

    >>> import torch, spikeloom as sl
    >>> sl.conversion.SoftLIF()(torch.tensor([-0.1, 0.0, 0.5, 1.0]))
    tensor([0.1437, 0.2504, 0.8343, 1.2608])
    """

    def __init__(
        self, *, tau_mem: float = 20.0, t_ref: float = 2.0, v_th: float = 1.0, gamma: float = 0.03,
        amplitude: float | None = None, current: float | None = None, tau_syn: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.tau_mem, self.t_ref, self.v_th, self.gamma, self.tau_syn = tau_mem, t_ref, v_th, gamma, tau_syn
        self.amplitude = tau_mem if amplitude is None else amplitude
        self.current = v_th if current is None else current
        for name in ("tau_mem", "v_th", "gamma", "amplitude"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ParameterError(f"SoftLIF.{name}", expected="a number above 0", got=getattr(self, name))
        if not 1.0 <= t_ref < math.inf or not 0.0 <= tau_syn < math.inf or not abs(self.current) < math.inf:
            expected, got = "t_ref >= 1 ms, tau_syn >= 0", f"t_ref = {t_ref}, tau_syn = {tau_syn}"
            raise ParameterError("SoftLIF", expected=expected, got=f"{got}, current = {self.current}")

    def forward(self, x: Tensor) -> Tensor:
        """The rate, times what a spike is worth."""
        u = (x + self.current - self.v_th) / self.gamma
        # ln softplus(u) is u far below 0, where softplus itself is 0 in floating point.
        low = u < -15.0
        log_rho = math.log(self.gamma) + torch.where(low, u, functional.softplus(torch.where(low, 0.0, u)).log())
        period = self.t_ref + self.tau_mem * functional.softplus(math.log(self.v_th) - log_rho)
        return self.amplitude / period

    def as_site(self, steps: int) -> Site:
        """The neuron with the same constants."""
        neuron = Precise(LIF(tau_mem=self.tau_mem, v_th=self.v_th), t_ref=self.t_ref)
        site = Site(neuron, torch.tensor(self.amplitude)) if self.tau_syn == 0 else _Filtered(neuron, self)
        site.shift = torch.tensor(self.current)
        return site

    def extra_repr(self) -> str:
        """Constants."""
        names = ("tau_mem", "t_ref", "v_th", "gamma", "amplitude", "current", "tau_syn")
        return ", ".join(f"{name}={getattr(self, name):g}" for name in names)


class _Filtered(Site):
    """Neurons whose input and bias pass an alpha function with area 1; what stands still has passed it long ago."""

    def __init__(self, neuron: Precise, activation: SoftLIF) -> None:
        super().__init__(neuron, torch.tensor(activation.amplitude))
        rho = math.exp(-1.0 / activation.tau_syn)
        # Both poles at rho, in reflection coefficients.
        values = {"k1": 2 * rho / (1 + rho * rho), "k2": -rho * rho, "gain": (1 - rho) ** 2}
        self.synapse = IIRFilter(**{name: torch.tensor(value) for name, value in values.items()})

    def spikes(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        stands = x.stride(0) == 0 and residual is None
        x = added_up(x, bias, residual)
        return super().spikes(x if stands else self.synapse(x))


class ActivationNoise(nn.Identity):
    """Gaussian noise of standard deviation `sigma` on activations in training: what the irregularity of spikes is like.

    In evaluation mode, and so after conversion, nothing happens. With `active=True` values of 0 stay 0.

    Shapes: any to the same. Units: those of the activation. Raises: ParameterError for a negative sigma.
    Source: Hunsberger and Eliasmith 2015, arXiv 1510.08829, training with noise.

    >>> import torch, spikeloom as sl
    >>> layer = sl.conversion.ActivationNoise(0.5)
    >>> bool((layer(torch.zeros(4)) != 0).all()), layer.eval()(torch.ones(2))
    (True, tensor([1., 1.]))
    """

    def __init__(self, sigma: float, *, active: bool = False) -> None:
        super().__init__()
        if not 0.0 <= sigma < math.inf:
            raise ParameterError("sigma of ActivationNoise", expected="a number >= 0", got=sigma)
        self.sigma, self.active = sigma, active

    def forward(self, input: Tensor) -> Tensor:
        """With noise while it trains."""
        if not self.training or self.sigma == 0.0:
            return input
        noise = self.sigma * torch.randn_like(input)
        return input + (torch.where(input == 0, 0.0, noise) if self.active else noise)

    def extra_repr(self) -> str:
        """Its size."""
        return f"{self.sigma:g}" + (", active=True" if self.active else "")
