"""The cortical microcircuit of Potjans and Diesmann."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...neurons import LIF, Neuron, Refractory
from ...synapses import Exponential, Receptors
from ..devices import Poisson
from ..distributions import Normal
from ..network import Network
from ..population import Population
from ..rules import FixedTotalNumber
from .model import Expected, Model, setting

Matrix = NDArray[np.float64]

NAMES = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
_SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
# Probability that a pair is connected: rows are targets, columns sources.
_CHANCES = np.array([
    [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000],
    [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000],
    [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000],
    [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000],
    [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000],
    [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000],
    [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
    [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
])  # fmt: skip
_THALAMUS, _THALAMIC_CHANCES = 902, np.array([0.0, 0.0, 0.0983, 0.0619, 0.0, 0.0, 0.0512, 0.0196])
_EXTERNAL, _EXTERNAL_RATE = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100]), 8.0
_RATES = np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829])
_RATES_OF_A_TENTH = np.array([0.51, 2.16, 4.03, 5.04, 6.70, 7.90, 0.85, 7.02])
_START = {
    "optimized": (
        (-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43),
        (5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48),
    ),
    "original": ((-58.0,) * 8, (10.0,) * 8),
}
_V_REST, _V_TH, _C_MEM, _TAU_MEM, _TAU_SYN, _T_REF = -65.0, -50.0, 250.0, 10.0, 0.5, 2.0
# Postsynaptic potential in mV, relative strength of inhibition, relative deviation of weights and of delays.
_PSP, _G, _WEIGHT_SD, _DELAY_SD = 0.15, -4.0, 0.1, 0.5
_DELAYS, _EXTERNAL_DELAY = (1.5, 0.75), 1.5


@dataclass(frozen=True, kw_only=True)
class Microcircuit(Model):
    """Cortical microcircuit of Potjans and Diesmann: four layers, 77 169 neurons, 299 million synapses.

    What lies under 1 mm^2 of cortex. Leaky integrate-and-fire neurons with exponential currents of 0.5 ms; numbers of
    synapses follow from connection probabilities, their pairs are drawn with replacement; weights 87.8 +- 8.8 pA,
    doubled from L4E to L23E, -4 times that from inhibitory neurons; delays 1.5 +- 0.75 ms, and 0.75 +- 0.375 ms from
    inhibitory ones. Each neuron has 1500 to 2900 external inputs of 8 spikes/s.

    `scale` shrinks populations, `degrees` how many inputs a neuron has. With fewer inputs, weights grow by
    1 / sqrt(degrees) and a constant current replaces what is lost of the mean input, which keeps mean and variance at
    the rates of the full network. Far below 0.1 synchrony grows; without the noise of Poisson input it falls silent.

    Source: Potjans and Diesmann 2014, Cereb. Cortex 24:785; values and rates as in the reference implementation
    (INM-6/microcircuit-PD14-model), of whose options `drive` and `start` take the names; down-scaling: van Albada,
    Helias and Diesmann 2015, PLoS Comput. Biol. 11:e1004490.
    """

    scale: float = setting(1.0, "share of the neurons", at_least=0.001, at_most=1.0)
    degrees: float | None = setting(
        None, "share of the inputs of a neuron; as scale if not given", kind=float, at_least=0.001, at_most=1.0
    )
    drive: str = setting("poisson", "external input: independent trains, or their mean", choices=("poisson", "dc"))
    start: str = setting("optimized", "potentials at the beginning", choices=("optimized", "original"))
    thalamus: bool = setting(False, "a pulse of 902 thalamic neurons, 120 spikes/s from 700 to 710 ms")

    settling = 500.0
    source: ClassVar[str] = "Potjans and Diesmann 2014, Cereb. Cortex 24:785"

    @property
    def _degrees(self) -> float:
        return self.scale if self.degrees is None else self.degrees

    def sizes(self) -> NDArray[np.int64]:
        """Neurons of each population."""
        return np.asarray(np.rint(_SIZES * self.scale), dtype=np.int64)

    def synapses(self) -> NDArray[np.int64]:
        """How many there are by target and source; at full scale 298 880 970 in all."""
        full = full_numbers(_CHANCES, _SIZES[:, None], _SIZES[None, :])
        share = self._degrees * self.sizes()[:, None] / _SIZES[:, None]
        return np.asarray(np.rint(full * share), dtype=np.int64)

    def weights(self) -> Matrix:
        """Means by target and source, pA."""
        return _full_weights() / math.sqrt(self._degrees)

    def constant_currents(self) -> Matrix:
        """Of each population, pA: external input where it is constant, and what down-scaling takes away."""
        external = np.full(8, _PSP * current_of_potential())
        degrees = full_numbers(_CHANCES, _SIZES[:, None], _SIZES[None, :]) / _SIZES[:, None]
        lost = (_full_weights() * degrees) @ _RATES
        driven = external * _EXTERNAL * _EXTERNAL_RATE
        missing = 1 - math.sqrt(self._degrees)
        total = missing * lost + (driven if self.drive == "dc" else missing * driven)
        return np.asarray(1e-3 * _TAU_SYN * total)

    def neuron(self, current: float) -> Neuron:
        """With a constant current, which a leaky membrane cannot tell from another resting potential."""
        r = _TAU_MEM / _C_MEM
        lif = LIF(tau_mem=_TAU_MEM, r=r, v_rest=_V_REST + r * current, v_th=_V_TH, v_reset=_V_REST)
        # Excitatory and inhibitory currents decay alike: one of them is enough.
        return Refractory(Receptors(lif, syn=Exponential(tau_syn=_TAU_SYN)), t_ref=_T_REF)

    def fill(self, net: Network) -> None:
        currents, (means, sds) = self.constant_currents(), _START[self.start]
        populations = [
            net.population(int(n), self.neuron(float(current)), name=name, initial={"v": Normal(mean, sd)})
            for name, n, current, mean, sd in zip(NAMES, self.sizes(), currents, means, sds, strict=True)
        ]
        numbers, weights = self.synapses(), self.weights()
        for t, target in enumerate(populations):
            for s, source in enumerate(populations):
                _connect(source, target, int(numbers[t, s]), float(weights[t, s]), _DELAYS[s % 2])
            net.record(target)
        if self.drive == "poisson":
            self._external(net, populations)
        if self.thalamus:
            self._thalamic(net, populations)

    def _external(self, net: Network, populations: list[Population]) -> None:
        weight = _PSP * current_of_potential() / math.sqrt(self._degrees)
        for target, inputs in zip(populations, _EXTERNAL, strict=True):
            rate = _EXTERNAL_RATE * float(inputs) * self._degrees
            net.connect(Poisson(rate), target, weight=weight, delay=_EXTERNAL_DELAY)

    def _thalamic(self, net: Network, populations: list[Population]) -> None:
        size = max(1, round(_THALAMUS * self.scale))
        cells = net.population(size, Poisson(120.0, start=700.0, stop=710.0), name="thalamus")
        full = full_numbers(_THALAMIC_CHANCES, _SIZES, np.array([_THALAMUS]))
        numbers = np.rint(full * self._degrees * self.sizes() / _SIZES).astype(np.int64)
        weight = _PSP * current_of_potential() / math.sqrt(self._degrees)
        for target, number in zip(populations, numbers, strict=True):
            _connect(cells, target, int(number), weight, _DELAYS[0])
        net.record(cells)

    @property
    def expected(self) -> Mapping[str, Expected]:
        """Rates at full scale, which down-scaling keeps roughly; at a tenth, what NEST gives for the same network."""
        if self.thalamus:
            return {}
        rates, tolerance, source = _RATES, 0.1, "reference implementation, one run"
        if self.scale == self._degrees == 0.1 and self.drive == "poisson":
            rates, tolerance, source = _RATES_OF_A_TENTH, 0.15, "measured with NEST 3.10"
        elif not self.scale == self._degrees == 1.0:
            tolerance, source = 0.5, "reference implementation, full scale"
        return {name: Expected(rate, tolerance, source) for name, rate in zip(NAMES, rates.tolist(), strict=True)}


def current_of_potential() -> float:
    """pA of an exponential current that makes a postsynaptic potential of 1 mV.

    >>> round(current_of_potential(), 2)
    585.39
    """
    ratio = _TAU_SYN / _TAU_MEM
    peak: float = ratio ** (ratio / (1 - ratio)) - ratio ** (1 / (1 - ratio))
    return _C_MEM * (_TAU_MEM - _TAU_SYN) / (_TAU_MEM * _TAU_SYN * peak)


def full_numbers(chances: Matrix, targets: NDArray[np.int64], sources: NDArray[np.int64]) -> Matrix:
    """Synapses that, drawn with replacement, connect a pair with a given probability: eq. 1 of the paper."""
    pairs = (targets * sources).astype(np.float64)
    return np.asarray(np.rint(np.log1p(-chances) / np.log1p(-1 / pairs)))


def _full_weights() -> Matrix:
    weights = np.where(np.arange(8) % 2, _G, 1.0)[None, :] * np.ones((8, 1))
    weights[NAMES.index("L23E"), NAMES.index("L4E")] *= 2.0
    return np.asarray(weights * _PSP * current_of_potential())


def _connect(source: Population, target: Population, number: int, weight: float, delay: float) -> None:
    """Weights of the wrong sign and delays of less than a step are drawn again."""
    if not number:
        return
    bounds = {"low": 0.0} if weight > 0 else {"high": 0.0}
    weights = Normal(weight, _WEIGHT_SD * abs(weight), **bounds)
    delays = Normal(delay, _DELAY_SD * delay, low=source.network.dt / 2)
    source.network.connect(source, target, FixedTotalNumber(number), weight=weights, delay=delays)
