"""Data sets of images, by function (`mnist()`) or by name (`load("mnist")`), and synthetic data, by function."""

from spikeloom.datasets.catalogue import load, names
from spikeloom.datasets.dataset import Dataset, Split
from spikeloom.datasets.digits import digits
from spikeloom.datasets.fashion_mnist import fashion_mnist
from spikeloom.datasets.feature_streams import feature_streams
from spikeloom.datasets.gestures import gestures
from spikeloom.datasets.heart_beats import heart_beats
from spikeloom.datasets.idx_set import IdxSet
from spikeloom.datasets.metadata import metadata
from spikeloom.datasets.mnist import mnist
from spikeloom.datasets.moving_shapes import moving_shapes
from spikeloom.datasets.shapes_in_clutter import Scenes, shapes_in_clutter
from spikeloom.datasets.spike_time_task import spike_time_task
from spikeloom.datasets.spoken_digits import Recordings, spoken_digits
from spikeloom.datasets.store_recall import store_recall
from spikeloom.datasets.topics import topics

__all__ = [
    "Dataset",
    "IdxSet",
    "Recordings",
    "Scenes",
    "Split",
    "digits",
    "fashion_mnist",
    "feature_streams",
    "gestures",
    "heart_beats",
    "load",
    "metadata",
    "mnist",
    "moving_shapes",
    "names",
    "shapes_in_clutter",
    "spike_time_task",
    "spoken_digits",
    "store_recall",
    "topics",
]
