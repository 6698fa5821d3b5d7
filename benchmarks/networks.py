"""The networks that are trained and run, assembled from the same layers and weights in every library.

Everything without a state receives time folded into the batch in every library, in the peers by SpikingJelly's own
container or by `_Folded`, which does the same: one large product is the fastest that each of them can have.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn

import spikeloom as sl
from benchmarks.contenders import OURS, PEER_LIF, SPIKINGJELLY, spikeloom_lif


class Spiking(nn.Module):
    """Stands for a LIF layer, which each library puts in its place."""


class RecurrentSpiking(nn.Module):
    """Stands for a LIF layer that its own spikes of the step before drive too."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.recurrent = nn.Linear(width, width, bias=False)


@dataclass(frozen=True)
class Task:
    """A network, and the Bernoulli spikes that it receives."""

    name: str
    described: str
    layers: Callable[[], list[nn.Module]]
    features: tuple[int, ...]
    classes: int
    steps: int
    batch: int
    rate: float
    # On PyTorch's initial weights of linear layers, which leave the layers after the first silent: with it a twentieth
    # to a seventh of the neurons spike at each step, and products on spikes cost what they cost in a trained network.
    gain: float

    def data(self, *, steps: int | None = None, batch: int | None = None) -> tuple[Tensor, Tensor]:
        """Spikes [T, B, *features] and labels [B]."""
        generator = torch.Generator().manual_seed(1)
        shape = (steps or self.steps, batch or self.batch, *self.features)
        x = (torch.rand(shape, generator=generator) < self.rate).float()
        return x, torch.randint(self.classes, shape[1:2], generator=generator)

    def initial(self) -> list[nn.Module]:
        """The layers with the same weights at every call."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            layers = self.layers()
        with torch.no_grad():
            for linear in (part for layer in layers for part in layer.modules() if isinstance(part, nn.Linear)):
                linear.weight *= self.gain
        return layers


def _fc() -> list[nn.Module]:
    return [nn.Linear(784, 512), Spiking(), nn.Linear(512, 512), Spiking(), nn.Linear(512, 10), Spiking()]


def _csnn() -> list[nn.Module]:
    def stage(inputs: int, outputs: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), Spiking(), nn.MaxPool2d(2)]

    head = [nn.Flatten(), nn.Linear(64 * 7 * 7, 128), Spiking(), nn.Linear(128, 10), Spiking()]
    return [*stage(1, 32), *stage(32, 64), *head]


def _rsnn() -> list[nn.Module]:
    return [nn.Linear(700, 256), RecurrentSpiking(256), nn.Linear(256, 20), Spiking()]


FC = Task("fc", "784-512-512-10, T=25, batch 128", _fc, (784,), 10, 25, 128, 0.2, gain=3.0)
CSNN = Task(
    name="csnn",
    described="two convolutions with batch norm and pooling, 128-10, T=8, batch 64",
    layers=_csnn,
    features=(1, 28, 28),
    classes=10,
    steps=8,
    batch=64,
    rate=0.2,
    gain=2.0,
)
RSNN = Task("rsnn", "700-256 recurrent-20, T=100, batch 128", _rsnn, (700,), 20, 100, 128, 0.02, gain=4.0)
TASKS = {task.name: task for task in (FC, CSNN, RSNN)}


class _Folded(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x.flatten(0, 1))
        return y.view(*x.shape[:2], *y.shape[1:])


def _is_stand_in(module: nn.Module) -> bool:
    return isinstance(module, Spiking | RecurrentSpiking)


def _ours(layers: Sequence[nn.Module], like: str) -> nn.Module:
    def placed(module: nn.Module) -> nn.Module:
        if not _is_stand_in(module):
            return module
        neuron = spikeloom_lif(decay_input=False, like=like)
        return sl.nn.Recurrent(neuron, module.recurrent) if isinstance(module, RecurrentSpiking) else neuron

    return sl.nn.Sequential(*map(placed, layers))


def _peer(name: str, layers: Sequence[nn.Module]) -> nn.Module:
    folded: Callable[..., nn.Module] = _Folded
    if name == SPIKINGJELLY:
        from spikingjelly.activation_based.layer import SeqToANNContainer as folded
    parts: list[nn.Module] = []
    for stand_in, group in groupby(layers, _is_stand_in):
        if stand_in:
            parts += [PEER_LIF[name](decay_input=False, recurrent=getattr(m, "recurrent", None)) for m in group]
        else:
            parts.append(folded(*group))
    return nn.Sequential(*parts)


def rates(task: Task, x: Tensor) -> list[float]:
    """Fraction of the neurons of each layer that spike per step."""
    network = assemble(OURS, task.initial())
    with torch.no_grad(), sl.record(network, "s") as trace:
        network(x)
    return [spikes.mean().item() for spikes in trace.values()]


def assemble(name: str, layers: Sequence[nn.Module], *, like: str = SPIKINGJELLY) -> nn.Module:
    """The network in the library `name`, with weights of its own; ours with the slope of the library `like`."""
    own = copy.deepcopy(list(layers))
    return _ours(own, like) if name == OURS else _peer(name, own)
