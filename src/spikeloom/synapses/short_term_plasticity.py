"""Short-term depression and facilitation: how much a presynaptic spike releases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..neurons import Neuron
from ..parameters import Input, Param, Preset, Shown, State


class Utilisation(Neuron):
    """Abstract: the release probability u of a terminal: tau_facil du/dt = -u, u <- u + u_se (1 - u) at a spike."""

    u_se = Param(0.5, "1", "utilisation of a rested synapse", at_least=0.0, at_most=1.0)
    tau_rec = Param(800.0, "ms", "recovery time constant", low=0.0)
    tau_facil = Param(0.0, "ms", "facilitation time constant; 0 for none, where u is u_se at each spike", at_least=0.0)

    spikes = Input("1", "presynaptic spikes", span=(0.0, 1.0))
    u = State(0.0, "1", "utilisation, decaying since the last spike")
    release = State(0.0, "1", "fraction of the resources released in this step")

    output = "release"
    family = "synapse"
    graded = True
    shown = Shown(1.0, 1000.0, pulses=True)

    def raised(self) -> Tensor:
        """The utilisation that a spike of this step meets."""
        return self.u + self.u_se * (1 - self.u) * self.spikes

    def relaxed(self) -> Tensor:
        """The utilisation one step later."""
        lasting = self.tau_facil > 0
        return torch.where(lasting, torch.exp(-self.dt / torch.where(lasting, self.tau_facil, 1.0)), 0.0) * self.u


class TsodyksMarkram(Utilisation):
    """Short-term plasticity: a presynaptic spike releases the fraction u of the recovered resources x.

    dx/dt = z/tau_rec, dy/dt = -y/tau_inact, z = 1 - x - y (inactive), tau_facil du/dt = -u. At a spike first
    u <- u + u_se (1 - u), then the release u x moves from x to y. The output is that release, 0 without spike; a weight
    behind it is the absolute strength. `y` is the postsynaptic current of the paper: drive an `Exponential` synapse of
    the same time constant with the release instead. A regular train of interval T has u = u_se / (1 - (1 - u_se)
    exp(-T/tau_facil)) and, for tau_inact much below tau_rec, x = (1 - E) / (1 - (1 - u) E), E = exp(-T/tau_rec).

    A spike acts before the step's recovery. Graded input scales both effects.

    Shapes: spikes [T, B, *features] to releases of the same shape. Units: ms.
    Source: Tsodyks, Pawelzik and Markram 1998, Neural Computation 10; Tsodyks, Uziel and Markram 2000, J. Neurosci. 20.

    >>> import torch, spikeloom as sl
    >>> train = (torch.arange(200) % 50 == 0).float().view(-1, 1, 1)
    >>> sl.synapses.TsodyksMarkram.preset("depressing")(train)[::50].flatten()
    tensor([0.5000, 0.2643, 0.1540, 0.1023])
    """

    tau_inact = Param(3.0, "ms", "inactivation time constant", low=0.0)
    x = State(1.0, "1", "recovered resources")
    y = State(0.0, "1", "active resources")

    presets: ClassVar[Mapping[str, Preset]] = {
        "depressing": Preset(
            {"u_se": 0.5, "tau_rec": 800.0, "tau_facil": 0.0, "tau_inact": 3.0},
            "Tsodyks, Pawelzik and Markram 1998, fig. 1A",
        ),
        "facilitating": Preset(
            {"u_se": 0.03, "tau_rec": 130.0, "tau_facil": 530.0, "tau_inact": 1.5},
            "Tsodyks, Pawelzik and Markram 1998, fig. 1B",
        ),
    }

    def deliver(self) -> dict[str, Tensor]:
        u = self.raised()
        release = u * self.x * self.spikes
        return {"u": u, "x": self.x - release, "y": self.y + release, "release": release}

    def derivative(self) -> dict[str, Tensor]:
        return {"x": (1 - self.x - self.y) / self.tau_rec, "y": -self.y / self.tau_inact}

    def charge(self) -> dict[str, Tensor]:
        return {**super().charge(), "u": self.relaxed()}
