"""Everything that changes while a network is trained, and its way to bytes and back."""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spikeloom.coding import mean_potential
from spikeloom.datasets import Split
from spikeloom.errors import CheckpointError, NonFiniteError, ParameterError
from spikeloom.training.augmentation import shift_images
from spikeloom.training.checkpoint import flatten_optimizer, pack, unflatten_optimizer, unpack
from spikeloom.training.configuration import TrainingConfig
from spikeloom.training.encoding import encode
from spikeloom.training.folder import load_weights
from spikeloom.training.losses import mean_potential_cross_entropy

_SUMS = {"loss": 0.0, "correct": 0.0, "seen": 0.0, "seconds": 0.0}


class Trainer:
    """A model, its optimiser, its random generators, and the position in the data.

    `generator` draws the order of the images, their shifts and random encodings; dropout draws from PyTorch's own
    generator, which is seeded here.
    """

    def __init__(self, model: nn.Module, train: Split, config: TrainingConfig) -> None:
        self.model = model.train()
        self.train = train
        self.config = config
        self.device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
        self.optimizer = torch.optim.AdamW(_parameter_groups(model, config.weight_decay), lr=config.learning_rate)
        self.batches = math.ceil(len(train.labels) / config.batch_size)
        torch.manual_seed(config.seed)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int) -> None:
        """Shuffle, and start counting anew."""
        self.epoch = epoch
        self.batch = 0
        self.sums = dict(_SUMS)
        self.order = torch.randperm(len(self.train.labels), generator=self.generator)

    @property
    def learning_rate(self) -> float:
        """lr (1 + cos(π k / n)) / 2 at step k of n."""
        done = (self.epoch + self.batch / self.batches) / self.config.epochs
        return self.config.learning_rate * (1 + math.cos(math.pi * done)) / 2

    def mean(self, name: str) -> float:
        """The mean of `loss` or `correct` over the images seen in this epoch."""
        return self.sums[name] / max(self.sums["seen"], 1.0)

    def train_batch(self) -> int:
        """One optimiser step; returns the number of images."""
        config = self.config
        chosen = self.order[self.batch * config.batch_size :][: config.batch_size]
        images, labels = self.train[chosen]
        images = shift_images(images, config.shift, generator=self.generator).to(self.device)
        labels = labels.to(self.device)
        outputs = self.model(encode(images, config.encoder, steps=config.steps, generator=self.generator))
        loss = mean_potential_cross_entropy(outputs, labels)
        value = loss.item()
        if not math.isfinite(value):
            where = f"training loss in epoch {self.epoch + 1}, batch {self.batch + 1}"
            raise NonFiniteError(where, expected="a finite number", got=value, do="lower the learning rate")
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        self.optimizer.step()
        self.batch += 1
        self.sums["loss"] += value * len(labels)
        self.sums["correct"] += (mean_potential(outputs).argmax(1) == labels).sum().item()
        self.sums["seen"] += len(labels)
        return len(labels)

    def snapshot(self) -> bytes:
        """Everything needed to go on from here as if nothing had happened."""
        weights = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        moments, settings = flatten_optimizer(self.optimizer.state_dict(), prefix="optimizer.")
        randomness = {"random.torch": torch.get_rng_state(), "random.data": self.generator.get_state()}
        if self.device.type == "cuda":
            randomness["random.device"] = torch.cuda.get_rng_state(self.device)
        values = {
            "epoch": self.epoch,
            "batch": self.batch,
            "sums": self.sums,
            "optimizer": settings,
            "data": self._fingerprint(),
            "threads": torch.get_num_threads(),
        }
        return pack({**weights, **moments, **randomness, "order": self.order}, values)

    def restore(self, content: bytes, *, source: Path) -> None:
        """Go back to a snapshot; `source` is named in errors."""
        tensors, values = unpack(content, source=str(source))
        if values["data"] != self._fingerprint():
            do = "point --data-dir at the files the run was trained on"
            raise CheckpointError("training data", expected="those of the run", got="others under that name", do=do)
        load_weights(self.model, _below("model.", tensors), source)
        self.optimizer.load_state_dict(unflatten_optimizer(tensors, values["optimizer"], prefix="optimizer."))
        torch.set_rng_state(tensors["random.torch"])
        self.generator.set_state(tensors["random.data"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["random.device"], self.device)
        # Sums over threads depend on their number in the last bit.
        torch.set_num_threads(values["threads"])
        self.order = tensors["order"]
        self.epoch, self.batch, self.sums = values["epoch"], values["batch"], values["sums"]

    def _fingerprint(self) -> dict[str, int]:
        return {"images": len(self.train.labels), "labels_crc32": zlib.crc32(self.train.labels.numpy().tobytes())}


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels only: shrinking a bias, a scale or a time constant is not meant by it."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ParameterError("model", expected="parameters to train", got="none", do="add a layer with weights")
    return [
        {"params": [each for each in parameters if each.ndim >= 2], "weight_decay": weight_decay},
        {"params": [each for each in parameters if each.ndim < 2], "weight_decay": 0.0},
    ]
