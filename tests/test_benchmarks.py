"""The benchmarks' own arithmetic, and the README's figures."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from benchmarks import onm, readme, training_step
from benchmarks.agreement import Agreement, DisagreementError, compare
from benchmarks.catalogue import catalogue, drive, own_loop
from benchmarks.catalogue import compare as compare_with_loop
from benchmarks.contenders import NORSE, OURS, PEER_LIF, SNNTORCH, SPIKINGJELLY, TAU, loop_lif, spikeloom_lif
from benchmarks.memory import BUDGET, FEW, Saved, longest, saved_bytes
from benchmarks.networks import CSNN, FC, RSNN, RecurrentSpiking, Spiking, Task, assemble, rates
from benchmarks.plain_loop import PlainLoop
from benchmarks.tables import Result, markdown, text
from benchmarks.timing import fastest, interleaved, milliseconds, ratio
from benchmarks.training_step import BFLOAT16, FLOAT32, Contender


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
    assert fastest(times, "ab") == "a"


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
    size = 4 * x.numel()
    assert saved_bytes(lambda x: x.exp(), x) == Saved(size, size)  # its result
    assert saved_bytes(lambda x: x.exp().sin(), x) == Saved(size, size)  # sine keeps its argument, the same storage
    assert saved_bytes(lambda x: x.sin(), x) == Saved(size, 0)  # the input itself
    assert saved_bytes(lambda x: x + 1, x) == Saved(0, 0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_peak_is_that_of_the_work_alone() -> None:
    # In a process of its own, as the benchmark: a heap with room left by other tests need not grow.
    program = """if True:
        import torch
        from benchmarks.peak_memory import growth
        size = 64 << 20
        torch.ones(4 * size)  # an earlier peak
        print(growth(lambda: torch.ones(size // 4)) / size, growth(lambda: None) / size)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    ones, nothing = map(float, done.stdout.split())
    assert ones == pytest.approx(1, rel=0.2)
    assert nothing < 1 / 8


def test_longest_sequence() -> None:
    # A number of four bytes for each neuron and step.
    steps = BUDGET // (4 * FEW)
    assert steps * 0.9 <= longest(lambda x: x.exp()) <= steps


@pytest.mark.peers
@pytest.mark.parametrize("decay_input", [True, False])
@pytest.mark.parametrize("peer", PEER_LIF)
def test_peers_state_the_same_neuron(peer: str, decay_input: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    x, g = torch.randn(2, 20, 500, generator=generator).unbind()
    ours = spikeloom_lif(decay_input=decay_input, like=peer)
    found = compare(ours, PEER_LIF[peer](decay_input=decay_input), x, g)
    found.check(peer)
    with pytest.raises(DisagreementError):
        compare(
            spikeloom_lif(decay_input=not decay_input, like=peer), PEER_LIF[peer](decay_input=decay_input), x, g
        ).check(peer)


def small(task: Task) -> tuple[Tensor, Tensor]:
    return task.data(steps=6, batch=2)


@pytest.mark.peers
@pytest.mark.parametrize("library", [SPIKINGJELLY, SNNTORCH, NORSE])
@pytest.mark.parametrize("task", [FC, CSNN, RSNN], ids=lambda task: task.name)
def test_networks_agree(task: Task, library: str) -> None:
    x, labels = small(task)
    row = training_step.compare(task, Contender(library, FLOAT32), x, labels)
    assert float(row["gradient error"] or 0) < 1e-4


@pytest.mark.peers
def test_a_network_that_differs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PEER_LIF, SNNTORCH, lambda **_: loop_of_another_threshold())
    with pytest.raises(DisagreementError, match=f"fc, {OURS} and {SNNTORCH}"):
        training_step.compare(FC, Contender(SNNTORCH, FLOAT32), *small(FC))
    with pytest.raises(DisagreementError, match="onm 64"):
        onm.compare(one := onm.task(64, steps=10), one.data()[0])


def loop_of_another_threshold() -> nn.Module:
    """The neuron of the loop on a current a tenth larger."""
    module = nn.Module()
    module.forward = lambda x: loop_lif()(2.2 * x)  # type: ignore[method-assign]
    return module


def test_networks_start_with_the_same_weights_of_their_own() -> None:
    first, second = (next(assemble(OURS, FC.initial()).parameters()) for _ in range(2))
    assert torch.equal(first, second)
    assert first.data_ptr() != second.data_ptr()


@pytest.mark.parametrize("task", [FC, CSNN, RSNN], ids=lambda task: task.name)
def test_every_layer_of_a_network_is_active(task: Task) -> None:
    active = rates(task, task.data(batch=2)[0])
    assert len(active) == sum(isinstance(layer, Spiking | RecurrentSpiking) for layer in task.layers())
    assert all(0.01 < rate < 0.3 for rate in active)


def test_bfloat16_is_compared_with_our_float32() -> None:
    row = training_step.compare(FC, Contender(OURS, BFLOAT16), *small(FC))
    assert 0 < float(row["gradient error"] or 0) < 0.2


@pytest.mark.parametrize("name", catalogue())
def test_plain_loop_of_the_catalogue(name: str) -> None:
    neuron = catalogue()[name]
    inputs = drive(neuron, 12, 64)
    loop, row = own_loop(name, neuron, inputs, torch.ones_like(inputs[0]))
    if loop is None:
        pytest.skip("draws its own noise")
    assert row["mean output"] != 0 or row["gradient"] != 0


def test_a_loop_that_differs_is_found() -> None:
    neuron = sl.LIF()
    inputs = drive(neuron, 12, 64)
    other = sl.LIF(surrogate=sl.surrogate.ATan(width=3.0))
    loop = PlainLoop(other, other.plan(*(x.requires_grad_() for x in inputs)).loop)
    with pytest.raises(DisagreementError, match="gradient error"):
        compare_with_loop("LIF", neuron, loop, inputs, torch.ones_like(inputs[0]))


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
    assert found[0] == readme.block(), "run: python -m benchmarks --readme"
