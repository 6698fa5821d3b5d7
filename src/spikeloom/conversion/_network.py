"""The converted network: the graph of the original, run on sequences, with neurons in it."""

from __future__ import annotations

import copy
import operator
from collections.abc import Container, Mapping
from functools import cached_property
from math import prod
from typing import Any

import torch
from torch import Tensor, fx, nn

from ..errors import DTypeError, ParameterError
from ..nn._layers import has_separable_bias
from ._operations import Kind, Operation
from ._pools import pools
from ._run import Run, Watch
from ._sites import Site, running_mean
from ._split import behind
from ._whole import whole
from .pooling import Counts, Pooling

# Numbers that the cache holds, for two threads.
_CACHED = 1 << 22


class Converted(nn.Module):
    """A spiking network made of a trained one by `sl.convert`. Called with inputs [B, ...], it shows them for `steps`.

    The output is the mean over time of what the original puts out, so that argmax and losses mean the same.
    `over_time` gives that mean after each step. `sites` are the places with neurons, by name, `graded` the operations
    between them whose results are no spikes. The mean is an answer after each
    `window` of steps, 1 for rates; runs are of whole windows.

    Shapes: inputs as of the original, or sequences [T, B, ...] with `encoded=True`. Raises: ParameterError, DTypeError.
    """

    # Nodes behind the last spikes of a hybrid network, by name.
    analog: frozenset[str] = frozenset()

    def __init__(
        self, module: fx.GraphModule, operations: Mapping[str, Operation], sites: Mapping[str, Site],
        steps: int, name: str, window: int = 1, pooling: Pooling | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.module, self.operations, self.steps, self.name = module, dict(operations), steps, name
        self.window, self.pooling = window, pooling or Counts()
        # What was tried, where the method was searched.
        self.trials: list[Any] = []
        self.sites = nn.ModuleDict(dict(sites))
        # Nodes that depend on the input, and by node those that nobody needs after it; all by name.
        self.moving = {name for name, op in operations.items() if op.kind not in (Kind.PLAIN, Kind.OUTPUT)}
        final = {arg.name: node.name for node in module.graph.nodes for arg in node.all_input_nodes}
        self.last: dict[str, list[str]] = {node.name: [] for node in module.graph.nodes}
        for arg, end in final.items():
            self.last[end].append(arg)
        # Where spikes are worth 1, from a node to another, because the layers behind have their worth in the weights.
        self.absorbed: set[tuple[str, str]] = set()
        # Additions and layers with a bias that end in a site: its kernel adds up.
        self.handed_on = {node.name for node in module.graph.nodes if self._hands_on(node)}
        # Maxima that the pooling tells; by counts they need no pools.
        maxima = [node for node in module.graph.nodes if operations[node.name].kind is Kind.MAXIMUM]
        told = not isinstance(self.pooling, Counts)
        self.pools = {node.name: pools(node, dict(module.named_modules()), self.moving) for node in maxima if told}
        # Whether sizes are asked for, which are those of all steps as one batch.
        self.sized = any(self._asks_size(node) for node in module.graph.nodes)

    def forward(self, *inputs: Tensor, steps: int | None = None, encoded: bool = False) -> Tensor:
        """The mean output [B, ...]."""
        return self.sequence(*inputs, steps=steps, encoded=encoded).mean(0)

    def over_time(self, *inputs: Tensor, steps: int | None = None, encoded: bool = False) -> Tensor:
        """The mean output after each step, [T, B, ...]; within a window that of those before it, 0 within the first."""
        y = self.sequence(*inputs, steps=steps, encoded=encoded, running=True)
        mean = y if self.analog else running_mean(y)
        if self.window == 1:
            return mean
        held = mean[self.window - 1 :: self.window].repeat_interleave(self.window, 0)
        return torch.cat([torch.zeros_like(mean[: self.window - 1]), held])[: len(y)]

    def split(self, *until: str) -> Converted:
        """A hybrid network, which spikes up to these places; what depends on them is the original, run once.

        Whatever goes on from spiking to other layers is its mean over all steps: counts over T, times what a spike is
        worth. `over_time` has what the original's layers make of the mean so far. A place is named as the original
        names its module, or as in `sites`. Weights are shared with this network.

        Raises: UnknownNameError, with a list of all places; ParameterError where one depends on another.

        >>> import torch, spikeloom as sl
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 8), torch.nn.ReLU())
        >>> sl.convert(model, torch.rand(64, 4), steps=4).split("1")(torch.rand(5, 4)).shape
        torch.Size([5, 8])
        """
        hybrid = copy.copy(self)
        places = [node for node in self.module.graph.nodes if self.site(node) is not None]
        hybrid.analog = behind(places, until, self.name)
        return hybrid

    def latency(self, steps: int | None = None) -> int:
        """Steps from the first input to the answer; layers that wait for those before them add their windows."""
        after: dict[str, int] = {}
        for node in self.module.graph.nodes:
            wait = 0 if node.name in self.analog else getattr(self.site(node), "wait", 0)
            after[node.name] = wait + max((after[arg.name] for arg in node.all_input_nodes), default=0)
        return max(after.values()) + (self.steps if steps is None else steps)

    def sequence(
        self,
        *inputs: Tensor,
        steps: int | None = None,
        encoded: bool = False,
        watch: Watch | None = None,
        exact: Container[str] = (),
        told: dict[str, Tensor] | None = None,
        running: bool = False,
    ) -> Tensor:
        """What the last layer puts out in each step, [T, B, ...].

        `watch` sees the input of each site before its neurons run. Sites named in `exact` are not made of neurons: they
        tell the original's function of their mean input, which `told` takes up by name. A hybrid network's answer is
        the same in all steps; with `running`, it is that to the mean so far.
        """
        steps = self.steps if steps is None else steps
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
            raise ParameterError("steps of a converted network", expected="a whole number >= 1", got=repr(steps))
        if steps % self.window and not exact:
            expected = f"whole windows of {self.window} steps each"
            raise ParameterError(
                "steps of a converted network", expected=expected, got=steps, do="convert anew for them"
            )
        for x in inputs:
            if not isinstance(x, Tensor) or not x.is_floating_point():
                got = x.dtype if isinstance(x, Tensor) else type(x).__name__
                raise DTypeError("input of a converted network", expected="floating-point tensors", got=got)
        given = [x if encoded else x[None] for x in inputs]
        if self.sized:
            given = [x.expand(steps, *x.shape[1:]) if len(x) == 1 else x for x in given]

        def run(given: list[Tensor]) -> Tensor:
            return Run(self, given, steps, watch, exact, told, running).output()

        y = run(given) if watch or told is not None else torch.cat([run(part) for part in self._parts(given, steps)], 1)
        return y if len(y) > 1 or steps == 1 else y.expand(steps, *y.shape[1:])

    def _parts(self, given: list[Tensor], steps: int) -> list[list[Tensor]]:
        """Inputs in parts of the batch, so many that what a layer sends in all steps stays in the cache."""
        rows = {x.shape[1] for x in given}
        if len(rows) > 1:
            return [given]
        size = max(1, _CACHED * max(1, torch.get_num_threads() // 2) // (steps * self.widest))
        return [list(part) for part in zip(*(torch.split(x, size, 1) for x in given), strict=True)]

    @cached_property
    def widest(self) -> int:
        """Numbers of the largest layer, for an input."""
        nodes = (node for node in self.module.graph.nodes if node.name in self.moving)
        shapes = (node.meta["tensor_meta"].shape for node in nodes if hasattr(node.meta.get("tensor_meta"), "shape"))
        return max((prod(shape[1:]) for shape in shapes), default=1)

    def site(self, node: fx.Node) -> Site | None:
        """What stands in the place of a node, if anything does."""
        return self.sites._modules.get(node.name)  # type: ignore[return-value]

    def takes_bool(self, node: fx.Node) -> bool:
        """Whether a node sends, or takes, spikes as truth values: where layers of whole weights add them up."""
        site = self.site(node)
        if site is None:
            return node.op == "call_module" and whole(self.module.get_submodule(str(node.target))) is not None
        taking = (user for user in node.users if (node.name, user.name) in self.absorbed)
        return site.binary and any(self.takes_bool(user) for user in taking)

    def _hands_on(self, node: fx.Node) -> bool:
        users = list(node.users)
        if len(users) != 1 or self.site(users[0]) is None or node.name not in self.moving:
            return False
        if self.operations[users[0].name].kind is not Kind.RECTIFIER:
            return False
        if node.op == "call_module":
            return has_separable_bias(self.module.get_submodule(str(node.target)))
        shapes = [arg.meta["tensor_meta"].shape for arg in node.args if isinstance(arg, fx.Node)]
        both = len(node.args) == len(shapes) == len(node.all_input_nodes) == 2 and not node.kwargs
        return both and node.target in (operator.add, torch.add) and shapes[0] == shapes[1]

    def _asks_size(self, node: fx.Node) -> bool:
        plain = self.operations[node.name].kind is Kind.PLAIN
        return plain and any(arg.name in self.moving for arg in node.all_input_nodes)

    @property
    def graded(self) -> list[str]:
        """Operations whose results are no spikes and depend on time: functions of means, and sums behind them."""
        return [
            op.label
            for name, op in self.operations.items()
            if op.kind is Kind.FUNCTION
            and name not in self.analog
            and not getattr(self.sites._modules.get(name), "gate", False)
        ]

    def extra_repr(self) -> str:
        """Name of the original, and steps."""
        return f"{self.name}, steps={self.steps}"
