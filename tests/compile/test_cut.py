"""What is kept for the backward pass: minimal cuts of graphs whose answer is known, and the bytes of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.compile._cut import cheapest_cut
from spikeloom.compile._program import Instruction


def cut(
    steps: list[tuple[str, str, tuple[str, ...]]],
    inputs: Mapping[str, int],
    roots: list[str],
    costs: Mapping[str, float],
) -> set[str]:
    """Cut of a graph given as instructions and as the levels of its inputs; a cost not given is 4."""
    body = {name: Instruction(name, operation, arguments) for name, operation, arguments in steps}
    level = dict(inputs)
    for name, step in body.items():
        level[name] = max(level[a] for a in step.sources)
    return cheapest_cut(body, level, dict.fromkeys(level, "r"), roots, lambda name: costs.get(name, 4.0))


def test_one_intermediate_is_cheaper_than_two_inputs() -> None:
    steps = [("h", "add", ("v", "x")), ("slope", "exp", ("h",)), ("g", "mul", ("gy", "slope"))]
    assert cut(steps, {"v": 1, "x": 1, "gy": 2}, ["g"], {"slope": 4.5}) == {"h"}


def test_one_input_is_cheaper_than_two_intermediates() -> None:
    steps = [("a", "exp", ("x",)), ("b", "sin", ("x",)), ("ga", "mul", ("gy", "a")), ("g", "mul", ("ga", "b"))]
    assert cut(steps, {"x": 1, "gy": 2}, ["g"], {}) == {"x"}


def test_a_truth_value_of_one_byte_is_cheapest() -> None:
    steps = [("h", "add", ("v", "x")), ("s", "gt", ("h", "v")), ("g", "mul", ("gy", "s"))]
    assert cut(steps, {"v": 1, "x": 1, "gy": 2}, ["g"], {"s": 1.0}) == {"s"}


def test_two_bytes_and_one_value_against_a_shared_source() -> None:
    """Keeping h (4) beats s and t (3 + 3); keeping s and t (1 + 1) beats h."""
    steps = [
        ("h", "add", ("v", "x")),
        ("s", "exp", ("h",)),
        ("t", "sin", ("h",)),
        ("gs", "mul", ("gy", "s")),
        ("g", "mul", ("gs", "t")),
    ]
    inputs = {"v": 1, "x": 1, "gy": 2}
    assert cut(steps, inputs, ["g"], {"s": 3.0, "t": 3.0}) == {"h"}
    assert cut(steps, inputs, ["g"], {"s": 1.0, "t": 1.0}) == {"s", "t"}


def test_parameters_are_never_kept() -> None:
    steps = [
        ("rate", "exp", ("p",)),
        ("h", "mul", ("rate", "x")),
        ("g", "mul", ("gy", "h")),
        ("gp", "mul", ("g", "rate")),
    ]
    assert cut(steps, {"p": 0, "x": 1, "gy": 2}, ["gp"], {"x": 3.6}) == {"x"}


def test_nothing_is_kept_for_a_linear_step() -> None:
    assert cut([("h", "mul", ("p", "x")), ("g", "mul", ("gy", "p"))], {"p": 0, "x": 1, "gy": 2}, ["g"], {}) == set()


def test_a_backward_value_read_directly_is_kept_itself_or_recomputed() -> None:
    """Both branches of a diamond are needed; the neck before it is one value."""
    steps = [
        ("neck", "add", ("v", "x")),
        ("left", "exp", ("neck",)),
        ("right", "log", ("neck",)),
        ("join", "mul", ("left", "right")),
        ("g1", "mul", ("gy", "join")),
        ("g2", "mul", ("g1", "left")),
    ]
    assert cut(steps, {"v": 1, "x": 1, "gy": 2}, ["g2"], {}) == {"neck"}


def saved_bytes(module: nn.Module, x: Tensor) -> int:
    """Bytes of the distinct storages that autograd keeps for the backward pass of the neuron."""
    storages: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        module(x)
    return sum(storages.values())


@pytest.mark.parametrize(
    ("neuron", "expected"),
    [
        (sl.LIF(), 4),
        (sl.LIF(soft_reset=True), 4),
        (sl.LIF(decay_input=False), 4),
        (sl.IF(), 4),
        (sl.CurrentLIF(), 4),
        (sl.LeakyIntegrator(), 0),
    ],
    ids=repr,
)
def test_bytes_kept_per_neuron_and_step(neuron: sl.Neuron, expected: int) -> None:
    steps, neurons = 16, 1000
    x = torch.rand(steps, 1, neurons, requires_grad=True)
    assert saved_bytes(neuron, x) == expected * steps * neurons
    assert sl.explain(neuron, x)[0].saved_bytes == expected


def test_bytes_of_a_learned_time_constant() -> None:
    """Its gradient needs one value more than that of the input; the number itself takes another 4 bytes."""
    steps, neurons = 16, 1000
    x = torch.rand(steps, 1, neurons, requires_grad=True)
    assert saved_bytes(sl.LIF(learn=("tau_mem",)), x) == 8 * steps * neurons + 4


def test_inference_keeps_nothing() -> None:
    x = torch.rand(4, 1, 8)
    with torch.no_grad():
        assert saved_bytes(sl.LIF(), x) == 0
        assert sl.explain(sl.LIF(), x)[0].saved_bytes == 0
