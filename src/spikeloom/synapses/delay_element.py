"""Inhibition first, excitation later: a delay made of two synapses, and the spread of devices."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Param, State
from .synapse import Synapse


class DelayElement(Synapse):
    """One spike drives an excitatory and a faster, stronger inhibitory synapse: i = w_exc g_exc - w_inh g_inh.

    tau_exc dg_exc/dt = -g_exc, likewise for g_inh; each spike adds its weight to both. For one spike the current is
    negative until `sign_change`, and largest at `maximum`. With tau_inh < tau_exc and w_inh > w_exc that is a delayed
    excitation; mismatch between devices (`mismatch`) makes many different delays.

    Shapes: as the neuron's inputs. Units: ms; w_exc and w_inh in units of the neuron's current, per weight of 1.
    Source: Nilsson, Liwicki and Sandin 2020, IJCNN (arXiv 2002.04924); the two times follow from the equations. The
    synapse of the chip is a differential pair integrator, here in its linear range.

    >>> import torch, spikeloom as sl
    >>> pair = sl.synapses.DelayElement(w_exc=1.0, w_inh=2.0, tau_exc=20.0, tau_inh=5.0)
    >>> pair.sign_change(), pair.maximum()
    (tensor(4.6210, dtype=torch.float64), tensor(13.8629, dtype=torch.float64))
    """

    w_exc = Param(1.0, "pA", "excitatory current after a spike of weight 1", low=0.0)
    w_inh = Param(2.0, "pA", "inhibitory current after a spike of weight 1", low=0.0)
    tau_exc = Param(20.0, "ms", "excitatory time constant", low=0.0)
    tau_inh = Param(5.0, "ms", "inhibitory time constant", low=0.0)
    g_exc = State(0.0, "1", "excitation")
    g_inh = State(0.0, "1", "inhibition")

    def deliver(self) -> dict[str, Tensor]:
        return {"g_exc": self.g_exc + self.arriving, "g_inh": self.g_inh + self.arriving}

    def derivative(self) -> dict[str, Tensor]:
        return {"g_exc": -self.g_exc / self.tau_exc, "g_inh": -self.g_inh / self.tau_inh}

    def current(self) -> Tensor:
        return self.w_exc * self.g_exc - self.w_inh * self.g_inh

    def sign_change(self) -> Tensor:
        """When the current of one spike turns from inhibition to excitation, ms after it."""
        return torch.log(self.w_inh / self.w_exc) / (1 / self.tau_inh - 1 / self.tau_exc)

    def maximum(self) -> Tensor:
        """When the current of one spike is largest, ms after it."""
        return torch.log(self.w_inh * self.tau_exc / (self.w_exc * self.tau_inh)) / (
            1 / self.tau_inh - 1 / self.tau_exc
        )


def mismatch(value: float, spread: float, *size: int, generator: torch.Generator | None = None) -> Tensor:
    """Values of devices built for `value`: lognormal with that mean and a coefficient of variation of `spread`.

    Raises: ParameterError unless value > 0 and spread >= 0.

    >>> import torch, spikeloom as sl
    >>> values = sl.synapses.mismatch(20.0, 0.15, 10000, generator=torch.Generator().manual_seed(0))
    >>> values.mean(), values.std() / values.mean()
    (tensor(19.9695), tensor(0.1509))
    """
    if not value > 0:
        raise ParameterError("value of mismatch", expected="> 0", got=f"{value:g}")
    if not spread >= 0:
        raise ParameterError("spread of mismatch", expected=">= 0", got=f"{spread:g}", do="0.15 is usual")
    variance = torch.log1p(torch.tensor(spread) ** 2)
    return value * torch.exp(torch.sqrt(variance) * torch.randn(size, generator=generator) - variance / 2)
