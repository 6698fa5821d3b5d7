"""Currents and first potentials of a converted network, set so that spiking layers do on average what they should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx

from ._network import Converted
from ._operations import Kind
from ._sites import Site

# Calibration inputs that are run with spikes.
_INPUTS = 32


@torch.no_grad()
def adjust(net: Converted, original: Original, steps: int, *, rounds: int) -> None:
    """Layer after layer, the mean input of each channel becomes that of the original, then its mean output.

    The constant current takes up the difference of inputs, and in each round the first potential that of outputs,
    times the number of steps.

    Source: Li, Deng, Dong, Gong and Gu 2021, "A free lunch from ANN: towards efficient, accurate spiking neural
    networks calibration", ICML, section 4.2 (bias and initial potential; by channel).
    """

    def watch(node: fx.Node, site: Site, x: Tensor) -> None:
        operation = net.operations[node.name]
        if operation.kind is not Kind.RECTIFIER or operation.own:
            return
        wanted, result = original.inputs[node.name], original.results[node.name]
        channels = site.neuron.param_values()["v_th"]
        axes = [axis for axis in range(wanted.dim()) if axis != 1]
        site.shift = (wanted - x.mean(0)).mean(axes)
        theta = torch.as_tensor(channels)
        for _ in range(rounds):
            missing = (result - site(x).mean(0)).mean(axes)
            start = torch.as_tensor(site.neuron.param_values()["v_rest"]) + missing * steps
            # Not so low or high that the first spikes would be nothing but a correction.
            site.neuron.v_rest = torch.minimum(torch.maximum(start, -theta), 0.999 * theta)

    net.sequence(*original.given, steps=steps, watch=watch)


def some_inputs(batches: Sequence[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """The first of the calibration data, few enough to be run with spikes."""
    return tuple(torch.cat([batch[place] for batch in batches])[:_INPUTS] for place in range(len(batches[0])))


class Original(fx.Interpreter):
    """Inputs and results of the activations that neurons stand for, of a network whose weights are still its own."""

    @torch.no_grad()
    def __init__(self, net: Converted, batches: Sequence[tuple[Tensor, ...]]) -> None:
        super().__init__(net.module)
        self.net = net
        self.inputs: dict[str, Tensor] = {}
        self.results: dict[str, Tensor] = {}
        self.given = some_inputs(batches)
        self.run(*self.given)

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if n.name in self.net.sites and isinstance(n.all_input_nodes[0], fx.Node):
            self.inputs[n.name], self.results[n.name] = self.env[n.all_input_nodes[0]], value
        return value
