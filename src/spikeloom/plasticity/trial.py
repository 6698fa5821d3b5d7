"""Rules that look at a whole trial: a neuron's output is compared with a target before weights change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from .. import random
from ..errors import DTypeError, ParameterError, ShapeError
from ..parameters import Declared, Param


@dataclass
class Trial:
    """Weights after trials, the output spikes that led to the change, [T, B, out], and target less output, [B, out]."""

    w: Tensor
    output: Tensor
    error: Tensor


@dataclass
class Change:
    """What each trial asks for, [B, out, in], and target less output, [B, out]."""

    dw: Tensor
    error: Tensor


@dataclass
class Trained:
    """Weights after training, and how many outputs were wrong in each epoch, [epochs]; the last one tells of these
    weights where it is 0.
    """

    w: Tensor
    wrong: Tensor

    @property
    def solved(self) -> bool:
        """Whether an epoch passed without error, and so without change."""
        return bool(len(self.wrong)) and int(self.wrong[-1]) == 0


class TrialRule(Declared):
    """Abstract: a neuron model together with a rule for its weights, for targets that are known when a trial ends.

    Input first passes filters that no weight changes, so that many epochs filter it once. A subclass states `filtered`,
    what neurons make of that, `potential_of` and `respond_to`, and the `change` that it asks for.

    Shapes: w [out, in], x [T, B, in], one step per dt; targets [B, out]; what they mean the subclass says. Values of x
    are 0 and 1; for others see `AugmentedSpikes`.
    Raises: ParameterError, ShapeError, DTypeError.
    """

    lr = Param(0.01, "weight", "learning rate", at_least=0.0)
    dt = Param(1.0, "ms", "time step", low=0.0)

    family: ClassVar[str] = "yours"

    @classmethod
    def example(cls) -> Self:
        """One for tests and lists."""
        return cls()

    def potential(self, w: Tensor, x: Tensor) -> Tensor:
        """Membrane potential [T, B, out] of the neurons, after each step's reset."""
        self.verify(w, x)
        return self.potential_of(w, self.filtered(x))

    def respond(self, w: Tensor, x: Tensor) -> Tensor:
        """Output spikes [T, B, out]."""
        self.verify(w, x)
        return self.respond_to(w, self.filtered(x))

    def filtered(self, x: Tensor) -> Tensor:
        """The input through the filters that come before the weights, [filters, T, B, in]."""
        raise NotImplementedError(f"{type(self).__name__} states no filtered(self, x)")

    def potential_of(self, w: Tensor, filtered: Tensor) -> Tensor:
        """Membrane potential of neurons that receive filtered input."""
        raise NotImplementedError(f"{type(self).__name__} states no potential_of(self, w, filtered)")

    def respond_to(self, w: Tensor, filtered: Tensor) -> Tensor:
        """Output spikes of neurons that receive filtered input."""
        raise NotImplementedError(f"{type(self).__name__} states no respond_to(self, w, filtered)")

    def change(self, w: Tensor, filtered: Tensor, target: Tensor) -> Change:
        """What each trial of a batch asks for."""
        raise NotImplementedError(f"{type(self).__name__} states no change(self, w, filtered, target)")

    def update(self, w: Tensor, x: Tensor, target: Tensor) -> Trial:
        """One trial, or a batch of them: weights move by the mean of what each asks for."""
        self.verify(w, x, target)
        filtered = self.filtered(x)
        found = self.change(w, filtered, target)
        return Trial(w + found.dw.mean(0), self.respond_to(w, filtered), found.error)

    def train(
        self,
        w: Tensor,
        x: Tensor,
        target: Tensor,
        *,
        epochs: int,
        momentum: float = 0.0,
        cooling: float = 1.0,
        online: bool = True,
        seed: int = 0,
    ) -> Trained:
        """Epochs over a batch of trials, until one passes without error.

        Online, as published, weights change after each trial, in an order drawn anew for each epoch; otherwise after
        each epoch, by the sum over its trials. Where there was an error the change is dw + momentum times the change
        before it. The learning rate of epoch n is lr cooling^(n / epochs).

        >>> import torch, spikeloom as sl
        >>> x, w = torch.zeros(100, 2, 2), torch.zeros(1, 2)
        >>> x[10, 0] = x[20, 1, 0] = x[60, 1, 1] = 1.0  # together in the first trial, apart in the second
        >>> rule = sl.plasticity.Tempotron(lr=0.05)
        >>> trained = rule.train(w, x, torch.tensor([[1.0], [0.0]]), epochs=50)
        >>> trained.solved, rule.respond(trained.w, x).sum(0).flatten()
        (True, tensor([1., 0.]))
        """
        self.verify(w, x, target)
        rates = self.schedule(epochs, momentum, cooling)
        batch = x.shape[1]
        filtered, wrong, before = self.filtered(x), [], torch.zeros_like(w)
        trials = torch.arange(batch)
        # Contiguous in each trial, which is read again and again.
        pieces = [filtered[:, :, b : b + 1].contiguous() for b in range(batch)] if online else [filtered]
        targets = torch.split(target, 1, dim=-2) if online else (target,)
        for epoch, rate in enumerate(rates):
            count = 0
            for b in random.uniform(seed, 0, trials, epoch).argsort().tolist() if online else [0]:
                found = self.change(w, pieces[b], targets[b])
                missed = int((found.error != 0).sum())
                if missed:
                    before = rate * found.dw.sum(0) + momentum * before
                    w = w + before
                    count += missed
            wrong.append(count)
            if not count:
                break
        return Trained(w, torch.tensor(wrong))

    def schedule(self, epochs: int, momentum: float, cooling: float) -> list[float]:
        """Share of the learning rate in each epoch. Raises: ParameterError."""
        name = type(self).__name__
        if not 0 <= momentum < 1:
            raise ParameterError(f"momentum of {name}", expected="0 <= momentum < 1", got=momentum)
        if not 0 < cooling <= 1:
            raise ParameterError(f"cooling of {name}", expected="0 < cooling <= 1", got=cooling)
        return [cooling ** (epoch / epochs) for epoch in range(epochs)]

    def verify(self, w: Tensor, x: Tensor, target: Tensor | None = None) -> None:
        """Raise where shapes, types or values do not go together."""
        name = type(self).__name__
        for label, value in {"w": w, "x": x, **({} if target is None else {"target": target})}.items():
            if not isinstance(value, Tensor) or not value.is_floating_point():
                got = value.dtype if isinstance(value, Tensor) else type(value).__name__
                raise DTypeError(f"{label} of {name}", expected="a floating-point tensor", got=got)
            if not bool(torch.isfinite(value).all()):
                raise ParameterError(f"{label} of {name}", expected="finite numbers", got="NaN or infinity")
        if x.dim() != 3 or not len(x):
            raise ShapeError(f"x of {name}", expected="[T, B, in]", got=list(x.shape))
        if w.dim() != 2 or w.shape[1] != x.shape[2]:
            raise ShapeError(f"w of {name}", expected=f"[out, {x.shape[2]}]", got=list(w.shape))
        if target is not None and target.shape != self.target_shape(w, x):
            raise ShapeError(f"target of {name}", expected=list(self.target_shape(w, x)), got=list(target.shape))
        self.verify_input(x)
        if target is not None:
            self.verify_target(target)

    def target_shape(self, w: Tensor, x: Tensor) -> tuple[int, ...]:
        """Of targets: [B, out], unless the rule has targets in time, [T, B, out]."""
        return x.shape[1], len(w)

    def verify_input(self, x: Tensor) -> None:
        """Raise unless all input is spikes of 0 and 1."""
        if not bool(((x == 0) | (x == 1)).all()):
            name = type(self).__name__
            do = f"for spikes with coefficients take AugmentedSpikes({name}())"
            raise ParameterError(f"x of {name}", expected="0 and 1", got="other values", do=do)

    def verify_target(self, target: Tensor) -> None:
        """Raise where a target is none: 0, 1, 2, ... output spikes, unless the rule says otherwise."""
        if not bool(((target >= 0) & (target == target.round())).all()):
            raise ParameterError(f"target of {type(self).__name__}", expected="numbers of spikes", got="other values")
