"""Train classifiers: losses, metrics, the training loop, checkpoints and run folders."""

from __future__ import annotations

from spikeloom.training.checkpoint import pack, unpack
from spikeloom.training.configuration import NetworkConfig, RunConfig, TrainingConfig
from spikeloom.training.defaults import default_config
from spikeloom.training.detection import Detections, average_precision, best_boxes, box_overlap
from spikeloom.training.encoding import ENCODERS, encode
from spikeloom.training.evaluation import Evaluation, evaluate
from spikeloom.training.folder import RunFolder
from spikeloom.training.images import read_image
from spikeloom.training.interruption import TrainingInterrupted
from spikeloom.training.loop import BatchProgress, EpochMetrics, fit
from spikeloom.training.losses import (
    anytime_cross_entropy,
    count_mse,
    first_spike_cross_entropy,
    last_potential_cross_entropy,
    latency_penalty,
    max_potential_cross_entropy,
    mean_potential_cross_entropy,
    rate_cross_entropy,
)
from spikeloom.training.metrics import accuracy, class_accuracy, confusion_matrix, spikes_per_sample
from spikeloom.training.network import build_network
from spikeloom.training.operations import EnergyCost, LayerOperations, Operations, count_operations
from spikeloom.training.probe import linear_probe
from spikeloom.training.saved_run import load_run

__all__ = [
    "ENCODERS",
    "BatchProgress",
    "Detections",
    "EnergyCost",
    "EpochMetrics",
    "Evaluation",
    "LayerOperations",
    "NetworkConfig",
    "Operations",
    "RunConfig",
    "RunFolder",
    "TrainingConfig",
    "TrainingInterrupted",
    "accuracy",
    "anytime_cross_entropy",
    "average_precision",
    "best_boxes",
    "box_overlap",
    "build_network",
    "class_accuracy",
    "confusion_matrix",
    "count_mse",
    "count_operations",
    "default_config",
    "encode",
    "evaluate",
    "first_spike_cross_entropy",
    "fit",
    "last_potential_cross_entropy",
    "latency_penalty",
    "linear_probe",
    "load_run",
    "max_potential_cross_entropy",
    "mean_potential_cross_entropy",
    "pack",
    "rate_cross_entropy",
    "read_image",
    "spikes_per_sample",
    "unpack",
]
