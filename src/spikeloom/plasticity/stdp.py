"""Spike-timing-dependent plasticity of pairs of spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Option, Param, Preset
from .dependence import Additive, Dependence, Multiplicative
from .pairing import AllToAll, Nearest, Pairing
from .rule import PostTrace, PreTrace, Rule
from .window import Asymmetric, Window


class STDP(Rule):
    """Pair-based STDP: dw = a_plus exp(-s/tau_plus) if a postsynaptic spike follows s > 0 later, -a_minus
    exp(-s/tau_minus) if it precedes; both times the range of weights and a factor of the weight (`dependence`).

    Traces x and y sum exp(-s/tau) over earlier spikes; w grows by a_plus x at a postsynaptic, shrinks by a_minus y at a
    presynaptic spike. Which pairs count says `pairing`, which order strengthens `window`.

    >>> import spikeloom as sl
    >>> sl.plasticity.STDP(pairing=sl.plasticity.Nearest(), dependence=sl.plasticity.PowerLaw(mu_plus=0.1))
    STDP(dependence=PowerLaw(mu_plus=0.1), pairing=Nearest())

    Source: Song, Miller and Abbott 2000, Nature Neuroscience 3, eq. 1; traces as in Morrison, Diesmann and Gerstner
    2008, Biological Cybernetics 98, sec. 4.1.
    """

    family = "STDP"
    presets: ClassVar[Mapping[str, Preset]] = {
        "Song 2000": Preset(
            {"a_plus": 0.005, "a_minus": 0.00525},
            "Song, Miller and Abbott 2000, Nature Neuroscience 3; the highest conductance there is w_max here",
        ),
        "Bi 2001": Preset(
            {"a_plus": 0.777 / 60, "a_minus": 0.273 / 60, "tau_plus": 16.8, "tau_minus": 33.7},
            "Bi and Poo 2001, Annual Review of Neuroscience 24, fit to 60 pairings; there shares of the weight before, "
            "here of the range of weights",
        ),
        "NEST stdp_synapse": Preset(
            {"a_plus": 0.01, "a_minus": 0.01, "w_max": 100.0, "dependence": Multiplicative()},
            "defaults of NEST's stdp_synapse: lambda 0.01, alpha 1, mu_plus and mu_minus 1, Wmax 100",
        ),
        "Falez 2020 biological": Preset(
            {"a_plus": 0.1, "a_minus": 0.1, "tau_plus": 10.0, "tau_minus": 10.0, "pairing": Nearest()},
            "Falez, Tirilly and Bilasco 2020, IJCNN; a trial, of length 1 there, takes 100 ms here",
        ),
    }

    a_plus = Param(0.01, "1", "potentiation, as a share of w_max - w_min", at_least=0.0)
    a_minus = Param(0.0105, "1", "depression, as a share of w_max - w_min", at_least=0.0)
    tau_plus = Param(20.0, "ms", "time constant of potentiation", low=0.0)
    tau_minus = Param(20.0, "ms", "time constant of depression", low=0.0)
    dependence = Option[Dependence](Additive(), "how changes depend on the weight")
    pairing = Option[Pairing](AllToAll(), "which pairs of spikes count")
    window = Option[Window](Asymmetric(), "which order of spikes strengthens")

    x = PreTrace("tau_plus", "recent presynaptic spikes")
    y = PostTrace("tau_minus", "recent postsynaptic spikes")

    def on_post(self) -> dict[str, Tensor]:
        seen = self.pairing.seen_by_post(self.x)
        return {"w": self.changed(self.window.post_last, self.a_plus * seen), **_own(self.pairing.after_post(self.x))}

    def on_pre(self) -> dict[str, Tensor]:
        seen = self.pairing.seen_by_pre(self.y)
        return {"w": self.changed(self.window.post_first, self.a_minus * seen), **_own(self.pairing.after_pre(self.y))}

    def on_trial(self) -> dict[str, Tensor]:
        return {name: torch.zeros_like(self.w) for name in self.synapse_states}

    def has(self, handler: str) -> bool:
        """Whether the rule states a handler; one for trials only where the pairing keeps states of synapses."""
        return super().has(handler) and (handler != "on_trial" or bool(self.synapse_states))

    def pre_spike(self) -> dict[str, Tensor]:
        return _own(self.pairing.pre_spike(self.x))

    def post_spike(self) -> dict[str, Tensor]:
        return _own(self.pairing.post_spike(self.y))

    def changed(self, grows: bool, amount: Tensor) -> Tensor:
        """The weight after a change of this size, before its bounds."""
        factor = self.dependence.up(self.share) if grows else -self.dependence.down(self.share)
        return self.w + amount * self.range * factor

    @property
    def range(self) -> Tensor:
        """From the lowest weight to the highest."""
        return self.w_max - self.w_min

    @property
    def share(self) -> Tensor:
        """The weight between its bounds, 0 ... 1."""
        return (self.w - self.w_min) / self.range


def _own(values: dict[str, Tensor]) -> dict[str, Tensor]:
    """Values of a pairing by the names that they have in the rule."""
    return {name if name in ("x", "y") else f"pairing_{name}": value for name, value in values.items()}
