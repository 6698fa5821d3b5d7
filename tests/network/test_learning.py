"""Plastic projections: every rule of the catalogue in the simulator; switches, signals, what is kept and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.errors import DTypeError, ParameterError, ShapeError, UnknownNameError
from spikeloom.plasticity import STDP, Multiplicative, ReSuMe
from spikeloom.synapses import Delta, Receptors

CATALOGUE = sl.plasticity.catalogue()


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_rule(name: str) -> None:
    sl.check_rule(CATALOGUE[name])


def balanced(threads: int = 1, *, batch: int = 1, rule: Any = None, seed: int = 4) -> tuple[nw.Network, nw.Projection]:
    """Excitation that learns, with multapses, delays before and behind the synapse; inhibition that does not."""
    net = nw.Network(dt=0.1, seed=seed, threads=threads, batch=batch)
    lif = sl.Refractory(Receptors(sl.LIF(tau_mem=20.0, v_th=20.0, v_reset=0.0), syn=Delta()), t_ref=2.0)
    exc = net.population(200, lif, name="E", initial={"v": nw.Uniform(0.0, 20.0)})
    inh = net.population(50, lif, name="I", initial={"v": nw.Uniform(0.0, 20.0)})
    made = net.connect(
        exc, exc, nw.FixedInDegree(40), weight=nw.Normal(0.5, 0.1, low=0.1, high=0.9),
        delay=1.5, axonal_delay=nw.Uniform(0.2, 3.0),
        plasticity=rule or STDP(a_plus=0.05, a_minus=0.06, dependence=Multiplicative()),
    )  # fmt: skip
    net.connect(exc, inh, nw.FixedInDegree(40), weight=0.5, delay=1.5)
    for cells in (exc, inh):
        net.connect(inh, cells, nw.FixedInDegree(10), weight=-2.0, delay=1.5)
        net.connect(nw.Poisson(1500.0), cells, weight=0.8, delay=0.1)
    net.record(exc)
    assert isinstance(made, nw.Projection)
    return net, made


def test_threads_pieces_and_checkpoints(tmp_path: Path) -> None:
    net, made = balanced()
    spikes = net.run(100.0).events
    weights = made.synapses().weight
    assert np.abs(weights - 0.5).max() > 0.3
    assert len(spikes.neuron) > 500
    again, other = balanced(3)
    for piece in (30.0, 0.1, 9.9):
        again.run(piece)
    again.save(tmp_path / "half")
    again.run(60.0)
    np.testing.assert_array_equal(other.synapses().weight, weights)
    resumed, third = balanced(2)
    resumed.restore(tmp_path / "half")
    late = resumed.run(60.0).events
    np.testing.assert_array_equal(third.synapses().weight, weights)
    first = np.searchsorted(spikes.step, 400)
    np.testing.assert_array_equal(late.neuron, spikes.neuron[first:])


def test_what_is_added_meanwhile_changes_nothing() -> None:
    net, made = balanced()
    net.run(40.0)
    before = made.synapses()
    net.population(3, sl.LIF())
    after = made.synapses()
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, two)
    net.run(60.0)
    whole, undisturbed = balanced()
    whole.run(100.0)
    np.testing.assert_array_equal(made.synapses().weight, undisturbed.synapses().weight)


def test_memory() -> None:
    net, made = balanced()
    net.build()
    (part,) = made.learning.parts  # type: ignore[union-attr]
    columns, rows = part.columns, part.rows
    arrays = (rows.weights, rows.targets, columns.synapse, columns.segment)
    assert sum(array.nbytes for array in arrays) == 12 * len(made)


def test_a_bound_is_kept_and_weights_can_be_set() -> None:
    net, made = balanced()
    net.run(20.0)
    wanted = np.linspace(0.1, 0.9, len(made))
    made.set_weights(wanted)
    np.testing.assert_allclose(made.synapses().weight, wanted.astype(np.float32))
    made.learning.normalise(10.0)  # type: ignore[union-attr]
    drawn = made.synapses()
    np.testing.assert_allclose(np.bincount(drawn.post, drawn.weight), 10.0, rtol=1e-5)


def test_frozen_and_going_on() -> None:
    net, made = balanced()
    assert made.learning is not None
    made.learning.on = False
    start = made.synapses().weight
    net.run(50.0)
    np.testing.assert_array_equal(made.synapses().weight, start)
    made.learning.on = True
    net.run(50.0)
    assert (made.synapses().weight != start).mean() > 0.9


def test_parameters_may_be_set_between_runs() -> None:
    net, made = balanced()
    assert made.learning is not None
    net.run(20.0)
    made.learning.rule.a_plus = made.learning.rule.a_minus = 0.0
    start = made.synapses().weight
    net.run(50.0)
    np.testing.assert_array_equal(made.synapses().weight, start)


def pair(rule: sl.plasticity.Rule, *, batch: int = 1, weight: float = 0.5) -> tuple[nw.Network, nw.Projection]:
    """A source that spikes at 10 ms, and a neuron that is made to spike at 15 ms, in every run."""
    net = nw.Network(dt=1.0, batch=batch, dtype=torch.float64)
    source, force = net.population(1, nw.SpikeTimes([[10.0]])), net.population(1, nw.SpikeTimes([[14.0]]))
    cell = net.population(1, Receptors(sl.LIF(v_th=1e6), force=Delta(), syn=Delta()), name="cell")
    net.connect(force, cell, nw.rules.OneToOne(), weight=1e9, delay=1.0, receptor="force")
    made = net.connect(source, cell, nw.rules.OneToOne(), weight=weight, delay=1.0, receptor="syn", plasticity=rule)
    net.record(cell)
    assert isinstance(made, nw.Projection)
    return net, made


def test_one_pair() -> None:
    """It arrives at 11 ms, the neuron spikes at 15 ms."""
    net, made = pair(STDP(a_plus=0.1, tau_plus=20.0))
    result = net.run(30.0)
    assert result["cell"].spikes.times.tolist() == [15.0]
    assert made.synapses().weight[0] == pytest.approx(0.5 + 0.1 * np.exp(-4 / 20), abs=1e-12)


def test_runs_share_weights() -> None:
    net, made = pair(STDP(a_plus=0.1, tau_plus=20.0), batch=3)
    net.run(30.0)
    assert made.synapses().weight.tolist() == pytest.approx([0.5 + 0.3 * np.exp(-4 / 20)], abs=1e-12)


def test_a_teacher_in_place_of_the_neuron() -> None:
    net, made = pair(ReSuMe(eta=0.1))
    assert made.learning is not None
    net.run(13.0)
    before = float(made.synapses().weight[0])
    made.learning.give("teacher", 1.0)
    net.run(1.0)
    taught = float(made.synapses().weight[0])
    net.run(16.0)
    assert taught > before
    assert made.synapses().weight[0] < taught
    # A desired spike at the very time of the actual one: they cancel.
    net, made = pair(ReSuMe(eta=0.1))
    net.run(15.0)
    made.learning.give("teacher", 1.0)  # type: ignore[union-attr]
    net.run(15.0)
    assert made.synapses().weight[0] == 0.5


def test_trials() -> None:
    net, made = pair(sl.plasticity.Instar(eta=0.1))
    assert made.learning is not None
    net.run(30.0)
    made.learning.end_trial()
    # One spike on each side: w + eta n (m - w).
    assert made.synapses().weight[0] == pytest.approx(0.5 + 0.1 * 0.5)
    made.learning.end_trial()
    assert made.synapses().weight[0] == pytest.approx(0.55)


def test_recorded_weights() -> None:
    net, made = pair(STDP(a_plus=0.1))
    net.record(made, every=5.0)
    signal = net.run(30.0).weights[made.name]
    assert signal.values.ravel().tolist()[:2] == [0.5, 0.5]
    assert signal.values.ravel()[-1] == made.synapses().weight[0]


NO = sl.plasticity
REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no rule": ({"plasticity": "stdp"}, DTypeError, "expected a rule of plasticity"),
    "weights beyond bounds": ({"plasticity": STDP(w_max=0.3)}, ParameterError, "Give w_min and w_max"),
    "no such state": ({"plasticity": NO.ERBP()}, UnknownNameError, "reads a state of cell"),
    "several delays behind": (
        {"plasticity": STDP(), "axonal_delay": 1.0, "delay": nw.Uniform(1.0, 5.0)}, ParameterError, "after the axon"
    ),
    "interval off the grid": ({"plasticity": NO.SynapticScaling(every=1.5)}, ParameterError, "multiple of dt"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_bad_connections(case: str) -> None:
    given, kind, message = REFUSED[case]
    net = nw.Network(dt=1.0)
    source = net.population(1, nw.SpikeTimes([[10.0]]))
    cell = net.population(1, sl.LIF(), name="cell")
    with pytest.raises(kind, match=message):
        net.connect(source, cell, nw.rules.OneToOne(), **{"weight": 0.5, "delay": 1.0, **given})


def test_bad_calls() -> None:
    net, made = pair(STDP())
    learning = made.learning
    assert learning is not None
    with pytest.raises(UnknownNameError, match="input of the plasticity"):
        learning.give("reward", 1.0)
    with pytest.raises(ParameterError, match="a rule with on_trial"):
        learning.end_trial()
    for total in (0.0, -1.0, np.nan, "much"):
        with pytest.raises(ParameterError, match="total of"):
            learning.normalise(total)  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match="True or False"):
        learning.on = 1  # type: ignore[assignment]
    with pytest.raises(UnknownNameError):
        learning.rule.a_plsu = 1.0  # type: ignore[attr-defined]
    with pytest.raises(ShapeError):
        pair(ReSuMe())[1].learning.give("teacher", [1.0, 2.0])  # type: ignore[union-attr,arg-type]
    with pytest.raises(ParameterError, match="plasticity of a device"):
        net.connect(nw.Poisson(1.0), net.populations[2], receptor="syn", plasticity=STDP())
