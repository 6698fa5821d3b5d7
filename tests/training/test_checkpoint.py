"""Checkpoints: what goes in comes out, and a damaged byte never passes."""

from __future__ import annotations

import json

import hypothesis
import pytest
import torch
from hypothesis import strategies as st
from torch import nn

from spikeloom.errors import CheckpointError, ParameterError, UnknownNameError
from spikeloom.training import NetworkConfig, RunConfig, TrainingConfig, pack, unpack
from spikeloom.training.checkpoint import flatten_optimizer, unflatten_optimizer
from spikeloom.training.configuration import differences

RUN = RunConfig("digits", (1, 8, 8), ("a", "b"), NetworkConfig(channels=(4,), hidden=(8, 6)), TrainingConfig(epochs=3))


def content() -> bytes:
    tensors = {
        "weights": torch.arange(12.0).reshape(3, 4).t(),
        "state": torch.Generator().manual_seed(1).get_state(),
        "order": torch.arange(5),
        "none": torch.zeros(0),
        "half": torch.ones(3, dtype=torch.bfloat16),
        "number": torch.tensor(3.5, dtype=torch.float64),
    }
    return pack(tensors, {"epoch": 3, "sums": {"loss": 0.1}})


def test_tensors_and_values_come_back() -> None:
    tensors, values = unpack(content())
    assert torch.equal(tensors["weights"], torch.arange(12.0).reshape(3, 4).t())
    assert tensors["none"].shape == (0,)
    assert tensors["half"].dtype == torch.bfloat16
    assert tensors["number"].item() == 3.5
    assert values == {"epoch": 3, "sums": {"loss": 0.1}}


def test_shared_tensors_are_written_twice() -> None:
    weight = torch.rand(3)
    tensors, _ = unpack(pack({"a": weight, "b": weight}, {}))
    assert torch.equal(tensors["a"], tensors["b"])


@hypothesis.given(st.data())
@hypothesis.settings(max_examples=60)
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    good = content()
    size = 8 + int.from_bytes(good[:8], "little")
    # Bytes of the header that only name things may change without changing a tensor; every byte behind it counts.
    position = data.draw(st.integers(size, len(good) - 1))
    bad = bytearray(good)
    bad[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CheckpointError, match=r"damaged.*train again"):
        unpack(bytes(bad))


@pytest.mark.parametrize("length", [0, 4, 8, 100, -1])
def test_a_truncated_file_is_noticed(length: int) -> None:
    with pytest.raises(CheckpointError, match="damaged"):
        unpack(content()[:length], source="x")


def test_a_foreign_or_newer_file_is_refused() -> None:
    import safetensors.torch

    with pytest.raises(CheckpointError, match="not a spikeloom file"):
        unpack(safetensors.torch.save({"w": torch.ones(2)}))
    header = json.dumps({"version": 99, "crc32": 0, "values": {}})
    with pytest.raises(CheckpointError, match="version of x: expected 1, got 99"):
        unpack(safetensors.torch.save({"w": torch.ones(2)}, metadata={"spikeloom": header}), source="x")


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.AdamW(p, lr=0.1),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        lambda p: torch.optim.Adam(p, lr=0.1, amsgrad=True),
    ],
)
def test_optimiser_goes_on_as_if_nothing_had_happened(make) -> None:  # type: ignore[no-untyped-def]
    def steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            model(torch.ones(2, 3)).square().sum().backward()
            optimizer.step()

    torch.manual_seed(0)
    first = nn.Linear(3, 2)
    one = make(first.parameters())
    steps(first, one, 3)
    tensors, values = unpack(pack(*flatten_optimizer(one.state_dict(), prefix="o.")))
    second = nn.Linear(3, 2)
    second.load_state_dict(first.state_dict())
    two = make(second.parameters())
    two.load_state_dict(unflatten_optimizer(tensors, values, prefix="o."))
    steps(first, one, 3)
    steps(second, two, 3)
    assert torch.equal(first.weight, second.weight)


def test_configuration_survives_json() -> None:
    assert RunConfig.from_json(RUN.to_json()) == RUN
    without = RunConfig("mine", (1, 8, 8), ("a",), None, TrainingConfig())
    assert RunConfig.from_json(without.to_json()) == without


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "expected JSON"),
        ("[]", "format"),
        ("{}", "format"),
        (RUN.to_json().replace('"version": 1', '"version": 7'), "expected 1, got 7"),
        (RUN.to_json().replace('"epochs": 3', '"epochs": "many"'), "epochs"),
        (RUN.to_json().replace('"epochs"', '"epoch"'), "lacks epochs"),
        (RUN.to_json().replace('"shape"', '"form"'), "shape"),
        (RUN.to_json().replace('"direct"', '"dirct"'), "Did you mean 'direct'"),
    ],
)
def test_a_damaged_configuration_is_refused(text: str, match: str) -> None:
    with pytest.raises(CheckpointError, match=match):
        RunConfig.from_json(text)


def test_differences_are_named() -> None:
    other = RunConfig(RUN.data, RUN.shape, RUN.classes, NetworkConfig(hidden=(8, 6)), TrainingConfig(epochs=4))
    assert differences(RUN, RUN) == []
    assert differences(RUN, other) == [
        "network.channels: (4,) in the run, () given",
        "training.epochs: 3 in the run, 4 given",
    ]


@pytest.mark.parametrize(
    "bad",
    [
        {"epochs": 0}, {"epochs": 1.5}, {"epochs": True}, {"steps": -1}, {"batch_size": 0}, {"shift": -1}, {"seed": -1},
        {"learning_rate": 0.0}, {"learning_rate": float("nan")}, {"learning_rate": float("inf")},
        {"weight_decay": -1.0}, {"weight_decay": "1"},
    ],
)  # fmt: skip
def test_bad_training_settings_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match=f"training.{next(iter(bad))}.*expected.*got"):
        TrainingConfig(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [{"hidden": (0,)}, {"channels": (4, -1)}, {"dropout": 1.0}, {"tau_mem": 0.0}])
def test_bad_network_settings_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match=f"network.{next(iter(bad))}"):
        NetworkConfig(**bad)  # type: ignore[arg-type]


def test_an_unknown_encoder_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="bernoulli"):
        TrainingConfig(encoder="bernouli")
