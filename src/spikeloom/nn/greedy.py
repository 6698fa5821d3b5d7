"""Greedy learning of a stack: layer after layer, each on the spikes of those below, which learn no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ParameterError
from .stdp_convolution import STDPConvolution

# Told layer, number of images that it has learnt from, and the batch that it learns from next.
Schedule = Callable[[STDPConvolution, int], None]


@torch.no_grad()
def learn_greedily(
    stack: nn.Sequential,
    batches: Callable[[int], Iterable[Tensor]],
    *,
    passes: int = 1,
    schedule: Schedule | None = None,
    only: int | None = None,
) -> None:
    """Let the `STDPConvolution` layers of a stack learn, the lowest first, each in `passes` passes over the batches.

    `batches(number)` gives what the stack takes, in pass `number` of a layer. `schedule(layer, seen)` is called before
    each batch with the images that the layer has learnt from so far, and may set parameters of `layer.rule`; see
    `Doubling`. `only` lets one layer learn, by its place in the stack.
    Raises: ParameterError (no layer that learns).

    >>> import torch, spikeloom as sl
    >>> layers = [sl.nn.STDPConvolution(1, 4, 3, v_th=3.0), sl.nn.STDPConvolution(4, 6, 3, v_th=3.0)]
    >>> stack = torch.nn.Sequential(sl.coding.LinearLatency(10), *layers)
    >>> images = torch.rand(12, 1, 8, 8)
    >>> sl.nn.learn_greedily(stack, lambda number: images.split(4), schedule=sl.nn.Doubling(every=4))
    >>> layers[0].rule.a_plus  # doubled after 4 and after 8 images
    tensor(0.0160, dtype=torch.float64)
    """
    places = [i for i, part in enumerate(stack) if isinstance(part, STDPConvolution) and only in (None, i)]
    if not places:
        raise ParameterError("stack of learn_greedily", expected="an sl.nn.STDPConvolution that learns", got="none")
    for place in places:
        below, layer, seen = stack[:place], stack[place], 0
        assert isinstance(layer, STDPConvolution)
        for number in range(passes):
            for batch in batches(number):
                if schedule is not None:
                    schedule(layer, seen)
                x = below(batch)
                layer.learn(x)
                seen += x.shape[1]


@torch.no_grad()
def pooled_potentials(stack: nn.Sequential, x: Tensor, *, grid: int = 1, batch: int = 100) -> Tensor:
    """Features for a classifier: the potentials at the end of the trial that the maps of a stack's last layer would
    have without a threshold, the greatest in each of `grid` x `grid` parts of a map.

    Shapes: x [n, ...], images that the stack encodes; the last layer, an `STDPConvolution`, has M maps; [n, M grid^2].
    Source: Kheradpisheh et al. 2018, sec. 2.5, which takes the greatest of the whole map, grid = 1.

    >>> import torch, spikeloom as sl
    >>> stack = torch.nn.Sequential(sl.coding.LinearLatency(10), sl.nn.STDPConvolution(1, 4, 3, v_th=2.0))
    >>> sl.nn.pooled_potentials(stack, torch.rand(7, 1, 8, 8), grid=2).shape
    torch.Size([7, 16])
    """
    below, last = stack[:-1], stack[-1]
    if not isinstance(last, STDPConvolution):
        do = "give a part of it, such as stack[:3]"
        raise ParameterError("last layer of the stack", expected="an STDPConvolution", got=type(last).__name__, do=do)
    return torch.cat([F.adaptive_max_pool2d(last.potential(below(b)), grid).flatten(1) for b in torch.split(x, batch)])


class Doubling:
    """A schedule: `a_plus` of a layer's rule doubles after each `every` images up to `most`, `a_minus` in proportion.

    It goes on from the values that the layer's rule has at its first batch. Raises: ParameterError.
    Source: Kheradpisheh et al. 2018 (slow at first, lest neurons settle early); 500 and 0.15 as in SpykeTorch.
    """

    def __init__(self, every: int = 500, most: float = 0.15) -> None:
        if every < 1 or not most > 0:
            raise ParameterError("Doubling", expected="every >= 1 and most > 0", got=f"{every} and {most:g}")
        self.every, self.most = every, most
        self._begun: dict[int, tuple[float, float]] = {}

    def __call__(self, layer: STDPConvolution, seen: int) -> None:
        rule = layer.rule
        if not seen:
            self._begun[id(layer)] = float(rule.a_plus), float(rule.a_minus)  # type: ignore[attr-defined]
        plus, minus = self._begun[id(layer)]
        factor = max(1.0, min(2.0 ** (seen // self.every), self.most / plus))
        rule.assign("a_plus", factor * plus)
        rule.assign("a_minus", factor * minus)
