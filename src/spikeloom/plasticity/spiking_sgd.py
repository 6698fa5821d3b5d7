"""Gradient descent of a ReLU network in which activations and errors are spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import DTypeError, ParameterError, ShapeError
from ..parameters import Declared, Option, Param


@dataclass
class Presentation:
    """Weights after a presentation, spikes sent forward and back, and potentials of errors for the next one.

    `errors` has one for each hidden layer, [B, hidden]; give them to the next call.
    """

    weights: list[Tensor]
    forward: int
    backward: int
    errors: list[Tensor]


class SpikingSGD(Declared):
    """A spiking multi-layer perceptron that learns by gradient descent, with additions at spikes alone.

    A neuron adds up its input and sends the whole numbers in it, v <- v + x, s = round(v), v <- v - s; those behind the
    input send only positive ones. In the mean over T steps that is max(x, 0) with an error of order 1 / T, so that the
    network computes what one of rectified linear units does. In each step differences between output spikes and spikes
    of the target are sent back through the weights; hidden neurons round errors as they round inputs, and do not pass
    any while their input so far is negative. Rests of errors are carried over to the next presentation: small errors
    would otherwise never be sent. Neurons behind the input are `MultiSpike(IF(soft_reset=True))` that begin at v = 1/2.

        SGD                dw = -eta / T^2 sum_t e(t) sum_t s(t), after the presentation
        fractional         dw = -eta / T^2 e(t) sum_(u <= t) s(u), at each step, with the spikes so far

    Weights move by the mean of what the batch asks for. There are no biases.

    Shapes: weights, a list of [out, in] from the input to the output; x [B, in], target [B, out].
    Raises: ShapeError, DTypeError, ParameterError.
    Source: O'Connor and Welling 2016, "Deep spiking networks", arXiv:1602.08323; order of events within a step,
    carried errors and eta / T^2 as in the authors' program. Batches are ours; there it is one sample at a time.

    >>> import torch, spikeloom as sl
    >>> network = sl.plasticity.SpikingSGD(steps=100)
    >>> network.respond([torch.tensor([[0.5, -0.3], [0.2, -0.4]]), torch.eye(2)], torch.tensor([[0.7, 0.2]]))
    tensor([[0.2900, 0.0600]])
    """

    family: ClassVar[str] = "supervised"

    eta = Param(0.01, "weight", "learning rate", at_least=0.0)
    steps = Option(10, "T, steps of a presentation")
    fractional = Option(False, "change weights at each step, not after the presentation")

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1:
            raise ParameterError("SpikingSGD.steps", expected="a whole number of at least 1", got=self.steps)

    def respond(self, weights: Sequence[Tensor], x: Tensor) -> Tensor:
        """What reaches the outputs in the mean over the steps, [B, out], before they round it."""
        self._verify(weights, x)
        layers = _Layers(weights, x)
        for _ in range(self.steps):
            layers.step()
        return layers.input[-1] / self.steps

    def update(
        self, weights: Sequence[Tensor], x: Tensor, target: Tensor, errors: Sequence[Tensor] | None = None
    ) -> Presentation:
        """One presentation of a batch, with learning."""
        self._verify(weights, x)
        if target.shape != (len(x), len(weights[-1])):
            raise ShapeError("target of SpikingSGD", expected=[len(x), len(weights[-1])], got=list(target.shape))
        layers, wanted = _Layers(weights, x), torch.zeros_like(target)
        held = [x.new_zeros(len(x), len(w)) for w in weights[:-1]] if errors is None else list(errors)
        if [e.shape for e in held] != [(len(x), len(w)) for w in weights[:-1]]:
            raise ShapeError("errors of SpikingSGD", expected="those of a batch of that size", got="others")
        sums = [torch.zeros_like(v) for v in layers.input]
        rate, backward = float(self.eta) / self.steps**2 / len(x), 0
        for _ in range(self.steps):
            output = layers.step()
            wanted, due = rounded(wanted + target)
            for layer, error in self._errors(layers, output - due, held):
                backward += int(error.abs().sum())
                if self.fractional:
                    layers.weights[layer] = layers.weights[layer] - rate * error.T @ layers.sent[layer]
                else:
                    sums[layer] += error
        if not self.fractional:
            changes = [rate * error.T @ sent for error, sent in zip(sums, layers.sent, strict=True)]
            layers.weights = [w - change for w, change in zip(layers.weights, changes, strict=True)]
        forward = int(sum(sent.abs().sum() for sent in layers.sent))
        return Presentation(layers.weights, forward, backward, held)

    @staticmethod
    def _errors(layers: _Layers, error: Tensor, held: list[Tensor]) -> list[tuple[int, Tensor]]:
        """Error spikes of each layer, from the outputs down, by the weights as they are at the step."""
        found = []
        for layer in reversed(range(len(layers.weights))):
            error = error * (layers.input[layer] >= 0)
            found.append((layer, error))
            if layer:
                held[layer - 1], error = rounded(held[layer - 1] + error @ layers.weights[layer])
        return found

    def _verify(self, weights: Sequence[Tensor], x: Tensor) -> None:
        if x.dim() != 2 or not len(x) or not weights:
            raise ShapeError("x and weights of SpikingSGD", expected="[B, in] and a layer", got=list(x.shape))
        wide = x.shape[1]
        for label, value in {"x": x, **{f"weights {i}": w for i, w in enumerate(weights)}}.items():
            if not value.is_floating_point():
                raise DTypeError(f"{label} of SpikingSGD", expected="a floating-point tensor", got=value.dtype)
            if not bool(torch.isfinite(value).all()):
                raise ParameterError(f"{label} of SpikingSGD", expected="finite numbers", got="NaN or infinity")
        for i, w in enumerate(weights):
            if w.dim() != 2 or w.shape[1] != wide:
                raise ShapeError(f"weights {i} of SpikingSGD", expected=f"[out, {wide}]", got=list(w.shape))
            wide = len(w)


def rounded(v: Tensor, *, rectify: bool = False) -> tuple[Tensor, Tensor]:
    """The rest of a potential and the spikes that it sends: the nearest whole number, not below 0 with `rectify`.

    >>> rounded(torch.tensor([1.75, -2.25]))
    (tensor([-0.2500, -0.2500]), tensor([ 2., -2.]))
    """
    spikes = torch.round(v)
    spikes = spikes.clamp(min=0) if rectify else spikes
    return v - spikes, spikes


class _Layers:
    """Potentials, inputs so far [B, out] of each layer, and spikes so far that each was sent [B, in]."""

    def __init__(self, weights: Sequence[Tensor], x: Tensor) -> None:
        self.weights, self.x = list(weights), x
        self.input = [x.new_zeros(len(x), len(w)) for w in weights]
        self.sent = [torch.zeros_like(x), *(torch.zeros_like(v) for v in self.input[:-1])]
        self.potential = [torch.zeros_like(x), *(torch.zeros_like(v) for v in self.input)]

    def step(self) -> Tensor:
        """One step through all layers; the spikes of the outputs."""
        self.potential[0], spikes = rounded(self.potential[0] + self.x)
        for layer, w in enumerate(self.weights):
            self.sent[layer] = self.sent[layer] + spikes
            arriving = spikes @ w.T
            self.input[layer] = self.input[layer] + arriving
            self.potential[layer + 1], spikes = rounded(self.potential[layer + 1] + arriving, rectify=True)
        return spikes
