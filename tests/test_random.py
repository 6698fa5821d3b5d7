"""Counter-based random numbers: known answers, statistics, and agreement of both back ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom import random
from spikeloom.compile._operations import OPERATIONS
from spikeloom.errors import ParameterError

COUNT = 200_000


@pytest.mark.parametrize(
    ("key", "counter", "answer"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((-1, -1), (-1, -1), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_known_answers(key: tuple[int, int], counter: tuple[int, int], answer: tuple[int, int]) -> None:
    """The known-answer vectors of Random123 for Threefry-2x32 with 20 rounds."""
    assert tuple(int(word) for word in random.bits(*key, *counter)) == answer


def test_a_seed_beyond_32_bits_is_refused() -> None:
    with pytest.raises(ParameterError, match="seed: expected an integer of 32 bits"):
        random.bits(2**32, 0, 0, 0)
    with pytest.raises(ParameterError, match="step"):
        random.uniform(0, 0, 0, -(2**31) - 1)


def along(axis: int) -> tuple[Tensor, ...]:
    """Arguments of which one counts and the others stand still."""
    numbers = [torch.tensor(k) for k in (7, 1, 2, 3)]
    numbers[axis] = torch.arange(COUNT)
    return tuple(numbers)


@pytest.mark.parametrize("axis", range(4))
def test_uniform_along_every_axis(axis: int) -> None:
    """Bins within 5 standard deviations of their expectation, neighbours uncorrelated, whatever argument counts."""
    u = random.uniform(*along(axis))
    assert float(u.min()) >= 0.0 and float(u.max()) < 1.0
    assert torch.equal(u.float().double(), u)
    bins, expected = torch.histc(u, 100, 0.0, 1.0), COUNT / 100
    assert (bins - expected).abs().max() < 5 * math.sqrt(expected)
    lagged = ((u[1:] - 0.5) * (u[:-1] - 0.5)).mean() * 12
    assert abs(float(lagged)) < 5 / math.sqrt(COUNT)


@pytest.mark.parametrize("axis", range(4))
def test_normal_along_every_axis(axis: int) -> None:
    """Moments within 5 standard errors: those of mean, variance, skewness and kurtosis are sqrt(1, 2, 6, 24 / n)."""
    x = random.normal(*along(axis))
    error = 5 / math.sqrt(COUNT)
    assert abs(float(x.mean())) < error
    assert abs(float(x.var()) - 1) < error * math.sqrt(2)
    assert abs(float((x**3).mean())) < error * math.sqrt(15)
    assert abs(float((x**4).mean()) - 3) < error * math.sqrt(96)
    # Kolmogorov and Smirnov: 1.95 / sqrt(n) is exceeded once in a thousand.
    cumulative = torch.special.ndtr(x.sort().values)
    assert float((cumulative - torch.arange(1, COUNT + 1) / COUNT).abs().max()) < 1.95 / math.sqrt(COUNT)


def test_extremes_of_normal_are_finite() -> None:
    """The words that give the largest and the smallest size: u = 2^-33 and u = 1."""
    assert math.sqrt(-2 * math.log(2.0**-33)) < 6.8
    assert float(torch.tensor(2**32 - 1).float() * 2.0**-32 + 2.0**-33) == 1.0


def test_every_bit_of_key_and_counter_matters() -> None:
    """One flipped bit flips half of the result's: within 5 standard deviations over 128 x 64 bits."""
    base = [12345, 678, 90, 1]
    first = [int(w) for w in random.bits(*base)]
    flips = []
    for axis in range(4):
        for bit in range(32):
            changed = [n ^ (1 << bit) if k == axis else n for k, n in enumerate(base)]
            flips.append(sum((int(w) ^ v).bit_count() for w, v in zip(random.bits(*changed), first, strict=True)))
    assert min(flips) > 10
    assert abs(sum(flips) / len(flips) - 32) < 5 * 4 / math.sqrt(len(flips))


class Dice(sl.Neuron):
    """Draws by the integers that it counts."""

    x = sl.Input("1", "entity")
    u = sl.State(0.0, "1", "uniform number")
    z = sl.State(0.0, "1", "normal number")
    n = sl.State(0, "1", "steps so far", dtype=torch.int32)
    output = "u"

    def charge(self) -> dict[str, Tensor]:
        entity = self.x.to(torch.int32)
        counter = (-5, 3, entity, self.n)
        return {"u": _drawn("uniform", *counter), "z": _drawn("normal", *counter), "n": self.n + 1}


def _drawn(operation: str, *arguments: object) -> Tensor:
    """A program's operation where integers are traced, its definition on tensors."""
    from spikeloom.compile._trace import Traced

    builder = next((a.builder for a in arguments if isinstance(a, Traced)), None)
    if builder is None:
        return OPERATIONS[operation].evaluate(*arguments)
    return Traced(builder.emit(operation, *(a.node if isinstance(a, Traced) else a for a in arguments)), builder)  # type: ignore[return-value, misc]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_kernels_draw_what_is_defined(backend: str, dtype: torch.dtype) -> None:
    steps, neurons = 5, 1001
    entities = torch.arange(neurons).repeat(steps, 1, 1)
    with sl.backend(backend), sl.record(dice := Dice(), "u", "z") as trace:
        dice(entities.to(dtype))
    step = torch.arange(steps).view(-1, 1, 1)
    assert torch.equal(trace["u"], random.uniform(-5, 3, entities, step).to(dtype))
    exact = random.normal(-5, 3, entities, step).numpy()
    tolerance = 1e-6 if dtype == torch.float32 else 1e-14
    np.testing.assert_allclose(trace["z"].double().numpy(), exact, rtol=0, atol=tolerance)
