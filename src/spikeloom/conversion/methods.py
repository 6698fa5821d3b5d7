"""How activations are told by spikes: methods of conversion."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import torch
from torch import Tensor

from ..errors import ParameterError, UnknownNameError
from ..neurons import IF, DifferenceIF, MultiSpike, NetCount, Neuron, Signed
from ._filtered import Filtered
from ._operations import Kind, Operation
from ._opposite import Opposite
from ._sites import Site
from .pooling import Counts, Pooling
from .thresholds import LeastError, LocalBalance, Maximum, ModelBased, Percentile, Threshold

Spikes = Literal["single", "opposite", "ternary", "augmented", "burst"]


class Method(ABC):
    """Abstract: what stands in the place of an activation."""

    # Whether biases are adjusted to what spiking layers really receive, in `adjusting` rounds.
    adjusting: int = 0
    channelwise: bool = False
    # Whether thresholds are then set anew, layer after layer, to the largest input that spikes bring.
    sequential: bool = False
    # What makes the spikes, [T, B, ...], that arrive then; inputs that stand still otherwise.
    encoder: Callable[[Tensor], Tensor] | None = None
    threshold: Threshold
    # What stands in the place of max-pooling.
    pooling: Pooling = Counts()

    @abstractmethod
    def site(self, operation: Operation, scale: Tensor, steps: int) -> Site:
        """Neurons for an activation of this kind, with this threshold, in a run of so many steps."""

    def with_steps(self, steps: int) -> Method:
        """The method for a run of so many steps."""
        return self

    def fitted(self, samples: Tensor, scale: Tensor, steps: int) -> Method:
        """The method for a place with these activations, [n] or [n, channels], and this threshold."""
        return self

    def gated(self, function: Callable[[Tensor], Tensor], inputs: Tensor, steps: int) -> Method:
        """The method for a place with this function of single values, which are such on calibration data."""
        return self

    def window(self, steps: int) -> int:
        """Steps after each of which the mean is an answer, in a run of so many; 1 where it always is."""
        return 1

    def encode(self, x: Tensor, steps: int, *, highest: float = 1.0) -> Tensor:
        """Inputs [B, ...], at least 0, as neurons of this method send them, [T, B, ...]; the mean over time is x."""
        scale = torch.tensor(highest, dtype=x.dtype, device=x.device)
        chosen = self.with_steps(steps).fitted(x.flatten(), scale, steps)
        site = chosen.site(Operation(Kind.RECTIFIER), scale, steps).to(x.device)
        y: Tensor = site(x.expand(steps, *x.shape))
        return y


@dataclass(frozen=True)
class RateCode(Method):
    """Integrate-and-fire neurons, whose rate is the activation divided by the threshold.

    `threshold` is found from activations, for each channel if `channelwise`, and multiplied by `factor`. After a spike
    the potential falls by the threshold, or to 0 with `hard_reset`. It begins at the share `start` of the threshold.
    `spikes`: "single", of both signs where values have both, "opposite" (a second population sends negative values),
    "ternary" (a negative spike takes one back that came too early), "augmented" (any whole number, of both signs), or
    "burst" (up to `levels`). Spikes are taken back by potentials below -`v_neg` thresholds. `sequential`: from the
    first layer to the last, the threshold becomes the largest input that arrives by spikes, times `factor`; these are
    those of an `encoder` where one is given, [B, ...] to [T, B, ...]. `adjusting` rounds set constant currents and
    first potentials of each layer so that its mean input and output on calibration data are those of the original.
    `pooling` tells maxima. With `floored`, potentials of rectifiers never fall below 0: inhibition beyond it is lost.
    `tau_syn`: synapses low-pass filter the input of neurons, with this many steps.

    Raises: ParameterError.

    >>> import spikeloom as sl
    >>> sl.conversion.RateCode(sl.conversion.Percentile(99.0), channelwise=True).start
    0.5
    """

    threshold: Threshold = field(default_factory=LeastError)
    channelwise: bool = False
    factor: float = 1.0
    hard_reset: bool = False
    start: float = 0.5
    spikes: Spikes = "single"
    levels: int = 4
    adjusting: int = 0
    sequential: bool = False
    pooling: Pooling = field(default_factory=Counts)
    floored: bool = False
    v_neg: float = 0.0
    tau_syn: float = 0.0
    encoder: Callable[[Tensor], Tensor] | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.factor < float("inf"):
            raise ParameterError("RateCode.factor", expected="a number above 0", got=self.factor)
        if not 0.0 <= self.start < 1.0:
            raise ParameterError("RateCode.start", expected="a share of the threshold, 0 <= start < 1", got=self.start)
        if self.spikes not in get_args(Spikes):
            raise UnknownNameError("RateCode.spikes", str(self.spikes), get_args(Spikes))
        if self.adjusting < 0:
            raise ParameterError("RateCode.adjusting", expected="0 rounds or more", got=self.adjusting)
        if self.encoder is not None and not self.sequential:
            do = "give sequential=True: nothing else looks at spikes of inputs"
            raise ParameterError("RateCode.encoder", expected="sequential thresholds", got="others", do=do)
        if not isinstance(self.pooling, Pooling):
            raise ParameterError("RateCode.pooling", expected="one such as Gate()", got=repr(self.pooling))
        if not 0.0 <= self.v_neg < float("inf"):
            raise ParameterError("RateCode.v_neg", expected="thresholds, 0 or more", got=self.v_neg)
        if not 0.0 <= self.tau_syn < float("inf"):
            raise ParameterError("RateCode.tau_syn", expected="steps, 0 for none", got=self.tau_syn)
        if self.floored and self.spikes in ("ternary", "augmented"):
            got = f"spikes = {self.spikes!r}, which potentials below 0 take back"
            raise ParameterError("RateCode.floored", expected="spikes that are not taken back", got=got)

    def with_steps(self, steps: int) -> Method:
        """With the threshold for so many steps, where it depends on them."""
        return replace(self, threshold=self.threshold.with_steps(steps))

    def site(self, operation: Operation, scale: Tensor, steps: int) -> Site:
        theta = scale * self.factor
        if self.spikes == "opposite" and (operation.kind is Kind.FUNCTION or operation.slope > 0.0):
            slope = 1.0 if operation.kind is Kind.FUNCTION else operation.slope
            return Opposite(self._neuron(Operation(Kind.RECTIFIER), theta), theta, slope=slope)
        neuron = self._neuron(operation, theta)
        return Filtered(neuron, theta, self.tau_syn) if self.tau_syn else Site(neuron, theta)

    def _neuron(self, operation: Operation, theta: Tensor) -> Neuron:
        if operation.kind is Kind.FUNCTION:
            return Signed(IF(v_th=theta, soft_reset=True), v_neg=theta)
        # Without a leak the resting potential is nothing but where the potential begins.
        base: Neuron = IF(v_th=theta, v_rest=self.start * theta, soft_reset=not self.hard_reset)
        if operation.slope > 0.0:
            return Signed(base, v_neg=theta / operation.slope)
        if self.spikes in ("ternary", "augmented"):
            levels = 1 if self.spikes == "ternary" else 1 << 20
            return NetCount(v_th=theta, v_neg=self.v_neg * theta, v_rest=self.start * theta, levels=levels)
        if self.floored:
            base = DifferenceIF(v_th=theta, v_rest=self.start * theta, soft_reset=not self.hard_reset, leak=0.0)
        return MultiSpike(base, levels=self.levels) if self.spikes == "burst" else base


# By the names under which they are known.
RATE_CODES: Mapping[str, Method] = {
    "layer-wise": RateCode(Maximum(), start=0.0),
    "percentile": RateCode(Percentile(99.9), start=0.0),
    "channel-wise": RateCode(Percentile(99.99), channelwise=True, start=0.0),
    "model-based": RateCode(ModelBased(), start=0.0),
    "sequential": RateCode(Maximum(), start=0.0, sequential=True),
    "local-balance": RateCode(LocalBalance(), channelwise=True),
    "hard-reset": RateCode(Maximum(), start=0.0, hard_reset=True),
    "ternary": RateCode(Maximum(), start=0.0, spikes="ternary"),
    "augmented": RateCode(Maximum(), start=0.0, spikes="augmented", factor=0.1),
    "burst": RateCode(Percentile(99.9), start=0.0, spikes="burst", factor=0.25),
    "half-start": RateCode(Percentile(99.9), start=0.5),
    "calibrated": RateCode(LeastError(), channelwise=True, start=0.5, adjusting=2),
}


def usable(scale: Tensor) -> Tensor:
    """Thresholds above 0: a channel that never is active gets the layer's largest, of which it needs nothing."""
    return torch.where(scale > 0, scale, scale.max().clamp(min=torch.finfo(scale.dtype).tiny * 1e8))
