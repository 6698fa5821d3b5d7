"""Linear read-outs fitted by least squares."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from spikeloom.coding._checks import check_values, wide
from spikeloom.errors import ParameterError, ShapeError


class LinearReadOut(NamedTuple):
    """What was fitted: weight [outputs, features] and bias [outputs], as in `torch.nn.Linear`."""

    weight: Tensor
    bias: Tensor

    def predict(self, x: Tensor) -> Tensor:
        """The values y = x W^T + b; x [..., features] -> [..., outputs], differentiable.

        Raises: ParameterError (NaN, infinity), DTypeError, ShapeError.
        """
        values = wide(check_values("x of LinearReadOut.predict", x))
        if values.shape[-1] != self.weight.shape[1]:
            expected = f"[..., {self.weight.shape[1]}]"
            raise ShapeError("x of LinearReadOut.predict", expected=expected, got=f"shape {tuple(values.shape)}")
        return values @ self.weight.to(values.dtype).T + self.bias.to(values.dtype)


def fit_linear(x: Tensor, y: Tensor, *, ridge: float = 0.0) -> LinearReadOut:
    """The linear decoder with the least squared error, of spike counts, rates or traces.

    Equation: minimise sum |x W^T + b - y|^2 + ridge |W|^2 over W and b; the bias is not penalised. Solved in float64 by
    the singular values of the centred x, so that no condition number is squared.
    Shapes: x [..., features], y [..., outputs] with the same leading axes, such as [time, batch] -> float64; the fit is
    not differentiable.
    Raises: ParameterError (NaN, infinity, ridge negative; without ridge: features that are constant or depend on each
    other), DTypeError, ShapeError.

    >>> x = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [2.0, 5.0]])
    >>> fit_linear(x, x @ torch.tensor([[2.0], [3.0]]) + 1.0).weight
    tensor([[2.0000, 3.0000]], dtype=torch.float64)

    Source: Salinas and Abbott (1994), J. Comput. Neurosci. 1:89-107 (the optimal linear estimator). The ridge is that
    of Hoerl and Kennard (1970), Technometrics 12:55-67.
    """
    _check_pair(x, y)
    if isinstance(ridge, bool) or not isinstance(ridge, (int, float)) or not 0.0 <= ridge < torch.inf:
        raise ParameterError("ridge of fit_linear", expected="a finite number of at least 0", got=repr(ridge))
    features, targets = (v.detach().double().flatten(0, -2) for v in (x, y))
    centre, middle = features.mean(0), targets.mean(0)
    u, sizes, rows = torch.linalg.svd(features - centre, full_matrices=False)
    least = torch.finfo(torch.float64).eps * max(features.shape) * float(sizes.max())
    rank = int((sizes > least).sum())
    if ridge == 0.0 and rank < features.shape[1]:
        expected = f"{features.shape[1]} features that vary independently over the {len(features)} samples"
        do = "give ridge=1e-3, say, or leave out silent neurons"
        raise ParameterError("x of fit_linear", expected=expected, got=f"{rank} such directions", do=do)
    gains = torch.where(sizes > least, sizes / (sizes.square() + ridge), 0.0)
    weight = (rows.T @ (gains.unsqueeze(1) * (u.T @ (targets - middle)))).T
    return LinearReadOut(weight, middle - weight @ centre)


def _check_pair(x: Tensor, y: Tensor) -> None:
    for name, value in (("x", x), ("y", y)):
        check_values(f"{name} of fit_linear", value)
        if value.ndim < 2 or 0 in value.shape:
            expected, got = "[..., samples, features], none of them 0", f"shape {tuple(value.shape)}"
            raise ShapeError(f"{name} of fit_linear", expected=expected, got=got)
    if x.shape[:-1] != y.shape[:-1]:
        expected, got = f"leading axes {tuple(x.shape[:-1])} as x has", f"shape {tuple(y.shape)}"
        raise ShapeError("y of fit_linear", expected=expected, got=got)
