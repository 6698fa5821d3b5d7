"""Normalisation: weights of a neuron divided by their sum, so that they compete for what there is."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..errors import DTypeError, ParameterError, ShapeError

W = TypeVar("W", Tensor, NDArray[np.floating])


def normalise(w: W, *, total: float | Tensor | ArrayLike = 1.0, axis: int) -> W:
    """Weights scaled so that their absolute values along `axis` sum to `total`.

    Equation: w total / sum |w|. The axis is that of the sources where every target is to receive `total`: 1 of weights
    [out, in] of `nn`, 0 of weights [sources, targets] of a network.
    Shapes: w [*shape], a tensor or a NumPy array -> the same; `total` a number, or one for each sum, [*shape] without
    the axis.
    Raises: ParameterError (NaN or infinity; weights of which all along the axis are 0, as nothing can scale them; total
    not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> normalise(torch.tensor([[1.0, 3.0], [2.0, 2.0]]), total=2.0, axis=1)
    tensor([[0.5000, 1.5000],
            [1.0000, 1.0000]])

    Source: for spiking networks Diehl and Cook 2015, Frontiers in Computational Neuroscience 9:99, whose program gives
    each neuron a total of 78; with signed weights the absolute values are a choice.
    """
    # A copy, as PyTorch knows neither read-only arrays nor negative strides.
    given = w if isinstance(w, Tensor) else torch.from_numpy(np.array(w))
    if not isinstance(w, Tensor | np.ndarray) or not given.is_floating_point():
        got = str(given.dtype) if isinstance(w, Tensor | np.ndarray) else type(w).__name__
        raise DTypeError("w of normalise", expected="a tensor or array of floating-point numbers", got=got)
    if not -given.dim() <= axis < given.dim():
        raise ShapeError("w of normalise", expected=f"an axis {axis}", got=f"shape {list(given.shape)}")
    if not bool(torch.isfinite(given).all()):
        raise ParameterError("w of normalise", expected="finite weights", got="NaN or infinity")
    sums = given.abs().sum(axis)
    if not bool((sums > 0).all()):
        got = f"{int((sums == 0).sum())} of {sums.numel()} sums are 0"
        do = "leave out these neurons, or begin with weights above 0"
        raise ParameterError("w of normalise", expected="a weight other than 0 in each sum", got=got, do=do)
    scaled = given * (_wanted(total, sums) / sums).unsqueeze(axis)
    return scaled if isinstance(w, Tensor) else scaled.numpy()


def _wanted(total: float | Tensor | ArrayLike, sums: Tensor) -> Tensor:
    wanted = torch.as_tensor(total, dtype=sums.dtype, device=sums.device)
    if wanted.dim() and wanted.shape != sums.shape:
        raise ShapeError("total of normalise", expected=f"a number or {list(sums.shape)}", got=list(wanted.shape))
    if not bool((torch.isfinite(wanted) & (wanted > 0)).all()):
        raise ParameterError("total of normalise", expected="finite numbers above 0", got=total)
    return wanted
