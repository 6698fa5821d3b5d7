"""Voting: neurons that learnt without labels are told afterwards what they stand for."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from spikeloom.coding._checks import check_positive, check_steps, check_values, wide
from spikeloom.coding._outputs import check_labels
from spikeloom.errors import ParameterError, ShapeError


def class_means(values: Tensor, labels: Tensor, *, classes: int) -> Tensor:
    """The mean of values over the samples of each class.

    Equation: r_ci = mean of x_i over the samples with label c.
    Shapes: values [samples, features], labels int64 [samples] -> [classes, features], differentiable; half precision
    comes out as float32.
    Raises: ParameterError (NaN, a label that is no class, a class without samples), DTypeError, ShapeError.

    >>> class_means(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 1]), classes=2).tolist()
    [[2.0], [5.0]]
    """
    x = wide(check_values("values of class_means", values, rank=2))
    classes = check_steps("classes of class_means", classes)
    if x.ndim != 2:
        raise ShapeError("values of class_means", expected="[samples, features]", got=f"shape {tuple(x.shape)}")
    check_labels("labels of class_means", labels, classes, x.shape[:1])
    number = torch.bincount(labels, minlength=classes)
    if not bool(number.all()):
        missing = (number == 0).nonzero().flatten().tolist()
        do = "give labelled samples of every class"
        raise ParameterError("labels of class_means", expected="every class", got=f"none of {missing}", do=do)
    return functional.one_hot(labels, classes).to(x.dtype).T @ x / number.unsqueeze(1)


def votes_for_one(counts: Tensor, labels: Tensor, *, classes: int) -> Tensor:
    """Vote-for-one: each neuron votes for the class to which it responds most.

    Equation: a_ic = 1 / n_c for c = argmax_c r_ic (the first of equal ones), else 0; r the class means of the counts
    and n_c the number of neurons that vote for c, so that the score is the mean count of a class's neurons. A neuron
    that never fired has no vote.
    Shapes: counts [samples, neurons], at least 0, labels int64 [samples] -> votes [neurons, classes] for `vote`.
    Raises: ParameterError (NaN, negative counts, a label that is no class, a class without samples), DTypeError,
    ShapeError.

    >>> votes_for_one(torch.tensor([[5.0, 0.0, 3.0], [1.0, 2.0, 0.0]]), torch.tensor([0, 1]), classes=2).tolist()
    [[0.5, 0.0], [0.0, 1.0], [0.5, 0.0]]

    Source: Diehl and Cook (2015), Front. Comput. Neurosci. 9:99; "vote-for-one" after Meng et al. (2020),
    arXiv:2001.01680.
    """
    means = class_means(check_values("counts of votes_for_one", counts, low=0.0, rank=2), labels, classes=classes)
    chosen = functional.one_hot(means.argmax(0), classes).to(means.dtype) * (means.amax(0) > 0).unsqueeze(1)
    return chosen / chosen.sum(0).clamp(min=1.0)


def votes_for_all(counts: Tensor, labels: Tensor, *, classes: int, power: float = 0.1) -> Tensor:
    """Vote-for-all: each neuron divides one vote among all classes.

    Equation: a_ic = r_ic^p / (N sum_c r_ic^p), r the class means of the counts, p the power, N the number of neurons.
    The smaller the power, the more evenly are votes divided among classes with any response. A neuron that never fired
    has no vote. Multiplying the counts of a neuron changes nothing.
    Shapes: counts [samples, neurons], at least 0, labels int64 [samples] -> votes [neurons, classes] for `vote`.
    Raises: as `votes_for_one`, ParameterError for a power not above 0.

    >>> votes = votes_for_all(torch.tensor([[3.0, 0.0], [1.0, 2.0]]), torch.tensor([0, 1]), classes=2, power=1.0)
    >>> votes.tolist()
    [[0.375, 0.125], [0.0, 0.5]]

    Source: Meng et al. (2020), arXiv:2001.01680; the power of 0.1 from the authors' code.
    """
    power = check_positive("power of votes_for_all", power)
    means = class_means(check_values("counts of votes_for_all", counts, low=0.0, rank=2), labels, classes=classes)
    # Relative to the largest response, which cancels: small means must not vanish at large powers.
    shares = (means / means.amax(0).clamp(min=torch.finfo(means.dtype).tiny)).pow(power)
    return (shares / shares.sum(0).clamp(min=torch.finfo(means.dtype).tiny)).T / means.shape[1]


def vote(counts: Tensor, votes: Tensor) -> Tensor:
    """The score of each class: the votes of all neurons, weighted with how much they fire.

    Equation: y_c = sum_i n_i a_ic.
    Shapes: counts [..., neurons], votes [neurons, classes] -> [..., classes], differentiable.
    Raises: ParameterError (NaN, negative counts or votes), DTypeError, ShapeError.

    >>> vote(torch.tensor([[4.0, 1.0]]), torch.tensor([[0.5, 0.0], [0.0, 0.5]])).tolist()
    [[2.0, 0.5]]
    """
    n = wide(check_values("counts of vote", counts, low=0.0))
    check_values("votes of vote", votes, low=0.0, rank=2)
    if votes.ndim != 2 or n.shape[-1] != len(votes):
        expected, got = f"[{n.shape[-1]}, classes]", f"shape {tuple(votes.shape)}"
        raise ShapeError("votes of vote", expected=expected, got=got)
    return n @ votes.to(n.dtype)
