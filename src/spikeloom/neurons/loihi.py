"""The whole-number neuron of the chip Loihi."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Input, Option, Param, State
from .neuron import Neuron

# Both are shares of this.
_DECAY = 4096


class Loihi(Neuron):
    """Current and potential as whole numbers that decay towards 0 by a share of 1/4096, rounded away from 0.

    Per step, with i = 2^(6 + exponent) times the sum of weights of spikes, and c(x, d) = sign(x) ceil(|x| d / 4096):
    u <- u - c(u, decay_i) + i, then v <- v - c(v, decay_v) + u + bias. Spike where v > v_th = 2^6 mantissa; then
    v <- 0, or v <- v - v_th with `soft_reset=True`. decay_i = 4096 makes the current last one step, decay_v = 0 keeps
    the potential, which begins at v_rest. A decay ends at 0, where a rounded product stays: that is why the chip rounds
    away from 0. Whole numbers below 2^24 are exact in float32, too; wrap-around of the chip's 24 bits, refractory
    period, dendrites and learning are not there.

    Shapes: [T, B, *features] to spikes of the same shape. Units: those of the chip. Raises: ParameterError for numbers
    that are not whole.
    Source: Davies et al. 2018, "Loihi: a neuromorphic manycore processor with on-chip learning", IEEE Micro 38:82-99;
    Michaelis, Lehr, Oed and Tetzlaff 2022, Front. Neuroinform. 16:1015624 (rounding). Soft reset is not from there: on
    the chip it takes a second compartment.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.neurons.Loihi(v_th=640, decay_v=1024)
    >>> neuron(torch.tensor([512.0, 320.0, 0.0, 0.0]).view(4, 1, 1)).flatten()
    tensor([0., 1., 0., 0.])
    """

    v_th = Param(64.0 * 100, "1", "threshold, 2^6 times its mantissa", low=0.0)
    decay_i = Param(4096.0, "1/4096", "share of the current that decays in a step", at_least=0.0, at_most=4096.0)
    decay_v = Param(0.0, "1/4096", "share of the potential that decays in a step", at_least=0.0, at_most=4096.0)
    bias = Param(0.0, "1", "constant current")
    v_rest = Param(0.0, "1", "potential at the beginning")
    soft_reset = Option(False, "lower v by v_th at a spike instead of setting it to 0")

    family = "linear integrate-and-fire"
    whole: ClassVar[tuple[str, ...]] = ("v_th", "decay_i", "decay_v", "bias", "v_rest")

    i = Input("1", "summed weights of spikes, times 2^(6 + exponent)", span=(-2000.0, 6000.0))
    u = State(0.0, "1", "current")
    v = State("v_rest", "1", "membrane potential", held=True)
    shown = (1000.0, 50.0)

    def verify(self) -> None:
        super().verify()
        for name, value in self.param_values().items():
            if name in self.whole and bool((torch.as_tensor(value) % 1 != 0).any()):
                raise ParameterError(f"Loihi.{name}", expected="a whole number", got=value)

    def charge(self) -> dict[str, Tensor]:
        u = self.u - _decayed(self.u, self.decay_i) + self.i
        return {"u": u, "v": self.v - _decayed(self.v, self.decay_v) + u + self.bias}

    def threshold(self) -> Tensor:
        """Strictly above, of whole numbers."""
        return self.v - self.v_th - 1.0

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.v - self.v_th if self.soft_reset else torch.zeros_like(self.v)}


def _decayed(x: Tensor, decay: Tensor) -> Tensor:
    """sign(x) ceil(|x| decay / 4096), in parts that have at most 24 bits."""
    size = torch.abs(x)
    high = torch.floor(size / _DECAY)
    low = size - _DECAY * high
    return torch.sign(x) * (high * decay - torch.floor(-(low * decay) / _DECAY))
