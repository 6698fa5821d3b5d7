"""Projections: the synapses between two populations, by rule, weight and delay."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from .. import _pictures
from ..errors import DTypeError, ParameterError, ShapeError, UnknownNameError
from ..plasticity import Rule as Plasticity
from ._delays import Delays, added, delays_of, verified
from ._seeds import PROJECTION, subseed
from .distances import DistanceDelay
from .distributions import Distribution
from .learning import Learning
from .population import View
from .rules import Explicit, Rule
from .rules.rule import places
from .synapses import Synapses, counted, synapses_of

# Of weights and delays; the last is of delays only.
Amount = float | Sequence[float] | NDArray[Any] | torch.Tensor | Distribution | DistanceDelay


class Projection:
    """Synapses from one view to another. Made by `Network.connect`.

    `len(projection)` is their number, `projection.synapses()` lists them, `projection.matrix()` sums their weights.
    """

    def __init__(
        self,
        number: int,
        name: str,
        pre: View,
        post: View,
        rule: Rule,
        weight: Amount,
        delay: Amount,
        axonal_delay: Amount | None,
        receptor: str,
        plasticity: Plasticity | None = None,
    ) -> None:
        self.number, self.name, self.pre, self.post, self.rule = number, name, pre, post, rule
        self.receptor = receptor_of(name, post, receptor)
        for end, view in (("pre", pre), ("post", post)):
            if len(np.unique(view.indices)) != len(view):
                raise ParameterError(f"{end} of {name}", expected="each neuron once", got=f"{view!r} with some twice")
        network = pre.network
        self.dt, self.seed = network.dt, subseed(network.seed, PROJECTION, number)
        # The step in which it was made; earlier spikes do not come through it.
        self.since = network.step
        self.real = str(network.dtype).removeprefix("torch.")
        # An input that acts at the end of a step arrives there; any other at the beginning of the step after it.
        self.shift = 0 if self.receptor in post.population.late_inputs else 1
        self.delay, self.axonal_delay = delay, 0.0 if axonal_delay is None else axonal_delay
        ways = (self._delays("delay", delay), self._delays("axonal_delay", self.axonal_delay))
        in_all = added(name, *ways)
        verified(name, in_all, 1 - self.shift, self.dt)
        # From here on as the engine counts them.
        self.delays = in_all.later(self.shift)
        rule.verify(self)
        if self.delays.listed is not None:
            for what, given in (("delay", delay), ("axonal_delay", self.axonal_delay)):
                if not isinstance(given, Distribution | DistanceDelay) and np.ndim(given):
                    self._verify_listed(what, np.shape(given))
        self._weight = self._checked_weight(weight)
        self.learning: Learning | None = None
        if plasticity is not None:
            # Where no axonal delay is given, all of the way is before the synapse.
            back = 0 if axonal_delay is None else self._dendritic(ways[0])
            self.learning = Learning(self, plasticity, back)

    def _dendritic(self, delays: Delays) -> int:
        """Steps from the synapses to the neuron, which are the same for all of a plastic projection."""
        if delays.varied:
            do = "give no axonal_delay, and all of the way is before the synapse"
            raise ParameterError(f"delay of {self.name} after the axon", expected="one number", got="several", do=do)
        return delays.first

    def _checked_weight(self, weight: Amount) -> float | NDArray[np.float64] | Distribution:
        given = weight if isinstance(weight, Distribution) else self._numbers("weight", weight)
        checked: float | NDArray[np.float64] | Distribution = self.rule.weights(self, given)
        most = float(np.finfo(self.real).max)
        if isinstance(checked, Distribution):
            low, high = max(checked.low, -most), min(checked.high, most)
            if checked.cdf(high) - checked.cdf(low) < 0.5 * (checked.cdf(checked.high) - checked.cdf(checked.low)):
                raise ParameterError(f"weight of {self.name}", expected=f"numbers of {self.real}", got=checked)
            return checked
        if np.abs(checked).max(initial=0.0) > most:
            got = np.abs(checked).max()
            raise ParameterError(f"weight of {self.name}", expected=f"numbers that {self.real} holds", got=got)
        if isinstance(checked, np.ndarray) and checked is given:
            self._verify_listed("weight", checked.shape)
        return checked if isinstance(checked, float) else checked.ravel()

    def _verify_listed(self, what: str, shape: tuple[int, ...]) -> None:
        """Raise where an array does not have a value for each synapse."""
        listing = self.rule.listing(self)
        label = f"{what} of {self.name}"
        if listing is None:
            do = "give a number or a distribution, or use set_weights" if what == "weight" else ""
            expected = f"no array, as {type(self.rule).__name__} does not number its synapses"
            raise ShapeError(label, expected=expected, got=list(shape), do=do)
        if shape not in (listing.shape, (int(np.prod(listing.shape)),)):
            expected = f"a number, a distribution or one value per synapse, {list(listing.shape)}"
            raise ShapeError(label, expected=expected, got=list(shape))

    def _numbers(self, what: str, value: Any) -> float | NDArray[np.float64]:
        label = f"{what} of {self.name}"
        try:
            given = np.asarray(value)
            array = given.astype(np.float64)
        except (TypeError, ValueError, RuntimeError) as error:
            raise DTypeError(label, expected="a number, an array or a distribution", got=repr(value)) from error
        if given.dtype.kind not in "iuf":
            raise DTypeError(label, expected="a number, an array or a distribution", got=repr(value))
        if not np.isfinite(array).all():
            bad = array[~np.isfinite(array)].flat[0]
            raise ParameterError(label, expected="finite numbers", got=bad)
        return float(array) if array.ndim == 0 else array

    def _delays(self, what: str, value: Amount) -> Any:
        given = value if isinstance(value, Distribution | DistanceDelay) else self._numbers(what, value)
        if not isinstance(given, Distribution | DistanceDelay) and np.min(given, initial=0.0) < 0:
            raise ParameterError(f"{what} of {self.name}", expected="at least 0 ms", got=f"{np.min(given):g} ms")
        return delays_of(self, given, self.dt)

    @cached_property
    def delay_steps(self) -> NDArray[np.int64]:
        """All delays that may occur, as the engine counts them."""
        return self.delays.occurring()

    def self_index(self) -> NDArray[np.int64]:
        """By target: which source is the same neuron, or the number of sources."""
        return places(self.post, self.pre)

    @property
    def weight(self) -> float | NDArray[np.float64] | Distribution:
        """Of all synapses, of each, or what they are drawn from; `set_weights` sets it."""
        return self._weight

    @property
    def uniform(self) -> bool:
        """Whether all synapses have one weight, for good."""
        return isinstance(self.weight, float) and self.learning is None

    def __len__(self) -> int:
        return counted(self)

    def __bool__(self) -> bool:
        return True

    def synapses(self) -> Synapses:
        """Sources and targets by index in what was connected, weights, delays in ms: one entry per synapse.

        They are drawn again, in an order that is always the same.

        >>> import spikeloom as sl
        >>> net = sl.network.Network()
        >>> cells = net.population(3, sl.LIF())
        >>> made = net.connect(cells, cells, sl.network.rules.OneToOne(), weight=[1.0, 2.0, 3.0], delay=1.5)
        >>> made.synapses().weight
        array([1., 2., 3.], dtype=float32)
        """
        drawn = synapses_of(self)
        if self.learning is not None and self.learning.known:
            drawn.weight[self.by_source(drawn)] = self.learning.weights()
        return drawn

    def by_source(self, synapses: Synapses) -> NDArray[np.int64]:
        """The places of synapses when they are ordered by source, target and delay."""
        pre, post = self.pre.indices[synapses.pre], self.post.indices[synapses.post]
        return np.lexsort((np.rint(synapses.delay / self.dt), post, pre))

    def set_weights(self, weights: Any) -> None:
        """Give each synapse a weight, in the order of `synapses()`; the pairs and delays stay as they are.

        From then on the pairs are stored as with `Explicit`, unless they are plastic, where weights are set in place.
        Raises: ShapeError, ParameterError, DTypeError.
        """
        given = self._numbers("weights", weights)
        old = self.synapses()
        if np.shape(given) not in ((), (len(old.pre),)):
            expected = f"one for each of {len(old.pre)} synapses"
            raise ShapeError(f"weights of {self.name}", expected=expected, got=list(np.shape(given)))
        if self.learning is not None:
            self.learning.set_weights(np.broadcast_to(np.asarray(given), old.pre.shape)[self.by_source(old)])
            return
        varied = self.delays.varied
        steps = np.rint(old.delay / self.dt).astype(np.int64) + self.shift
        self.rule = Explicit(old.pre, old.post)
        if varied:
            self.delays = type(self.delays)(0, listed=steps)
        self._weight = self._checked_weight(np.broadcast_to(np.asarray(given), old.pre.shape))
        self.__dict__.pop("delay_steps", None)
        self.pre.network.changed()

    def matrix(self) -> sparse.csr_array:
        """Weights [sources, targets]; those of several synapses between two neurons are added up."""
        pre, post, weight, _ = self.synapses()
        shape = (len(self.pre), len(self.post))
        return sparse.coo_array((weight.astype(np.float64), (pre, post)), shape=shape).tocsr()

    def plot(self, **options: Any) -> Any:
        """A figure of the matrix, degrees, weights and delays; options as `sl.plot.connectivity`."""
        return _pictures.draw(self, **options)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "weight" or (name in ("delay", "axonal_delay") and name in self.__dict__):
            do = "call set_weights" if name == "weight" else "connect anew with another delay"
            raise ParameterError(f"{name} of {self.name}", expected="no assignment", got=repr(value), do=do)
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"{self.name}({self.rule!r})"


def receptor_of(what: str, post: View, receptor: str) -> str:
    """The input that is connected to; where there is only one, it need not be named."""
    inputs, own = post.population.inputs, post.population.own_inputs
    if not own:
        raise ParameterError(what, expected="neurons to connect to", got=repr(post.population))
    if receptor and receptor not in inputs:
        raise UnknownNameError(f"receptor of {what}", receptor, inputs)
    if not receptor and len(own) > 1:
        do = "name one with receptor="
        raise ParameterError(f"receptor of {what}", expected=f"one of {', '.join(own)}", got="none", do=do)
    return receptor or own[0]
