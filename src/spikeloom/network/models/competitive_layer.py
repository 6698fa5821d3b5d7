"""The network of Diehl and Cook: neurons that compete for images and learn them without labels."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import DTypeError, ParameterError, ShapeError
from ...neurons import Neuron
from ...parameters import Input, Param, State
from ...plasticity import DiehlCookSTDP
from ...plasticity import Rule as Plasticity
from ..devices import Poisson
from ..distributions import Uniform
from ..network import Network
from ..projection import Projection
from ..rules import AllToAll, Explicit, OneToOne
from ..rules import Rule as Pairs

# Time constant with which thresholds fall again, ms.
_FALL = 1e7
# Milliseconds after which all spikes of an image have arrived and inhibition is over.
_SETTLED = 20.0
# An image that causes fewer spikes is shown again, with more intensity.
_LEAST = 5


class CompetitiveCell(Neuron):
    """Conductance-based neuron with a threshold that rises by theta_plus at each spike, and does not fire for t_wait.

    tau_mem dv/dt = v_rest - v + g_exc (e_exc - v) + g_inh (e_inh - v); spike where v >= v_th + theta. The potential
    stands still for t_ref after a spike. All by Euler's method, as the authors' program does.

    Units: ms, mV; conductances in units of the leak. Source: Diehl and Cook 2015, section 2.1, and their program.
    """

    tau_mem = Param(100.0, "ms", "membrane time constant", low=0.0)
    v_rest = Param(-65.0, "mV", "resting potential")
    v_reset = Param(-65.0, "mV", "reset potential")
    v_th = Param(-72.0, "mV", "spike threshold without its adaptation")
    e_exc = Param(0.0, "mV", "reversal potential of excitation")
    e_inh = Param(-100.0, "mV", "reversal potential of inhibition")
    tau_exc = Param(1.0, "ms", "time constant of excitation", low=0.0)
    tau_inh = Param(2.0, "ms", "time constant of inhibition", low=0.0)
    t_ref = Param(5.0, "ms", "time for which the potential stands still after a spike", at_least=0.0)
    t_wait = Param(50.0, "ms", "time for which there is no other spike", at_least=0.0)
    theta_plus = Param(0.05, "mV", "rise of the threshold at a spike", at_least=0.0)

    exc, inh = Input("1", "excitatory spikes"), Input("1", "inhibitory spikes")
    v = State("v_rest", "mV", "membrane potential")
    g_exc, g_inh = State(0.0, "1", "excitatory conductance"), State(0.0, "1", "inhibitory conductance")
    theta = State(0.0, "mV", "adaptation of the threshold")
    since = State(1e6, "ms", "time since the last spike")

    def charge(self) -> dict[str, Tensor]:
        g_exc, g_inh = self.g_exc + self.exc, self.g_inh + self.inh
        drive = self.v_rest - self.v + g_exc * (self.e_exc - self.v) + g_inh * (self.e_inh - self.v)
        since = self.since + self.dt
        # Many inhibitory spikes at once must not throw the potential beyond where inhibition can bring it.
        v = torch.maximum(self.v + self.dt / self.tau_mem * drive, torch.minimum(self.v, self.e_inh))
        return {
            "v": torch.where(since > self.t_ref, v, self.v),
            "g_exc": g_exc * (1 - self.dt / self.tau_exc),
            "g_inh": g_inh * (1 - self.dt / self.tau_inh),
            "since": since,
        }

    def threshold(self) -> Tensor:
        return torch.where(self.since > self.t_wait, self.v - self.v_th - self.theta, -1.0)

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.v_reset, "theta": self.theta + self.theta_plus, "since": torch.zeros_like(self.since)}


class CompetitiveLayer:
    """Poisson inputs, excitatory neurons that learn, and inhibitory ones that let one of them win.

    `learn` shows images, each for `shown` ms with `pause` ms of rest after it (`math.inf`: neurons begin each image at
    rest): before each the weights on a neuron are scaled to `total` (None: they are not); an image that causes fewer
    than 5 spikes is shown again with more intensity, at most `repeats` times.
    `rate`, spikes/s, is that of a white pixel. Each image is a trial, for rules that know of trials. `respond` shows
    images with weights and thresholds held as they are. With `batch` images at once, which share weights and
    thresholds, both change by what all of them ask for.

    `cell` has other values for the excitatory neurons; `adaptive=False` leaves out the rise of thresholds.
    `interneurons=False` leaves inhibitory neurons away: a spike inhibits other excitatory neurons itself.

    `connected` says which inputs have a synapse on which neuron, [inputs, neurons], all by default: local receptive
    fields, or synapses that are dead. `groups`, a number for each neuron, lets only neurons of one group inhibit each
    other.

    Raises: ParameterError, ShapeError, DTypeError. Source: Diehl and Cook 2015, Front. Comput. Neurosci. 9:99; numbers
    that the paper does not give are those of the authors' program. `connected` and `groups` as in Meng, Yang, Xiao and
    Yu 2020, arXiv:2001.10696.

    >>> import numpy as np, spikeloom as sl
    >>> layer = sl.network.models.CompetitiveLayer(inputs=16, neurons=4, total=8.0)
    >>> layer.learn(np.eye(16)[:2] + 0.0).shape
    (2, 4)
    """

    def __init__(
        self,
        inputs: int = 784,
        neurons: int = 400,
        *,
        cell: CompetitiveCell | None = None,
        plasticity: Plasticity | None = None,
        total: float | None = 78.0,
        inhibition: float = 17.0,
        interneurons: bool = True,
        adaptive: bool = True,
        connected: NDArray[np.bool_] | None = None,
        groups: NDArray[np.int64] | None = None,
        shown: float = 350.0,
        pause: float = 150.0,
        rate: float = 63.75,
        repeats: int = 20,
        batch: int = 1,
        seed: int = 1,
        dt: float = 0.5,
        threads: int | None = 1,
    ) -> None:
        _verify(shown=(shown, dt <= shown < math.inf), pause=(pause, pause >= 0.0), rate=(rate, 0.0 < rate < math.inf),
                total=(total, total is None or 0.0 < total < math.inf), repeats=(repeats, repeats >= 0))  # fmt: skip
        cell = copy.deepcopy(cell) if cell is not None else CompetitiveCell()
        self.total, self.rise = total, float(cell.param_values()["theta_plus"]) if adaptive else 0.0
        cell.theta_plus = self.rise
        self.shown, self.pause, self.rate, self.repeats = shown, pause, rate, repeats
        self.rest = pause if math.isfinite(pause) else _SETTLED
        self.network = net = Network(dt=dt, seed=seed, batch=batch, threads=threads)
        self.input = net.population(inputs, Poisson(np.zeros(inputs)), name="input")
        first = {"theta": 20.0, "v": -105.0}
        self.cells = net.population(neurons, cell, name="excitatory", initial=first)
        self.projection = self._inputs(_checked("connected", connected, (inputs, neurons), "b"), plasticity)
        assert self.projection.learning is not None
        self.learning = self.projection.learning
        self._inhibition(_rivals(_checked("groups", groups, (neurons,), "iu")), inhibition, interneurons)
        rule = self.learning.rule
        traces = (*rule.pre_traces.values(), *rule.post_traces.values())
        self._counts = any(math.isinf(rule.time_constant(trace)) for trace in traces)
        net.record(self.cells)

    def _inputs(self, connected: NDArray[Any] | None, plasticity: Plasticity | None) -> Projection:
        inputs, neurons = self.input.size, self.cells.size
        drawn = 0.3 * (np.random.default_rng(self.network.seed).random((inputs, neurons)) + 0.01)
        pairs: Pairs = AllToAll() if connected is None else Explicit(*np.nonzero(connected))
        made = self.network.connect(
            self.input, self.cells, pairs, weight=drawn.ravel() if connected is None else drawn[connected],
            delay=Uniform(0.0, 10.0), receptor="exc", plasticity=plasticity or DiehlCookSTDP(),
        )  # fmt: skip
        assert isinstance(made, Projection)
        return made

    def _inhibition(self, rivals: Pairs, inhibition: float, interneurons: bool) -> None:
        net, source = self.network, self.cells
        if interneurons:
            cell = CompetitiveCell(
                tau_mem=10.0,
                v_rest=-60.0,
                v_reset=-45.0,
                v_th=-40.0,
                e_inh=-85.0,
                t_ref=2.0,
                t_wait=2.0,
                theta_plus=0.0,
            )
            source = net.population(self.cells.size, cell, name="inhibitory", initial={"v": -100.0})
            net.connect(self.cells, source, OneToOne(), weight=10.4, receptor="exc")
        net.connect(source, self.cells, rivals, weight=inhibition, receptor="inh")

    @property
    def weights(self) -> NDArray[Any]:
        """Weights [inputs, neurons]; may be set."""
        made = self.projection.synapses()
        found = np.zeros((self.input.size, self.cells.size), dtype=made.weight.dtype)
        found[made.pre, made.post] = made.weight
        return found

    @weights.setter
    def weights(self, values: NDArray[Any]) -> None:
        made = self.projection.synapses()
        self.projection.set_weights(np.asarray(values)[made.pre, made.post])

    def learn(self, images: Any, *, track: Callable[[Iterable[Any]], Iterable[Any]] = iter) -> NDArray[np.int64]:
        """Show images [n, inputs], values 0 ... 1, one after the other; spike counts [n, neurons]."""
        return self._show(images, track, learning=True)

    def respond(self, images: Any, *, track: Callable[[Iterable[Any]], Iterable[Any]] = iter) -> NDArray[np.int64]:
        """The same, with weights and thresholds as they are."""
        before = self.learning.on
        self.learning.on, self.cells["theta_plus"] = False, 0.0
        try:
            return self._show(images, track, learning=False)
        finally:
            self.learning.on, self.cells["theta_plus"] = before, self.rise

    def _show(self, images: Any, track: Any, *, learning: bool) -> NDArray[np.int64]:
        given = np.asarray(images, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != self.input.size:
            raise ShapeError("images", expected=f"[n, {self.input.size}]", got=list(given.shape))
        if not (np.isfinite(given).all() and given.min(initial=0.0) >= 0.0 and given.max(initial=0.0) <= 1.0):
            raise ParameterError("images", expected="values 0 ... 1", got=f"{given.min():g} ... {given.max():g}")
        counts = np.zeros((len(given), self.cells.size), dtype=np.int64)
        # What has still to be shown: which image, how often it was.
        waiting = [(number, 0) for number in range(len(given))][::-1]
        progress = iter(track(range(len(given))))
        while waiting:
            taken = [waiting.pop() for _ in range(min(self.network.batch, len(waiting)))]
            if learning and self.total is not None:
                self.learning.normalise(self.total)
            found = self._present(given, taken)
            if learning:
                # Once an image: in single precision a step of dt / _FALL, 5e-8, would be rounded to up to twice that.
                fall = math.exp(-len(taken) * (self.shown + self.rest) / _FALL)
                self.cells.states["theta"][...] *= fall
            for (number, shown), count in zip(taken, found, strict=False):
                if count.sum() < _LEAST and shown < self.repeats:
                    waiting.append((number, shown + 1))
                else:
                    counts[number] = count
                    next(progress, None)
        next(progress, None)
        return counts

    def _present(self, images: NDArray[Any], taken: list[tuple[int, int]]) -> NDArray[np.int64]:
        """Spike counts [batch, neurons] for images shown at once, with an intensity that grows with each showing."""
        net, rates = self.network, np.zeros((self.network.batch, self.input.size))
        for run, (number, shown) in enumerate(taken):
            # At most one spike a step.
            rates[run] = np.minimum(images[number] * self.rate * (1.0 + 0.5 * shown), 1000.0 / net.dt)
        theta = self.cells.states["theta"]
        before = theta.copy()
        self.input.states["rate"][...] = rates
        spikes = net.run(self.shown, progress=False)["excitatory"].spikes
        self.input.states["rate"][...] = 0.0
        net.run(self.rest, progress=False)
        if self.learning.rule.has("on_trial"):
            self.learning.end_trial()
        elif self._counts:
            self.learning.reset()
        if math.isinf(self.pause):
            self._relax()
        if net.batch > 1:
            # All have the thresholds that they would have if the images had come one after the other.
            theta[...] = before + (theta - before).sum(axis=0)
        counts = np.zeros((net.batch, self.cells.size), dtype=np.int64)
        np.add.at(counts, (spikes.runs, spikes.neurons), 1)
        return counts

    def _relax(self) -> None:
        """Potentials, conductances and traces as after an endless pause."""
        for population in self.network.populations:
            if isinstance(population.neuron, CompetitiveCell):
                population["v"] = population["v_rest"]
                population["g_exc"] = population["g_inh"] = 0.0
        self.learning.reset()


def _verify(**settings: tuple[float | None, bool]) -> None:
    """Values by name, and whether they will do."""
    expected = {"shown": "dt or more, and finite", "pause": "0 ms or more", "repeats": "0 or more"}
    for name, (value, good) in settings.items():
        if not good:
            raise ParameterError(
                f"{name} of CompetitiveLayer", expected=expected.get(name, "a finite number above 0"), got=value
            )


def _checked(name: str, given: Any, shape: tuple[int, ...], kinds: str) -> NDArray[Any] | None:
    """An array of that shape, or none."""
    if given is None:
        return None
    array = np.asarray(given)
    if array.dtype.kind not in kinds:
        expected = "True or False" if kinds == "b" else "whole numbers"
        raise DTypeError(f"{name} of CompetitiveLayer", expected=expected, got=array.dtype)
    if array.shape != shape:
        raise ShapeError(f"{name} of CompetitiveLayer", expected=list(shape), got=list(array.shape))
    return array


def _rivals(groups: NDArray[Any] | None) -> Pairs:
    """Which neurons inhibit which: all others, or all others of the group."""
    if groups is None:
        return AllToAll(autapses=False)
    same = groups[:, None] == groups
    np.fill_diagonal(same, False)
    return Explicit(*np.nonzero(same))
