"""The network of Diehl and Cook: neurons that compete for images and learn them without labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import ParameterError, ShapeError
from ...neurons import Neuron
from ...parameters import Input, Param, State
from ...plasticity import DiehlCookSTDP
from ...plasticity import Rule as Plasticity
from ..devices import Poisson
from ..distributions import Uniform
from ..network import Network
from ..projection import Projection
from ..rules import AllToAll, OneToOne

# Milliseconds of an image and of the pause after it; spikes/s of a white pixel for each unit of intensity.
_SHOWN, _PAUSE, _RATE = 350.0, 150.0, 255.0 / 8.0
# An image that causes fewer spikes is shown again, with more intensity; at most so often.
_LEAST, _REPEATS = 5, 20


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
    tau_theta = Param(1e7, "ms", "time constant of the threshold's adaptation", low=0.0)

    exc, inh = Input("1", "excitatory spikes"), Input("1", "inhibitory spikes")
    v = State("v_rest", "mV", "membrane potential")
    g_exc, g_inh = State(0.0, "1", "excitatory conductance"), State(0.0, "1", "inhibitory conductance")
    theta = State(0.0, "mV", "adaptation of the threshold")
    since = State(1e6, "ms", "time since the last spike")

    def charge(self) -> dict[str, Tensor]:
        g_exc, g_inh = self.g_exc + self.exc, self.g_inh + self.inh
        drive = self.v_rest - self.v + g_exc * (self.e_exc - self.v) + g_inh * (self.e_inh - self.v)
        since = self.since + self.dt
        return {
            "v": torch.where(since > self.t_ref, self.v + self.dt / self.tau_mem * drive, self.v),
            "g_exc": g_exc * (1 - self.dt / self.tau_exc),
            "g_inh": g_inh * (1 - self.dt / self.tau_inh),
            "theta": self.theta * (1 - self.dt / self.tau_theta),
            "since": since,
        }

    def threshold(self) -> Tensor:
        return torch.where(self.since > self.t_wait, self.v - self.v_th - self.theta, -1.0)

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.v_reset, "theta": self.theta + self.theta_plus, "since": torch.zeros_like(self.since)}


class CompetitiveLayer:
    """Poisson inputs, excitatory neurons that learn, and inhibitory ones that let one of them win.

    `learn` shows images for 350 ms each, with 150 ms of rest: before each the weights on a neuron are scaled to
    `total`; an image that causes fewer than 5 spikes is shown again with more intensity. `respond` does the same
    without learning. With `batch` images at once, which share weights and thresholds, both change by what all of them
    ask for.

    `interneurons=False` leaves inhibitory neurons away: a spike inhibits all other excitatory neurons itself.
    `adaptive=False` leaves out the rise of thresholds.

    Raises: ParameterError, ShapeError. Source: Diehl and Cook 2015, Front. Comput. Neurosci. 9:99; numbers that the
    paper does not give are those of the authors' program.

    >>> import numpy as np, spikeloom as sl
    >>> layer = sl.network.models.CompetitiveLayer(inputs=16, neurons=4, total=8.0)
    >>> layer.learn(np.eye(16)[:2] + 0.5).shape
    (2, 4)
    """

    def __init__(
        self,
        inputs: int = 784,
        neurons: int = 400,
        *,
        plasticity: Plasticity | None = None,
        total: float = 78.0,
        inhibition: float = 17.0,
        interneurons: bool = True,
        adaptive: bool = True,
        batch: int = 1,
        seed: int = 1,
        dt: float = 0.5,
        threads: int | None = 1,
    ) -> None:
        self.total, self.adaptive = total, adaptive
        self.network = net = Network(dt=dt, seed=seed, batch=batch, threads=threads)
        self.input = net.population(inputs, Poisson(np.zeros(inputs)), name="input")
        rise = 0.05 if adaptive else 0.0
        first = {"theta": 20.0, "v": -105.0}
        self.cells = net.population(neurons, CompetitiveCell(theta_plus=rise), name="excitatory", initial=first)
        drawn = 0.3 * (np.random.default_rng(seed).random((inputs, neurons)) + 0.01)
        made = net.connect(
            self.input, self.cells, AllToAll(), weight=drawn.ravel(), delay=Uniform(0.0, 10.0), receptor="exc",
            plasticity=plasticity or DiehlCookSTDP(),
        )  # fmt: skip
        assert isinstance(made, Projection) and made.learning is not None
        self.projection, self.learning = made, made.learning
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
            between = net.population(neurons, cell, name="inhibitory", initial={"v": -100.0})
            net.connect(self.cells, between, OneToOne(), weight=10.4, receptor="exc")
            net.connect(between, self.cells, AllToAll(autapses=False), weight=inhibition, receptor="inh")
        else:
            net.connect(self.cells, self.cells, AllToAll(autapses=False), weight=inhibition, receptor="inh")
        net.record(self.cells)

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
        self.learning.on, self.cells["theta_plus"] = False, 0.0
        try:
            return self._show(images, track, learning=False)
        finally:
            self.learning.on, self.cells["theta_plus"] = True, 0.05 if self.adaptive else 0.0

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
            if learning:
                self.learning.normalise(self.total)
            found = self._present(given, taken)
            for (number, shown), count in zip(taken, found, strict=False):
                if count.sum() < _LEAST and shown < _REPEATS:
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
            rates[run] = images[number] * _RATE * (2.0 + shown)
        before = self.cells.states["theta"].copy()
        self.input.states["rate"][...] = rates
        spikes = net.run(_SHOWN, progress=False)["excitatory"].spikes
        self.input.states["rate"][...] = 0.0
        net.run(_PAUSE, progress=False)
        if net.batch > 1:
            # All have the thresholds that they would have if the images had come one after the other.
            after = self.cells.states["theta"]
            after[...] = before + (after - before).sum(axis=0)
        counts = np.zeros((net.batch, self.cells.size), dtype=np.int64)
        np.add.at(counts, (spikes.runs, spikes.neurons), 1)
        return counts
