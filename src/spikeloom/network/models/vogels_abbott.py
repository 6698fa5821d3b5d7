"""The networks of Vogels and Abbott as benchmarks: CUBA, COBA and COBAHH, which differ from simulator to simulator."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from ...neurons import LIF, ExponentialEuler, Midpoint, Neuron, Refractory, SymplecticEuler, TraubMiles
from ...synapses import Conductance, Exponential, Receptors
from ..devices import Poisson
from ..distributions import Normal, Uniform
from ..network import Network
from ..population import Given
from ..rules import Bernoulli, FixedInDegree
from .model import Expected, Model, setting

_TAU_MEM, _C_MEM, _V_TH, _V_RESET, _T_REF = 20.0, 200.0, -50.0, -60.0, 5.0
_TAU_EXC, _TAU_INH, _E_EXC, _E_INH = 5.0, 10.0, 0.0, -80.0
_P = 0.02
# mS/cm^2 for 1 nS on 20 000 um^2.
_PER_AREA = 1e-6 / 2e-4


# Of E and I, tolerance, whose.
_Rates = tuple[float, float, float, str]


class _Variant(NamedTuple):
    """What the published programs do not agree on."""

    weights: tuple[float, float]
    delay: float
    # Resting potential, with what a constant current adds to it.
    v_rest: float
    initial: Mapping[str, Given]
    in_degree: bool = False
    stimulus: str = ""


@dataclass(frozen=True, kw_only=True)
class _VogelsAbbott(Model):
    """4 excitatory neurons for each inhibitory one, connected with a probability of 2 %."""

    n: int = setting(4000, "neurons, a fifth of them inhibitory", at_least=50)
    variant: str = setting("nest", "whose values")
    variants: ClassVar[Mapping[str, _Variant]]
    rates: ClassVar[Mapping[str, _Rates]] = {}

    @property
    def chosen(self) -> _Variant:
        """The values of the variant."""
        return self.variants[self.variant]

    @property
    def expected(self) -> Mapping[str, Expected]:
        """Rates measured with the programs that the variants are named after; from seed to seed they scatter."""
        if self.n != 4000 or self.variant not in self.rates:
            return {}
        e, i, tolerance, source = self.rates[self.variant]
        return {"E": Expected(e, tolerance, source), "I": Expected(i, tolerance, source)}

    @abstractmethod
    def neuron(self, dt: float) -> Neuron:
        """With the inputs exc and inh."""

    def fill(self, net: Network) -> None:
        variant, neuron = self.chosen, self.neuron(net.dt)
        e = net.population(self.n - self.n // 5, neuron, name="E", initial=variant.initial)
        i = net.population(self.n // 5, neuron, name="I", initial=variant.initial)
        for source, receptor, weight in zip((e, i), ("exc", "inh"), variant.weights, strict=True):
            rule = FixedInDegree(int(_P * len(source))) if variant.in_degree else Bernoulli(_P)
            for target in (e, i):
                net.connect(source, target, rule, weight=weight, delay=variant.delay, receptor=receptor)
        for population in (e, i):
            net.record(population)
        if variant.stimulus == "trains":
            pulse = Poisson(300.0, start=1.0, stop=51.0)
            net.connect(pulse, e[:50], weight=variant.weights[0], delay=variant.delay, receptor="exc")
        elif variant.stimulus == "sources":
            sources = net.population(20, Poisson(100.0, stop=50.0), name="stimulus")
            for target in (e, i):
                net.connect(sources, target, Bernoulli(0.01), weight=100.0, delay=variant.delay, receptor="exc")


@dataclass(frozen=True, kw_only=True)
class CUBA(_VogelsAbbott):
    """Vogels and Abbott's network with currents: 4000 LIF, 2 % connected.

    Benchmark 2 of Brette et al. 2007. Variants, by the program whose values they are:

        nest:   16.2 / -139.5 pA, 64 + 16 inputs each, delay 0.1 ms, v = -49 mV, 300 spikes/s on 50 neurons for 50 ms
        brian:  1.62 / -9 mV, that is 16.2 / -90 pA, delay 0, v = -60 to -50 mV
        pynn:   16.2 / -90 pA, delay 0.2 ms, v = -60 to -50 mV

    All: tau_mem = 20 ms, 200 pF, resting potential -49 mV, above the threshold of -50 mV; currents of 5 and 10 ms.

    Source: Vogels and Abbott 2005, J. Neurosci. 25:10786; Brette et al. 2007, J. Comput. Neurosci. 23:349.
    """

    variant: str = setting("nest", "whose values", choices=("nest", "brian", "pynn"))

    source: ClassVar[str] = "Brette et al. 2007, J. Comput. Neurosci. 23:349, benchmark 2"
    variants: ClassVar[Mapping[str, _Variant]] = {
        "nest": _Variant((16.2, -139.5), 0.1, -49.0, {"v": -49.0}, in_degree=True, stimulus="trains"),
        "brian": _Variant((16.2, -90.0), 0.0, -49.0, {"v": Uniform(-60.0, -50.0)}),
        "pynn": _Variant((16.2, -90.0), 0.2, -49.0, {"v": Uniform(-60.0, -50.0)}),
    }
    rates: ClassVar[Mapping[str, _Rates]] = {
        "nest": (3.97, 4.00, 0.1, "measured with NEST 3.10"),
        "brian": (5.85, 5.6, 0.1, "measured with NEST 3.10, delay 0.1 ms"),
    }

    def neuron(self, dt: float) -> Neuron:
        lif, exc, inh = _leaky(self.chosen.v_rest), Exponential(tau_syn=_TAU_EXC), Exponential(tau_syn=_TAU_INH)
        return Refractory(Receptors(lif, exc=exc, inh=inh), t_ref=_T_REF)


@dataclass(frozen=True, kw_only=True)
class COBA(_VogelsAbbott):
    """Vogels and Abbott's network with conductances: 4000 LIF, 2 % connected.

    Benchmark 1 of Brette et al. 2007. Variants, by the program whose values they are:

        nest:   6 / 67 nS, 64 + 16 inputs each, delay 0.1 ms, v = -70 mV, 300 spikes/s on 50 neurons for 50 ms
        pynn:   4 / 51 nS, delay 0.2 ms, v = -60 to -50 mV, for 50 ms 20 trains of 100 spikes/s on 1 % each, 100 nS
        auryn:  4 / 51 nS, delay 0.8 ms, v = -60 mV, constant current of 200 pA

    All: tau_mem = 20 ms, 200 pF, conductances of 5 and 10 ms with reversal potentials 0 and -80 mV. Integrated by
    `Midpoint`, of second order; an adaptive method gives the same rates. As in NEST, with some seeds activity dies out
    soon after the stimulus of `nest`: 11 of 80 here, 9 of 32 there. It goes on with the default seed.

    Source: Vogels and Abbott 2005, J. Neurosci. 25:10786; Brette et al. 2007, J. Comput. Neurosci. 23:349.
    """

    variant: str = setting("nest", "whose values", choices=("nest", "pynn", "auryn"))

    seed = 2
    source: ClassVar[str] = "Brette et al. 2007, J. Comput. Neurosci. 23:349, benchmark 1"
    variants: ClassVar[Mapping[str, _Variant]] = {
        "nest": _Variant((6.0, 67.0), 0.1, -60.0, {"v": -70.0}, in_degree=True, stimulus="trains"),
        "pynn": _Variant((4.0, 51.0), 0.2, -60.0, {"v": Uniform(-60.0, -50.0)}, stimulus="sources"),
        "auryn": _Variant((4.0, 51.0), 0.8, -60.0 + 200.0 * _TAU_MEM / _C_MEM, {"v": -60.0}),
    }
    rates: ClassVar[Mapping[str, _Rates]] = {"nest": (13.9, 14.1, 0.1, "measured with NEST 3.10")}

    def neuron(self, dt: float) -> Neuron:
        lif = _leaky(self.chosen.v_rest, integrator=Midpoint())
        return Refractory(_with_conductances(lif), t_ref=_T_REF)


@dataclass(frozen=True, kw_only=True)
class COBAHH(_VogelsAbbott):
    """Vogels and Abbott's network of 4000 Hodgkin-Huxley neurons with conductances.

    Benchmark 3 of Brette et al. 2007. Variants, by the program whose values they are:

        brian:  delay 0, no spike within 3 ms of another, conductances and potentials scattered at the beginning
        nest:   64 + 16 inputs each, delay 0.1 ms, no spike within 2 ms of another, 300 spikes/s on 50 neurons for 50 ms

    All: Traub and Miles' currents on 20 000 um^2, 6 / 67 nS. Integrated by exponential Euler as Brian does; as `nest`,
    which has an adaptive method, by `SymplecticEuler`: at 0.1 ms its rate is 3 % below that of a converged one, where
    exponential Euler's is 15 % below.

    Source: Brette et al. 2007, J. Comput. Neurosci. 23:349.
    """

    variant: str = setting("brian", "whose values", choices=("brian", "nest"))

    source: ClassVar[str] = "Brette et al. 2007, J. Comput. Neurosci. 23:349, benchmark 3"
    variants: ClassVar[Mapping[str, _Variant]] = {
        "brian": _Variant(
            (6.0 * _PER_AREA, 67.0 * _PER_AREA),
            0.0,
            -60.0,
            {
                "v": Normal(-65.0, 5.0),
                "exc_g": Normal(40.0 * _PER_AREA, 15.0 * _PER_AREA),
                "inh_g": Normal(200.0 * _PER_AREA, 120.0 * _PER_AREA),
                "m": 0.0,
                "h": 0.0,
                "n": 0.0,
            },
        ),
        "nest": _Variant(
            (6.0 * _PER_AREA, 67.0 * _PER_AREA),
            0.1,
            -60.0,
            # As NEST has it: gates settled where v - v_t is the potential itself.
            {"m": 0.0, "h": 1.0, "n": 0.0},
            in_degree=True,
            stimulus="trains",
        ),
    }

    rates: ClassVar[Mapping[str, _Rates]] = {
        "brian": (36.9, 36.3, 0.15, "measured with Brian2 2.9"),
        "nest": (33.4, 32.2, 0.15, "measured with NEST 3.10"),
    }

    def neuron(self, dt: float) -> Neuron:
        brian = self.variant == "brian"
        cell = TraubMiles(dt=dt, integrator=ExponentialEuler() if brian else SymplecticEuler())
        return Refractory(_with_conductances(cell), t_ref=3.0 if brian else 2.0)


def _leaky(v_rest: float, **options: Any) -> LIF:
    return LIF(tau_mem=_TAU_MEM, r=_TAU_MEM / _C_MEM, v_rest=v_rest, v_th=_V_TH, v_reset=_V_RESET, **options)


def _with_conductances(neuron: Neuron) -> Neuron:
    exc = Conductance(Exponential(tau_syn=_TAU_EXC), e_rev=_E_EXC)
    inh = Conductance(Exponential(tau_syn=_TAU_INH), e_rev=_E_INH)
    return Receptors(neuron, exc=exc, inh=inh)
