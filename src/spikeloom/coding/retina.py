"""A retina-like front end: contrast in space, change in time, on and off cells, spikes."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_images, check_positive, check_sequence, wide
from spikeloom.coding.difference_of_gaussians import difference_of_gaussians
from spikeloom.coding.encoder import Encoder
from spikeloom.coding.neuron_code import NeuronCode
from spikeloom.coding.on_off import on_off
from spikeloom.coding.wrapper import Wrapper
from spikeloom.errors import ParameterError


def high_pass(x: Tensor, *, tau: float, transient: float = 1.0, dt: float = 1.0) -> Tensor:
    """What a signal has of change: itself less its running mean.

    Equation: m[t] = a m[t - 1] + (1 - a) x[t], a = exp(-dt / tau), m[-1] = 0; y = x - transient m. With transient = 1 a
    step of size 1 gives a, a^2, a^3, ... and nothing remains; below 1 a part of 1 - transient remains.
    Shapes: x [time, batch, *features] -> the same, differentiable.
    Units: tau and dt in milliseconds.
    Raises: ParameterError (NaN, tau or dt not above 0, transient outside [0, 1]), DTypeError, ShapeError.

    >>> import torch
    >>> import torch
    >>> high_pass(torch.ones(3, 1), tau=1.0 / math.log(2.0)).flatten().tolist()
    [0.5, 0.25, 0.125]
    """
    signal = wide(check_sequence("x of high_pass", x))
    tau, transient, dt = _check_filter("high_pass", tau, transient, dt)
    keep = math.exp(-dt / tau)
    mean = torch.zeros_like(signal[0])
    means = []
    for value in signal:
        mean = keep * mean + (1.0 - keep) * value
        means.append(mean)
    return (signal - transient * torch.stack(means)).to(x.dtype)


class Retina(Wrapper):
    """Image sequences as spikes of on and off cells: difference of Gaussians, high pass in time, an inner encoder.

    Equation: y = `high_pass`(`difference_of_gaussians`(x)), in two channels of `on_off`, which the inner encoder of
    sequences tells: `NeuronCode` by the latency of the first spike and the rate together, `InhomogeneousPoisson` by
    the rate alone. An image that stays is a sequence of equal ones, `direct(image, steps)`: its spikes fade.
    Shapes: x [time, batch, *channels, height, width] -> [time, batch, 2, *channels, height, width].
    Units: centre and surround in pixels, tau and dt in milliseconds; scale is the contrast that is told as 1.
    Raises: ParameterError (NaN, parameters out of bounds), DTypeError, ShapeError.

    >>> Retina(NeuronCode.example())(torch.rand(20, 3, 8, 8)).shape
    torch.Size([20, 3, 2, 8, 8])

    Reference: Wohrer and Kornprobst (2009), Virtual Retina: a biological retina model and simulator with contrast gain
    control, J. Comput. Neurosci. 26:219-249, reduced to its linear stages: no gain control, no delay of the surround.
    """

    of_sequence = True
    of_images = True

    def __init__(
        self,
        inner: Encoder,
        *,
        centre: float = 1.0,
        surround: float = 2.0,
        tau: float = 20.0,
        transient: float = 1.0,
        scale: float = 0.2,
        dt: float = 1.0,
    ) -> None:
        super().__init__(inner)
        self.centre = check_positive("centre of Retina, in pixels", centre)
        self.surround = check_positive("surround of Retina, in pixels", surround)
        self.tau, self.transient, self.dt = _check_filter("Retina", tau, transient, dt)
        self.scale = check_positive("scale of Retina", scale)

    @classmethod
    def example(cls) -> Self:
        """Leaky neurons of 5 ms, full drive at a contrast of 0.1."""
        return cls(NeuronCode.example(), scale=0.1)

    def transform(self, x: Tensor) -> Tensor:
        """The changing contrast in two channels."""
        check_images("x of Retina", x, sequence=True)
        contrast = difference_of_gaussians(wide(x), centre=self.centre, surround=self.surround)
        changes = high_pass(contrast, tau=self.tau, transient=self.transient, dt=self.dt)
        return on_off(changes, scale=self.scale, dim=2).to(x.dtype)


def _check_filter(what: str, tau: float, transient: float, dt: float) -> tuple[float, float, float]:
    if not 0.0 <= transient <= 1.0:
        raise ParameterError(f"transient of {what}", expected="a number in [0, 1]", got=repr(transient))
    return check_positive(f"tau of {what}, in ms", tau), transient, check_positive(f"dt of {what}, in ms", dt)
