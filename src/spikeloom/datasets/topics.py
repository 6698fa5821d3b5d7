"""Documents about topics, as counts of words, for where no corpus is at hand."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError


def topics(
    n: int,
    *,
    classes: int = 10,
    words: int = 1000,
    length: int = 60,
    purity: float = 0.6,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Bags of words of n documents, as many about each topic as about any other, and the topics themselves.

    Equation: topics have frequencies of words phi_c ~ Dirichlet(0.05); each of `length` words is drawn from the topic
    of the document with probability `purity`, otherwise from the mean of all topics.
    Shapes: counts [n, words], labels int64 [n], frequencies [classes, words]. Raises: ParameterError.

    >>> counts, labels, frequencies = topics(20, generator=torch.Generator().manual_seed(0))
    >>> counts.shape, counts.sum(1).unique(), frequencies.shape
    (torch.Size([20, 1000]), tensor([60.]), torch.Size([10, 1000]))

    Source: a simple form of latent Dirichlet allocation, Blei, Ng and Jordan 2003, J. Machine Learning Research
    3:993-1022: one topic and the background for each document.
    """
    for name, number in (("n", n), ("classes", classes), ("words", words), ("length", length)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ParameterError(f"{name} of topics", expected="a whole number of 1 or more", got=repr(number))
    if not 0.0 <= purity <= 1.0:
        raise ParameterError("purity of topics", expected="a probability", got=repr(purity))
    gamma = torch._standard_gamma(torch.full((classes, words), 0.05, dtype=torch.float64), generator=generator)
    frequencies = gamma / gamma.sum(1, keepdim=True)
    labels = (torch.arange(n) % classes)[torch.randperm(n, generator=generator)]
    mixed = purity * frequencies[labels] + (1 - purity) * frequencies.mean(0)
    drawn = torch.multinomial(mixed, length, replacement=True, generator=generator)
    counts = torch.zeros(n, words).scatter_add_(1, drawn, torch.ones(n, length))
    return counts, labels, frequencies.float()
