"""Thresholds of converted networks: what one spike is worth, from the activations of the original."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from ..errors import ParameterError

# Values of a channel that are kept to judge by, and of all channels of a place.
SAMPLES, VALUES = 1 << 16, 1 << 21


class Threshold(ABC):
    """Abstract: from the activations of a place in the network [samples] or [samples, channels] to its threshold.

    A neuron with threshold theta fires at the rate a / theta for the activation a, as long as a <= theta: a low
    threshold saturates, a high one takes many steps to tell small activations apart.
    """

    # Whether the values are upper bounds from weights alone, not activations.
    of_weights: ClassVar[bool] = False

    @abstractmethod
    def of(self, activations: Tensor, highest: Tensor) -> Tensor:
        """The threshold, one number or [channels]; `highest` are the largest values of the whole calibration set."""

    def with_steps(self, steps: int) -> Threshold:
        """The same for runs of so many steps, where that matters."""
        return self


@dataclass(frozen=True)
class Maximum(Threshold):
    """The largest activation: nothing saturates on the calibration data.

    Source: Diehl, Neil, Binas, Cook, Liu and Pfeiffer 2015, "Fast-classifying, high-accuracy spiking deep networks
    through weight and threshold balancing", IJCNN, data-based normalisation.

    >>> import torch, spikeloom as sl
    >>> a = torch.tensor([0.0, 1.0, 4.0])
    >>> sl.conversion.Maximum().of(a, a.amax(0))
    tensor(4.)
    """

    def of(self, activations: Tensor, highest: Tensor) -> Tensor:
        return highest


@dataclass(frozen=True)
class Fixed(Threshold):
    """A threshold that is given, in units of the activations, and the same in all places.

    Weights as they were trained, and neurons as a machine has them: the conversion before any normalisation.

    Raises: ParameterError unless value > 0.

    >>> import torch, spikeloom as sl
    >>> a = torch.tensor([0.0, 1.0, 4.0])
    >>> sl.conversion.Fixed(1.0).of(a, a.amax(0))
    tensor(1.)
    """

    value: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.value < float("inf"):
            raise ParameterError("Fixed.value", expected="a number above 0", got=self.value)

    def of(self, activations: Tensor, highest: Tensor) -> Tensor:
        return torch.full_like(highest, self.value)


@dataclass(frozen=True)
class Percentile(Threshold):
    """A percentile of all activations: a few saturate, all others are told apart sooner.

    Raises: ParameterError unless 0 < percent <= 100. Source: Rueckauer, Lungu, Hu, Pfeiffer and Liu 2017, "Conversion
    of continuous-valued deep networks to efficient event-driven networks for image classification", Front. Neurosci.
    11:682, robust normalisation.

    >>> import torch, spikeloom as sl
    >>> a = torch.linspace(0.0, 1.0, 1001)
    >>> sl.conversion.Percentile(90.0).of(a, a.amax(0))
    tensor(0.9000)
    """

    percent: float = 99.9

    def __post_init__(self) -> None:
        if not 0.0 < self.percent <= 100.0:
            raise ParameterError("Percentile.percent", expected="above 0, at most 100", got=self.percent)

    def of(self, activations: Tensor, highest: Tensor) -> Tensor:
        if self.percent == 100.0:
            return highest
        return torch.quantile(activations.double(), self.percent / 100.0, dim=0).to(activations.dtype)


@dataclass(frozen=True)
class LeastError(Threshold):
    """The threshold at which rates of so many steps are nearest to the activations, by mean squared error.

    Rates are k / steps, rounded to the nearest, as from neurons that begin at half of their threshold; searched among
    `candidates` shares of the largest activation. 0 steps are those of the run.

    Raises: ParameterError. Source: Li, Deng, Dong, Gong and Gu 2021, "A free lunch from ANN: towards efficient,
    accurate spiking neural networks calibration", ICML, section 4.1 (minimal mean squared error threshold).

    >>> import torch, spikeloom as sl
    >>> a = torch.tensor([0.0, 0.5, 1.0, 1.0, 1.0, 1.1])
    >>> sl.conversion.LeastError(steps=2, candidates=110).of(a, a.amax(0))
    tensor(1.0200)
    """

    steps: int = 0
    candidates: int = 50

    def __post_init__(self) -> None:
        if self.steps < 0 or self.candidates < 2:
            got = f"steps = {self.steps}, candidates = {self.candidates}"
            raise ParameterError(
                "LeastError", expected="steps (0: those of the run) and at least 2 candidates", got=got
            )

    def with_steps(self, steps: int) -> Threshold:
        return self if self.steps else replace(self, steps=steps)

    def of(self, activations: Tensor, highest: Tensor) -> Tensor:
        best, least = highest.clone(), torch.full_like(highest, float("inf"))
        for k in range(1, self.candidates + 1):
            theta = highest * (k / self.candidates)
            spikes = (activations * (self.steps / theta.clamp(min=1e-30)) + 0.5).floor().clamp(0, self.steps)
            error = (spikes * (theta / self.steps) - activations).square().mean(0)
            best, least = torch.where(error < least, theta, best), torch.minimum(error, least)
        return best


@dataclass(frozen=True)
class LocalBalance(Threshold):
    """The threshold to which gradient descent on the error of quantised rates leads, from the largest activation.

    theta <- theta - lr theta0 d/dtheta E[(a - h(a))^2] / E[a^2], h(a) = theta clip(floor(a n / theta + 1/2) / n, 0, 1)
    with n steps, where floor counts as the identity in the derivative: dh/dtheta is 1 above theta, (h(a) - a) / theta
    below. Steps are those of the run where they are 0.

    Raises: ParameterError. Source: Bu, Li and Yu 2025, "Inference-scale complexity in ANN-SNN conversion for
    high-performance and low-power applications", CVPR (arXiv 2409.03368), the idea of balancing thresholds by a local
    error; objective, derivative and rate here are those of its quantised activation, not their program's.

    >>> import torch, spikeloom as sl
    >>> a = torch.tensor([0.0, 0.5, 1.0, 1.0, 1.0, 1.1])
    >>> float(sl.conversion.LocalBalance(steps=2).of(a, a.amax(0))) < 1.1
    True
    """

    steps: int = 0
    lr: float = 0.05
    rounds: int = 100

    def __post_init__(self) -> None:
        if self.steps < 0 or self.rounds < 1 or not 0.0 < self.lr < float("inf"):
            got = f"steps = {self.steps}, lr = {self.lr}, rounds = {self.rounds}"
            expected = "steps (0: those of the run), lr > 0 and at least 1 round"
            raise ParameterError("LocalBalance", expected=expected, got=got)

    def with_steps(self, steps: int) -> Threshold:
        return self if self.steps else replace(self, steps=steps)

    def of(self, activations: Tensor, highest: Tensor) -> Tensor:
        a, theta = activations, highest.clone()
        size = a.square().mean(0).clamp(min=1e-30)
        for _ in range(self.rounds):
            h = theta * ((a * (self.steps / theta) + 0.5).floor() / self.steps).clamp(0.0, 1.0)
            slope = torch.where(a >= theta, torch.ones_like(a), (h - a) / theta)
            # From the quadratic's own scale, so that the rate has no unit.
            gradient = 2 * ((h - a) * slope).mean(0) * highest / size
            theta = (theta - self.lr * highest * gradient).clamp(min=1e-3 * highest, max=highest)
        return torch.where(highest > 0, theta, highest)


@dataclass(frozen=True)
class ModelBased(Threshold):
    """The largest activation that the weights allow, for inputs up to the largest of the calibration data.

    What positive weights and biases alone make of the largest inputs: nothing ever saturates, and rates are low. For
    networks of layers of weights and rectifiers, and inputs that are not negative.

    Source: Diehl et al. 2015, "Fast-classifying, high-accuracy spiking deep networks through weight and threshold
    balancing", IJCNN, model-based normalisation.
    """

    of_weights: ClassVar[bool] = True

    def of(self, activations: Tensor, highest: Tensor) -> Tensor:
        return highest
