"""The network without a time step: from event to event, with exact spike times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import CheckpointError, ParameterError, UnknownNameError
from ._event_driven_engine import Events
from ._event_driven_statement import Array
from ._pace import interruptible
from ._seeds import DEVICE, subseed
from .devices import Device, DirectCurrent, Poisson, StepCurrent
from .devices._current_inputs import current_receptor
from .devices.waveforms import Constant, Piecewise
from .distributions import Distribution
from .network import Interrupted, Network
from .population import View
from .progress import Progress, looking_on
from .projection import Amount, Projection, receptor_of
from .result import Recording, Result
from .rules import Rule
from .spike_trains import SpikeTrains

# Steps of the grid that results count in where something needs one, in ms.
_TICK = 1e-6


@dataclass(frozen=True)
class Drive:
    """Poisson spikes that a device sends to some neurons, to each its own."""

    device: Poisson
    view: View
    receptor: str
    weight: Array
    delay: float
    number: int
    name: str


@dataclass(frozen=True)
class Injection:
    """A current into some neurons that is constant between times."""

    device: DirectCurrent | StepCurrent
    view: View
    receptor: str
    weight: Array

    def changes(self) -> list[tuple[float, Array]]:
        """When it changes, and by how much."""
        wave, start, stop = self.device.wave, self.device.start, self.device.stop
        if isinstance(wave, Constant):
            times, values = np.zeros(1), wave.value[None]
        else:
            assert isinstance(wave, Piecewise)
            times, values = np.asarray(wave.times), np.asarray(wave.values)
        found, before = [], np.zeros(values.shape[1])
        for time in sorted({start, stop, *times[(times > start) & (times < stop)].tolist()}):
            k = int(np.searchsorted(times, time, side="right")) - 1
            now = values[k] if k >= 0 and time < stop else np.zeros_like(before)
            if math.isfinite(time):
                found.append((time, (now - before) * self.weight))
            before = now
        return found


class EventDriven(Network):
    """A network without time step: spikes at their exact times, delays of any length, cost by events, not by time.

    Populations, connections, devices and recordings are those of `Network`, and a ready model fills it as well:
    `BrunelDelta().fill(net)`. It takes neurons whose solution between events is known:

    * linear ones, with any receptors whose spikes jump a state (`Delta`, `Exponential`, `Alpha`, ...): x(t) is a sum of
      terms t^j exp(-r t), found from the derivative as it is stated; the first crossing of the threshold is found to
      rounding error, and none is missed;
    * one variable with a quadratic derivative (`QuadraticIF`), in closed form;
    * `Poisson` and `SpikeTimes` as sources; `Poisson`, `DirectCurrent` and `StepCurrent` as devices.

    `Refractory` and `Precise` around them give the refractory period, of any length. All that happens at one time is
    one instant: what arrives is added, in the order in which it set out; neurons at threshold spike; they are reset.
    A pulse that reaches the threshold makes its target spike at once. What arrives in the refractory period, its end
    included, does not jump what is held in it. Events up to `together` ms apart count as simultaneous: where synchrony
    decides, it keeps rounding from telling apart what is equal.

    Times are float64. Runs are the same bit for bit, in pieces too; they use one thread.

    Units: ms. Raises: ParameterError for neurons, sources and devices without closed form.

    >>> import spikeloom as sl
    >>> net = sl.network.EventDriven(seed=1)
    >>> cell = net.population(1, sl.LIF(tau_mem=10.0, v_rest=2.0, v_reset=0.0), name="cell", initial={"v": 0.0})
    >>> net.record(cell)
    >>> net.run(20.0)["cell"].times / 10.0  # ln 2, 2 ln 2
    array([0.69314718, 1.38629436])
    """

    clocked: ClassVar[bool] = False

    def __init__(self, seed: int = 1, *, together: float = 0.0) -> None:
        if not isinstance(together, int | float) or isinstance(together, bool) or not 0 <= together < math.inf:
            raise ParameterError("EventDriven.together", expected="a time >= 0 (ms)", got=together)
        super().__init__(1.0, seed, threads=1, dtype=torch.float64)
        self.together = float(together)
        # Of each projection: delay and axonal delay, as given.
        self.delays: list[tuple[Any, Any]] = []
        self.drives: list[Drive] = []
        self.currents: list[Injection] = []
        self._events: Events | None = None
        self._now = 0.0
        self._masks: dict[int, NDArray[np.uint8]] = {}

    @property
    def time(self) -> float:
        """Milliseconds simulated so far."""
        return self._now

    def connect(  # type: ignore[override]
        self,
        pre: View | Device,
        post: View,
        rule: Rule | None = None,
        *,
        weight: Amount = 1.0,
        delay: Amount = 0.0,
        axonal_delay: Amount = 0.0,
        receptor: str = "",
        plasticity: None = None,
        name: str | None = None,
    ) -> Any:
        """Add synapses by a rule, or make a device act on each neuron; as `Network.connect`, delays being any times.

        Without delay a spike arrives at the time at which it is sent, in an instant of its own.

        Raises: ParameterError, ShapeError, DTypeError, UnknownNameError.
        """
        if plasticity is not None:
            do = "use sl.network.Network"
            raise ParameterError("plasticity in EventDriven", expected="none", got=repr(plasticity), do=do)
        if isinstance(pre, Device) and isinstance(post, View) and post.network is self and rule is None:
            return self._act(pre, post, weight, delay, receptor)
        given = None if isinstance(pre, Device) else self.dt
        for what, value in (("delay", delay), ("axonal_delay", axonal_delay)):
            _verify_delay(what, value)
        made = super().connect(pre, post, rule, weight=weight, delay=given, receptor=receptor, name=name)
        if isinstance(made, Projection):
            self.delays.append((delay, axonal_delay))
        return made

    def _act(self, device: Device, post: View, weight: Amount, delay: Amount, receptor: str) -> Drive | Injection:
        label = f"{type(device).__name__} to {post.population.name}"
        number = len(self.drives)
        weights = (
            weight.sample(subseed(self.seed, DEVICE, number), 9, len(post))
            if isinstance(weight, Distribution)
            else np.atleast_1d(np.asarray(weight, dtype=np.float64))
        )
        if weights.shape not in ((1,), (len(post),)) or not np.isfinite(weights).all():
            raise ParameterError(f"weight of {label}", expected=f"a number or {len(post)} of them, finite", got=weight)
        if isinstance(delay, Distribution) or np.ndim(delay) or not 0 <= float(delay) < math.inf:  # type: ignore[arg-type]
            raise ParameterError(f"delay of {label}", expected="a number >= 0 (ms)", got=repr(delay))
        self.changed()
        if isinstance(device, Poisson):
            chosen = receptor_of(label, post, receptor)
            drive = Drive(device, post, chosen, weights, float(delay), number, label)  # type: ignore[arg-type]
            self.drives.append(drive)
            return drive
        if isinstance(device, DirectCurrent | StepCurrent):
            chosen = current_receptor(label, post.population, receptor)
            device.wave.verify(label, len(post), 1e-9)
            self.currents.append(Injection(device, post, chosen, weights))
            return self.currents[-1]
        do = "simulate it with Network(dt=...)"
        expected = "Poisson, DirectCurrent or StepCurrent"
        raise ParameterError(f"device of {label}, event by event", expected=expected, got=repr(device), do=do)

    def changed(self) -> None:
        """Something was added or set, which is possible before the first run.

        Raises: ParameterError after it.
        """
        if self.__dict__.get("_events") is not None:
            do = "build it whole before it runs; states may be set at any time"
            raise ParameterError("network without time step", expected="what it was made of", got="a change", do=do)

    def record(self, what: View, *variables: str, every: None = None, to: str | Path | None = None) -> None:  # type: ignore[override]
        """Record the spikes of some neurons. States are read between runs: `population["v"]`.

        Raises: ParameterError, UnknownNameError.
        """
        if not isinstance(what, View) or what.network is not self:
            raise ParameterError("record", expected="neurons of this network", got=repr(what))
        population = what.population
        if every is not None or to is not None:
            do = 'read states between runs: population["v"]'
            raise ParameterError(f"recording of {population.name}", expected="neither every nor to", got="one", do=do)
        for variable in variables:
            if variable != "s":
                raise UnknownNameError(f"variable of {population.name}, event by event", variable, ["s"])
        self.changed()
        mask = self._masks.setdefault(population.number, np.zeros(population.size, dtype=np.uint8))
        mask[what.indices] = 1

    def logged(self, population: Any) -> NDArray[np.uint8] | None:
        """Whose spikes are recorded: a byte per neuron, or None."""
        return self._masks.get(population.number)

    def build(self) -> Events:  # type: ignore[override]
        """Generate the connections; the first run does so otherwise."""
        if self._events is None:
            if not self.populations:
                do = "add some with net.population(n, neuron)"
                raise ParameterError("network", expected="at least one population", got="none", do=do)
            self._events = Events(self)
        return self._events

    def run(  # type: ignore[override]
        self,
        duration: float | None = None,
        *,
        until: float | None = None,
        progress: bool | Progress | None = None,
    ) -> Result:
        """Advance by `duration` ms, or to the time `until`, its events included; return what was recorded meanwhile.

        Raises: ParameterError; Interrupted on Ctrl-C, which has what was recorded until then.
        """
        events, start, stop = self.build(), self._now, self._stop(duration, until)
        events.take(start)
        with interruptible() as interruptions, looking_on(progress, start, stop) as reached:
            times, units = events.run(stop, interruptions, reached)
        self._now = float(events.clock[0]) if interruptions else stop
        events.show(self._now)
        result = self._result(start, times, units)
        if interruptions:
            raise Interrupted(result)
        return result

    def save(self, path: str | Path) -> None:
        """There are no checkpoints of it. Raises: CheckpointError."""
        raise CheckpointError(f"checkpoint {path}", expected="a network with a time step", got=repr(self))

    def restore(self, path: str | Path) -> Result:
        """There are no checkpoints of it. Raises: CheckpointError."""
        raise CheckpointError(f"checkpoint {path}", expected="a network with a time step", got=repr(self))

    def _stop(self, duration: Any, until: Any) -> float:
        if (duration is None) == (until is None):
            raise ParameterError("run", expected="a duration, or until when", got=f"{duration} and {until}")
        what, given, least = ("until", until, self._now) if duration is None else ("duration", duration, 0.0)
        number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
        if not number or not least <= given < math.inf:
            raise ParameterError(f"{what} of run", expected=f"a time >= {least:g} (ms)", got=given)
        return float(given) + (0.0 if duration is None else self._now)

    def _result(self, start: float, times: Array, units: NDArray[np.int64]) -> Result:
        found, stop = {}, self._now
        for number, mask in self._masks.items():
            population, first = self.populations[number], self.build().edges[number]
            own = (units >= first) & (units < first + population.size)
            neurons = (units[own] - first).astype(np.int32)
            runs, recorded = np.zeros(len(neurons), dtype=np.int32), np.flatnonzero(mask)
            trains = SpikeTrains(times[own], neurons, runs, recorded, start, stop, 1, population.name)
            found[population.name] = Recording(population.name, number, population.size, trains)
        return Result(start, stop, _TICK, 1, found)


def _verify_delay(what: str, given: Any) -> None:
    if isinstance(given, Distribution):
        if given.low < 0 and given.cdf(0.0) > given.cdf(given.low):
            do = "give low=0.0"
            raise ParameterError(f"{what} of connect", expected="delays >= 0 (ms)", got=given, do=do)
        return
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        expected = "a time, an array or a distribution"
        raise ParameterError(f"{what} of connect, event by event", expected=expected, got=repr(given)) from error
    wrong = values[~((values >= 0) & np.isfinite(values))]
    if len(wrong.ravel()):
        raise ParameterError(f"{what} of connect", expected="delays >= 0 (ms)", got=wrong.ravel()[0])
