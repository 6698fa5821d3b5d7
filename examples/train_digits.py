"""Train a spiking network on scikit-learn's handwritten digits, save the run in runs/example and check its accuracy."""

import torch
from torch import nn

import spikeloom as sl
from spikeloom.report import write_report

digits = sl.datasets.load("digits")
torch.manual_seed(0)
network = sl.nn.Sequential(
    *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), sl.LIF(tau_mem=1.44)),
    *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), sl.LIF(tau_mem=1.44)),
    *(nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.25)),
    *(nn.Linear(512, 128), nn.BatchNorm1d(128), sl.LIF(tau_mem=1.44), nn.Dropout(0.25)),
    *(nn.Linear(128, 10), sl.LeakyIntegrator(tau_mem=1.44)),
)
config = sl.training.TrainingConfig(epochs=20, steps=4, shift=1, seed=0)
history = sl.training.fit(network, digits, config=config, out="runs/example", overwrite=True, on_epoch=print)
print(write_report(network, digits, "runs/example"))
assert history[-1].test_accuracy >= 0.975, history[-1]
