"""Data sets by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spikeloom.datasets.dataset import Dataset
from spikeloom.datasets.digits import digits
from spikeloom.datasets.fashion_mnist import fashion_mnist
from spikeloom.datasets.mnist import mnist
from spikeloom.errors import UnknownNameError

_LOADERS: tuple[Callable[..., Dataset], ...] = (digits, fashion_mnist, mnist)
_BY_NAME = {loader.__name__.replace("_", "-"): loader for loader in _LOADERS}


def names() -> tuple[str, ...]:
    """The names that `load` knows.

    >>> names()
    ('digits', 'fashion-mnist', 'mnist')
    """
    return tuple(_BY_NAME)


def load(name: str, data_dir: str | Path | None = None, *, download: bool = True) -> Dataset:
    """Load a data set by name; hyphens and underscores are the same, and so are capitals and small letters.

    Raises: UnknownNameError with the nearest name; DataError as the data set's own function.

    >>> load("digits").name
    'digits'
    """
    loader = _BY_NAME.get(name.lower().replace("_", "-"))
    if loader is None:
        raise UnknownNameError("data set", name, names())
    return loader(data_dir, download=download)
