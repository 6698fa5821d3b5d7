"""Checks that every encoder and decoder makes at its door."""

from __future__ import annotations

import math
import operator

import torch
from torch import Tensor

from spikeloom.errors import DeviceError, DTypeError, ParameterError, ShapeError


def check_values(what: str, x: object, *, low: float = -math.inf, high: float = math.inf, rank: int = 1) -> Tensor:
    """Return x as a floating tensor of at least this rank, all of it finite and in [low, high]; raise otherwise."""
    if not isinstance(x, Tensor):
        raise DTypeError(what, expected="a torch.Tensor", got=type(x).__name__, do="use torch.as_tensor")
    if not x.is_floating_point():
        raise DTypeError(
            what, expected="a floating dtype", got=x.dtype, do="convert it, and scale it: bytes are x.float() / 255"
        )
    if x.ndim < rank:
        axes = "[batch, *features]" if rank == 1 else "[time, batch, *features]"
        raise ShapeError(what, expected=axes, got=f"shape {tuple(x.shape)}", do="add the missing axes, time first")
    if x.numel():
        # One pass and no temporaries. The extremes of a tensor with NaN are NaN, for which every comparison is false.
        smallest, largest = (extreme.item() for extreme in x.aminmax())
        # A bound counts as the value nearest to it in the dtype of x, or 1000 / 0.3 could not be reached in float32.
        bottom, top = torch.tensor((low, high), dtype=torch.float64).to(x.dtype).tolist()
        if not (smallest >= bottom and largest <= top and smallest > -math.inf and largest < math.inf):
            raise _out_of_bounds(what, x, bottom, top)
    return x


def check_images(
    what: str, x: object, *, low: float = -math.inf, high: float = math.inf, sequence: bool = False
) -> Tensor:
    """Return x as a floating tensor whose last two axes are height and width, as `check_values`; raise otherwise."""
    images = check_values(what, x, low=low, high=high, rank=2 if sequence else 1)
    if images.ndim < (4 if sequence else 3) or min(images.shape[-2:]) < 1:
        axes = "[time, batch, *channels, height, width]" if sequence else "[batch, *channels, height, width]"
        raise ShapeError(what, expected=axes, got=f"shape {tuple(images.shape)}", do="keep the two axes of the image")
    return images


def check_sequence(what: str, x: object, *, low: float = -math.inf, high: float = math.inf) -> Tensor:
    """Return x as a floating tensor with time and batch axes and at least one step; raise otherwise."""
    sequence = check_values(what, x, low=low, high=high, rank=2)
    if sequence.shape[0] < 1:
        raise ShapeError(what, expected="at least one time step", got=f"shape {tuple(sequence.shape)}")
    return sequence


def check_steps(what: str, steps: object) -> int:
    """Return the number of time steps as an int of at least 1; raise otherwise."""
    return check_count(what, steps, do="give steps=16, say")


def check_count(what: str, number: object, *, low: int = 1, do: str = "") -> int:
    """Return a whole number of at least `low` as an int; raise otherwise."""
    try:
        count = operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        count = low - 1
    if isinstance(number, bool) or count < low:
        raise ParameterError(what, expected=f"a whole number of at least {low}", got=repr(number), do=do)
    return count


def check_positive(what: str, value: float, *, high: float = math.inf) -> float:
    """Return a finite number in (0, high]; raise otherwise."""
    if not (isinstance(value, (int, float)) and 0.0 < value <= high and math.isfinite(value)):
        bound = "a finite number above 0" if high == math.inf else f"a number in (0, {high:g}]"
        raise ParameterError(what, expected=bound, got=repr(value))
    return float(value)


def check_generator(what: str, generator: torch.Generator | None, x: Tensor) -> None:
    """Raise unless the generator can draw on the device of x; None names PyTorch's global one."""
    if generator is not None and not isinstance(generator, torch.Generator):
        raise DTypeError(what, expected="a torch.Generator or None", got=type(generator).__name__)
    if generator is not None and generator.device.type != x.device.type:
        raise DeviceError(
            what,
            expected=f"a generator on {x.device.type}",
            got=f"one on {generator.device.type}",
            do=f"use torch.Generator({x.device.type!r})",
        )


def wide(x: Tensor) -> Tensor:
    """Half-precision input as float32: with 8 bits of mantissa neither probabilities nor counts are safe."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _out_of_bounds(what: str, x: Tensor, low: float, high: float) -> ParameterError:
    good = (x >= low) & (x <= high) & (x.abs() < math.inf)
    where = tuple((~good).nonzero()[0].tolist())
    return ParameterError(
        what,
        expected=_interval(low, high),
        got=f"{x[where].item()} at index {where}",
        do="clean or scale the input",
    )


def _interval(low: float, high: float) -> str:
    if low == -math.inf and high == math.inf:
        return "finite values"
    return f"finite values of at least {low:g}" if high == math.inf else f"values in [{low:g}, {high:g}]"
