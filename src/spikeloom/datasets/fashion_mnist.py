"""Fashion-MNIST: articles of clothing, in the format of MNIST and harder."""

from __future__ import annotations

from pathlib import Path

from spikeloom.datasets.dataset import Dataset
from spikeloom.datasets.idx_set import IdxSet

FASHION_MNIST = IdxSet(
    name="fashion-mnist",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    addresses=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
    sha256={
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    licence="MIT",
    citation="H. Xiao, K. Rasul and R. Vollgraf (2017), Fashion-MNIST: a novel image dataset for benchmarking machine "
    "learning algorithms, arXiv:1708.07747",
)


def fashion_mnist(data_dir: str | Path | None = None, *, download: bool = True) -> Dataset:
    """70 000 grey pictures of clothing, 28 x 28 pixels, 60 000 for training and 10 000 for the test.

    Read and verified as `mnist` is.
    Shapes: images [n, 1, 28, 28], grey values 0 to 255.
    Raises: DataError (files missing and not to be had, damaged, other content; no such folder).

    >>> fashion_mnist().classes[9]  # doctest: +SKIP
    'Ankle boot'

    Reference: Xiao, Rasul and Vollgraf (2017), arXiv:1708.07747.
    """
    return FASHION_MNIST.load(data_dir, download=download)
