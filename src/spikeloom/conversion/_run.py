"""One run of a converted network: its graph, node by node, on sequences."""

from __future__ import annotations

from collections.abc import Callable, Container
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, fx

from ..compile._memory import empty
from ..errors import ConversionError
from ..nn._layers import Product, apply, has_separable_bias
from ..nn._layout import is_channels_last
from ._operations import Kind
from ._sites import Site, by_channel, increments, running_mean
from ._whole import whole

if TYPE_CHECKING:
    from ._network import Converted

# Called before the neurons of a node run, with the node, its site and its input sequence.
Watch = Callable[[fx.Node, Site, Tensor], None]


class _Parts(NamedTuple):
    """The input of a site, not yet added up."""

    x: Tensor
    bias: Tensor | None = None
    residual: Tensor | None = None


class Sent(NamedTuple):
    """Spikes of a site, and what one is worth."""

    spikes: Tensor
    worth: Tensor


class Run:
    """One call: values by node; those that later nodes do not need are let go."""

    def __init__(
        self, net: Converted, inputs: list[Tensor], steps: int, watch: Watch | None, exact: Container[str],
        told: dict[str, Tensor] | None, running: bool,
    ) -> None:  # fmt: skip
        self.net, self.inputs, self.steps, self.watch, self.exact = net, iter(inputs), steps, watch, exact
        self.told, self.running = {} if told is None else told, running
        self.values: dict[str, Any] = {}
        # What looks at inputs of sites wants them as they are.
        self.handed_on = net.handed_on - net.analog if watch is None and not exact else frozenset[str]()

    def output(self) -> Tensor:
        for node in self.net.module.graph.nodes:
            kind = self.net.operations[node.name].kind
            if kind is Kind.OUTPUT:
                (last,) = node.all_input_nodes
                return self._seen(node, last.name)  # type: ignore[no-any-return]
            self.values[node.name] = self._run(node, kind)
            for arg in self.net.last[node.name]:
                del self.values[arg]
        raise ConversionError(self.net.name, expected="an output", got="none")

    def _run(self, node: fx.Node, kind: Kind) -> Any:
        if kind is Kind.INPUT:
            return next(self.inputs)
        if kind is Kind.PLAIN:
            return self._called(node, {arg: _flat(self._seen(node, arg)) for arg in self._sequences(node)})
        site = self.net.site(node)
        if kind is Kind.RECTIFIER and isinstance(parts := self.values[self._sequences(node)[0]], _Parts):
            return self._fire(node, site, parts)
        given = self._together(node)
        analog = node.name in self.net.analog
        exact = analog or node.name in self.exact
        if (kind is Kind.RECTIFIER or getattr(site, "gate", False)) and not exact:
            return self._fire(node, site, _Parts(next(iter(given.values()))))
        moves = len(_first(next(iter(given.values())))) > 1
        if node.name in self.handed_on and (parts := self._parts(node, given)) is not None:
            return parts
        if kind is Kind.LINEAR or analog or not moves:
            y = self._in_each_step(node, given)
        else:
            nodes, sequences = list(given), list(given.values())
            if (pools := self.net.pools.get(node.name)) is not None and not self.exact:
                return self.net.pooling.pooled(pools(sequences))
            counts = kind is Kind.MAXIMUM and len(nodes) == len(node.all_input_nodes)
            y = increments(
                lambda each: self._in_each_step(node, dict(zip(nodes, each, strict=True))), sequences, counts=counts
            )
        if site is None:
            return y
        if not exact:
            return self._fire(node, site, _Parts(y))
        self.told[node.name] = y
        return Sent(y / by_channel(site.amplitude, y), site.amplitude)

    def _fire(self, node: fx.Node, site: Site | None, parts: _Parts) -> Sent:
        assert site is not None
        x = self._in_all_steps(parts.x)
        if self.watch is not None:
            self.watch(node, site, x)
        learns = torch.is_grad_enabled() and x.requires_grad
        send = site.truths if self.net.takes_bool(node) and not learns else site.spikes
        s = send(x, bias=parts.bias, residual=parts.residual)
        return Sent(s, site.amplitude)

    def _in_all_steps(self, x: Tensor) -> Tensor:
        return x.expand(self.steps, *x.shape[1:]) if len(x) == 1 else x

    def _parts(self, node: fx.Node, given: dict[str, Any]) -> _Parts | None:
        """What the neurons behind add up themselves, if they can now: a layer with hooks is called as it is."""
        if node.op != "call_module":
            x, residual = (given[arg.name] for arg in node.all_input_nodes)
            return _Parts(x, residual=residual) if len(x) > 1 else None
        layer, (x,) = self.net.module.get_submodule(str(node.target)), given.values()
        if not has_separable_bias(layer):
            return None
        if x.dtype == torch.bool and (added := whole(layer)) is not None:
            y = added.product(_flat(x), biased=False)
        else:
            y = apply(Product(None, layer), _flat(x))
        return _Parts(y.reshape(*x.shape[:2], *y.shape[1:]), bias=layer.bias)

    def _sequences(self, node: fx.Node) -> list[str]:
        return [arg.name for arg in node.all_input_nodes if arg.name in self.net.moving]

    def _together(self, node: fx.Node) -> dict[str, Any]:
        """The sequences that a node takes, of one length: what stands still is repeated where something else moves."""
        given = {arg: self._seen(node, arg) for arg in self._sequences(node)}
        length = max(len(_first(x)) for x in given.values())
        return {
            arg: x.expand(length, *x.shape[1:]) if isinstance(x, Tensor) and len(x) < length else x
            for arg, x in given.items()
        }

    def _seen(self, node: fx.Node, arg: str) -> Any:
        """What a node takes of another: behind the last spikes of a hybrid network their mean."""
        value = self.values[arg]
        if isinstance(value, Sent):
            s, worth = value
            if (arg, node.name) not in self.net.absorbed:
                value = _times(s, by_channel(worth, s))
            else:
                value = s if s.is_floating_point() or self.net.takes_bool(node) else s.to(worth.dtype)
        if node.name not in self.net.analog or arg in self.net.analog:
            return value
        return _mapped(value, self._settled)

    def _settled(self, x: Tensor) -> Tensor:
        if self.running:
            return running_mean(self._in_all_steps(x))
        mean = x.mean(0, keepdim=True)
        # Where the program asks for sizes, those of all steps were told.
        return self._in_all_steps(mean) if self.net.sized else mean

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
            layer = self.net.module.get_submodule(str(node.target))
            if isinstance(args[0], Tensor) and args[0].dtype == torch.bool and (added := whole(layer)) is not None:
                return added.product(args[0], biased=True)
            return apply(layer, *args)
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        assert callable(node.target)
        return node.target(*args, **kwargs)

    def _filled(self, given: Any, values: dict[str, Any]) -> Any:
        """Arguments with values in the place of nodes."""
        return fx.map_arg(given, lambda arg: values[arg.name] if arg.name in values else self.values[arg.name])


def _times(s: Tensor, worth: Tensor) -> Tensor:
    """The product, in memory that is used again: fresh pages of it cost more than it does."""
    if torch.is_grad_enabled() or s.device.type != "cpu":
        return s * worth
    moved = is_channels_last(s, 2)
    if moved:
        s, worth = s.movedim(2, -1), worth.squeeze()
    y = torch.mul(s, worth, out=empty(*s.shape, dtype=torch.result_type(s, worth)))
    return y.movedim(-1, 2) if moved else y


def _flat(x: Any) -> Any:
    return _mapped(x, lambda part: part.flatten(0, 1))


def _first(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else _first(x[0])


def _mapped(x: Any, f: Callable[[Tensor], Tensor]) -> Any:
    """A tensor, or several in lists, changed."""
    if isinstance(x, Tensor):
        return f(x)
    return type(x)(_mapped(part, f) for part in x) if isinstance(x, list | tuple) else x
