"""The spike response model: by exponential kernels, stated recursively, and by kernels of any shape."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..parameters import Input, Option, Param, State
from ._response import Kernel, Response, written
from .neuron import Neuron


class SRM0(Neuron):
    """Spike response model SRM0 with exponential kernels: v(t) = v_rest + sum_j eta(t - t_j) + sum_f i_f eps(t - t_f).

        eps(s) = r tau_syn / (tau_mem - tau_syn) (exp(-s / tau_mem) - exp(-s / tau_syn)),
        eta(s) = -eta_0 exp(-s / tau_eta)

    over own spikes t_j and inputs t_f. Spike where v >= v_th; v itself is never reset, a spike adds its eta. With
    tau_eta = tau_mem and eta_0 = v_th - v_reset it is `CurrentLIF` with a soft reset, spike for spike. With
    `cumulative=False` only the last own spike counts. A threshold that depends on own spikes:
    `AdaptiveThreshold(SRM0())`.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms, potential and current in units of v_th.
    Source: Gerstner and Kistler 2002, "Spiking neuron models", section 4.2.3; Gerstner et al. 2014, "Neuronal
    dynamics", section 6.4.

    >>> import torch, spikeloom as sl
    >>> x = torch.full((30, 1, 1), 0.4)
    >>> bool((sl.neurons.SRM0()(x) == sl.CurrentLIF(soft_reset=True)(x)).all())
    True
    """

    tau_mem = Param(20.0, "ms", "decay of the response to input", low=0.0)
    tau_syn = Param(5.0, "ms", "rise of the response to input", low=0.0)
    tau_eta = Param(20.0, "ms", "decay of the response to an own spike", low=0.0)
    eta_0 = Param(1.0, "1", "depth of the response to an own spike")
    r = Param(1.0, "1", "membrane resistance", low=0.0)
    v_th = Param(1.0, "1", "spike threshold")
    v_rest = Param(0.0, "1", "resting potential")
    cumulative = Option(True, "sum over all own spikes instead of the last alone")
    i = Input("1", "summed synaptic input")
    i_syn = State(0.0, "1", "synaptic current")
    psp = State(0.0, "1", "response to input")
    h = State(0.0, "1", "response to own spikes")
    v = State("v_rest", "1", "membrane potential", held=True)

    family = "spike response"
    shown = (0.3, 100.0)

    def deliver(self) -> dict[str, Tensor]:
        return {"i_syn": self.i_syn + self.i}

    def derivative(self) -> dict[str, Tensor]:
        return {
            "i_syn": -self.i_syn / self.tau_syn,
            "psp": (self.r * self.i_syn - self.psp) / self.tau_mem,
            "h": -self.h / self.tau_eta,
        }

    def charge(self) -> dict[str, Tensor]:
        charged = super().charge()
        return {**charged, "v": self.v_rest + charged["psp"] + charged["h"]}

    def threshold(self) -> Tensor:
        return self.v - self.v_th

    def reset(self) -> dict[str, Tensor]:
        h = self.h - self.eta_0 if self.cumulative else -self.eta_0
        return {"h": h, "v": self.v_rest + self.psp + h}


class SpikeResponse(Response):
    """Spike response model with kernels of any shape: v(t) = v_rest + sum_s kappa(s) i(t - s) + sum_j eta(t - t_j).

    Spike where v >= v_th + sum_j theta(t - t_j). `kappa`, `eta` and `theta` are tensors [steps] or [steps, *features]:
    the response to input s steps ago, to an own spike (at s = 0 the jump at the spike itself), and the threshold's.
    They can be learned: `learn=("kappa", "eta")`.

    With `cumulative=True` all own spikes t_j count, else the last one t^ alone, as in SRM0. With `truncated=True` a
    spike ends the response to the input before it: kappa(t - t^, s) = kappa(s) for s < t - t^ and 0 beyond, the full
    model that a LIF with a hard reset is. Of kernels of two variables this is the only one. A kernel of 100 steps takes
    about ten seconds to compile; long exponential tails are better stated recursively, as in `SRM0`.

    Shapes: [T, B, *features] to spikes of the same shape. Units: kernels in steps of dt, potential in units of v_th.
    Raises: ParameterError for a kernel that is empty or not finite.
    Source: Gerstner and Kistler 2002, "Spiking neuron models", section 4.2; Gerstner et al. 2014, "Neuronal dynamics",
    section 6.4. Kernels that end are not from there.

    >>> import torch, spikeloom as sl
    >>> decay = torch.exp(-torch.arange(30) / 5.0)
    >>> neuron = sl.neurons.SpikeResponse((1 - decay[1]) * decay, 0 * decay, truncated=True, cumulative=False)
    >>> x = torch.full((100, 1, 1), 1.5)
    >>> bool((neuron(x) == sl.LIF(tau_mem=5.0)(x)).all())
    True
    """

    v_th = Param(1.0, "1", "spike threshold")
    v_rest = Param(0.0, "1", "resting potential")
    cumulative = Option(True, "sum over all own spikes instead of the last alone")
    truncated = Option(False, "a spike ends the response to earlier input")
    i = Input("1", "input")
    v = State("v_rest", "1", "membrane potential", held=True)

    family = "spike response"
    shown = (2.0, 100.0)

    def __init__(
        self,
        kappa: Kernel = (0.3, 0.2, 0.1, 0.05),
        eta: Kernel = (-1.0, -0.5, -0.2),
        theta: Kernel = (0.0,),
        *,
        learn: Iterable[str] = (),
        **given: object,
    ) -> None:
        super().__init__({"kappa": kappa, "eta": eta, "theta": theta}, learn=learn, **given)

    def kernels(self) -> dict[str, Tensor]:
        return {name: self.kept(name) for name in ("kappa", "eta", "theta")}

    def _own(self) -> str:
        """The line of own spikes: that of the input too where a spike ends both or neither."""
        return "ahead" if self.cumulative != self.truncated else "own"

    def lines(self) -> dict[str, int]:
        steps = {"ahead": self._lengths["kappa"], "raised": self._lengths["theta"]}
        return {**steps, self._own(): max(steps.get(self._own(), 0), self._lengths["eta"])}

    def _potential(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """The potential beside the lines that it is the sum of."""
        v = self.v_rest + values["ahead_0"]
        return {**values, "v": v if self._own() == "ahead" else v + values["own_0"]}

    def charge(self) -> dict[str, Tensor]:
        lines = {name: self.moved(name) for name in self.lines()}
        lines["ahead"] = [later + self.tap("kappa", k) * self.i for k, later in enumerate(lines["ahead"])]
        return self._potential({n: v for name, line in lines.items() for n, v in written(name, line).items()})

    def threshold(self) -> Tensor:
        return self.v - self.v_th - self.value("raised_0")  # type: ignore[no-any-return]

    def reset(self) -> dict[str, Tensor]:
        ahead = [torch.zeros_like(x) for x in self.line("ahead")] if self.truncated else self.line("ahead")
        values = {
            **written("ahead", ahead),
            **written(self._own(), self._added(self._own(), "eta")),
            **written("raised", self._added("raised", "theta")),
        }
        return self._potential(values)

    def _added(self, line: str, kernel: str) -> list[Tensor]:
        """A line after a spike, whose response is `kernel`."""
        return [x * float(self.cumulative) + self.tap(kernel, k) for k, x in enumerate(self.line(line))]
