"""The network: populations, projections, devices and recorders, and the run over them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, overload

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import ParameterError
from ..neurons import Neuron
from ..plasticity import Rule as Plasticity
from ._checks import is_real, sizes, steps_of, whole
from ._engine import Engine
from ._in_flight import InFlight
from ._pace import Pace, interruptible
from ._recordings import Recordings
from ._run import Run
from ._seeds import VALUES, subseed
from ._shared_run import agreed_parts
from ._structure import made_of
from .checkpoint import Saving, read, restore, save
from .devices import Device, GapJunction, Target
from .distributions import Distribution
from .population import Given, Population, View
from .progress import Progress, looking_on
from .projection import Amount, Projection
from .ranks import ranks_now
from .recorders import Rate, Recorder
from .result import Result
from .rules import Rule
from .sources import Source

# Neurons for each part at least; a thread has one part or several.
_WORTHWHILE = 256
# What is asked for most often, under other names elsewhere.
_EXAMPLES = ("AllToAll()", "OneToOne()", "Bernoulli(0.1)", "FixedInDegree(100)")


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a run; `result` has what was simulated until then, and the network can be run on."""

    def __init__(self, result: Result) -> None:
        super().__init__(f"interrupted at {result.stop:g} ms")
        self.result = result


class Network:
    """Populations of spiking neurons and the synapses between them, advanced together in steps of dt.

    In each step devices and arriving spikes add to the inputs of neurons, then each neuron takes its step, as anywhere
    in Spikeloom. A spike of the step from t - dt to t has the time t. With a delay d it arrives at t + d: a current or
    conductance begins then, a potential jumps then (`Delta`), which takes a delay of at least dt.

    `batch` independent runs share the connections and differ in their random numbers. Results are the same, bit for
    bit, for any number of threads; `threads=None` chooses it by measurement.

    Units: ms, spikes/s. Raises: ParameterError.

    >>> import spikeloom as sl
    >>> net = sl.network.Network(dt=0.1, seed=1)
    >>> cells = net.population(100, sl.LIF(tau_mem=20.0), name="cells", initial={"v": sl.network.Uniform(0.0, 1.0)})
    >>> _ = net.connect(cells, cells, sl.network.FixedInDegree(10), weight=5.0, delay=1.5)
    >>> _ = net.record(cells)
    >>> result = net.run(20.0)
    """

    # Whether time goes on in steps.
    clocked: ClassVar[bool] = True

    def __init__(
        self,
        dt: float = 0.1,
        seed: int = 1,
        *,
        batch: int = 1,
        threads: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if not is_real(dt) or not 0 < dt < float("inf"):
            raise ParameterError("Network.dt", expected="a time step > 0 (ms)", got=repr(dt))
        seed, batch = whole("seed", seed, 0), whole("batch", batch, 1)
        threads = None if threads is None else whole("threads", threads, 1)
        if seed >= 1 << 32:
            raise ParameterError("Network.seed", expected="a whole number below 2**32", got=seed)
        if dtype not in (torch.float32, torch.float64):
            raise ParameterError("Network.dtype", expected="torch.float32 or torch.float64", got=repr(dtype))
        self.dt, self.seed, self.batch, self.threads, self.dtype = float(dt), seed, batch, threads, dtype
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.devices: list[tuple[Device, Target]] = []
        self.recorders: list[Recorder] = []
        self.ranks = ranks_now()
        # Of each population what it was made of, which checkpoints compare.
        self.made: list[dict[str, Any]] = []
        # Steps simulated so far.
        self.step = 0
        self._engine: Engine | None = None
        self._pace: Pace | None = None
        # Spikes on their way, while there is no engine.
        self._in_flight: InFlight | None = None
        self._drawn = 0
        self._recordings = Recordings(self)

    @property
    def time(self) -> float:
        """Milliseconds simulated so far."""
        return self.step * self.dt

    def population(
        self,
        n: int | None = None,
        neuron: Neuron | Source | None = None,
        *,
        name: str | None = None,
        shape: Sequence[int] | None = None,
        parameters: Mapping[str, Given] | None = None,
        initial: Mapping[str, Given] | None = None,
    ) -> Population:
        """Add n neurons of a kind, or n channels of a source; `shape` says how they are laid out, if not in a row.

        The network's dt takes the place of the neuron's. `parameters` differ from neuron to neuron, `initial` are the
        values of states at the beginning, which are those at rest otherwise: numbers, arrays or distributions.

        Raises: ParameterError, ShapeError, DTypeError, UnknownNameError.
        """
        number = len(self.populations)
        label = name if name is not None else f"population {number}"
        if not isinstance(label, str):
            raise ParameterError("name of a population", expected="a text", got=repr(label))
        laid_out = sizes(label, n, shape)
        if not isinstance(neuron, Neuron | Source):
            do = "for example net.population(100, sl.LIF())"
            raise ParameterError(f"neuron of {label}", expected="a neuron or a source", got=repr(neuron), do=do)
        if label in (p.name for p in self.populations):
            raise ParameterError("name of a population", expected="one that is not taken", got=repr(label))
        added = Population(self, number, label, laid_out, neuron, parameters or {}, initial or {})
        self.made.append(made_of(added.neuron))
        self.populations.append(added)
        self.changed()
        return added

    @overload
    def connect(
        self,
        pre: View,
        post: View,
        rule: Rule,
        *,
        weight: Amount = 1.0,
        delay: Amount | None = None,
        axonal_delay: Amount | None = None,
        receptor: str = "",
        plasticity: Plasticity | None = None,
        name: str | None = None,
    ) -> Projection: ...
    @overload
    def connect(
        self,
        pre: View | Device,
        post: View,
        rule: Rule | GapJunction | None = None,
        *,
        weight: Amount = 1.0,
        delay: Amount | None = None,
        axonal_delay: Amount | None = None,
        receptor: str = "",
        plasticity: Plasticity | None = None,
        name: str | None = None,
    ) -> Projection | Target: ...
    def connect(
        self,
        pre: View | Device,
        post: View,
        rule: Rule | GapJunction | None = None,
        *,
        weight: Amount = 1.0,
        delay: Amount | None = None,
        axonal_delay: Amount | None = None,
        receptor: str = "",
        plasticity: Plasticity | None = None,
        name: str | None = None,
    ) -> Projection | Target:
        """Add synapses by a rule, or make a device act on each neuron.

        Weight and delay are numbers, distributions, or arrays with one value per synapse where the rule lists them.
        The delay, dt if not given, is that of the whole way, or of the part after `axonal_delay`. `receptor` names the
        input of the target neurons, where they have several.

        With `plasticity`, a rule of `sl.plasticity`, the weights change; see `Projection.learning`. The part after
        `axonal_delay` is then the way from the synapse to the neuron, and back; without one, all of the way is before
        the synapse. Synapses are seen in the time of the neuron: what happens at one shows when it reaches the neuron.

        Raises: ParameterError, ShapeError, DTypeError, UnknownNameError. Warns: RoundedDelayWarning.
        """
        for what, view in (("pre", pre), ("post", post)):
            if isinstance(view, View) and view.network is not self:
                raise ParameterError(f"{what} of connect", expected="neurons of this network", got=repr(view))
        if not isinstance(post, View):
            raise ParameterError("post of connect", expected="a population or a view of one", got=repr(post))
        if isinstance(rule, GapJunction) and isinstance(pre, View):
            pre, rule, weight = rule.between(pre, weight), None, 1.0
        if isinstance(pre, Device):
            if not (axonal_delay is None or (isinstance(axonal_delay, int | float) and axonal_delay == 0)):
                raise ParameterError("axonal_delay of a device", expected="none, as it has no axon", got=axonal_delay)
            if plasticity is not None:
                do = "make its channels a population, net.population(n, source), and connect that"
                raise ParameterError("plasticity of a device", expected="none", got=repr(plasticity), do=do)
            return self._attach(pre, post, rule, weight, delay, receptor)
        chosen = self.dt if delay is None else delay
        if not isinstance(pre, View):
            do = "make it a population, net.population(n, source), and connect that" if isinstance(pre, Source) else ""
            raise ParameterError("pre of connect", expected="a population, a view or a device", got=repr(pre), do=do)
        if not isinstance(rule, Rule):
            do = f"for example rules.{', rules.'.join(_EXAMPLES)}"
            raise ParameterError("rule of connect", expected="a rule of network.rules", got=repr(rule), do=do)
        number = len(self.projections)
        label = name or self._free_name(f"{pre.population.name} to {post.population.name}")
        if label in (p.name for p in self.projections):
            raise ParameterError("name of a projection", expected="one that is not taken", got=repr(label))
        added = Projection(number, label, pre, post, rule, weight, chosen, axonal_delay, receptor, plasticity)
        if added.learning is not None:
            post.population.signals += [added.learning.receptor(name) for name in added.learning.rule.inputs]
        self.projections.append(added)
        self.changed()
        return added

    def _free_name(self, label: str) -> str:
        """The label, or with the first number from 2 on that makes it another one."""
        taken, number = {p.name for p in self.projections}, 1
        while (found := label if number == 1 else f"{label} ({number})") in taken:
            number += 1
        return found

    def _attach(
        self,
        device: Device,
        post: View,
        rule: Rule | GapJunction | None,
        weight: Amount,
        delay: Amount | None,
        receptor: str,
    ) -> Target:
        label = f"{type(device).__name__} to {post.population.name}"
        if rule is not None:
            raise ParameterError(f"rule of {label}", expected="none: a device acts on each neuron", got=repr(rule))
        target = Target.of(device, label, post, weight, delay, receptor, len(self.devices))
        device.verify(target)
        self.devices.append((device, target))
        self.changed()
        return target

    def changed(self) -> None:
        """Something was added or set: what was built is built anew before the next run."""
        if self._engine is not None:
            self._in_flight = self._engine.in_flight(self.step)
            for projection in self.projections:
                if projection.learning is not None:
                    projection.learning.release()
        self._engine = None

    def drawn(self, value: Given, population: Population) -> Any:
        """A value, or a draw from a distribution for each neuron."""
        if not isinstance(value, Distribution):
            return value
        self._drawn += 1
        return value.sample(subseed(self.seed, VALUES, self._drawn), 0, population.size)

    def record(
        self,
        what: View | Projection,
        *variables: str | Rate,
        every: float | None = None,
        to: str | Path | None = None,
    ) -> None:
        """Record spikes, `"s"`, states by name or the mean rate, `Rate(bin)`, of neurons, or a projection's weights.

        States and weights are recorded once in `every` ms, at its multiples, else in each step; spikes always. What is
        recorded is in the result of `run`, or in the HDF5 file `to`, which is whole after every slice of a run and
        takes no memory; `Result.load` reads it.

        Raises: ParameterError, UnknownNameError.

        >>> import spikeloom as sl
        >>> net = sl.network.Network(dt=0.1, seed=1)
        >>> cells = net.population(100, sl.LIF(tau_mem=20.0), name="cells")
        >>> net.record(cells, "s", sl.network.Rate(5.0))
        >>> net.record(cells[:10], "v", every=1.0)
        >>> net.run(20.0)["cells"]["v"].values.shape
        (20, 10)
        """
        if not isinstance(what, View | Projection):
            raise ParameterError("record", expected="a population, a view or a projection", got=repr(what))
        if (what.network if isinstance(what, View) else what.pre.network) is not self:
            raise ParameterError("record", expected="a part of this network", got=repr(what))
        self._recordings.add(what, variables, every, to)
        self.changed()

    def logged(self, population: Population) -> NDArray[np.uint8] | None:
        """Whose spikes are recorded: a byte per neuron, or None."""
        log = self._recordings.spikes.get(population.number)
        return None if log is None else log.mask

    def build(self) -> Engine:
        """Generate the connections; the first run does so otherwise."""
        if self._engine is None:
            if not self.populations:
                do = "add some with net.population(n, neuron)"
                raise ParameterError("network", expected="at least one population", got="none", do=do)
            neurons = sum(p.size for p in self.populations) * self.batch
            parts = self.threads or max(1, min(_cores(), neurons // self.ranks.size // _WORTHWHILE))
            parts = agreed_parts(self, parts)
            self._engine = Engine(self, parts)
            if self._in_flight is not None:
                self._engine.resume(self._in_flight, self.step)
                self._in_flight = None
            candidates = [parts] if self.threads else sorted({1, *(1 << k for k in range(8) if 1 << k < parts), parts})
            self._pace = Pace(candidates)
        return self._engine

    def run(
        self,
        duration: float,
        *,
        progress: bool | Progress | None = None,
        checkpoint: str | Path | None = None,
        every: float | None = None,
    ) -> Result:
        """Advance by `duration` ms; return what was recorded meanwhile.

        Shows a progress bar if it takes long and a terminal looks on, or as `progress` says. Once in `every` ms, or a
        second if not given, a checkpoint is written to the file `checkpoint`, with what this run has recorded; see
        `restore`.

        Raises: ParameterError for a duration that is no multiple of dt; NonFiniteError; Interrupted on Ctrl-C;
        RecordingError and CheckpointError where a file cannot be written; RankError. All but the first have what was
        recorded until then as `result`; except after the last, the network can be run on.
        """
        goal = self.step + steps_of(duration, self.dt, self.step)
        saving = Saving.of(self, checkpoint, every)
        engine = self.build()
        assert self._pace is not None
        running = Run(self, self._recordings, engine, self._pace, saving)
        shown = progress if self.ranks.first else False
        with interruptible() as interruptions, looking_on(shown, self.time, goal * self.dt) as reached:
            result = running.until(goal, interruptions, reached)
        if interruptions or self.step < goal:
            raise Interrupted(result)
        return result

    def save(self, path: str | Path) -> None:
        """Write a checkpoint: all that this network, built by the same script, needs to go on exactly from here.

        The file is replaced as a whole. It has states, parameters, spikes in flight and what recorders keep between
        steps, not the connections, which are generated again. Random numbers need no state.

        Raises: CheckpointError where it cannot be written.

        >>> import tempfile
        >>> import spikeloom as sl
        >>> net = sl.network.Network(dt=0.1, seed=1)
        >>> cells = net.population(100, sl.LIF(tau_mem=20.0), name="cells")
        >>> _ = net.run(20.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     net.save(f"{folder}/after 20 ms.safetensors")
        ...     _ = net.run(20.0)
        ...     _ = net.restore(f"{folder}/after 20 ms.safetensors")
        >>> net.time
        20.0
        """
        save(self, Path(path), self.step)

    def restore(self, path: str | Path) -> Result:
        """Go back, or on, to where a checkpoint was written, with any number of threads and ranks.

        Returns what was recorded, until then, by the run that wrote it; the result of the next run may be added to it.

        Raises: CheckpointError where the file is missing, damaged, of a newer version, or of another network: then the
        error says what differs, and this network is as it was.
        """
        file = Path(path)
        content = self.ranks.from_first(lambda: read(file))
        start = restore(self, content, file)
        return self._recordings.result(start)

    def set_back(self, step: int, drawn: int, spikes: InFlight) -> None:
        """Continue at `step`, with spikes in flight; for `restore`."""
        self._engine, self._in_flight = None, spikes
        self.step, self._drawn = step, drawn

    def in_flight(self) -> InFlight | None:
        """Spikes on their way to synapses."""
        return self._engine.in_flight(self.step) if self._engine is not None else self._in_flight

    @property
    def drawn_so_far(self) -> int:
        """How many draws there were of parameters and states."""
        return self._drawn

    @property
    def recordings(self) -> Recordings:
        """What is recorded, and has not been taken."""
        return self._recordings

    def __repr__(self) -> str:
        neurons = sum(p.size for p in self.populations)
        parts = f"{len(self.populations)} populations, {neurons:,} neurons, {len(self.projections)} projections"
        return f"{type(self).__name__}({parts}, at {self.time:g} ms)"


def _cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
