"""MNIST: handwritten digits."""

from __future__ import annotations

from pathlib import Path

from spikeloom.datasets.dataset import Dataset
from spikeloom.datasets.idx_set import IdxSet

MNIST = IdxSet(
    name="mnist",
    classes=tuple("0123456789"),
    addresses=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    sha256={
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    licence="CC BY-SA 3.0",
    citation="Y. LeCun, L. Bottou, Y. Bengio and P. Haffner (1998), Gradient-based learning applied to document "
    "recognition, Proceedings of the IEEE 86:2278-2324",
)


def mnist(data_dir: str | Path | None = None, *, download: bool = True) -> Dataset:
    """70 000 handwritten digits of 28 x 28 pixels, 60 000 for training and 10 000 for the test.

    Read from `data_dir`, else from the folder in the environment variable SPIKELOOM_DATA, else from the user's data
    folder, to which missing files are downloaded; checksums are verified at every reading.
    Shapes: images [n, 1, 28, 28], grey values 0 to 255.
    Raises: DataError (files missing and not to be had, damaged, other content; no such folder).

    >>> data = mnist()  # doctest: +SKIP
    >>> len(data.train), len(data.test)  # doctest: +SKIP
    (60000, 10000)

    Reference: LeCun, Bottou, Bengio and Haffner (1998), Proceedings of the IEEE 86:2278-2324.
    """
    return MNIST.load(data_dir, download=download)
