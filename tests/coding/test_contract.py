"""The contract test over all encoders; and encoders that break it, each in one way, which it must find."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import Tensor

from spikeloom import coding
from spikeloom.coding import Bernoulli, Encoder, bernoulli, check_encoder

CATALOGUE = coding.catalogue()


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_encoder_keeps_the_contract(name: str) -> None:
    encoder = CATALOGUE[name]
    check_encoder(encoder)
    # Nothing is learned or counted: what a checkpoint would keep are arguments of the constructor.
    assert encoder.state_dict().keys() <= inspect.signature(type(CATALOGUE[name])).parameters.keys()


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_encoder_shows_its_numbers(name: str) -> None:
    encoder = CATALOGUE[name]
    values = {key: getattr(encoder, key, None) for key in inspect.signature(type(CATALOGUE[name])).parameters}
    numbers = {key: value for key, value in values.items() if isinstance(value, int | float)}
    assert all(f"{key}={value:g}" in repr(encoder) for key, value in numbers.items())


@pytest.mark.gpu
@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_encoder_keeps_the_contract_on_a_gpu(name: str) -> None:
    check_encoder(coding.catalogue()[name].to("cuda"), device="cuda")


class Broken(Bernoulli):
    def __init__(self) -> None:
        super().__init__(6)


class ForgetsBounds(Broken):
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return bernoulli(x.clamp(0.0, 1.0) if x.is_floating_point() else x, self.steps, generator=generator)


class LetsNaNPass(Broken):
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return bernoulli(x.nan_to_num(0.0, posinf=2.0, neginf=-1.0), self.steps, generator=generator)


class IgnoresGenerator(Broken):
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return bernoulli(x, self.steps, generator=None)


class BatchFirst(Broken):
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return bernoulli(x, self.steps, generator=generator).transpose(0, 1)


class OtherDType(Broken):
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return bernoulli(x, self.steps, generator=generator).float()


class Graded(Broken):
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return bernoulli(x, self.steps, generator=generator) * 0.5


class ChangesInput(Broken):
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        y = bernoulli(x, self.steps, generator=generator)
        x.zero_()
        return y


class Remembers(Broken):
    kept: Tensor | None = None

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        y = bernoulli(x, self.steps, generator=generator)
        if self.kept is not None and self.kept.shape == y.shape:
            y = (y + self.kept.to(y.dtype)).clamp(max=1.0)
        self.kept = bernoulli(x, self.steps, generator=generator)
        return y


class ReadsMemoryOrder(Broken):
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        y = bernoulli(x, self.steps, generator=generator)
        return y if x.is_contiguous() else 1.0 - y


class RaisesItsOwn(Broken):
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        if not isinstance(x, Tensor):
            raise KeyError("x")
        return bernoulli(x, self.steps, generator=generator)


class DecodesToOne(Broken):
    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        return super().decode(spikes, initial).mean(-1)


class DecodesToNaN(Broken):
    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        return super().decode(spikes, initial).log()


class DecodesInHalf(Broken):
    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        return super().decode(spikes, initial).to(spikes.dtype)


class DecodesInPlace(Broken):
    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        return super().decode(spikes.mul_(0.5), initial)


@pytest.mark.parametrize(
    ("encoder", "complaint"),
    [
        (ForgetsBounds(), "infinity must be refused"),
        (LetsNaNPass(), "NaN must be refused"),
        (IgnoresGenerator(), "global generator was used"),
        (BatchFirst(), "6 time steps must be the first axis"),
        (OtherDType(), "dtype torch.float64"),
        (Graded(), "graded = True"),
        (ChangesInput(), "input was changed"),
        (Remembers(), "same generator gave other spikes"),
        (ReadsMemoryOrder(), "strided input"),
        (RaisesItsOwn(), "not KeyError"),
        (DecodesToOne(), "the input's shape"),
        (DecodesToNaN(), "finite"),
        (DecodesInHalf(), "decoded as torch.float32"),
        (DecodesInPlace(), "decode changed the spikes"),
        (torch.nn.Identity(), "not a subclass of Encoder"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_broken_encoders_are_found(encoder: Encoder, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_encoder(encoder)
