"""The public contract tests over everything in the catalogues, and proof that they can fail."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.neurons import Euler, ExponentialEuler
from spikeloom.surrogate import CATALOGUE, Surrogate

NEURONS = {**sl.neurons.catalogue(), **sl.synapses.catalogue()}
# Options that change the program: reset, path of the input, integrator, surrogate, learned parameters.
CHOSEN = [
    sl.LIF(tau_mem=2.0, soft_reset=True),
    sl.LIF(tau_mem=2.0, decay_input=False, detach_reset=False),
    sl.LIF(tau_mem=2.0, integrator=ExponentialEuler()),
    sl.LIF(tau_mem=2.0, learn=("tau_mem", "v_th")),
    sl.CurrentLIF(tau_mem=3.0, tau_syn=3.0, soft_reset=True, surrogate=sl.surrogate.SuperSpike()),
    sl.AdaptiveLIF(tau_mem=2.0, tau_adapt=9.0, beta=0.5, soft_reset=True, integrator=Euler()),
    sl.IF(c_mem=2.0, v_reset=-0.5, surrogate=sl.surrogate.Sigmoid(width=0.5)),
    sl.Refractory(sl.CurrentLIF(tau_mem=3.0), t_ref=3.0),
    sl.Refractory(sl.LIF(dt=0.5, tau_mem=2.0, decay_input=False), t_ref=1.5, learn=("tau_mem",)),
]


def test_the_catalogue_is_found() -> None:
    assert {"IF", "LIF", "CurrentLIF", "AdaptiveLIF", "LeakyIntegrator", "Refractory"} <= NEURONS.keys()
    assert not {"Neuron", "Wrapper"} & NEURONS.keys()
    assert len(CATALOGUE) >= 12


@pytest.mark.parametrize("name", NEURONS)
def test_neuron_of_the_catalogue(name: str) -> None:
    sl.check_neuron(NEURONS[name])


@pytest.mark.parametrize("neuron", CHOSEN, ids=repr)
def test_neuron_with_options(neuron: sl.Neuron) -> None:
    sl.check_neuron(neuron)


@pytest.mark.parametrize("kind", CATALOGUE)
def test_surrogate_of_the_catalogue(kind: type[Surrogate]) -> None:
    sl.check_surrogate(kind())
    sl.check_surrogate(kind(width=0.7, height=0.4))


class GradedSpikes(sl.LIF):
    """Fires half a spike."""

    def fire(self) -> Tensor:
        return super().fire() / 2


class Undocumented(sl.LIF):
    gain = sl.Param(1.0, "", "")


class RestsNowhere(sl.LIF):
    """Rests at a parameter that does not exist."""

    u = sl.State("u_rest", "1", "second potential")


class Silent(sl.LIF):
    """Replaces NaN by rest."""

    def charge(self) -> dict[str, Tensor]:
        v = super().charge()["v"]
        return {"v": torch.where(torch.isnan(v), 0.0, v)}


class WrongSlope(sl.LIF):
    """Hides part of the input from the gradient."""

    def charge(self) -> dict[str, Tensor]:
        return {"v": super().charge()["v"] + (self.i - self.i.detach())}


class Lenient(sl.LIF):
    """Accepts any parameter."""

    tau_mem = sl.Param(20.0, "ms", "membrane time constant", low=0.0)

    def __init__(self, **given: object) -> None:
        given.pop("no_such_parameter", None)
        super().__init__(**given)  # type: ignore[arg-type]


class Remembering(sl.LIF):
    """Keeps what it saw last."""

    def forward(self, *inputs: Tensor) -> Tensor:
        self.register_buffer("last", inputs[0][-1].detach(), persistent=False)
        return super().forward(*inputs)


class Mixing(sl.LIF):
    """Every sample sees the first one of its batch."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return super().forward(inputs[0] + inputs[0][:, :1])


class Growing(sl.LIF):
    """Adds a step."""

    def forward(self, *inputs: Tensor) -> Tensor:
        return super().forward(torch.cat([inputs[0], inputs[0][-1:]]))


class Forgetful(sl.LIF):
    """Starts every piece at rest."""

    def forward(self, *inputs: Tensor) -> Tensor:
        from spikeloom import compile as compiler

        return compiler.run(self, self.param_values(), {"i": inputs[0]}, None, ("s",))[0]["s"]


@pytest.mark.parametrize(
    ("neuron", "rule"),
    [
        (GradedSpikes(tau_mem=2.0), "shape_is_kept"),
        (Undocumented(), "declarations_are_complete"),
        (RestsNowhere(), "declarations_are_complete"),
        (Silent(), "nan_is_refused"),
        (WrongSlope(tau_mem=2.0), "gradients_match_finite_differences"),
        (Lenient(), "bad_parameters_are_refused"),
        (Remembering(), "copies_behave_alike"),
        (Mixing(tau_mem=2.0), "neurons_are_independent"),
        (Growing(), "shape_is_kept"),
        (Forgetful(tau_mem=2.0), "pieces_equal_the_whole"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_broken_neuron_is_found(neuron: sl.Neuron, rule: str) -> None:
    with pytest.raises(AssertionError, match=rf"{type(neuron).__name__}.* breaks {rule}"):
        sl.check_neuron(neuron)


class Late(sl.surrogate.ATan):
    """A spike above threshold only."""

    def __call__(self, x: Tensor) -> Tensor:
        return super().__call__(x - 1e-12)


class Steep(Surrogate):
    """F'(0) = 2."""

    def primitive(self, z: Tensor) -> Tensor:
        return 2 * torch.atan(z)


class Infinite(Surrogate):
    """A slope without bound at threshold."""

    def primitive(self, z: Tensor) -> Tensor:
        return torch.sign(z) * torch.sqrt(torch.abs(z))


class OtherSlope(Surrogate):
    """Uses another slope than that of its primitive."""

    def primitive(self, z: Tensor) -> Tensor:
        return torch.tanh(z)

    def __call__(self, x: Tensor) -> Tensor:
        smooth = self.height * self.width * torch.atan(x / self.width)
        return (x >= 0).to(x.dtype) + (smooth - smooth.detach())


class Unscaled(Surrogate):
    """Ignores its width."""

    def smooth(self, x: Tensor) -> Tensor:
        return self.height * torch.atan(x)


@pytest.mark.parametrize(
    ("surrogate", "rule"),
    [
        (Late(), "is_a_step"),
        (Steep(), "slope_is_that_of_the_primitive"),
        (Infinite(), "slope_is_that_of_the_primitive"),
        (OtherSlope(), "slope_is_that_of_the_primitive"),
        (Unscaled(), "width_and_height_scale"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_broken_surrogate_is_found(surrogate: Surrogate, rule: str) -> None:
    with pytest.raises(AssertionError, match=rf"{type(surrogate).__name__}.* breaks {rule}"):
        sl.check_surrogate(surrogate)
