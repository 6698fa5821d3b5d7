"""The synapse: what a postsynaptic neuron makes of the spikes that arrive."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Declared, Input, Shown


class Synapse(Declared):
    """Abstract: declares parameters and states, and states how arriving spikes become a current.

    A synapse runs as part of a neuron, `Receptors(neuron, exc=synapse)`. One step: `deliver` (jumps of the synapse's
    states by the weighted spikes of the step, `self.arriving`), then the neuron and the synapse are integrated together
    with `derivative` and `current`, then `jump` moves the potential at once. `self.v` is the potential of the
    postsynaptic neuron in a synapse that says `needs_potential`. A current into the cell is positive.
    """

    # Whether `v` is read; refused for a neuron that has no such variable.
    needs_potential: ClassVar[bool] = False
    # What shows a neuron with this synapse.
    shown: ClassVar[Shown] = Shown(1.5, 100.0, pulses=True)

    arriving = Input("pA", "weighted spikes of the step")

    def deliver(self) -> dict[str, Tensor]:
        """States changed at once by what arrives; none by default."""
        return {}

    def derivative(self) -> dict[str, Tensor]:
        """Time derivative of each state, per millisecond; none by default."""
        return {}

    def current(self) -> Tensor:
        """Current into the neuron; none by default."""
        return torch.zeros(())

    def jump(self) -> Tensor | None:
        """By how much the potential moves at once, after the step's integration; None where it does not."""
        return None

    @property
    def jumps(self) -> bool:
        """Whether what arrives moves the potential at the end of the step."""
        return type(self).jump is not Synapse.jump

    @property
    def v(self) -> Tensor:
        """Potential of the postsynaptic neuron."""
        v: Tensor = self.value("v")
        return v
