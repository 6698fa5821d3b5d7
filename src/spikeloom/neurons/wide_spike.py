"""The adaptive exponential neuron whose spike has a width, as rules that read the potential need it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Param, Preset, State
from ._refractory_period import RefractoryPeriod
from .exponential import Adaptive

_SOURCE = "Clopath, Buesing, Vasilaki and Gerstner 2010, Nat. Neurosci. 13:344, table 1a"
_CLOCK = "Maes, Barahona and Clopath 2020, PLoS Comput. Biol. 16(1):e1007606, methods; width of the spike as NEST's"


class WideSpikeAdEx(RefractoryPeriod, Adaptive):
    """AdEx with a spike of some width, a depolarising after-current z and a threshold that jumps:

        c_mem dv/dt = g_leak (v_rest - v + delta_t exp((v - v_th - lift) / delta_t)) - w + z + i,
        tau_w dw/dt = a (v - v_rest) - w,  tau_z dz/dt = -z,  tau_threshold dlift/dt = -lift.

    Spike where v >= v_peak; then w <- w + b, z <- i_after, lift <- rise. v is v_clamp at the end of that step and of
    those that follow, t_clamp in all, then v_reset until t_ref after the spike. The other states go on meanwhile.

    Voltage-based plasticity such as `ClopathSTDP` integrates the potential over the spike: there the width counts.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, pA, nS, pF.
    Raises: ParameterError unless dt <= t_clamp <= t_ref, both multiples of dt.
    Source: Clopath et al. 2010, eqs 4-7 of the methods and table 1a. The spike that is clamped for 2 ms and v_reset are
    not in the text but in the authors' program; b is the program's, too, where the table has ten times as much and
    Brette and Gerstner a thousand times. v_clamp is that of NEST's aeif_psc_delta_clopath; the program has 29.4, then
    32.9 mV.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.neurons.WideSpikeAdEx()
    >>> neuron(torch.full((3000, 1, 3), 1.0) * torch.tensor([500.0, 1000.0, 2000.0])).sum(0)
    tensor([[ 0., 16., 41.]])
    """

    b = Param(0.0805, "pA", "adaptation by a spike")
    v_reset = Param(-49.5, "mV", "potential after a spike")
    v_peak = Param(33.0, "mV", "potential at which the upswing is cut off")
    v_clamp = Param(33.0, "mV", "potential during a spike")
    t_clamp = Param(2.0, "ms", "width of a spike", low=0.0)
    i_after = Param(400.0, "pA", "after-current at a spike")
    tau_z = Param(40.0, "ms", "time constant of the after-current", low=0.0)
    rise = Param(20.0, "mV", "threshold after a spike, above that at rest", at_least=0.0)
    tau_threshold = Param(50.0, "ms", "time constant of the threshold", low=0.0)
    z = State(0.0, "pA", "depolarising after-current")
    lift = State(0.0, "mV", "threshold above that at rest")

    presets: ClassVar[Mapping[str, Preset]] = {
        "Clopath": Preset({}, _SOURCE, drive=1000.0, duration=300.0),
        "clock network": Preset(
            {"c_mem": 300.0, "g_leak": 15.0, "v_rest": -70.0, "v_reset": -60.0, "v_th": -52.0, "v_peak": 20.0,
             "v_clamp": 20.0, "t_clamp": 1.0, "t_ref": 5.0, "a": 0.0, "b": 1000.0, "tau_w": 100.0, "i_after": 0.0,
             "rise": 10.0, "tau_threshold": 30.0},
            _CLOCK, drive=1000.0, duration=300.0,
        ),
    }  # fmt: skip
    shown = (1000.0, 300.0)

    @classmethod
    def example(cls) -> Self:
        """With steps in which something happens within a few."""
        return cls(dt=0.5)

    def verify(self) -> None:
        """The spike must fit into the refractory period and in the grid."""
        super().verify()
        values = self.param_values()
        dt, width, period = values["dt"], values["t_clamp"], values["t_ref"]
        if isinstance(dt, Tensor) or isinstance(width, Tensor) or isinstance(period, Tensor):
            return
        whole = abs(width / dt - round(width / dt)) < 1e-6
        if not whole or not 0.999 * dt < width < period + 0.001 * dt:
            expected, got = f"a multiple of dt = {dt:g} ms, at most t_ref = {period:g} ms", f"{width:g} ms"
            raise ParameterError(f"{type(self).__name__}.t_clamp", expected=expected, got=got, do="give all three")

    def membrane(self) -> Tensor:
        return super().membrane() + self.z

    def derivative(self) -> dict[str, Tensor]:
        raised = self.bind({"v_th": self.v_th + self.lift})
        states = super(WideSpikeAdEx, raised).derivative()
        return {**states, "z": -self.z / self.tau_z, "lift": -self.lift / self.tau_threshold}

    def charge(self) -> dict[str, Tensor]:
        states = super().charge()
        # A step of the spike's has more left of the refractory period than what follows the spike.
        during = self.remaining > self.t_ref - self.t_clamp + 1.5 * self.dt
        after = torch.where(self._resting(), self.v_reset, states["v"])
        return {**states, "v": torch.where(during, self.v_clamp, after)}

    def reset(self) -> dict[str, Tensor]:
        return {**super().reset(), "v": self.v_clamp, "z": self.i_after, "lift": self.rise}
