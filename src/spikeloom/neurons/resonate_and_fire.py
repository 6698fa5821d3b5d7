"""Resonate-and-fire neurons: damped oscillators that spike."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Input, Option, Param, Shown, State
from .integrators import Euler, Integrator
from .neuron import Neuron


class ResonateAndFire(Neuron):
    """Resonate-and-fire: dz/dt = (b + i omega) z + i_in; spike where Im z >= v_th, then z <- i v_th.

    The complex z is current and potential in one: Re z the current, to which the input goes, Im z the potential. Pulses
    that arrive a period 2 pi / omega apart add up, half a period apart they cancel. States are recorded as z_real and
    z_imag. `AdaptiveThreshold` around it makes the adaptive resonate-and-fire neuron.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms; z without unit.
    Source: Izhikevich 2001, Neural Networks 14:883; there b = -1 and omega = 10 per unit of time, which is 10 ms here.

    >>> import torch, spikeloom as sl
    >>> i = torch.zeros(200, 1, 2)
    >>> i[0], i[63, :, 0], i[31, :, 1] = 8.0, 8.0, 8.0  # one neuron gets its second pulse after a period
    >>> sl.neurons.ResonateAndFire()(i).sum(0)
    tensor([[1., 0.]])
    """

    dt = Param(0.1, "ms", "time step", low=0.0)
    b = Param(-0.1, "1/ms", "attraction to rest, negative")
    omega = Param(1.0, "1/ms", "angular frequency", low=0.0)
    v_th = Param(1.0, "1", "spike threshold")

    i = Input("1/ms", "summed synaptic current", span=(-4.0, 12.0))
    z = State(0j, "1", "current and potential", held=True)

    family = "linear integrate-and-fire"
    shown = Shown(15.0, 50.0, pulses=True)

    def derivative(self) -> dict[str, Tensor]:
        return {"z": torch.complex(self.b, self.omega) * self.z + self.i}

    def threshold(self) -> Tensor:
        return self.z.imag - self.v_th

    def reset(self) -> dict[str, Tensor]:
        return {"z": 1j * self.v_th}


class BalancedResonateAndFire(Neuron):
    """Balanced resonate-and-fire: dz/dt = (p(omega) - b_offset - rate q + i omega) z + rate i_in, by Euler's method.

    Spike where Re z >= v_th + q. A spike resets nothing but raises q by 1, which decays by the factor gamma per step,
    lifts the threshold and damps the oscillation. p(omega) = (sqrt(1 - (dt omega)^2) - 1) / dt is the divergence
    boundary: with it Euler's method keeps |z| as it is, so that any b_offset >= 0 is stable. The q that a step meets is
    that of the step before. States are recorded as z_real and z_imag.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms; z and q without unit.
    Raises: ParameterError unless dt omega < 1.
    Source: Higuchi, Kairat, Bohte and Otte 2024, "Balanced resonate-and-fire neurons", ICML (arXiv:2402.14603). There
    time has a unit of its own, here 1/rate, with steps of 0.01: omega, b_offset are rate times the paper's.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.BalancedResonateAndFire()(torch.full((70, 1, 1), 20.0)).sum()
    tensor(3.)
    """

    rate = Param(0.01, "1/ms", "inverse of the unit of time of q and of the input", low=0.0)
    b_offset = Param(0.01, "1/ms", "distance to the divergence boundary", at_least=0.0)
    omega = Param(0.1, "1/ms", "angular frequency", low=0.0)
    v_th = Param(1.0, "1", "spike threshold")
    gamma = Param(0.9, "1", "factor of the refractoriness per step", at_least=0.0, high=1.0)
    integrator = Option[Integrator](Euler(), "how the derivative becomes the next state")

    i = Input("1", "summed synaptic current", span=(-30.0, 60.0))
    z = State(0j, "1", "potential and its quadrature", held=True)
    q = State(0.0, "1", "refractoriness")

    family = "linear integrate-and-fire"
    shown = (20.0, 300.0)

    def verify(self) -> None:
        """The boundary is a number only where a step is shorter than 1 / omega."""
        values = self.param_values()
        turn = torch.as_tensor(values["dt"]).detach().max() * torch.as_tensor(values["omega"]).detach().max()
        if not turn.is_meta and turn >= 1:
            do = "choose a smaller dt or a lower omega"
            raise ParameterError(type(self).__name__, expected="dt omega < 1", got=f"{float(turn):g}", do=do)
        super().verify()

    def derivative(self) -> dict[str, Tensor]:
        boundary = (torch.sqrt(1 - (self.dt * self.omega) ** 2) - 1) / self.dt
        b = boundary - self.b_offset - self.rate * self.q
        return {"z": torch.complex(b, self.omega * torch.ones_like(b)) * self.z + self.rate * self.i}

    def charge(self) -> dict[str, Tensor]:
        return {**super().charge(), "q": self.gamma * self.q}

    def threshold(self) -> Tensor:
        return self.z.real - self.v_th - self.before("q")

    def reset(self) -> dict[str, Tensor]:
        return {"q": self.q + 1}
