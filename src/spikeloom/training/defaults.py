"""Settings with which one short command reaches a good accuracy, for each data set that the command line knows.

They were chosen on parts split off from the training images (287 digits, 5 000 of MNIST), not on the test images.
"""

from __future__ import annotations

from spikeloom.errors import UnknownNameError
from spikeloom.training.configuration import NetworkConfig, TrainingConfig

_DENSE = NetworkConfig(hidden=(512,), dropout=0.2)

_DEFAULTS = {
    # One thread: two spin while they wait for each other. On a busy two-core machine they took 88 s, one took 25 s.
    "digits": (
        NetworkConfig(channels=(16, 32), hidden=(128,), dropout=0.25),
        TrainingConfig(epochs=20, steps=4, batch_size=64, learning_rate=3e-3, shift=1, threads=1),
    ),
    "mnist": (_DENSE, TrainingConfig(epochs=10, steps=4, batch_size=128, learning_rate=2e-3, shift=1)),
    "fashion-mnist": (_DENSE, TrainingConfig(epochs=10, steps=4, batch_size=128, learning_rate=2e-3)),
}


def default_config(data: str) -> tuple[NetworkConfig, TrainingConfig]:
    """Network and training for a data set; an `UnknownNameError` suggests the nearest name.

    >>> network, training = default_config("digits")
    >>> network.channels, training.epochs
    ((16, 32), 20)
    """
    if data not in _DEFAULTS:
        raise UnknownNameError("data set", data, _DEFAULTS)
    return _DEFAULTS[data]
