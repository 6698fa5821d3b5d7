"""The training loop: it learns, repeats itself bit for bit, and goes on after an interruption as if there were none."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.datasets import Dataset, Split
from spikeloom.errors import CheckpointError, NonFiniteError, ParameterError
from spikeloom.training import (
    BatchProgress,
    NetworkConfig,
    RunFolder,
    TrainingConfig,
    TrainingInterrupted,
    build_network,
    default_config,
    evaluate,
    fit,
    load_run,
)
from spikeloom.training.augmentation import shift_images

# Dropout, shifts and random encoding: every random generator takes part.
NETWORK = NetworkConfig(hidden=(16,), dropout=0.2)
TRAINING = TrainingConfig(epochs=3, steps=2, encoder="bernoulli", batch_size=50, shift=1, seed=3)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    data = sl.datasets.load("digits")
    train = Split(data.train.images[:230], data.train.labels[:230], full_scale=16)
    test = Split(data.test.images[:100], data.test.labels[:100], full_scale=16)
    return dataclasses.replace(data, train=train, test=test)


def network(seed: int = 3) -> nn.Module:
    return build_network(NETWORK, shape=(1, 8, 8), classes=10, seed=seed)


def run(digits: Dataset, out: Path | None = None, **options: object) -> dict[str, Tensor]:
    model = network()
    fit(model, digits, config=TRAINING, network=NETWORK, out=out, **options)  # type: ignore[arg-type]
    return model.state_dict()


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def interrupt_after(count: int):  # type: ignore[no-untyped-def]
    seen = []

    def on_batch(progress: BatchProgress) -> None:
        seen.append(progress)
        if len(seen) == count:
            os.kill(os.getpid(), signal.SIGINT)

    return on_batch


def rows(folder: Path) -> list[dict[str, float]]:
    read = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in read]


def test_the_same_seed_gives_the_same_weights(digits: Dataset) -> None:
    torch.manual_seed(1)
    first = run(digits)
    torch.manual_seed(2)
    assert same(first, run(digits))


def test_the_callers_random_state_is_left_alone(digits: Dataset) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(digits)
    assert torch.equal(torch.rand(3), expected)


# 5 batches per epoch: within the first epoch, at its last batch, at the first of the second, at the very last of all.
@pytest.mark.parametrize("batch", [1, 3, 5, 6, 15])
def test_interrupted_and_resumed_equals_uninterrupted(digits: Dataset, tmp_path: Path, batch: int) -> None:
    whole = run(digits, tmp_path / "whole")
    with pytest.raises(TrainingInterrupted) as stopped:
        run(digits, tmp_path / "parts", on_batch=interrupt_after(batch))
    assert stopped.value.signal_number == signal.SIGINT
    assert not RunFolder(tmp_path / "parts").finished
    assert same(whole, run(digits, tmp_path / "parts", resume=True))
    assert rows(tmp_path / "parts") == rows(tmp_path / "whole")
    assert (tmp_path / "parts/model.safetensors").read_bytes() == (tmp_path / "whole/model.safetensors").read_bytes()


def test_the_signal_handlers_are_put_back(digits: Dataset, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted):
        run(digits, tmp_path, on_batch=interrupt_after(1))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_crash_between_metrics_and_checkpoint_leaves_no_double_line(digits: Dataset, tmp_path: Path) -> None:
    whole = run(digits, tmp_path / "whole")
    with pytest.raises(TrainingInterrupted):
        run(digits, tmp_path / "parts", on_batch=interrupt_after(7))
    with (tmp_path / "parts/metrics.jsonl").open("a") as file:
        file.write((tmp_path / "whole/metrics.jsonl").read_text().splitlines()[1])
    assert same(whole, run(digits, tmp_path / "parts", resume=True))
    assert rows(tmp_path / "parts") == rows(tmp_path / "whole")


def test_resuming_a_finished_run_changes_nothing(digits: Dataset, tmp_path: Path) -> None:
    assert same(run(digits, tmp_path), run(digits, tmp_path, resume=True))


def test_the_thread_count_of_the_run_is_used_again(digits: Dataset, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        whole = run(digits, tmp_path / "whole")
        with pytest.raises(TrainingInterrupted):
            run(digits, tmp_path / "parts", on_batch=interrupt_after(2))
        torch.set_num_threads(2)
        assert same(whole, run(digits, tmp_path / "parts", resume=True))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_another_configuration_is_refused_field_by_field(digits: Dataset, tmp_path: Path) -> None:
    run(digits, tmp_path)
    other = dataclasses.replace(TRAINING, learning_rate=0.1, epochs=5)
    with pytest.raises(CheckpointError, match=r"training.epochs: 3 in the run, 5 given; training.learning_rate: 0.003"):
        fit(network(), digits, config=other, network=NETWORK, out=tmp_path, resume=True)


def test_other_data_under_the_same_name_are_refused(digits: Dataset, tmp_path: Path) -> None:
    run(digits, tmp_path)
    train = Split(digits.train.images, digits.train.labels.flip(0), full_scale=16)
    with pytest.raises(CheckpointError, match="training data"):
        run(dataclasses.replace(digits, train=train), tmp_path, resume=True)


def test_another_network_is_refused(digits: Dataset, tmp_path: Path) -> None:
    run(digits, tmp_path)
    wider = build_network(NetworkConfig(hidden=(17,), dropout=0.2), shape=(1, 8, 8), classes=10)
    with pytest.raises(CheckpointError, match="do not fit this network"):
        fit(wider, digits, config=TRAINING, network=NETWORK, out=tmp_path, resume=True)


def test_a_used_folder_is_refused_and_overwritten_on_request(digits: Dataset, tmp_path: Path) -> None:
    first = run(digits, tmp_path)
    with pytest.raises(CheckpointError, match=r"a finished run.*resume.*overwrite"):
        run(digits, tmp_path)
    assert same(first, run(digits, tmp_path, overwrite=True))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing"])
def test_a_damaged_checkpoint_is_refused(digits: Dataset, tmp_path: Path, damage: str) -> None:
    with pytest.raises(TrainingInterrupted):
        run(digits, tmp_path, on_batch=interrupt_after(1))
    path = tmp_path / "checkpoint.safetensors"
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.write_bytes(content[:-5] + bytes([content[-5] ^ 1]) + content[-4:])
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors"):
        run(digits, tmp_path, resume=True)


def test_no_temporary_file_remains(digits: Dataset, tmp_path: Path) -> None:
    run(digits, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"config.json", "metrics.jsonl", "checkpoint.safetensors", "model.safetensors"}


def test_a_finished_run_is_loaded_with_its_weights(digits: Dataset, tmp_path: Path) -> None:
    weights = run(digits, tmp_path)
    model, config = load_run(tmp_path)
    assert same(weights, model.state_dict())
    assert (config.data, config.network, config.training, config.shape) == ("digits", NETWORK, TRAINING, (1, 8, 8))
    history = rows(tmp_path)
    assert evaluate(model, digits.test, config=TRAINING).accuracy == history[-1]["test_accuracy"]


def test_an_unfinished_or_missing_run_is_refused(digits: Dataset, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config.json inside, got none"):
        load_run(tmp_path)
    with pytest.raises(TrainingInterrupted):
        run(digits, tmp_path, on_batch=interrupt_after(6))
    with pytest.raises(CheckpointError, match=r"1 of 3 epochs.*--resume"):
        load_run(tmp_path)


def test_a_loss_that_is_not_finite_stops_the_run(digits: Dataset) -> None:
    model = sl.nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with torch.no_grad():
        model[1].bias.fill_(torch.inf)
    with pytest.raises(NonFiniteError, match="epoch 1, batch 1"):
        fit(model, digits, config=TRAINING)


def test_resume_needs_a_folder_and_a_model_needs_parameters(digits: Dataset) -> None:
    with pytest.raises(ParameterError, match="resume"):
        fit(network(), digits, config=TRAINING, resume=True)
    with pytest.raises(ParameterError, match="parameters to train"):
        fit(sl.nn.Sequential(nn.Flatten(), sl.LIF()), digits, config=TRAINING)


def test_an_output_folder_that_cannot_be_made_is_named(digits: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match="output folder"):
        run(digits, tmp_path / "file" / "run")


def test_shifted_images_are_the_images_shifted() -> None:
    images = torch.zeros(200, 2, 5, 7)
    images[:, 0, 2, 3], images[:, 1, 2, 3] = 1.0, 2.0
    shifted = shift_images(images, 2, generator=torch.Generator().manual_seed(0))
    assert shifted.shape == images.shape
    assert torch.equal(shifted[:, 1], 2 * shifted[:, 0])
    image, row, column = shifted[:, 0].nonzero(as_tuple=True)
    assert torch.equal(image, torch.arange(200))
    assert set(row.tolist()) == {0, 1, 2, 3, 4}
    assert set(column.tolist()) == {1, 2, 3, 4, 5}


def test_measuring_leaves_the_mode_alone(digits: Dataset) -> None:
    model = network().train()
    evaluate(model, digits.test, config=TRAINING)
    assert model.training


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_defaults_reach_their_accuracy_on_digits(seed: int) -> None:
    data = sl.datasets.load("digits")
    config, training = default_config("digits")
    model = build_network(config, shape=(1, 8, 8), classes=10, seed=seed)
    history = fit(model, data, config=dataclasses.replace(training, seed=seed))
    assert history[-1].test_accuracy >= 0.975
