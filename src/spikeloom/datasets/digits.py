"""The handwritten digits that come with scikit-learn: real data without a download."""

from __future__ import annotations

from pathlib import Path

import torch

from spikeloom.datasets.dataset import Dataset, Split


def digits(data_dir: str | Path | None = None, *, download: bool = True) -> Dataset:
    """1 797 handwritten digits of 8 x 8 pixels, divided once and for all into 1 437 for training and 360 for the test.

    The division is stratified by class, with a fixed seed. The arguments are those of every data set and are not used:
    the images come with scikit-learn.
    Shapes: images [n, 1, 8, 8], grey values 0 to 16 (inputs in [0, 1]).

    >>> data = digits()
    >>> len(data.train), len(data.test), data.train.images.shape[1:]
    (1437, 360, torch.Size([1, 8, 8]))

    Reference: Kaynak (1995), Methods of Combining Multiple Classifiers and Their Applications to Handwritten Digit
    Recognition, Bogazici University; the test part of the UCI set, reduced to 8 x 8.
    """
    # Imported here because scikit-learn takes longer to import than all of this library.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    source = load_digits()
    train, test = train_test_split(range(len(source.target)), test_size=360, random_state=0, stratify=source.target)
    images = torch.from_numpy(source.images).to(torch.uint8).unsqueeze(1)
    labels = torch.from_numpy(source.target).to(torch.int64)
    return Dataset(
        name="digits",
        train=Split(images[train], labels[train], full_scale=16),
        test=Split(images[test], labels[test], full_scale=16),
        classes=tuple("0123456789"),
        licence="CC BY 4.0",
        citation="E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning "
        "Repository, doi:10.24432/C50P49",
    )
