"""The converted network: the graph of the original, run on sequences, with neurons in it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from ..errors import ConversionError, DTypeError, ParameterError
from ..nn._layers import Product, apply, has_separable_bias
from ._operations import Kind, Operation
from ._sites import Site, by_channel, increments

# Called before the neurons of a node run, with the node, its site and its input sequence.
Watch = Callable[[fx.Node, nn.Module, Tensor], None]


class Converted(nn.Module):
    """A spiking network made of a trained one by `sl.convert`. Called with inputs [B, ...], it shows them for `steps`.

    The output is the mean over time of what the original puts out, so that argmax and losses mean the same.
    `over_time` gives that mean after each step. `sites` are the places with neurons, by name, `graded` the operations
    between them whose results are no spikes. The mean is an answer after each
    `window` of steps, 1 for rates; runs are of whole windows.

    Shapes: inputs as of the original, or sequences [T, B, ...] with `encoded=True`. Raises: ParameterError, DTypeError.
    """

    def __init__(
        self, module: fx.GraphModule, operations: Mapping[str, Operation], sites: Mapping[str, nn.Module],
        steps: int, name: str, window: int = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.module, self.operations, self.steps, self.name = module, dict(operations), steps, name
        self.window = window
        # What was tried, where the method was searched.
        self.trials: list[Any] = []
        self.sites = nn.ModuleDict(dict(sites))
        # Nodes that depend on the input, and by node those that nobody needs after it; all by name.
        self.moving = {name for name, op in operations.items() if op.kind not in (Kind.PLAIN, Kind.OUTPUT)}
        final = {arg.name: node.name for node in module.graph.nodes for arg in node.all_input_nodes}
        self.last: dict[str, list[str]] = {node.name: [] for node in module.graph.nodes}
        for arg, end in final.items():
            self.last[end].append(arg)
        # Additions and layers with a bias that end in a site: its kernel adds up.
        self.handed_on = {node.name for node in module.graph.nodes if self._hands_on(node)}
        # Whether sizes are asked for, which are those of all steps as one batch.
        self.sized = any(self._asks_size(node) for node in module.graph.nodes)

    def forward(self, *inputs: Tensor, steps: int | None = None, encoded: bool = False) -> Tensor:
        """The mean output [B, ...]."""
        return self.sequence(*inputs, steps=steps, encoded=encoded).mean(0)

    def over_time(self, *inputs: Tensor, steps: int | None = None, encoded: bool = False) -> Tensor:
        """The mean output after each step, [T, B, ...]; within a window that of those before it, 0 within the first."""
        y = self.sequence(*inputs, steps=steps, encoded=encoded)
        elapsed = torch.arange(1, len(y) + 1, dtype=y.dtype, device=y.device)
        mean = y.cumsum(0) / elapsed.view(-1, *[1] * (y.dim() - 1))
        if self.window == 1:
            return mean
        held = mean[self.window - 1 :: self.window].repeat_interleave(self.window, 0)
        return torch.cat([torch.zeros_like(mean[: self.window - 1]), held])[: len(y)]

    def latency(self, steps: int | None = None) -> int:
        """Steps from the first input to the answer; layers that wait for those before them add their windows."""
        after: dict[str, int] = {}
        for node in self.module.graph.nodes:
            wait = getattr(self.site(node), "wait", 0)
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
    ) -> Tensor:
        """What the last layer puts out in each step, [T, B, ...].

        `watch` sees the input of each site before its neurons run. Sites named in `exact` are not made of neurons: they
        tell the original's function of their mean input, which `told` takes up by name.
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
        y = _Run(self, given, steps, watch, exact, told).output()
        return y if len(y) > 1 or steps == 1 else y.expand(steps, *y.shape[1:])

    def site(self, node: fx.Node) -> nn.Module | None:
        """What stands in the place of a node, if anything does."""
        return self.sites._modules.get(node.name)

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
            if op.kind is Kind.FUNCTION and not getattr(self.sites._modules.get(name), "gate", False)
        ]

    def extra_repr(self) -> str:
        """Name of the original, and steps."""
        return f"{self.name}, steps={self.steps}"


class _Parts(NamedTuple):
    """The input of a site, not yet added up."""

    x: Tensor
    bias: Tensor | None = None
    residual: Tensor | None = None


class _Run:
    """One call: values by node; those that later nodes do not need are let go."""

    def __init__(
        self, net: Converted, inputs: list[Tensor], steps: int, watch: Watch | None, exact: Container[str],
        told: dict[str, Tensor] | None,
    ) -> None:  # fmt: skip
        self.net, self.inputs, self.steps, self.watch, self.exact = net, iter(inputs), steps, watch, exact
        self.told = {} if told is None else told
        self.values: dict[str, Any] = {}
        # What looks at inputs of sites wants them as they are.
        self.handed_on = net.handed_on if watch is None and not exact else frozenset[str]()

    def output(self) -> Tensor:
        for node in self.net.module.graph.nodes:
            kind = self.net.operations[node.name].kind
            if kind is Kind.OUTPUT:
                (last,) = node.all_input_nodes
                return self.values[last.name]  # type: ignore[no-any-return]
            self.values[node.name] = self._run(node, kind)
            for arg in self.net.last[node.name]:
                del self.values[arg]
        raise ConversionError(self.net.name, expected="an output", got="none")

    def _run(self, node: fx.Node, kind: Kind) -> Any:
        if kind is Kind.INPUT:
            return next(self.inputs)
        if kind is Kind.PLAIN:
            return self._called(node, {arg: _flat(self.values[arg]) for arg in self._sequences(node)})
        site = self.net.site(node)
        if kind is Kind.RECTIFIER and isinstance(parts := self.values[self._sequences(node)[0]], _Parts):
            assert isinstance(site, Site)
            return site(self._in_all_steps(parts.x), bias=parts.bias, residual=parts.residual)
        given = self._together(node)
        exact = node.name in self.exact
        if (kind is Kind.RECTIFIER or getattr(site, "gate", False)) and not exact:
            return self._fire(node, site, next(iter(given.values())))
        moves = len(_first(next(iter(given.values())))) > 1
        if node.name in self.handed_on and (parts := self._parts(node, given)) is not None:
            return parts
        if kind is Kind.LINEAR or not moves:
            y = self._in_each_step(node, given)
        else:
            nodes, sequences = list(given), list(given.values())
            counts = kind is Kind.MAXIMUM and len(nodes) == len(node.all_input_nodes)
            y = increments(
                lambda each: self._in_each_step(node, dict(zip(nodes, each, strict=True))), sequences, counts=counts
            )
        if site is None:
            return y
        if not exact:
            return self._fire(node, site, y)
        self.told[node.name] = y
        return y / by_channel(site.amplitude, y) if isinstance(site, Site) and site.absorbed else y

    def _fire(self, node: fx.Node, site: nn.Module | None, x: Tensor) -> Tensor:
        assert site is not None
        x = self._in_all_steps(x)
        if self.watch is not None:
            self.watch(node, site, x)
        return site(x)  # type: ignore[no-any-return]

    def _in_all_steps(self, x: Tensor) -> Tensor:
        return x.expand(self.steps, *x.shape[1:]) if len(x) == 1 else x

    def _parts(self, node: fx.Node, given: dict[str, Any]) -> _Parts | None:
        """What the neurons behind add up themselves, if they can now: a layer with hooks is called as it is."""
        if not isinstance(self.net.site(next(iter(node.users))), Site):
            return None
        if node.op != "call_module":
            x, residual = (given[arg.name] for arg in node.all_input_nodes)
            return _Parts(x, residual=residual) if len(x) > 1 else None
        layer, (x,) = self.net.module.get_submodule(str(node.target)), given.values()
        if not has_separable_bias(layer):
            return None
        y = apply(Product(None, layer), _flat(x))
        return _Parts(y.reshape(*x.shape[:2], *y.shape[1:]), bias=layer.bias)

    def _sequences(self, node: fx.Node) -> list[str]:
        return [arg.name for arg in node.all_input_nodes if arg.name in self.net.moving]

    def _together(self, node: fx.Node) -> dict[str, Any]:
        """The sequences that a node takes, of one length: what stands still is repeated where something else moves."""
        given = {arg: self.values[arg] for arg in self._sequences(node)}
        length = max(len(_first(x)) for x in given.values())
        return {
            arg: x.expand(length, *x.shape[1:]) if isinstance(x, Tensor) and len(x) < length else x
            for arg, x in given.items()
        }

    def _in_each_step(self, node: fx.Node, given: dict[str, Any]) -> Any:
        """The operation, which knows nothing of time, on all steps as one batch."""
        sizes = _first(next(iter(given.values()))).shape[:2]
        return _mapped(
            self._called(node, {arg: _flat(x) for arg, x in given.items()}), lambda y: y.reshape(*sizes, *y.shape[1:])
        )

    def _called(self, node: fx.Node, given: dict[str, Any]) -> Any:
        args, kwargs = self._filled(node.args, given), self._filled(node.kwargs, given)
        if node.op == "get_attr":
            return attrgetter(str(node.target))(self.net.module)
        if node.op == "call_module":
            return apply(self.net.module.get_submodule(str(node.target)), *args)
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        assert callable(node.target)
        return node.target(*args, **kwargs)

    def _filled(self, given: Any, values: dict[str, Any]) -> Any:
        """Arguments with values in the place of nodes."""
        return fx.map_arg(given, lambda arg: values[arg.name] if arg.name in values else self.values[arg.name])


def _flat(x: Any) -> Any:
    return _mapped(x, lambda part: part.flatten(0, 1))


def _first(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else _first(x[0])


def _mapped(x: Any, f: Callable[[Tensor], Tensor]) -> Any:
    """A tensor, or several in lists, changed."""
    if isinstance(x, Tensor):
        return f(x)
    return type(x)(_mapped(part, f) for part in x) if isinstance(x, list | tuple) else x
