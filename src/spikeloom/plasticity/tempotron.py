"""The tempotron: a neuron that learns whether to spike."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import DTypeError, ParameterError, ShapeError
from ..parameters import Option, Param
from ._responses import double_exponential
from ._tempotron_times import Highest, Response, train
from .trial import Change, Trained, TrialRule


class Tempotron(TrialRule):
    """Learns for which input to spike at all: at an error dw_i = +-lr sum_(t_i < t_max) K(t_max - t_i).

        v(t) = sum_i w_i sum_(t_i < t) K(t - t_i),  K(s) = v_0 (exp(-s / tau_mem) - exp(-s / tau_syn))

    with v_0 such that the peak of K is 1; t_max is the time of the highest potential, + where the neuron should have
    spiked, - where it should not. It spikes at the first step with v >= v_th, and, with `shunt`, input after that spike
    has no effect: the highest potential then comes soon after the spike. Where no potential is above rest, as with
    weights of 0, t_max is the time of the strongest input instead (not from the paper).

    Targets: 1 for a spike, 0 for none. `train(..., momentum=0.9)` is the heuristic of the paper's methods. `highest`
    and `train_on_times` take spike times in place of a grid: highest potentials are then those of continuous time.
    Source: Gütig and Sompolinsky 2006, Nature Neuroscience 9:420, eqs. 1-3 and methods.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(60, 1, 2)
    >>> x[5, 0, 0] = x[12, 0, 1] = 1.0
    >>> sl.plasticity.Tempotron(lr=0.1).update(torch.tensor([[0.1, 0.2]]), x, torch.ones(1, 1)).w
    tensor([[0.1824, 0.2991]])
    """

    family = "supervised, trials"

    lr = Param(0.003, "weight", "learning rate", at_least=0.0)
    tau_mem = Param(15.0, "ms", "membrane time constant", low=0.0)
    tau_syn = Param(3.75, "ms", "synaptic time constant", low=0.0)
    v_th = Param(1.0, "1", "spike threshold", low=0.0)
    shunt = Option(True, "input after the spike has no effect")

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        if not float(self.tau_syn) < float(self.tau_mem):
            got = f"{float(self.tau_syn):g} and {float(self.tau_mem):g}"
            raise ParameterError("Tempotron", expected="tau_syn < tau_mem", got=got)

    def filtered(self, x: Tensor) -> Tensor:
        parts = double_exponential(x, float(self.tau_mem), float(self.tau_syn), float(self.dt))
        # Apart only where they go on apart, from a spike on without input.
        return parts if self.shunt else (parts[0] - parts[1]).unsqueeze(0)

    def potential_of(self, w: Tensor, filtered: Tensor) -> Tensor:
        parts, v = self._driven(w, filtered)
        if not self.shunt:
            return v
        fired, first = self._crossing(v)
        since = (torch.arange(len(v)).view(-1, 1, 1) - first) * float(self.dt)
        shunted = self._later(_at(parts, first).unsqueeze(1), since.clamp(min=0).to(v.dtype))
        return torch.where(fired & (since > 0), shunted, v)

    def respond_to(self, w: Tensor, filtered: Tensor) -> Tensor:
        _, v = self._driven(w, filtered)
        fired, first = self._crossing(v)
        return torch.zeros_like(v).scatter(0, first.unsqueeze(0), fired.to(v.dtype).unsqueeze(0))

    def change(self, w: Tensor, filtered: Tensor, target: Tensor) -> Change:
        parts, v = self._driven(w, filtered)
        highest, t = v.max(0)
        fired = highest >= float(self.v_th)
        error = target - fired.to(target.dtype)
        if not bool(error.any()):
            return Change(w.new_zeros(len(target), *w.shape), error)
        silent = highest <= 0
        if bool(silent.any()):
            strength = filtered.sum(-1)
            strength = strength[0] - strength[1] if self.shunt else strength[0]
            t = torch.where(silent, strength.argmax(0).unsqueeze(1), t)
        trials = torch.arange(len(target)).unsqueeze(1)
        if self.shunt:
            first = self._crossing(v)[1]
            wait = torch.where(fired, self._wait(_at(parts, first)), torch.zeros_like(highest))
            psp = self._later(filtered[:, torch.where(fired, first, t), trials], wait.unsqueeze(-1))
        else:
            psp = filtered[0, t, trials]
        return Change(float(self.lr) * error.unsqueeze(-1) * psp, error)

    def highest(self, w: Tensor, times: Tensor) -> Highest:
        """The highest potential and its time, in continuous time; 0 and -inf where no potential is above rest.

        With `shunt`, those of the peak that follows the first spike. It spikes where the potential is v_th or more.

        Shapes: w [out, in], times [B, in, n] in ms with `math.inf` for no spike; both results [B, out], float64.

        >>> import torch, spikeloom as sl
        >>> times = torch.tensor([[[5.0], [12.0]]])
        >>> found = sl.plasticity.Tempotron(shunt=False).highest(torch.tensor([[0.6, 0.7]]), times)
        >>> found.v, found.time
        (tensor([[1.1917]], dtype=torch.float64), tensor([[17.4030]], dtype=torch.float64))
        """
        self._verify_times(w, times)
        return self._response.highest(w, times, float(self.v_th) if self.shunt else math.inf)

    def train_on_times(
        self,
        w: Tensor,
        times: Tensor,
        target: Tensor,
        *,
        epochs: int,
        momentum: float = 0.0,
        cooling: float = 1.0,
        seed: int = 0,
    ) -> Trained:
        """`train`, online, on spike times: a kernel visits the spikes alone and finds highest potentials between them.

        Each output has a momentum of its own. Shapes: w [out, in], times [B, in, n] in ms with `math.inf` for no spike,
        target [B, out].

        >>> import torch, spikeloom as sl
        >>> times = torch.tensor([[[10.0], [10.0]], [[20.0], [60.0]]])  # together in the first trial, apart then
        >>> rule, target = sl.plasticity.Tempotron(lr=0.05), torch.tensor([[1.0], [0.0]])
        >>> trained = rule.train_on_times(torch.zeros(1, 2), times, target, epochs=50)
        >>> trained.solved, rule.highest(trained.w, times).v.flatten() >= 1
        (True, tensor([ True, False]))
        """
        self._verify_times(w, times)
        if target.shape != (len(times), len(w)):
            raise ShapeError("target of Tempotron", expected=[len(times), len(w)], got=list(target.shape))
        self.verify_target(target)
        rates = [float(self.lr) * share for share in self.schedule(epochs, momentum, cooling)]
        threshold = (float(self.v_th), bool(self.shunt))
        learned, wrong = train(self._response, w, times, target, rates, threshold, momentum=momentum, seed=seed)
        return Trained(learned, torch.tensor(wrong))

    @property
    def _response(self) -> Response:
        return Response(float(self.tau_mem), float(self.tau_syn))

    def _verify_times(self, w: Tensor, times: Tensor) -> None:
        for label, value in {"w": w, "times": times}.items():
            if not isinstance(value, Tensor) or not value.is_floating_point():
                got = value.dtype if isinstance(value, Tensor) else type(value).__name__
                raise DTypeError(f"{label} of Tempotron", expected="a floating-point tensor", got=got)
        if times.dim() != 3:
            raise ShapeError("times of Tempotron", expected="[B, in, n]", got=list(times.shape))
        if w.dim() != 2 or w.shape[1] != times.shape[1]:
            raise ShapeError("w of Tempotron", expected=f"[out, {times.shape[1]}]", got=list(w.shape))
        if not bool(torch.isfinite(w).all()) or bool((times.isnan() | (times == -math.inf)).any()):
            raise ParameterError("w and times of Tempotron", expected="numbers, times of inf at most", got="others")

    def verify_target(self, target: Tensor) -> None:
        if not bool(((target == 0) | (target == 1)).all()):
            raise ParameterError("target of Tempotron", expected="0 or 1", got="other values")

    def _driven(self, w: Tensor, filtered: Tensor) -> tuple[Tensor, Tensor]:
        """The potential of either exponential, or of both at once, and the potential."""
        parts = filtered @ w.T
        return parts, parts[0] - parts[1] if self.shunt else parts[0]

    def _crossing(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """Whether the threshold is reached, and the first step in which it is, [B, out]."""
        above = v >= float(self.v_th)
        return above.any(0), above.to(torch.uint8).argmax(0)

    def _later(self, parts: Tensor, time: Tensor) -> Tensor:
        """Both exponentials after some time without input, one less the other."""
        return parts[0] * torch.exp(-time / float(self.tau_mem)) - parts[1] * torch.exp(-time / float(self.tau_syn))

    def _wait(self, parts: Tensor) -> Tensor:
        """Time from a crossing to the peak that follows when there is no more input."""
        tau_mem, tau_syn = float(self.tau_mem), float(self.tau_syn)
        ratio = (parts[1] * tau_mem / (parts[0] * tau_syn)).clamp(min=1.0)
        return tau_mem * tau_syn / (tau_mem - tau_syn) * torch.log(ratio)


def _at(parts: Tensor, t: Tensor) -> Tensor:
    """Parts [2, T, B, out] at one time each, [2, B, out]."""
    return parts.gather(1, t.expand(2, 1, *t.shape)).squeeze(1)
