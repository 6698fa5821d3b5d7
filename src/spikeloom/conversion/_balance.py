"""Thresholds from what spikes bring, layer after layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, fx

from ._adjust import some_inputs
from ._network import Converted
from ._operations import Kind
from ._sites import Site
from .methods import Method


@torch.no_grad()
def balance(net: Converted, method: Method, batches: Sequence[tuple[Tensor, ...]], steps: int) -> None:
    """From the first place to the last, the threshold becomes the largest input in a step of the spiking network.

    With the method's encoder, in as many steps as it makes: the more, the larger is the largest.
    Source: Sengupta, Ye, Wang, Liu and Roy 2019, "Going deeper in spiking neural networks: VGG and residual
    architectures", Front. Neurosci. 13:95 (Spike-Norm); Han, Srinivasan and Roy 2020, "RMP-SNN", CVPR, with a factor.
    """

    def watch(node: fx.Node, site: Site, x: Tensor) -> None:
        operation = net.operations[node.name]
        free = operation.kind is Kind.RECTIFIER and operation.ceiling == float("inf") and not operation.own
        if free:
            site.become(method.site(operation, x.max(), steps))

    given = some_inputs(batches)
    if method.encoder is None:
        net.sequence(*given, steps=steps, watch=watch)
    else:
        spikes = [method.encoder(x) for x in given]
        net.sequence(*spikes, steps=len(spikes[0]), encoded=True, watch=watch)
