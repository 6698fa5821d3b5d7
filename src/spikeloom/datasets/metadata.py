"""Key-value metadata of files of a few kinds, for where no file system is at hand."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError


def metadata(
    n: int,
    *,
    classes: int = 5,
    keys: int = 8,
    values: int = 6,
    noise: float = 0.2,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Metadata of n files, as many of each class as of any other: keys with one of a few values each.

    Every class has its own typical value of each key; in a file each key has, with probability `noise`, a value drawn
    from all instead. Source: ours.
    Shapes: values int64 [n, keys], labels int64 [n]. Raises: ParameterError.

    >>> found, labels = metadata(10, generator=torch.Generator().manual_seed(0))
    >>> found.shape, labels.bincount()
    (torch.Size([10, 8]), tensor([2, 2, 2, 2, 2]))
    """
    for name, number, least in (("n", n, 1), ("classes", classes, 1), ("keys", keys, 1), ("values", values, classes)):
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise ParameterError(f"{name} of metadata", expected=f"a whole number of {least} or more", got=repr(number))
    if not 0.0 <= noise <= 1.0:
        raise ParameterError("noise of metadata", expected="a probability", got=repr(noise))
    typical = torch.rand(keys, values, generator=generator).argsort(1)[:, :classes].T
    labels = (torch.arange(n) % classes)[torch.randperm(n, generator=generator)]
    drawn = torch.randint(values, (n, keys), generator=generator)
    return torch.where(torch.rand(n, keys, generator=generator) < noise, drawn, typical[labels]), labels
