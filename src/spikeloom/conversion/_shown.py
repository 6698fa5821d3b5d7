"""A converted network as those are counted that take sequences."""

from __future__ import annotations

import copy

from torch import Tensor, fx, nn

from ._network import Converted
from ._sites import Site


class Shown(nn.Module):
    """A converted network as one of sequences, whose input stands still.

    Where spikes begin currents that last, its layers receive the spikes: so often synapses have something to do.
    """

    def __init__(self, converted: Converted) -> None:
        super().__init__()
        self.converted = converted
        lasting = any(isinstance(site, Site) and site.lasting for site in converted.sites.values())
        # Apart from the modules, since its layers are not the ones that are counted.
        self.real = (copy.deepcopy(converted),) if lasting else ()

    def forward(self, x: Tensor) -> Tensor:
        if not self.real:
            return self.converted.sequence(x[0], steps=len(x))
        sent: dict[str, nn.Module] = {}

        def watch(node: fx.Node, site: Site, i: Tensor) -> None:
            sent[node.name] = _Replayed(site, site.events(i) if site.lasting else site.spikes(i))

        self.real[0].sequence(x[0], steps=len(x), watch=watch)
        replayed = copy.copy(self.converted)
        replayed._modules = {
            **self.converted._modules, "sites": nn.ModuleDict({**dict(self.converted.sites.items()), **sent})
        }  # fmt: skip
        # Watched, so that the batch is not run in parts.
        return replayed.sequence(x[0], steps=len(x), watch=lambda node, site, i: None)


class _Replayed(Site):
    """Sends what was recorded, whatever comes."""

    def __init__(self, site: Site, sent: Tensor) -> None:
        super().__init__(site.neuron, site.scale)
        self.amplitude, self.gate, self.sent = site.amplitude, site.gate, sent

    def spikes(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        return self.sent
