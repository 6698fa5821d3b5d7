"""What a data set of images is: two splits, names of the classes, licence and citation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spikeloom.errors import DataError


@dataclass(frozen=True, eq=False)
class Split:
    """Images as bytes, with labels; what is indexed comes out as floats.

    Equation: inputs = images / full_scale, in [0, 1].
    Shapes: images uint8 [n, channels, height, width], labels int64 [n]; `split[i]` gives inputs float32 [channels,
    height, width] and a label, `split[indices]` or `split[a:b]` a batch of both. It serves
    `torch.utils.data.DataLoader` as it is.
    Raises: DataError (images and labels that do not fit together).

    >>> split = Split(torch.full((2, 1, 1, 1), 255, dtype=torch.uint8), torch.tensor([3, 4]))
    >>> split[1]
    (tensor([[[1.]]]), tensor(4))
    """

    images: Tensor
    labels: Tensor
    full_scale: int = 255

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            got = f"{self.images.dtype} of shape {tuple(self.images.shape)}"
            raise DataError("images", expected="uint8 [n, channels, height, width]", got=got)
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            got = f"{self.labels.dtype} of shape {tuple(self.labels.shape)}"
            raise DataError("labels", expected=f"int64 [{len(self.images)}], one per image", got=got)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int | slice | Tensor) -> tuple[Tensor, Tensor]:
        return self.images[index].to(torch.float32) / self.full_scale, self.labels[index]

    def inputs(self) -> Tensor:
        """All images as float32 in [0, 1], four times the memory of the bytes."""
        return self[:][0]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A named data set with a fixed division into training and test images."""

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    licence: str
    citation: str

    def __post_init__(self) -> None:
        for split in (self.train, self.test):
            if len(split) and not 0 <= int(split.labels.min()) <= int(split.labels.max()) < len(self.classes):
                got = f"{int(split.labels.min())} to {int(split.labels.max())}"
                raise DataError(f"labels of {self.name}", expected=f"0 to {len(self.classes) - 1}", got=got)
