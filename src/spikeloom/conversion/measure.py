"""What conversion has cost: accuracy over time, errors of rates by layer, spikes and operations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn

from ..errors import ParameterError, ShapeError
from ..training import EnergyCost, Operations, count_operations
from ..training.folder import write_atomically
from ..training.operations import in_evaluation
from ._network import Converted
from ._shown import Shown as Shown
from ._sites import Site

# Inputs of which rates and operations are measured.
_SAMPLE = 64
# From this share of activity on that no spike tells, a place is named.
_VANISHING = 0.5


@dataclass(frozen=True)
class SiteReport:
    """One place with neurons. `rate` in spikes per neuron and step, errors in units of the mean activation.

    `error` is the mean difference between what spikes are worth and the activation; `saturated` the share of
    activations above what one spike a step can tell, `silent` that of activations above a step's share of the threshold
    of which no spike tells; `vanished` the share of all activity that is in neurons without a spike; `gained` how much
    smaller the mean error of the output would be with this place exact.
    """

    name: str
    operation: str
    neurons: int
    threshold: float
    rate: float
    spikes: float
    error: float
    saturated: float
    silent: float
    vanished: float
    gained: float


@dataclass(frozen=True)
class Conversion:
    """Accuracy and agreement with the original after each step, and where errors come from.

    `suggested` is the fewest steps from which on the accuracy stays within `tolerance` of the original's, None where
    that is never so; `limiting` the place whose exact result would help most. `latency` counts steps from the first
    input to the answer; it is more than `steps` where layers wait for whole windows. Energies are picojoules for an
    input, estimated from operations alone at this `cost`; `uncounted` names weights whose operations are not in it.
    """

    original: float | None
    accuracy: list[float]
    agreement: list[float]
    sites: list[SiteReport]
    graded: list[str]
    macs: float
    synaptic: float
    dense: float
    energy_original: float
    energy_spiking: float
    cost: EnergyCost
    uncounted: list[str]
    tolerance: float
    inputs: int
    latency: int

    @property
    def steps(self) -> int:
        """Of the longest run."""
        return len(self.agreement)

    @property
    def suggested(self) -> int | None:
        """The fewest steps that are enough."""
        curve = self.accuracy or self.agreement
        wanted = (self.original if self.original is not None else 1.0) - self.tolerance
        enough = [value >= wanted - 1e-9 for value in curve]
        if not enough[-1]:
            return None
        return len(enough) - enough[::-1].index(False) + 1 if False in enough else 1

    @property
    def limiting(self) -> str | None:
        """The place with the largest `gained`."""
        return max(self.sites, key=lambda site: site.gained).name if self.sites else None

    @property
    def vanishing(self) -> list[str]:
        """Places that hardly fire: half of their activity or more is in neurons without a spike."""
        return [site.name for site in self.sites if site.vanished >= _VANISHING]

    @property
    def spikes(self) -> float:
        """Of all neurons for an input."""
        return sum(site.spikes for site in self.sites)

    def save(self, path: str | Path) -> None:
        """As JSON; the file is replaced as a whole."""
        write_atomically(Path(path), json.dumps(self.to_json(), indent=2).encode())

    def to_json(self) -> dict[str, Any]:
        """As a dictionary that JSON can hold."""
        derived = ("steps", "suggested", "limiting", "vanishing", "spikes")
        return {**asdict(self), **{name: getattr(self, name) for name in derived}}


@torch.no_grad()
def measure(
    converted: Converted,
    model: nn.Module,
    inputs: Tensor,
    labels: Tensor | None = None,
    *,
    steps: int | None = None,
    tolerance: float = 0.005,
    cost: EnergyCost | None = None,
    track: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Conversion:
    """Run a converted network and the model that it was made of on the same inputs [N, ...].

    Accuracy needs `labels` [N] and outputs [N, classes]; agreement is the share of equal argmax. Rates and operations
    are those of an even sample of 64 inputs.

    Raises: ParameterError, ShapeError.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> x = torch.rand(64, 4)
    >>> found = sl.conversion.measure(sl.convert(model, x, steps=64), model, x)
    >>> len(found.agreement), found.sites[0].neurons
    (64, 8)
    """
    steps = converted.steps if steps is None else steps
    if not len(inputs):
        raise ParameterError("inputs of measure", expected="at least one", got="none")
    if labels is not None and len(labels) != len(inputs):
        raise ShapeError("labels of measure", expected=[len(inputs)], got=list(labels.shape))
    right, same, of_model = torch.zeros(steps, dtype=torch.float64), torch.zeros(steps, dtype=torch.float64), 0
    sample = inputs[torch.linspace(0, len(inputs) - 1, min(len(inputs), _SAMPLE)).round().long()]
    with in_evaluation(model), in_evaluation(converted):
        for part in track(torch.split(torch.arange(len(inputs)), _SAMPLE)):
            wanted = model(inputs[part]).flatten(1).argmax(1)
            given = converted.over_time(inputs[part], steps=steps).flatten(2).argmax(2)
            same += (given == wanted).sum(1)
            if labels is not None:
                right += (given == labels[part]).sum(1)
                of_model += int((wanted == labels[part]).sum())
        operations = count_operations(Shown(converted), sample[None].expand(steps, *sample.shape))
        sites = _sites(converted, sample, steps)
    cost = cost or EnergyCost()
    return Conversion(
        original=None if labels is None else of_model / len(inputs),
        accuracy=[] if labels is None else (right / len(inputs)).tolist(),
        agreement=(same / len(inputs)).tolist(),
        sites=sites,
        graded=converted.graded,
        **_energy(operations, cost),
        cost=cost,
        uncounted=[_named(name) for name in operations.uncounted],
        tolerance=tolerance,
        inputs=len(inputs),
        latency=converted.latency(steps),
    )


def _named(name: str) -> str:
    """As the original calls it."""
    return name.removeprefix("converted.module").removeprefix(".") or "weights that are used in calls"


def _energy(operations: Operations, cost: EnergyCost) -> dict[str, float]:
    return {
        "macs": operations.macs, "synaptic": operations.synaptic, "dense": operations.dense,
        "energy_original": cost.without_spikes(operations), "energy_spiking": cost.with_spikes(operations),
    }  # fmt: skip


def _sites(net: Converted, x: Tensor, steps: int) -> list[SiteReport]:
    """Of each place, in the order in which they run."""
    rates: dict[str, Tensor] = {}
    sent: dict[str, Tensor] = {}

    def watch(node: fx.Node, site: Site, i: Tensor) -> None:
        rates[node.name], sent[node.name] = site.spikes(i).mean(0), site.events(i).sum(0)

    output = net.sequence(x, steps=steps, watch=watch).mean(0)
    every = set(net.sites)
    wanted: dict[str, Tensor] = {}
    exact = net.sequence(x, steps=1, exact=every, told=wanted).mean(0)
    off = float((output - exact).abs().mean())
    found = []
    for name, rate in rates.items():
        site = net.sites[name]
        assert isinstance(site, Site)
        activation, spikes = wanted[name].mean(0), float(sent[name].sum() / len(x))
        worth = site.amplitude.view(-1, *[1] * (rate.dim() - 2)) if site.amplitude.dim() else site.amplitude
        without = net.sequence(x, steps=steps, exact={name}).mean(0)
        found.append(
            SiteReport(
                name=name,
                operation=net.operations[name].label,
                neurons=rate[0].numel(),
                threshold=float(site.scale.mean()),
                rate=spikes / (rate[0].numel() * steps),
                spikes=spikes,
                error=float((rate * worth - activation).abs().mean() / activation.abs().mean().clamp(min=1e-12)),
                saturated=float((activation > worth).double().mean()),
                silent=float(((rate == 0) & (activation.abs() > worth / steps)).double().mean()),
                vanished=float(((rate == 0) * activation.abs()).sum() / activation.abs().sum().clamp(min=1e-12)),
                gained=off - float((without - exact).abs().mean()),
            )
        )
    return found
