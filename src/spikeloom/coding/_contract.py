"""The public contract test of encoders."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from spikeloom.coding._checks import wide
from spikeloom.coding.encoder import DecodableEncoder, Encoder
from spikeloom.errors import SpikeloomError

_TIME, _SHAPE = 7, (3, 2, 5)


def check_encoder(encoder: Encoder, *, device: str | torch.device = "cpu") -> None:
    """Test that an encoder keeps the contract of `Encoder`; run it on yours.

    Shape, dtype and device of the output; 0/1 values unless graded; input left alone; the same spikes from the same
    generator and nothing drawn from the global one then; the same from the same global seed; nothing kept between
    calls; strided, expanded and empty batches; NaN, infinities, values out of bounds, integers and too few axes
    refused. Of an encoder that decodes: finite values of the shape of the input.
    Raises: AssertionError that says what was broken.

    >>> from spikeloom.coding import Bernoulli
    >>> check_encoder(Bernoulli(steps=4))
    """
    _require(isinstance(encoder, Encoder), f"{type(encoder).__name__} is not a subclass of Encoder")
    for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
        _check_output(encoder, _sample(encoder, device).to(dtype))
    x = _sample(encoder, device)
    _check_repeats(encoder, x)
    _check_layouts(encoder, x)
    if isinstance(encoder, DecodableEncoder):
        _check_decoding(encoder, x)
    for bad, why in _bad_inputs(encoder, x):
        _check_refused(encoder, bad, why)


def _check_output(encoder: Encoder, x: Tensor) -> None:
    before = x.clone()
    y = _encode(encoder, x)
    steps = x.shape[0] if encoder.of_sequence else getattr(encoder, "steps", None)
    batch = x.shape[1] if encoder.of_sequence else x.shape[0]
    _require(y.ndim >= 2, f"the output must be [time, batch, ...], its shape is {tuple(y.shape)}")
    _require(steps in (None, y.shape[0]), f"{steps} time steps must be the first axis, the shape is {tuple(y.shape)}")
    _require(y.shape[1] == batch, f"the batch of {batch} must be the second axis, the shape is {tuple(y.shape)}")
    _require(y.dtype == x.dtype, f"the output must have the input's dtype {x.dtype}, it has {y.dtype}")
    _require(y.device == x.device, f"the output must be on {x.device}, it is on {y.device}")
    _require(torch.equal(x, before), "the input was changed")
    _require(encoder.graded or bool(((y == 0) | (y == 1)).all()), "values other than 0 and 1 need graded = True")


def _check_repeats(encoder: Encoder, x: Tensor) -> None:
    state = _global_state(x.device)
    first = _encode(encoder, x)
    _require(torch.equal(state, _global_state(x.device)), "the global generator was used although another was given")
    _encode(encoder, x.flip(-1))
    _require(torch.equal(first, _encode(encoder, x)), "the same generator gave other spikes")
    with torch.random.fork_rng(devices=[x.device] if x.device.type == "cuda" else []):
        torch.manual_seed(1)
        again = encoder(x)
        torch.manual_seed(1)
        _require(torch.equal(again, encoder(x)), "torch.manual_seed does not repeat the spikes")


def _check_layouts(encoder: Encoder, x: Tensor) -> None:
    expected = _encode(encoder, x)
    strided = x.transpose(-1, -2).contiguous().transpose(-1, -2)
    _require(torch.equal(_encode(encoder, strided), expected), "a strided input gave other spikes")
    axis = 1 if encoder.of_sequence else 0
    one = x.narrow(axis, 0, 1)
    many = [4 if i == axis else n for i, n in enumerate(x.shape)]
    copied = _encode(encoder, one.expand(many).clone())
    _require(torch.equal(_encode(encoder, one.expand(many)), copied), "an expanded input gave other spikes")
    empty = _encode(encoder, x.narrow(axis, 0, 0))
    _require(empty.shape[1] == 0, f"an empty batch must stay empty, the shape is {tuple(empty.shape)}")


def _check_decoding(encoder: DecodableEncoder, x: Tensor) -> None:
    for values in (x, x.to(torch.bfloat16), x.narrow(1 if encoder.of_sequence else 0, 0, 0)):
        spikes = _encode(encoder, values)
        before = spikes.clone()
        decoded = encoder.decode(spikes, values[0] if encoder.of_sequence else None)
        shapes = f"{tuple(values.shape)}, not {tuple(decoded.shape)}"
        _require(decoded.shape == values.shape, f"what is decoded must have the input's shape {shapes}")
        _require(decoded.dtype == wide(spikes).dtype, f"{spikes.dtype} must be decoded as {wide(spikes).dtype}")
        _require(bool(decoded.isfinite().all()), "what is decoded must be finite")
        _require(torch.equal(spikes, before), "decode changed the spikes")


def _bad_inputs(encoder: Encoder, x: Tensor) -> Iterator[tuple[object, str]]:
    yield x.to(torch.int64), "integers"
    yield x.flatten()[0], "a tensor without axes"
    bad_values = {"NaN": math.nan, "infinity": math.inf, "minus infinity": -math.inf}
    if math.isfinite(encoder.low):
        bad_values[f"a value below low = {encoder.low}"] = encoder.low - 0.1
    if math.isfinite(encoder.high):
        bad_values[f"a value above high = {encoder.high}"] = encoder.high + 0.1
    for why, value in bad_values.items():
        spoilt = x.clone()
        spoilt.view(-1)[-1] = value
        yield spoilt, why
    yield x.tolist(), "a list instead of a tensor"


def _check_refused(encoder: Encoder, bad: object, why: str) -> None:
    try:
        encoder(bad)
    except SpikeloomError:
        return
    except Exception as error:
        raise AssertionError(f"{why} must raise a SpikeloomError, not {type(error).__name__}") from error
    raise AssertionError(f"{why} must be refused with a SpikeloomError")


def _sample(encoder: Encoder, device: str | torch.device) -> Tensor:
    low = encoder.low if math.isfinite(encoder.low) else -1.0
    high = encoder.high if math.isfinite(encoder.high) else low + 2.0
    features = _SHAPE[1:] if encoder.features is None else encoder.features
    shape = (_TIME, _SHAPE[0], *features) if encoder.of_sequence else (_SHAPE[0], *features)
    u = torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(device)
    u.view(-1)[0], u.view(-1)[1] = 0.0, 1.0
    return low + (high - low) * u


def _global_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _encode(encoder: Encoder, x: Tensor) -> Tensor:
    y = encoder(x, generator=torch.Generator(x.device).manual_seed(2))
    _require(isinstance(y, Tensor), f"the output must be a tensor, it is {type(y).__name__}")
    return y  # type: ignore[no-any-return]


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
