"""The three meanings of a firing rate: a mean over time, over trials, over neurons."""

from __future__ import annotations

from torch import Tensor

from spikeloom.coding._checks import check_count, check_positive, check_sequence, wide
from spikeloom.errors import ShapeError


def count_rate(spikes: Tensor, *, dt: float = 1.0) -> Tensor:
    """The rate as a spike count: a mean over time, which sees nothing of how the rate changes.

    Equation: nu = N(0; T dt) / (T dt).
    Shapes: spikes [time, batch, *features] -> [batch, *features], differentiable.
    Units: dt in milliseconds, the rate in spikes per second.
    Raises: ParameterError (NaN, dt not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> count_rate(torch.tensor([[1.0], [0.0], [0.0], [1.0]]), dt=5.0).tolist()
    [100.0]

    Reference: Gerstner et al. (2014), Neuronal Dynamics, section 7.2.
    """
    dt = check_positive("dt of count_rate, in ms", dt)
    return wide(check_sequence("spikes of count_rate", spikes)).mean(0) * (1000.0 / dt)


def density_rate(spikes: Tensor, *, window: int, dt: float = 1.0) -> Tensor:
    """The rate as a spike density: a mean over repeated trials, the peri-stimulus-time histogram.

    Equation: p(t) = N(t; t + D) / (D K), N the spikes of all K trials in a window D of `window` steps. Its standard
    error falls as 1 / sqrt(K).
    Shapes: spikes [time, trials, *features] -> [time / window, *features], differentiable.
    Units: dt in milliseconds, the rate in spikes per second.
    Raises: ParameterError (NaN, dt not above 0, window < 1), DTypeError, ShapeError (time not a multiple of window).

    >>> import torch
    >>> trials = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> density_rate(trials, window=2).tolist()
    [250.0, 750.0]

    Reference: Gerstner et al. (2014), Neuronal Dynamics, section 7.2.
    """
    return _windowed("density_rate", spikes, window, dt).mean(1)


def population_rate(spikes: Tensor, *, window: int, dt: float = 1.0) -> Tensor:
    """The rate as population activity: a mean over neurons with the same input.

    Equation: A(t) = N(t; t + D) / (D M), N the spikes of all M neurons in a window D of `window` steps. Its standard
    error falls as 1 / sqrt(M).
    Shapes: spikes [time, batch, neurons] -> [time / window, batch], differentiable; of more feature axes the mean is
    taken over all.
    Units: dt in milliseconds, the rate in spikes per second.
    Raises: as `density_rate`, and ShapeError (no axis of neurons).

    >>> import torch
    >>> neurons = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]], [[1.0, 1.0]], [[0.0, 1.0]]])
    >>> population_rate(neurons, window=2).tolist()
    [[250.0], [750.0]]

    Reference: Gerstner et al. (2014), Neuronal Dynamics, section 7.2.
    """
    rates = _windowed("population_rate", spikes, window, dt)
    if rates.ndim < 3:
        got = f"shape {tuple(spikes.shape)}"
        raise ShapeError("spikes of population_rate", expected="[time, batch, neurons]", got=got)
    return rates.flatten(2).mean(2)


def _windowed(what: str, spikes: Tensor, window: int, dt: float) -> Tensor:
    """Spikes per second in each window."""
    dt = check_positive(f"dt of {what}, in ms", dt)
    window = check_count(f"window of {what}", window)
    train = wide(check_sequence(f"spikes of {what}", spikes))
    if train.shape[0] % window:
        raise ShapeError(
            f"spikes of {what}",
            expected=f"a multiple of the window of {window} steps",
            got=f"{train.shape[0]} steps",
            do="cut the end off, or take another window",
        )
    return train.reshape(-1, window, *train.shape[1:]).mean(1) * (1000.0 / dt)
