"""BP-STDP: back-propagation as STDP in short windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..errors import DTypeError, ParameterError, ShapeError
from ..parameters import Declared, Param


@dataclass
class LayeredTrial:
    """Weights of each layer after the trials, spike counts of the outputs, [B, out], and their last potentials."""

    weights: list[Tensor]
    counts: Tensor
    potential: Tensor

    @property
    def decision(self) -> Tensor:
        """The output that spiked most; the highest potential decides between equal ones. [B]."""
        order = torch.softmax(self.potential, -1)
        return (self.counts + 0.5 * order).argmax(-1)


class BPSTDP(Declared):
    """Layers of integrate-and-fire neurons that learn, at the end of each window of `window` ms, from its spikes.

        outputs   xi_i = +1 if i should spike and was silent, -1 if it should not and spiked, else 0
        hidden    xi_h = sum_i xi_i w_ih if h has spiked, else 0
        all       dw = lr xi times the number of presynaptic spikes in the window

    The neurons: v <- v + w s; spike where v >= v_th, then v <- 0. Spikes pass all layers in one step. Outputs have the
    threshold `v_th_out`. Weights change during the trial, by the mean over the batch, all layers at once.

    Shapes: weights, a list of [out, in] from the input to the output; x [T, B, in], target [B, out] of 0 and 1.
    Source: Tavanaei and Maida 2017, arXiv:1711.04214 (window 4 ms). Raises: ShapeError, DTypeError, ParameterError.

    >>> import torch, spikeloom as sl
    >>> rule = sl.plasticity.BPSTDP(lr=0.1, v_th_out=1.0)
    >>> after = rule.update([torch.full((2, 1), 0.1)], torch.ones(4, 1, 1), torch.tensor([[1.0, 0.0]]))
    >>> after.weights[0].flatten()  # the first was silent and should not have been: 4 spikes in the window
    tensor([0.5000, 0.1000])
    """

    family: ClassVar[str] = "supervised"

    lr = Param(0.01, "weight", "learning rate", at_least=0.0)
    window = Param(4.0, "ms", "length of a window", low=0.0)
    v_th = Param(0.9, "1", "threshold of hidden neurons", low=0.0)
    v_th_out = Param(0.5, "1", "threshold of outputs", low=0.0)
    dt = Param(1.0, "ms", "time step", low=0.0)

    def respond(self, weights: Sequence[Tensor], x: Tensor) -> LayeredTrial:
        """The trials without learning."""
        return self._run(weights, x, None)

    def update(self, weights: Sequence[Tensor], x: Tensor, target: Tensor) -> LayeredTrial:
        """A batch of trials, with learning."""
        if target.shape != (x.shape[1], len(weights[-1])):
            raise ShapeError("target of BPSTDP", expected=[x.shape[1], len(weights[-1])], got=list(target.shape))
        if not bool(((target == 0) | (target == 1)).all()):
            raise ParameterError("target of BPSTDP", expected="0 and 1", got="other values")
        return self._run(weights, x, target)

    def _run(self, weights: Sequence[Tensor], x: Tensor, target: Tensor | None) -> LayeredTrial:
        self._verify(weights, x)
        weights, batch = list(weights), x.shape[1]
        potentials = [x.new_zeros(batch, len(w)) for w in weights]
        total = x.new_zeros(batch, len(weights[-1]))
        for piece in torch.split(x, max(1, round(float(self.window) / float(self.dt)))):
            counts = [piece.sum(0), *(torch.zeros_like(v) for v in potentials)]
            for spikes in piece:
                self._step(weights, potentials, counts, spikes)
            total = total + counts[-1]
            if target is not None:
                weights = self._learned(weights, counts, target)
        return LayeredTrial(weights, total, potentials[-1])

    def _step(self, weights: list[Tensor], potentials: list[Tensor], counts: list[Tensor], s: Tensor) -> None:
        for layer, w in enumerate(weights):
            v = potentials[layer] + s @ w.T
            s = (v >= float(self.v_th_out if layer == len(weights) - 1 else self.v_th)).to(v.dtype)
            potentials[layer] = v * (1 - s)
            counts[layer + 1] += s

    def _learned(self, weights: list[Tensor], counts: list[Tensor], target: Tensor) -> list[Tensor]:
        spiked = (counts[-1] > 0).to(target.dtype)
        xi, after = target * (1 - spiked) - (1 - target) * spiked, []
        for layer in reversed(range(len(weights))):
            w = weights[layer]
            after.append(w + float(self.lr) * xi.T @ counts[layer] / len(target))
            xi = (xi @ w) * (counts[layer] > 0)
        return after[::-1]

    def _verify(self, weights: Sequence[Tensor], x: Tensor) -> None:
        wide: Any = x.shape[-1] if x.dim() == 3 else None
        if wide is None or not len(x):
            raise ShapeError("x of BPSTDP", expected="[T, B, in]", got=list(x.shape))
        for label, value in {"x": x, **{f"weights {i}": w for i, w in enumerate(weights)}}.items():
            if not value.is_floating_point():
                raise DTypeError(f"{label} of BPSTDP", expected="a floating-point tensor", got=value.dtype)
            if not bool(torch.isfinite(value).all()):
                raise ParameterError(f"{label} of BPSTDP", expected="finite numbers", got="NaN or infinity")
        for i, w in enumerate(weights):
            if w.dim() != 2 or w.shape[1] != wide:
                raise ShapeError(f"weights {i} of BPSTDP", expected=f"[out, {wide}]", got=list(w.shape))
            wide = len(w)
