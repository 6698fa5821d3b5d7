"""What the original network does on calibration data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, fx

from ..errors import ConversionError
from .thresholds import SAMPLES, VALUES


class Activations:
    """Of one place: samples of its values, [n, channels], and the largest and smallest of each channel."""

    def __init__(self) -> None:
        self._parts: list[Tensor] = []
        self.highest: Tensor | None = None
        self.lowest: Tensor | None = None

    def add(self, x: Tensor, generator: torch.Generator, batches: int) -> None:
        """Values [B, channels, ...] of one of so many batches."""
        rows = x.detach().movedim(1, -1).flatten(0, -2) if x.dim() > 1 else x.detach()[:, None]
        high, low = rows.amax(0), rows.amin(0)
        self.highest = high if self.highest is None else torch.maximum(high, self.highest)
        self.lowest = low if self.lowest is None else torch.minimum(low, self.lowest)
        kept = max(256, min(SAMPLES, VALUES // rows.shape[1]) // batches)
        if len(rows) > kept:
            rows = rows[torch.randint(len(rows), (kept,), generator=generator)]
        self._parts.append(rows.float())

    @property
    def samples(self) -> Tensor:
        """Values [n, channels]."""
        return torch.cat(self._parts)


class Watched(fx.Interpreter):
    """Runs the network and shows the values of some nodes."""

    def __init__(self, module: fx.GraphModule, seen: Callable[[fx.Node, Any], None]) -> None:
        super().__init__(module)
        self.seen = seen

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        self.seen(n, value)
        return value


@torch.no_grad()
def statistics(
    module: fx.GraphModule, nodes: Sequence[fx.Node], batches: Sequence[tuple[Tensor, ...]]
) -> dict[str, Activations]:
    """Of the values of these nodes, by name. Raises: ConversionError where one is NaN or infinite."""
    found = {node.name: Activations() for node in nodes}
    generator = torch.Generator().manual_seed(0)

    def seen(node: fx.Node, value: Any) -> None:
        if node.name not in found:
            return
        if not torch.isfinite(value).all():
            raise ConversionError(f"{node} on the calibration data", expected="finite values", got="NaN or infinity")
        found[node.name].add(value, generator, len(batches))

    for batch in batches:
        Watched(module, seen).run(*batch)
    return found
