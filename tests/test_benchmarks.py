"""The benchmarks' own arithmetic, and the README's figures."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks import readme
from benchmarks.agreement import Agreement, DisagreementError, compare
from benchmarks.contenders import TAU, loop_lif
from benchmarks.memory import saved_bytes
from benchmarks.tables import Result, markdown, text
from benchmarks.timing import interleaved, milliseconds, ratio


def test_contenders_take_turns() -> None:
    called: list[str] = []
    times = interleaved({name: lambda name=name: called.append(name) for name in "ab"}, repeats=3)
    # Once to compile; then in each round every contender once unclocked and once clocked.
    assert called == list("ab" + "aabb" * 3)
    assert [len(seconds) for seconds in times.values()] == [3, 3]


def test_ratio_is_taken_within_rounds() -> None:
    times = {"a": [1.0, 10.0, 3.0], "b": [2.0, 20.0, 3.0]}
    assert ratio(times, "b", to="a") == 2.0
    assert milliseconds(times, "a") == 3000.0


def test_agreement_of_a_neuron_with_itself_and_with_another() -> None:
    x = torch.randn(8, 500, generator=torch.Generator().manual_seed(0))
    same = compare(loop_lif(), loop_lif(), x, torch.ones_like(x))
    assert same == Agreement(spikes=0.0, gradient=0.0)
    other = compare(loop_lif(), lambda x: loop_lif()(x * TAU), x, torch.ones_like(x))
    with pytest.raises(DisagreementError, match="differing spikes"):
        other.check("LIF")


def test_gradients_are_compared_where_spikes_agree() -> None:
    x = torch.ones(4, 10)

    def faulty(x: Tensor) -> Tensor:
        """Differs from the identity in the first neuron only, by its value and a gradient ten times as large."""
        return torch.cat([10 * x[:, :1], x[:, 1:]], dim=1)

    assert compare(faulty, lambda x: x * 1, x, x) == Agreement(spikes=pytest.approx(0.1), gradient=0.0)


def test_saved_bytes() -> None:
    x = torch.randn(4, 100)
    assert saved_bytes(lambda x: x.exp(), x) == 4 * x.numel()  # its result
    assert saved_bytes(lambda x: x.exp().sin(), x) == 4 * x.numel()  # sine keeps its argument, the same storage
    assert saved_bytes(lambda x: x + 1, x) == 0


def test_numbers_have_three_digits() -> None:
    values = (1_048_576, 16, 1234.5, 12.345, 2.0, 0.0123, 4.5e-8, 0.0, None)
    assert [text(value) for value in values] == [
        "1 048 576", "16", "1234", "12.3", "2.00", "0.0123", "4.5e-08", "0.00", "–",
    ]  # fmt: skip


def test_markdown() -> None:
    assert markdown(Result("Title", [{"n": 2, "ms": 1.0}], "Note.")) == (
        "**Title**\n\n| n | ms |\n| ---: | ---: |\n| 2 | 1.00 |\n\nNote."
    )


def test_readme_shows_the_newest_results() -> None:
    found = readme.BLOCK.search(readme.README.read_text(encoding="utf-8"))
    assert found
    assert found[0] == readme.block(readme.newest()), "run: python -m benchmarks --readme"
