"""A digital core of integrate-and-fire neurons behind a crossbar of binary synapses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ParameterError, ShapeError
from .integer_network import IntegerLayer, IntegerNetwork, IntegerRun

# Largest numbers of axons, neurons, and kinds of axons.
AXONS, NEURONS, KINDS = 1024, 256, 4


@dataclass(frozen=True)
class NeurosynapticCore:
    """Axons of a few kinds, a binary crossbar, and neurons with a weight for each kind of axon.

    A step: v_j <- max(0, v_j + leak_j + sum_i a_i crossbar_ij strength_j,kind(i)); spike where v_j >= v_th_j, then
    v_j <- 0. All numbers are whole.

    Shapes: crossbar [axons, neurons] of 0 and 1; kinds [axons] of 0 to 3; strength [neurons, 4]; v_th and leak
    [neurons]. Raises: ParameterError, ShapeError.
    Source: Merolla, Arthur, Akopyan, Imam, Manohar and Modha 2011, "A digital neurosynaptic core using embedded
    crossbar memory with 45pJ per spike in 45nm", IEEE CICC: 1024 x 256 synapses. Four kinds are those of its successor;
    widths of registers are not modelled.

    >>> import torch
    >>> core = NeurosynapticCore(
    ...     torch.eye(2, dtype=torch.int64), torch.tensor([0, 1]), torch.tensor([[2, -1, 0, 0]] * 2),
    ...     v_th=torch.tensor([3, 3]), leak=torch.tensor([0, 2]),
    ... )
    >>> core.run(torch.ones(4, 1, 2)).spikes[0][:, 0].tolist()
    [[0, 0], [1, 0], [0, 1], [1, 0]]
    """

    crossbar: Tensor
    kinds: Tensor
    strength: Tensor
    v_th: Tensor
    leak: Tensor

    def __post_init__(self) -> None:
        axons, neurons = self.crossbar.shape if self.crossbar.dim() == 2 else (0, 0)
        if not 0 < axons <= AXONS or not 0 < neurons <= NEURONS:
            expected = f"up to {AXONS} axons and {NEURONS} neurons"
            raise ShapeError("NeurosynapticCore.crossbar", expected=expected, got=list(self.crossbar.shape))
        shapes = {"kinds": [axons], "strength": [neurons, KINDS], "v_th": [neurons], "leak": [neurons]}
        for name, shape in shapes.items():
            if list(getattr(self, name).shape) != shape:
                got = list(getattr(self, name).shape)
                raise ShapeError(f"NeurosynapticCore.{name}", expected=shape, got=got)
        if bool(((self.crossbar != 0) & (self.crossbar != 1)).any()):
            raise ParameterError("NeurosynapticCore.crossbar", expected="0 and 1", got="others")
        if not 0 <= int(self.kinds.min()) <= int(self.kinds.max()) < KINDS:
            raise ParameterError(
                "NeurosynapticCore.kinds", expected=f"0 to {KINDS - 1}", got=sorted(set(self.kinds.tolist()))
            )

    @classmethod
    def of_signs(cls, weight: Tensor, bias: Tensor, v_th: int) -> NeurosynapticCore:
        """For weights of -1, 0 and 1, [neurons, inputs], and whole biases: two axons an input, of kinds 0 and 1.

        Its axons are the inputs twice, one after another: `torch.cat([s, s], -1)`. Raises: ParameterError, ShapeError.
        """
        if bool((weight.abs() > 1).any()) or bool((weight != weight.round()).any()):
            raise ParameterError("weights of of_signs", expected="-1, 0 and 1", got="others")
        neurons, inputs = weight.shape
        crossbar = torch.cat([weight.T > 0, weight.T < 0]).long()
        kinds = torch.tensor([0, 1]).repeat_interleave(inputs)
        strength = torch.tensor([1, -1, 0, 0]).repeat(neurons, 1)
        return cls(crossbar, kinds, strength, torch.full((neurons,), v_th), bias.round().long())

    @property
    def weight(self) -> Tensor:
        """What a spike of an axon adds to a potential, [neurons, axons]."""
        return self.crossbar.T.long() * self.strength.long()[:, self.kinds]

    def run(self, spikes: Tensor) -> IntegerRun:
        """Spikes of axons [T, B, axons]; counts are those of the crossbar's rows and synapses."""
        layer = IntegerLayer(self.weight, self.v_th.long(), drift=self.leak.long(), floor=0, hard_reset=True)
        return IntegerNetwork([layer]).clocked(spikes)
