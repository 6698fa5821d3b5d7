"""Counter-based random numbers: functions of (seed, purpose, entity, step), so that order and threads do not matter.

Threefry-2x32 with 20 rounds enciphers the counter (entity, step) with the key (seed, purpose). What is stated here in
plain PyTorch is the definition; kernels compute the same bits.

Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", SC11, section 3.3.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .errors import ParameterError

# An integer of 32 bits, as a number or a tensor.
Word = int | Tensor

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
PARITY = 0x1BD11BDA
_MASK = 0xFFFFFFFF


def bits(seed: Word, purpose: Word, entity: Word, step: Word) -> tuple[Tensor, Tensor]:
    """Two words of 32 random bits, as int64 in [0, 2^32), for keys and counters that broadcast against each other.

    Negative integers stand for the bits of their two's complement. Raises: ParameterError for a number beyond 32 bits.

    >>> [hex(int(word)) for word in bits(0, 0, 0, 0)]
    ['0x6b200159', '0x99ba4efe']
    """
    keys = [_word("seed", seed), _word("purpose", purpose)]
    keys.append(keys[0] ^ keys[1] ^ PARITY)
    x, y = (_word("entity", entity) + keys[0]) & _MASK, (_word("step", step) + keys[1]) & _MASK
    for k in range(20):
        x = (x + y) & _MASK
        turn = ROTATIONS[k % 8]
        y = (((y << turn) & _MASK) | (y >> (32 - turn))) ^ x
        if k % 4 == 3:
            n = k // 4 + 1
            x, y = (x + keys[n % 3]) & _MASK, (y + keys[(n + 1) % 3] + n) & _MASK
    return x, y


def _word(name: str, value: Word) -> Tensor:
    if isinstance(value, int) and not -(2**31) <= value < 2**32:
        raise ParameterError(name, expected="an integer of 32 bits", got=value, do="take it modulo 2**32")
    return torch.as_tensor(value).to(torch.int64) & _MASK


def uniform(seed: Word, purpose: Word, entity: Word, step: Word) -> Tensor:
    """Uniform in [0, 1): a multiple of 2^-24, so that float32 and float64 hold the same number; float64.

    >>> uniform(1, 0, torch.arange(3), 0)
    tensor([0.7039, 0.0577, 0.0101], dtype=torch.float64)
    """
    return (bits(seed, purpose, entity, step)[0] >> 8).double() * 2.0**-24


def normal(seed: Word, purpose: Word, entity: Word, step: Word) -> Tensor:
    """Standard normal, no further out than 6.8; float64.

    sqrt(-2 log u) cos(pi w), u in (0, 1] and w in [-1, 1] from one word each, rounded to float32 first, so that kernels
    in float32 begin with the same numbers.
    Source: Box and Muller 1958, Ann. Math. Stat. 29.

    >>> normal(1, 0, torch.arange(3), 0)
    tensor([-0.7088,  1.0466, -3.0310], dtype=torch.float64)
    """
    x, y = bits(seed, purpose, entity, step)
    u = x.float() * 2.0**-32 + 2.0**-33
    w = torch.where(y < 2**31, y, y - 2**32).float() * 2.0**-31
    return torch.sqrt(-2 * torch.log(u.double())) * torch.cos(math.pi * w.double())
