"""Postsynaptic currents and potentials against their closed forms, at any step size."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.synapses import Alpha, DelayElement, Delta, DoubleExponential, Exponential, Receptors, Synapse

# Rounding adds up over some hundred steps of numbers near 1; closed forms as differences of exponentials lose a digit.
TOLERANCE = 1e-12
TAU_MEM, R = 10.0, 1.3
TAU, RISE, DECAY = 3.0, 1.0, 4.0
STEP_SIZES = (0.05, 0.3, 1.0, 4.0)

# What makes the peak of the difference of two exponentials 1.
PEAK = DECAY * RISE / (DECAY - RISE) * math.log(DECAY / RISE)
NORM = 1 / (math.exp(-PEAK / DECAY) - math.exp(-PEAK / RISE))


def response(tau: float, t: Tensor) -> Tensor:
    """The potential after a current exp(-t / tau)."""
    return R * tau / (TAU_MEM - tau) * (torch.exp(-t / TAU_MEM) - torch.exp(-t / tau))


def response_to_alpha(t: Tensor) -> Tensor:
    """The potential after a current (t / TAU) exp(1 - t / TAU)."""
    a = 1 / TAU - 1 / TAU_MEM
    area = (1 - torch.exp(-a * t) * (1 + a * t)) / a**2
    return R * math.e / (TAU * TAU_MEM) * torch.exp(-t / TAU_MEM) * area


# Synapse, its current and the potential of a LIF after one spike of weight 1 at time 0.
CASES: dict[str, tuple[Synapse, Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "exponential": (Exponential(tau_syn=TAU), lambda t: torch.exp(-t / TAU), lambda t: response(TAU, t)),
    "alpha": (Alpha(tau_syn=TAU), lambda t: t / TAU * torch.exp(1 - t / TAU), response_to_alpha),
    "double exponential": (
        DoubleExponential(tau_rise=RISE, tau_decay=DECAY),
        lambda t: NORM * (torch.exp(-t / DECAY) - torch.exp(-t / RISE)),
        lambda t: NORM * (response(DECAY, t) - response(RISE, t)),
    ),
    "equal constants": (
        DoubleExponential(tau_rise=TAU, tau_decay=TAU),
        lambda t: t / TAU * torch.exp(1 - t / TAU),
        response_to_alpha,
    ),
}
every_case = pytest.mark.parametrize("case", CASES)


def silent(**given: object) -> sl.LIF:
    """A membrane that never reaches its threshold."""
    return sl.LIF(tau_mem=TAU_MEM, r=R, v_th=math.inf, **given)  # type: ignore[arg-type]


def impulse(steps: int, at: int = 0, weight: float = 1.0) -> Tensor:
    x = torch.zeros(steps, 1, 1, dtype=torch.float64)
    x[at] = weight
    return x


def recorded(neuron: sl.Neuron, variable: str, *inputs: Tensor) -> Tensor:
    with torch.no_grad(), sl.record(neuron, variable) as trace:
        neuron(*inputs)
    return trace[variable].flatten()


def times(steps: int, dt: float) -> Tensor:
    """Ends of the steps: what arrives at step 0 arrives at time 0."""
    return torch.arange(1, steps + 1, dtype=torch.float64) * dt


@every_case
@pytest.mark.parametrize("dt", STEP_SIZES)
def test_current_and_potential_equal_their_closed_forms(case: str, dt: float) -> None:
    synapse, current, potential = CASES[case]
    neuron, t = Receptors(silent(dt=dt), exc=synapse), times(200, dt)
    assert (recorded(neuron, "exc_g", impulse(200)) - current(t)).abs().max() < TOLERANCE
    assert (recorded(neuron, "v", impulse(200)) - potential(t)).abs().max() < TOLERANCE


AREAS = {
    "exponential": TAU,
    "alpha": math.e * TAU,
    "double exponential": NORM * (DECAY - RISE),
    "equal constants": math.e * TAU,
}


@every_case
@pytest.mark.parametrize("dt", (0.1, 1.0))
def test_area_of_the_current(case: str, dt: float) -> None:
    """A perfect integrator holds the area in the end."""
    neuron = Receptors(sl.IF(v_th=math.inf, dt=dt), exc=CASES[case][0])
    v = recorded(neuron, "v", impulse(round(200 / dt)))
    assert float(v[-1]) == pytest.approx(AREAS[case], abs=TOLERANCE)


@pytest.mark.parametrize(("case", "peak"), [("alpha", TAU), ("double exponential", PEAK), ("equal constants", TAU)])
def test_the_peak_is_the_weight(case: str, peak: float) -> None:
    """With a grid point at the peak: it is there and nowhere else."""
    neuron = Receptors(silent(dt=peak / 40), exc=CASES[case][0])
    g = recorded(neuron, "exc_g", impulse(300, weight=2.5))
    assert int(g.argmax()) == 39
    assert float(g.max()) == pytest.approx(2.5, abs=TOLERANCE)


def test_rise_and_decay_may_be_exchanged_and_approach_each_other() -> None:
    """The kernel is symmetric in its constants, and steady where they meet: at 1 +- 1 % the series takes over."""
    t = times(60, 0.5)
    one, other = (
        recorded(Receptors(silent(dt=0.5), exc=DoubleExponential(tau_rise=a, tau_decay=b)), "v", impulse(60))
        for a, b in ((RISE, DECAY), (DECAY, RISE))
    )
    assert (one - other).abs().max() < TOLERANCE
    for ratio in (0.9899999, 0.9900001, 0.9999999, 1.0000001, 1.00999, 1.01001):
        rise, decay = ratio * TAU, TAU
        peak = decay * rise / (decay - rise) * math.log(decay / rise)
        norm = 1 / (math.exp(-peak / decay) - math.exp(-peak / rise))
        wanted = norm * (torch.exp(-t / decay) - torch.exp(-t / rise))
        synapse = DoubleExponential(tau_rise=rise, tau_decay=decay)
        g = recorded(Receptors(silent(dt=0.5), exc=synapse), "exc_g", impulse(60))
        # The reference cancels by the relative difference of the constants.
        assert (g - wanted).abs().max() < 1e-15 / abs(ratio - 1) + TOLERANCE


@every_case
def test_potentials_add_up(case: str) -> None:
    """The response to two spikes is the sum of the shifted responses to one."""
    neuron = Receptors(silent(dt=0.5), exc=CASES[case][0])
    first, second = impulse(120, at=4, weight=0.7), impulse(120, at=23, weight=-1.9)
    both = recorded(neuron, "v", first + second)
    one = recorded(neuron, "v", impulse(120))
    shifted = [torch.cat([torch.zeros(k, dtype=torch.float64), one[:-k]]) for k in (4, 23)]
    assert (both - (0.7 * shifted[0] - 1.9 * shifted[1])).abs().max() < TOLERANCE


def test_several_synapses_add_up_and_keep_apart() -> None:
    neuron = Receptors(silent(dt=0.5), **{name.replace(" ", "_"): case[0] for name, case in CASES.items()})
    inputs = [impulse(100, at=7 * k, weight=k + 1.0) for k in range(len(CASES))]
    together = recorded(neuron, "v", *inputs)
    alone = [recorded(Receptors(silent(dt=0.5), exc=CASES[n][0]), "v", x) for n, x in zip(CASES, inputs, strict=True)]
    assert (together - torch.stack(alone).sum(0)).abs().max() < TOLERANCE


def test_an_exponential_synapse_on_lif_is_current_lif() -> None:
    x = torch.rand(500, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours = Receptors(sl.LIF(tau_mem=10.0), exc=Exponential(tau_syn=5.0))
    theirs = sl.CurrentLIF(tau_mem=10.0, tau_syn=5.0)
    s = theirs(x)
    assert torch.equal(ours(x), s)
    assert 0 < s.mean() < 1


def test_a_delta_synapse_jumps_the_potential() -> None:
    """As NEST's iaf_psc_delta: the spike of a step is added after its integration."""
    v = recorded(Receptors(silent(dt=0.5), exc=Delta()), "v", impulse(50, weight=0.25) + impulse(50, at=10, weight=0.5))
    t = torch.arange(50, dtype=torch.float64) * 0.5
    wanted = 0.25 * torch.exp(-t / TAU_MEM) + torch.where(t >= 5, 0.5 * torch.exp(-(t - 5) / TAU_MEM), 0.0)
    assert (v - wanted).abs().max() < TOLERANCE


def test_delta_synapses_are_the_input_that_is_not_decayed() -> None:
    x = torch.rand(300, 1, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 0.3
    s = sl.LIF(tau_mem=5.0, decay_input=False)(x)
    assert torch.equal(Receptors(sl.LIF(tau_mem=5.0), exc=Delta())(x), s)
    assert s.sum() > 0


def test_a_delay_element_is_two_synapses() -> None:
    pair = DelayElement(w_exc=1.0, w_inh=2.5, tau_exc=DECAY, tau_inh=RISE)
    v = recorded(Receptors(silent(dt=0.2), pair=pair), "v", impulse(200))
    t = times(200, 0.2)
    assert (v - (response(DECAY, t) - 2.5 * response(RISE, t))).abs().max() < TOLERANCE
