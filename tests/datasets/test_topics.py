"""Synthetic documents: as many words as are asked for, of the topic as often as is asked for."""

from __future__ import annotations

import pytest
import torch

from spikeloom.datasets import topics
from spikeloom.errors import ParameterError


def test_words_come_from_the_topic_with_the_probability_asked_for() -> None:
    counts, labels, frequencies = topics(2000, purity=0.6, generator=torch.Generator().manual_seed(0))
    assert bool((counts.sum(1) == 60).all())
    torch.testing.assert_close(frequencies.sum(1), torch.ones(10))
    wanted = 0.6 * frequencies[3] + 0.4 * frequencies.mean(0)
    found = counts[labels == 3].mean(0) / 60
    # Four standard errors of 12 000 words, of each of 1000; a few are rare.
    assert float((found - wanted).abs().max()) < 5 * float((wanted.max() / 12_000).sqrt())


def test_same_generator_same_documents() -> None:
    first, second = (topics(10, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n": 4, "words": -1}, {"n": 4, "purity": 1.5}])
def test_refusals(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        topics(**wrong)  # type: ignore[arg-type]
