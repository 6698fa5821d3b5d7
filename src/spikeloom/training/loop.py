"""The training loop: `fit` runs, reports, checkpoints and resumes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from spikeloom.datasets import Dataset
from spikeloom.errors import CheckpointError, ParameterError
from spikeloom.training._trainer import Trainer
from spikeloom.training.configuration import NetworkConfig, RunConfig, TrainingConfig, differences
from spikeloom.training.evaluation import evaluate
from spikeloom.training.folder import RunFolder, read_bytes, write_atomically
from spikeloom.training.interruption import Interruption, TrainingInterrupted


@dataclass(frozen=True)
class EpochMetrics:
    """What is known after an epoch; accuracies are fractions, `seconds` is the time spent on training batches."""

    epoch: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    learning_rate: float
    seconds: float

    def __str__(self) -> str:
        return (
            f"epoch {self.epoch:3d}  loss {self.train_loss:.4f}  train {self.train_accuracy:6.2%}  "
            f"test {self.test_accuracy:6.2%}  {self.seconds:.1f} s"
        )


@dataclass(frozen=True)
class BatchProgress:
    """Where training stands after a batch; loss and accuracy are means over the epoch so far."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    images_per_second: float


def fit(
    model: nn.Module,
    data: Dataset,
    *,
    config: TrainingConfig | None = None,
    network: NetworkConfig | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_epoch: Callable[[EpochMetrics], object] | None = None,
    on_batch: Callable[[BatchProgress], object] | None = None,
) -> list[EpochMetrics]:
    """Train a classifier and return the metrics of each epoch.

    Each image is encoded over `config.steps` time steps; the class is the one whose output, averaged over time, is
    largest, and the loss is the cross-entropy of that average. The weights after the last epoch are the result: the
    test part is measured after each epoch and never chooses anything.

    With `out`, the folder receives `config.json`, `metrics.jsonl`, a checkpoint after each epoch and
    `model.safetensors` at the end. Ctrl-C finishes the running batch, writes a checkpoint and raises
    `TrainingInterrupted`; the same call with `resume=True` then ends with the weights of an uninterrupted run, bit for
    bit, on the same machine with the same version of PyTorch. `network` is recorded so that the run can be rebuilt
    from its folder. The caller's random state is left as it was.

    Raises: `CheckpointError` where `out` holds a run and neither `resume` nor `overwrite` is given, where a resumed run
    has another configuration, or where its checkpoint is damaged; `NonFiniteError` where the loss is not finite.

    >>> import spikeloom as sl
    >>> model = sl.nn.Sequential(nn.Flatten(), nn.Linear(64, 10), sl.LeakyIntegrator())
    >>> history = fit(model, sl.datasets.load("digits"), config=TrainingConfig(epochs=1))
    >>> [row.epoch for row in history]
    [1]
    """
    config = TrainingConfig() if config is None else config
    run = RunConfig(data.name, tuple(data.train.images.shape[1:]), data.classes, network, config)
    folder = None if out is None else RunFolder(Path(out))
    if resume and folder is None:
        raise ParameterError("resume", expected="a folder named by out", got="none", do="give out=<the run's folder>")
    with contextlib.ExitStack() as stack:
        stop = None if folder is None else stack.enter_context(Interruption())
        stack.enter_context(torch.random.fork_rng())
        stack.enter_context(_threads(config.threads))
        trainer = Trainer(model, data.train, config)
        history = [] if folder is None else _open(folder, run, trainer, resume=resume, overwrite=overwrite)
        while trainer.epoch < config.epochs:
            _finish_batches(trainer, folder, stop, on_batch)
            history.append(_finish_epoch(trainer, data, folder))
            if on_epoch is not None:
                on_epoch(history[-1])
            _stop_if_asked(folder, stop)
        if folder is not None:
            folder.save_model(model)
    return history


def _open(folder: RunFolder, run: RunConfig, trainer: Trainer, *, resume: bool, overwrite: bool) -> list[EpochMetrics]:
    if not resume:
        folder.start(run, overwrite=overwrite)
        write_atomically(folder.checkpoint_path, trainer.snapshot())
        return []
    if changed := differences(folder.config(), run):
        do = "resume with the run's own configuration, or start anew in another folder"
        raise CheckpointError(f"the configuration of {folder.path} differs in {'; '.join(changed)}", do=do)
    trainer.restore(read_bytes(folder.checkpoint_path), source=folder.checkpoint_path)
    folder.keep_metrics(trainer.epoch)
    return [EpochMetrics(**row) for row in folder.metrics()]


def _finish_batches(
    trainer: Trainer,
    folder: RunFolder | None,
    stop: Interruption | None,
    on_batch: Callable[[BatchProgress], object] | None,
) -> None:
    while trainer.batch < trainer.batches:
        began = time.perf_counter()
        size = trainer.train_batch()
        elapsed = time.perf_counter() - began
        trainer.sums["seconds"] += elapsed
        if on_batch is not None:
            on_batch(_progress(trainer, size / elapsed))
        if folder is not None and stop is not None and stop.requested is not None:
            write_atomically(folder.checkpoint_path, trainer.snapshot())
            _stop_if_asked(folder, stop)


def _progress(trainer: Trainer, images_per_second: float) -> BatchProgress:
    return BatchProgress(
        epoch=trainer.epoch + 1,
        epochs=trainer.config.epochs,
        batch=trainer.batch,
        batches=trainer.batches,
        loss=trainer.mean("loss"),
        accuracy=trainer.mean("correct"),
        images_per_second=images_per_second,
    )


def _finish_epoch(trainer: Trainer, data: Dataset, folder: RunFolder | None) -> EpochMetrics:
    test = evaluate(trainer.model, data.test, config=trainer.config)
    metrics = EpochMetrics(
        epoch=trainer.epoch + 1,
        train_loss=trainer.mean("loss"),
        train_accuracy=trainer.mean("correct"),
        test_loss=test.loss,
        test_accuracy=test.accuracy,
        learning_rate=trainer.learning_rate,
        seconds=trainer.sums["seconds"],
    )
    trainer.begin_epoch(trainer.epoch + 1)
    if folder is not None:
        # Metrics first: a crash in between leaves a surplus line, which resuming drops.
        folder.add_metrics(asdict(metrics))
        write_atomically(folder.checkpoint_path, trainer.snapshot())
    return metrics


def _stop_if_asked(folder: RunFolder | None, stop: Interruption | None) -> None:
    if folder is not None and stop is not None and stop.requested is not None:
        raise TrainingInterrupted(folder.path, stop.requested)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    try:
        if count:
            torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(before)
