"""What training looks like: a bar with loss, accuracy, speed and time left; off a terminal, a line for each epoch."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from spikeloom.training import BatchProgress, EpochMetrics

# Weight of the newest batch in the displayed speed: quiet, but follows within some twenty batches.
_NEW = 0.05


class TrainingProgress:
    """Hand `on_batch` and `on_epoch` to `training.fit` within `with TrainingProgress(console) as progress`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._speed = 0.0
        self._task: TaskID | None = None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("loss {task.fields[loss]:.4f}  accuracy {task.fields[accuracy]:.2%}"),
            TextColumn("{task.fields[speed]:,.0f} images/s"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def on_batch(self, now: BatchProgress) -> None:
        """Move the bar."""
        done = (now.epoch - 1) * now.batches + now.batch
        self._speed += (_NEW if self._speed else 1.0) * (now.images_per_second - self._speed)
        if self._task is None:
            total = now.epochs * now.batches
            # A resumed run starts in the middle; the time left is reckoned from here.
            self._task = self._bar.add_task("", total=total, completed=done, loss=0.0, accuracy=0.0, speed=0.0)
        self._bar.update(
            self._task,
            completed=done,
            description=f"epoch {now.epoch}/{now.epochs}",
            loss=now.loss,
            accuracy=now.accuracy,
            speed=self._speed,
        )

    def on_epoch(self, metrics: EpochMetrics) -> None:
        """Print the line that stays."""
        self._console.print(str(metrics), soft_wrap=True)
