"""A linear probe: what a linear classifier makes of features, as the measure of features learnt without labels."""

from __future__ import annotations

from torch import Tensor

from spikeloom.errors import ParameterError, ShapeError


def linear_probe(train: Tensor, labels: Tensor, test: Tensor, answers: Tensor, *, c: float = 1.0) -> float:
    """Share of right answers of a linear support vector machine (squared hinge loss, one against the rest) on features.

    Features are divided by their standard deviation over the training samples, and centred; those that never change
    are left out. `c` is the weight of errors against the squared length of the weights.
    Shapes: train [n, features], labels [n], test [m, features], answers [m].
    Raises: ShapeError, ParameterError (no feature that changes).

    >>> import torch
    >>> x = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    >>> linear_probe(x[:100], x[:100, 0] > 0, x[100:], x[100:, 0] > 0) > 0.95
    True
    """
    # Imported here because scikit-learn takes longer to import than all of this library.
    from sklearn.svm import LinearSVC

    for label, features, named in (("train", train, labels), ("test", test, answers)):
        if features.dim() != 2 or named.shape != features.shape[:1] or features.shape[1:] != train.shape[1:]:
            got = f"{list(features.shape)} with {list(named.shape)} labels"
            raise ShapeError(f"{label} of linear_probe", expected="[n, features] with [n] labels", got=got)
    mean, spread = train.double().mean(0), train.double().std(0)
    kept = spread > 0
    if not bool(kept.any()):
        do = "see whether the neurons spike at all"
        raise ParameterError("features of linear_probe", expected="one that changes", got="constant ones", do=do)
    scaled = [((x.double() - mean)[:, kept] / spread[kept]).numpy() for x in (train, test)]
    # The primal problem: its solver converges in a few steps, where the dual one may warn after thousands.
    machine = LinearSVC(C=c, dual=False)
    return float(machine.fit(scaled[0], labels.numpy()).score(scaled[1], answers.numpy()))
