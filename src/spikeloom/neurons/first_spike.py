"""Integrate-and-fire with a falling threshold and one spike, whose time tells the potential."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Input, Option, Param, State
from ._nan import nan_of
from .neuron import Neuron


class FirstSpike(Neuron):
    """Time-to-first-spike neuron: in step k of a window, s = w(k) where v >= raised v_th w(k) and none was before.

    w(k) = exp(-(k - delay) / tau), or 1 - k / steps with `linear=True`, is both the falling threshold and the size of
    the graded spike, which stands for the weight of a synapse at that time. So v_th times the sum of the output is the
    input, rounded down to the next v_th w(k). Every `steps` steps a new window begins with v = 0.

    Shapes: [T, B, *features] to graded spikes of the same shape. Units: potential and input in units of v_th.
    Raises: ParameterError for steps that are no whole number.
    Source: Park, Kim, Na and Yoon 2020, "T2FSNN: deep spiking neural networks with time-to-first-spike coding", DAC
    (arXiv 2003.11741), dynamic threshold and dendrite kernel; the linear threshold is the time a = 1 - t / T of
    Srivatsa et al. 2020, "You only spike once", arXiv 2006.09982.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(4, 1, 1)
    >>> x[0] = 0.6
    >>> sl.neurons.FirstSpike(steps=4, linear=True)(x).flatten()
    tensor([0.0000, 0.0000, 0.5000, 0.0000])
    """

    v_th = Param(1.0, "1", "threshold at the beginning of a window, without delay", low=0.0)
    tau = Param(4.0, "1", "steps in which the threshold falls to 1/e", low=0.0)
    delay = Param(0.0, "1", "steps by which the fall is late")
    raised = Param(1.0, "1", "factor of the threshold beside the size of the spike", low=0.0)
    steps = Param(8.0, "1", "of a window", at_least=1.0)
    linear = Option(False, "whether the threshold falls in a line to 0")
    i = Input("1", "summed synaptic current", span=(-0.5, 0.5))
    v = State(0.0, "1", "membrane potential")
    n = State(0.0, "1", "whether there was a spike in this window")
    k = State(0.0, "1", "step within the window", dtype=torch.int32)

    family = "few spikes"
    graded = True

    def verify(self) -> None:
        super().verify()
        steps = torch.as_tensor(self.param_values()["steps"])
        if bool((steps != steps.round()).any()):
            got = steps.flatten()[0].item() if steps.numel() == 1 else "others"
            raise ParameterError("FirstSpike.steps", expected="whole numbers", got=got)

    def size(self) -> Tensor:
        """The size of a spike in this step."""
        k = self.before("k")
        return 1.0 - k / self.steps if self.linear else torch.exp((self.delay - k) / self.tau)

    def charge(self) -> dict[str, Tensor]:
        first = self.k == 0
        return {
            "v": torch.where(first, nan_of(self.v), self.v) + self.i,
            "n": torch.where(first, 0.0, self.n),
            "k": torch.where(self.k >= self.steps - 1, 0, self.k + 1),
        }

    def threshold(self) -> Tensor:
        return self.v - self.v_th * self.raised * self.size()

    def fire(self) -> Tensor:
        return self.size() * (1.0 - self.n) * super().fire()

    def reset(self) -> dict[str, Tensor]:
        return {"n": self.n + self.value("s") / self.size()}
