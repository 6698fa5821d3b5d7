"""Everything that is refused, and what the error says: what was expected, what was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.errors import (
    DTypeError,
    NonFiniteError,
    ParameterError,
    RoundedDelayWarning,
    ShapeError,
    SpikeloomError,
    TraceError,
    UnknownNameError,
)
from spikeloom.network import Network, devices, rules
from spikeloom.synapses import Conductance, Delta, Exponential, Receptors

NAN, INF = float("nan"), float("inf")


class Net(NamedTuple):
    """What cases work on."""

    net: Network
    a: nw.Population
    b: nw.Population
    jumps: nw.Population
    two: nw.Population
    clock: nw.Population


def small() -> Net:
    """Ten and five neurons, one population whose input jumps, one with two receptors, a source."""
    net = Network(dt=0.1, seed=1, threads=1)
    both = Receptors(sl.LIF(), exc=Exponential(), inh=Exponential())
    return Net(
        net,
        net.population(10, sl.LIF(), name="a"),
        net.population(5, sl.LIF(), name="b"),
        net.population(4, Receptors(sl.LIF(), exc=Delta()), name="jumps"),
        net.population(4, both, name="two"),
        net.population(3, devices.Regular(1.0), name="clock"),
    )


ALL = rules.AllToAll()


def connect(**given: Any) -> Callable[[Net], object]:
    """From a to b, all to all if nothing else is given."""
    return lambda n: n.net.connect(n.a, n.b, **{"rule": ALL, **given})


def drive(device: Any, **given: Any) -> Callable[[Net], object]:
    return lambda n: n.net.connect(device, n.a, **given)


def add(*args: Any, **given: Any) -> Callable[[Net], object]:
    return lambda n: n.net.population(*(args or (3, sl.LIF())), **given)


def rule(made: Callable[[], Any]) -> Callable[[Net], object]:
    return lambda n: n.net.connect(n.a, n.b, made())


def some(weight: float) -> list[list[float]]:
    """A weight per pair, one of them another."""
    weights = np.ones((10, 5))
    weights[3, 2] = weight
    return weights.tolist()


class Silly(sl.LIF):
    """A slip of the pen in the reset."""

    def reset(self) -> Any:
        return {"vv": self.v_reset}


P, S, D, U = ParameterError, ShapeError, DTypeError, UnknownNameError
# What is done; the error; words of its message.
CASES: dict[str, tuple[Callable[[Net], object], type[SpikeloomError], str]] = {
    # Weights.
    "weight NaN": (connect(weight=NAN), P, "weight of a to b: expected finite numbers, got nan"),
    "weight NaN in an array": (connect(weight=some(NAN)), P, "weight of a to b: expected finite numbers, got nan"),
    "weight infinite": (connect(weight=-INF), P, "weight of a to b: expected finite numbers, got -inf"),
    "weight too large for float32": (connect(weight=1e39), P, "float32"),
    "weight a word": (connect(weight="strong"), D, "weight of a to b: expected a number"),
    "weight nothing": (connect(weight=None), SpikeloomError, "weight of a to b"),
    "weights of another size": (connect(weight=np.ones((10, 4))), S, r"\[10, 5\].*got \[10, 4\]"),
    "weights of a rule without numbers": (
        connect(rule=rules.Bernoulli(0.5), weight=np.ones((10, 5))), S, "Bernoulli does not number"),
    # Delays.
    "delay NaN": (connect(delay=NAN), P, "delay of a to b: expected finite numbers, got nan"),
    "delay NaN in an array": (connect(delay=some(NAN)), P, "delay of a to b: expected finite numbers, got nan"),
    "delay negative": (connect(delay=-1.0), P, r"delay of a to b: expected at least 0 ms, got -1 ms"),
    "delay negative in an array": (connect(delay=some(-0.1)), P, "delay of a to b: expected at least 0 ms"),
    "delay negative in a distribution": (connect(delay=nw.Normal(1.0, 1.0)), P, "delay of a to b: expected at least"),
    "delay in seconds": (connect(delay=1e5), P, "delay of a to b: expected at most 6000 ms"),
    "delay infinite": (connect(delay=INF), P, "delay of a to b: expected finite numbers, got inf"),
    "delays of another size": (connect(delay=[1.0, 2.0]), S, "delay of a to b.*one value per synapse"),
    "delay a word": (connect(delay="long"), D, "delay of a to b: expected a number"),
    "axonal delay negative": (connect(axonal_delay=-0.1), P, "axonal_delay of a to b: expected at least 0"),
    "axonal delay NaN": (connect(axonal_delay=NAN), P, "axonal_delay of a to b: expected finite"),
    "no delay before a jump": (
        lambda n: n.net.connect(n.a, n.jumps, ALL, delay=0.0), P, r"at least 0.1 ms \(what arrives jumps"),
    # Who is connected.
    "unknown receptor": (connect(receptor="inn"), U, "receptor of a to b: expected one of i, got 'inn'"),
    "receptor not named": (
        lambda n: n.net.connect(n.a, n.two, ALL), P, r"receptor of a to two: expected one of exc, inh.*receptor="),
    "onto a source": (lambda n: n.net.connect(n.a, n.clock, ALL), P, "neurons to connect to"),
    "from another network": (lambda n: n.net.connect(small().a, n.b, ALL), P, "pre of connect.*of this"),
    "to another network": (lambda n: n.net.connect(n.a, small().b, ALL), P, "post of connect.*of this"),
    "from a number": (lambda n: n.net.connect(3, n.b, ALL), P, "pre of connect"),
    "to a name": (lambda n: n.net.connect(n.a, "b", ALL), P, "post of connect"),
    "no rule": (lambda n: n.net.connect(n.a, n.b), P, r"rule of connect.*FixedInDegree\(100\)"),
    "rule as a class": (connect(rule=rules.AllToAll), P, "rule of connect"),
    "a neuron twice": (lambda n: n.net.connect(n.a[[0, 0]], n.b, ALL), P, "pre of a to b: expected each neuron once"),
    "index out of range": (lambda n: n.a[[3, 10]], S, r"index into.*neurons 0 to 9"),
    "index a name": (lambda n: n.a["w"], U, "variable of a: expected one of .* got 'w'"),
    # Rules.
    "p > 1": (rule(lambda: rules.Bernoulli(1.5)), P, "Bernoulli.p.*got 1.5"),
    "p < 0": (rule(lambda: rules.Bernoulli(-0.1)), P, "Bernoulli.p"),
    "p NaN": (rule(lambda: rules.Bernoulli(NAN)), P, "Bernoulli.p.*got nan"),
    "p a word": (rule(lambda: rules.Bernoulli("half")), SpikeloomError, "Bernoulli.p"),  # type: ignore[arg-type]
    "in-degree negative": (rule(lambda: rules.FixedInDegree(-1)), P, "FixedInDegree.degree.*got -1"),
    "in-degree a fraction": (rule(lambda: rules.FixedInDegree(2.5)), SpikeloomError, "FixedInDegree.degree"),  # type: ignore[arg-type]
    "in-degree NaN": (rule(lambda: rules.FixedInDegree(NAN)), SpikeloomError, "FixedInDegree.degree"),  # type: ignore[arg-type]
    "in-degree too large": (
        rule(lambda: rules.FixedInDegree(11, multapses=False)), P, "at most 10, .* got 11.*multapses=True"),
    "out-degree too large": (rule(lambda: rules.FixedOutDegree(6, multapses=False)), P, "at most 5, .* got 6"),
    "total number too large": (rule(lambda: rules.FixedTotalNumber(51, multapses=False)), P, "at most 50, .* got 51"),
    "nobody to choose from": (
        lambda n: n.net.connect(n.a[:1], n.a[:1], rules.FixedInDegree(1, autapses=False)), P, "at most 0"),
    "one to one of unequal sizes": (connect(rule=rules.OneToOne()), S, "as many sources as targets, got 10 and 5"),
    "explicit out of range": (rule(lambda: rules.Explicit([0, 10], [0, 1])), P, "indices from 0 to 9, got 10"),
    "explicit negative": (rule(lambda: rules.Explicit([0, -1], [0, 1])), P, "Explicit.sources.*got -1"),
    "explicit of unequal lengths": (rule(lambda: rules.Explicit([0, 1], [0])), S, "as many sources as targets"),
    "explicit real": (rule(lambda: rules.Explicit([0.5], [0])), D, "Explicit.sources: expected whole numbers"),
    "matrix of another shape": (
        rule(lambda: rules.FromSparse(np.ones((5, 10)))), S, r"\[sources, targets\] = \[10, 5\], got \[5, 10\]"),
    "matrix with NaN": (rule(lambda: rules.FromSparse([[NAN]])), P, "FromSparse.matrix: expected finite numbers"),
    # Distributions.
    "sd 0": (lambda n: nw.Normal(0.0, 0.0), P, "Normal.sd.*got 0"),
    "sd NaN": (lambda n: nw.Normal(0.0, NAN), P, "Normal.sd.*got nan"),
    "mean infinite": (lambda n: nw.Normal(INF, 1.0), P, "Normal"),
    "bounds the wrong way": (lambda n: nw.Normal(0.0, 1.0, low=1.0, high=-1.0), P, "expected low < high"),
    "bounds out of reach": (lambda n: nw.Normal(0.0, 1.0, low=9.0), P, "expected bounds with a chance of"),
    "uniform the wrong way": (lambda n: nw.Uniform(1.0, 0.0), P, "Uniform.stop"),
    "mean a word": (lambda n: nw.Exponential("1"), P, "Exponential.mean"),  # type: ignore[arg-type]
    # Populations.
    "n = 0": (add(0, sl.LIF()), P, "size of population 5: expected n > 0"),
    "n = -1": (add(-1, sl.LIF()), P, "size of population 5: expected n > 0.*got n = -1"),
    "n a fraction": (add(2.5, sl.LIF()), P, "size of population 5"),
    "n and another shape": (add(5, sl.LIF(), shape=(2, 2)), P, r"n = 5, shape = \(2, 2\)"),
    "shape with 0": (add(None, sl.LIF(), shape=(2, 0)), P, "size of population 5"),
    "neuron as a class": (add(3, sl.LIF), P, r"neuron of population 5.*sl.LIF\(\)"),
    "no neuron": (add(3), P, "neuron of population 5: expected a neuron or a source, got None"),
    "name taken": (add(3, sl.LIF(), name="a"), P, "name of a population: expected one that is not taken, got 'a'"),
    "dt of its own": (add(3, sl.LIF(dt=0.5)), P, "dt of the neuron of population 5: expected 0.1.*got 0.5"),
    "dt of its own, of another default": (add(3, sl.neurons.AdEx(dt=0.5)), P, "dt of the neuron of population 5"),
    "dt as a parameter": (add(parameters={"dt": 0.5}), P, "to be left alone, got 0.5. Give it to Network"),
    "graded spikes": (add(3, sl.neurons.SigmaDelta()), P, "expected spikes of 0 and 1"),
    "parameter misspelt": (add(parameters={"tau_men": 5.0}), U, "Did you mean 'tau_mem'"),
    "state misspelt": (add(initial={"V": 5.0}), U, "initial value of population 5.*got 'V'"),
    "parameter as a state": (add(initial={"tau_mem": 5.0}), U, "initial value of population 5"),
    "initial NaN": (add(initial={"v": NAN}), P, r"population 5\['v'\].*got (NaN|nan)"),
    "initial NaN in an array": (add(initial={"v": [0.0, NAN, 1.0]}), P, r"population 5\['v'\].*got (NaN|nan)"),
    "initial infinite": (add(initial={"v": INF}), P, r"population 5\['v'\].*got inf"),
    "initial of another size": (add(initial={"v": [0.0, 1.0]}), S, r"population 5\['v'\].*\[3\].*got \[2\]"),
    "initial a word": (add(initial={"v": "rest"}), D, r"population 5\['v'\]: expected numbers"),
    "tau_mem 0": (add(parameters={"tau_mem": 0.0}), P, "tau_mem"),
    "tau_mem negative for one": (add(parameters={"tau_mem": [1.0, -1.0, 1.0]}), P, "tau_mem"),
    "tau_mem drawn below 0": (add(parameters={"tau_mem": nw.Uniform(-2.0, -1.0)}), P, "tau_mem"),
    "tau_mem NaN": (add(parameters={"tau_mem": NAN}), P, r"tau_mem.*(NaN|nan)"),
    "v_th NaN for one": (add(parameters={"v_th": [1.0, NAN, 1.0]}), P, r"v_th.*(NaN|nan)"),
    "c_mem 0": (add(3, sl.neurons.AdEx(dt=0.1), parameters={"c_mem": 0.0}), P, "c_mem"),
    "reset above threshold": (add(parameters={"v_reset": 2.0}), P, "v_reset"),
    "reset above threshold for one": (add(parameters={"v_reset": [0.0, 2.0, 0.0]}), P, "v_reset"),
    "t_ref negative": (add(3, sl.Refractory(sl.LIF(dt=0.1), t_ref=1.0), parameters={"t_ref": -1.0}), P, "t_ref"),
    "t_ref off the grid": (
        add(3, sl.Refractory(sl.LIF(dt=0.1), t_ref=1.0), parameters={"t_ref": 1.05}), P, "multiple of dt"),
    "a slip in the reset": (lambda n: (n.net.population(1, Silly()), n.net.run(1.0)), TraceError, "vv"),
    "set a state to NaN": (lambda n: n.a.__setitem__("v", NAN), P, r"a\['v'\].*got (NaN|nan)"),
    "set what does not exist": (lambda n: n.a.__setitem__("u", 1.0), U, "variable of a.*got 'u'"),
    # Devices.
    "rate negative": (lambda n: nw.Poisson(-1.0), P, "Poisson.rate.*got -1"),
    "rate NaN": (lambda n: nw.Poisson(NAN), P, "Poisson.rate.*got nan"),
    "rate infinite": (lambda n: nw.Poisson(INF), P, "Poisson.rate.*got inf"),
    "rate a word": (lambda n: nw.Poisson("high"), D, "Poisson.rate"),  # type: ignore[arg-type]
    "rate dt > 1 of a source": (add(3, nw.Poisson(10_001.0)), P, "at most one spike per step, 10000 spikes/s"),
    "rates of another size": (drive(nw.Poisson([1.0, 2.0])), S, "rate of Poisson to a.*10, got 2"),
    "device weight NaN": (drive(nw.Poisson(1.0), weight=NAN), P, "weight of Poisson to a: expected finite"),
    "device weights of another size": (drive(nw.Poisson(1.0), weight=[1.0, 2.0]), S, r"weight of Poisson to a.*\[10\]"),
    "device delay NaN": (drive(nw.Poisson(1.0), delay=NAN), P, "delay of Poisson to a.*got nan"),
    "device delay negative": (drive(nw.Poisson(1.0), delay=-0.1), P, "delay of Poisson to a.*got -0.1"),
    "device delay off the grid": (drive(nw.Poisson(1.0), delay=0.15), P, "delay of Poisson to a.*multiples of dt"),
    "device delays": (drive(nw.Poisson(1.0), delay=[0.1, 0.2]), SpikeloomError, "delay of Poisson to a: expected"),
    "device with a rule": (drive(nw.Poisson(1.0), rule=ALL), P, "expected none: a device acts on each neuron"),
    "device receptor": (drive(nw.Poisson(1.0), receptor="exc"), U, "receptor of Poisson to a"),
    "device start after stop": (lambda n: nw.Poisson(1.0, start=5.0, stop=2.0), P, "expected start < stop"),
    "device start off the grid": (drive(nw.Poisson(1.0, start=0.05)), P, "start of Poisson to a.*multiples"),
    "spike times off the grid": (add(1, nw.SpikeTimes([[1.04]])), P, "multiples of dt = 0.1 ms, got 1.04"),
    "spike times NaN": (lambda n: nw.SpikeTimes([[1.0, NAN]]), P, "times of channel 0: expected finite numbers"),
    "spike times negative": (lambda n: nw.SpikeTimes([[-1.0]]), P, r"times > 0"),
    "spike times twice": (add(1, nw.SpikeTimes([[1.0, 1.0]])), P, "at most one spike per step"),
    "spike times of another size": (add(3, nw.SpikeTimes([[1.0]])), S, "a list for each of 3 channels, got 1"),
    "spike times without channels": (lambda n: nw.SpikeTimes([1.0, 2.0]), SpikeloomError, "a list for each channel"),
    "spike times of an unknown channel": (
        add(2, nw.SpikeTimes([1.0], channels=[2])), P, "channels of population 5: expected 0 to 1, got 2"),
    "interval 0": (lambda n: devices.Regular(0.0), P, "Regular.interval"),
    "interval below dt": (add(1, devices.Regular(0.05)), P, "interval of population 5: expected at least dt"),
    "current NaN": (lambda n: nw.DirectCurrent(NAN), P, "DirectCurrent.amplitude: expected finite"),
    "current steps the wrong way": (lambda n: nw.StepCurrent([2.0, 1.0], [1.0, 2.0]), P, "increasing times"),
    "noise negative": (lambda n: nw.NoiseCurrent(0.0, -1.0), P, "sd|deviation|>= 0"),
    # Recorders.
    "record what does not exist": (lambda n: n.net.record(n.a, "w"), U, "variable of a.*got 'w'"),
    "record off the grid": (lambda n: n.net.record(n.a, "v", every=0.25), P, "multiple of dt"),
    "record never": (lambda n: n.net.record(n.a, "v", every=0.0), P, "every"),
    "record NaN": (lambda n: n.net.record(n.a, "v", every=NAN), P, "every"),
    # Runs.
    "half a step": (lambda n: n.net.run(0.05), P, "duration of run: expected a multiple of dt = 0.1 ms, got 0.05"),
    "duration NaN": (lambda n: n.net.run(NAN), P, "duration of run: expected a time >= 0.*got nan"),
    "duration negative": (lambda n: n.net.run(-1.0), P, "duration of run.*got -1"),
    "duration infinite": (lambda n: n.net.run(INF), P, "duration of run.*got inf"),
    "duration a word": (lambda n: n.net.run("1 s"), P, "duration of run"),  # type: ignore[arg-type]
    "duration of millennia": (lambda n: n.net.run(1e12), P, "duration of run: expected at most"),
    "nothing to run": (lambda n: Network().run(1.0), P, "network: expected at least one population"),
    # The network.
    "dt 0": (lambda n: Network(dt=0.0), P, "Network.dt.*got 0"),
    "dt NaN": (lambda n: Network(dt=NAN), P, "Network.dt.*got nan"),
    "dt a word": (lambda n: Network(dt="0.1"), P, "Network.dt"),  # type: ignore[arg-type]
    "seed negative": (lambda n: Network(seed=-1), P, "Network.seed.*got -1"),
    "seed real": (lambda n: Network(seed=1.5), P, "Network.seed.*got 1.5"),  # type: ignore[arg-type]
    "seed too large": (lambda n: Network(seed=1 << 32), P, "Network.seed.*2\\*\\*32"),
    "batch 0": (lambda n: Network(batch=0), P, "Network.batch.*got 0"),
    "threads 0": (lambda n: Network(threads=0), P, "Network.threads.*got 0"),
    "half precision": (lambda n: Network(dtype=torch.float16), P, "Network.dtype"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_refused(case: str) -> None:
    """Nothing is changed by what is refused: the network runs on."""
    act, kind, words = CASES[case]
    given = small()
    with pytest.raises(kind, match=words) as caught:
        act(given)
    assert caught.value.args[0].strip()
    if case != "a slip in the reset":
        assert not given.net.projections
        assert len(given.net.populations) == 5


def test_default_dt() -> None:
    """A neuron that was given no dt takes the network's, whatever its default is."""
    net = Network(dt=0.5)
    for neuron in (sl.LIF(), sl.neurons.AdEx(), sl.neurons.Izhikevich()):
        assert net.population(1, neuron)["dt"] == 0.5


def test_rounded_delay() -> None:
    """A delay between two steps is taken as the nearest, and said so."""
    n = small()
    with pytest.warns(RoundedDelayWarning, match=r"delay of a to b: 1.04 ms is no multiple of dt = 0.1 ms, taken as 1"):
        made = n.net.connect(n.a, n.b, ALL, delay=1.04)
    assert set(made.synapses().delay.tolist()) == {1.0}


@pytest.mark.parametrize("threads", (1, 2))
def test_nan_in_a_run(threads: int) -> None:
    """The error names population, variable, neuron and time, and has what was recorded until then."""
    net = Network(dt=0.1, seed=1, threads=threads)
    leaky = sl.LIF(dt=0.1, integrator=sl.neurons.ExponentialEuler())
    cells = net.population(200, Receptors(leaky, exc=Conductance(Exponential())), name="cells")
    source = net.population(1, nw.SpikeTimes([[2.0]]))
    net.connect(source, cells[150:151], ALL, weight=-1e30, delay=1.0)
    net.record(source)
    with pytest.raises(NonFiniteError, match=r"(?s)neuron 150.*cells") as caught:
        net.run(10.0)
    assert "ms" in str(caught.value)
    assert caught.value.result.events.step.tolist() == [19]


def test_nan_written_into_a_state() -> None:
    net = Network(dt=0.1, seed=1, threads=1)
    cells = net.population(20, sl.LIF(), name="cells")
    cells["v"][7] = NAN
    with pytest.raises(NonFiniteError, match=r"(?s)neuron 7.*cells"):
        net.run(1.0)


def test_absurd_current_into_hodgkin_huxley() -> None:
    """Gates saturate, and the potential stays finite up to where float32 ends; never NaN without a word."""
    net = Network(dt=0.1, seed=1, threads=1)
    cells = net.population(2, sl.neurons.HodgkinHuxley(dt=0.1), name="cells")
    net.connect(nw.DirectCurrent(3e38), cells)
    with pytest.raises(NonFiniteError, match=r"(?s)cells"):
        net.run(5.0)
