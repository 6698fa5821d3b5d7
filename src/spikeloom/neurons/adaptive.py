"""Integrate-and-fire with an adaptive threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Option, Param, Preset, State
from ..surrogate import MultiGaussian, Triangle
from ._membrane import Membrane
from .integrators import Exact, ExponentialEuler

_LSNN = {"soft_reset": True, "lagged": True, "beta": 1.8, "v_th": 0.01, "tau_mem": 20.0}


class AdaptiveLIF(Membrane):
    """LIF whose threshold rises with each spike: tau_mem dv/dt = v_rest - v + r i, tau_adapt da/dt = -a.

    Spike where v >= v_th + beta a; then a <- a + 1, and v <- v_reset or, with `soft_reset=True`, v is lowered by
    v_th + beta a - v_reset. The adaptation that a spike meets is that of the same step, already decayed.

    With `lagged=True` a spike acts in the next step, as in long short-term SNNs: with alpha = exp(-dt/tau_mem) and
    rho = exp(-dt/tau_adapt), a(t) = rho a(t-1) + (1 - rho) s(t-1), theta = v_th + beta a(t) and v(t) = alpha v(t-1) +
    (1 - alpha) r i(t) - (theta - v_reset) s(t-1). To get there, the recorded v and a of a spike are those that decay to
    these. With `normalised=True` the slope of the surrogate is taken at (v - theta) / theta.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms, potential and current in units of v_th.
    Raises: ParameterError for lagged=True without soft_reset=True or with an integrator whose decay is not exact.
    Source: Bellec et al. 2020, Nature Communications 11:3625, eqs 8 to 10 (there the reset is soft and a decays after
    the spike is added; here the order is that of every neuron: integrate, threshold, reset). lagged: Bellec et al.
    2018, NeurIPS (arXiv:1803.09574) and Yin, Corradi and Bohte 2020, ICONS (arXiv:2005.11633), at dt = 1 ms.

    >>> import torch, spikeloom as sl
    >>> sl.AdaptiveLIF(tau_mem=2.0, beta=0.5)(torch.full((8, 1, 1), 3.0)).flatten()
    tensor([1., 0., 1., 0., 0., 1., 0., 0.])
    """

    tau_mem = Param(20.0, "ms", "membrane time constant", low=0.0)
    tau_adapt = Param(200.0, "ms", "adaptation time constant", low=0.0)
    beta = Param(0.2, "1", "rise of the threshold per unit of adaptation")
    r = Param(1.0, "1", "membrane resistance", low=0.0)
    lagged = Option(False, "a spike lowers v and raises the threshold in the next step, after their decay")
    normalised = Option(False, "measure the distance to threshold in units of the threshold")
    a = State(0.0, "1", "threshold adaptation")

    presets: ClassVar[Mapping[str, Preset]] = {
        "LSNN": Preset(
            {**_LSNN, "tau_adapt": 700.0, "normalised": True, "surrogate": Triangle(height=0.3)},
            source="Bellec et al. 2018, NeurIPS; tau_adapt and v_th from their ranges of 200 to 1200 and 0.01 to 0.03",
            drive=0.05,
            duration=500.0,
        ),
        "SRNN": Preset(
            {**_LSNN, "tau_adapt": 150.0, "surrogate": MultiGaussian(height=0.5)},
            source="Yin, Corradi and Bohte 2020, ICONS: psMNIST; surrogate: Yin et al. 2021, Nat. Mach. Intell. 3",
            drive=0.05,
            duration=500.0,
        ),
    }

    def verify(self) -> None:
        """A reset in the next step has to know the decay in between."""
        super().verify()
        if self.lagged and not (self.soft_reset and isinstance(self.integrator, Exact | ExponentialEuler)):
            expected = "soft_reset=True and the integrator Exact() or ExponentialEuler() with lagged=True"
            got = f"soft_reset={self.soft_reset} and {self.integrator!r}"
            raise ParameterError("AdaptiveLIF", expected=expected, got=got, do="pass soft_reset=True")

    def derivative(self) -> dict[str, Tensor]:
        return {"v": (self.v_rest - self.v + self.r * self.i) / self.tau_mem, "a": -self.a / self.tau_adapt}

    def _raised(self) -> Tensor:
        return self.v_th + self.beta * self.a

    def threshold(self) -> Tensor:
        distance = self.v - self._raised()
        return distance / self._raised() if self.normalised else distance

    def reset(self) -> dict[str, Tensor]:
        if self.lagged:
            return self._lagged_reset()
        v = self.v - (self._raised() - self.v_reset) if self.soft_reset else self.v_reset
        return {"v": v, "a": self.a + 1}

    def _lagged_reset(self) -> dict[str, Tensor]:
        """What decays in the next step to a raised by 1 - rho and to v lowered by the threshold that is then."""
        alpha, rho = torch.exp(-self.dt / self.tau_mem), torch.exp(-self.dt / self.tau_adapt)
        a = self.a + (1 - rho) / rho
        return {"v": self.v - (self.v_th + self.beta * rho * a - self.v_reset) / alpha, "a": a}
