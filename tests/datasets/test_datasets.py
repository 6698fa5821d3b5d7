"""The data sets themselves, and their catalogue."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest
import torch
from torch.utils.data import DataLoader

from spikeloom import datasets
from spikeloom.datasets import Dataset, Split
from spikeloom.errors import DataError, UnknownNameError


def digest(labels: torch.Tensor) -> str:
    return hashlib.sha256(labels.numpy().tobytes()).hexdigest()[:16]


def test_digits_are_divided_evenly_and_for_good() -> None:
    data = datasets.digits()
    assert data.train.images.shape == (1437, 1, 8, 8)
    assert data.test.images.shape == (360, 1, 8, 8)
    share = data.test.labels.bincount() / (data.test.labels.bincount() + data.train.labels.bincount())
    # Stratified: each class gives 360/1797 of its about 180 images to the test, rounded by less than one image.
    assert (share - 360 / 1797).abs().max().item() < 1 / 174
    # Guards against another division by another version of scikit-learn: reported accuracies hold for this one.
    assert digest(data.test.images) == "3cc232bd25364446"


def test_digits_are_those_of_scikit_learn_each_once() -> None:
    from sklearn.datasets import load_digits

    data = datasets.digits()
    rows = torch.cat([torch.cat((s.images.flatten(1), s.labels.unsqueeze(1)), 1) for s in (data.train, data.test)])
    source = load_digits()
    expected = torch.cat((torch.from_numpy(source.data), torch.from_numpy(source.target).unsqueeze(1)), 1).long()
    assert sorted(rows.long().tolist()) == sorted(expected.tolist())


def test_inputs_are_floats_from_0_to_1() -> None:
    for data in (datasets.digits(),):
        inputs = data.train.inputs()
        assert inputs.dtype == torch.float32
        assert (inputs.min().item(), inputs.max().item()) == (0.0, 1.0)
        assert torch.equal(inputs * 16, data.train.images.float())


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_published_sets(name: str) -> None:
    data = datasets.load(name, download=False)
    assert data.train.images.shape == (60_000, 1, 28, 28)
    assert data.test.images.shape == (10_000, 1, 28, 28)
    assert data.name == name
    assert data.train[:10][0].max().item() == 1.0
    if name == "fashion-mnist":  # balanced, as its paper says
        assert data.train.labels.bincount().tolist() == [6000] * 10
        assert data.test.labels.bincount().tolist() == [1000] * 10
    else:  # the first training image of MNIST is the well-known 5
        assert data.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]


@pytest.mark.parametrize("name", ["MNIST", "Fashion_MNIST", "fashion-mnist", "digits"])
def test_names_are_forgiving_in_case_and_hyphens(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    for known in datasets.names():
        monkeypatch.setitem(datasets.catalogue._BY_NAME, known, lambda *a, known=known, **k: called.append(known))
    datasets.load(name)
    assert called == [name.lower().replace("_", "-")]


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"digits, fashion-mnist, mnist.*Did you mean 'fashion-mnist'"):
        datasets.load("fasion-mnist")


def test_a_split_serves_a_data_loader() -> None:
    split = datasets.digits().test
    inputs, labels = next(iter(DataLoader(split, batch_size=7)))  # type: ignore[arg-type]
    assert torch.equal(inputs, split.inputs()[:7])
    assert torch.equal(labels, split.labels[:7])
    chosen = torch.tensor([5, 3])
    assert torch.equal(split[chosen][0], split.inputs()[chosen])


def test_images_and_labels_that_do_not_fit_are_refused() -> None:
    images, labels = torch.zeros(3, 1, 2, 2, dtype=torch.uint8), torch.tensor([0, 1, 2])
    with pytest.raises(DataError, match="images: expected uint8"):
        Split(images.float(), labels)
    with pytest.raises(DataError, match=r"labels: expected int64 \[3\]"):
        Split(images, labels[:2])
    with pytest.raises(DataError, match="labels of odd: expected 0 to 1, got 0 to 2"):
        Dataset("odd", Split(images, labels), Split(images, labels), ("a", "b"), "", "")


def test_scikit_learn_is_imported_only_for_the_digits() -> None:
    code = "import sys, spikeloom.datasets; raise SystemExit('sklearn' in sys.modules or 'rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False).returncode == 0
