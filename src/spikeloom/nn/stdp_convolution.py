"""A convolution whose neurons spike at most once and learn by STDP, without labels and without a gradient."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import DTypeError, ParameterError, ShapeError
from ..plasticity import Handler, Rule, SimplifiedSTDP, TargetTime
from ._winners import Winners, precedence, winners_of
from .first_spikes import of_maps, spike_steps, spikes_at


class STDPConvolution(nn.Module):
    """Maps of integrate-and-fire neurons without leak that share weights and spike at most once in a trial.

        v_k(t) = sum of w_k over what has spiked up to t within the neuron's square,
        spike at the first step with v_k(t) >= v_th of map k

    With `inhibits`, of the neurons at one place only the first one spikes; of those in one step, the one with the
    highest potential. Calling the layer only reads it.

    `learn` changes the weights. In an image the first spike of all wins (of those in one step, the highest potential),
    takes its whole map out of the competition and all maps within `radius` of it, up to `winners` times. For each
    winner the rule's `on_post` acts on the shared weights of its map, with the traces that its inputs have left; one
    image after the other, where all images of a call meet the weights from before it: small calls are more exact. With
    `homeostasis` each win moves the thresholds as well. Rules that act on postsynaptic spikes alone are suitable.

    Shapes: [T, B, channels, H, W] of at most one spike of each neuron to [T, B, maps, H', W'], H' = H + 2 padding -
    size + 1. `weight` [maps, channels, size, size] and `v_th` [maps] are buffers. Weights begin normal, with `mean` and
    `std`, within the bounds of the rule. Raises: ShapeError, ParameterError, DTypeError.
    Source: Kheradpisheh, Ganjtabesh, Thorpe and Masquelier 2018, Neural Networks 99:56-67, sec. 2.

    >>> import torch, spikeloom as sl
    >>> layer = sl.nn.STDPConvolution(2, 8, 3, v_th=4.0, winners=2)
    >>> x = sl.coding.linear_latency(torch.rand(5, 2, 10, 10, generator=torch.Generator().manual_seed(0)), 12)
    >>> layer(x).shape, len(layer.learn(x).image)
    (torch.Size([12, 5, 8, 8, 8]), 10)
    """

    weight: Tensor
    v_th: Tensor

    def __init__(
        self,
        channels: int,
        maps: int,
        size: int,
        *,
        v_th: float,
        rule: Rule | None = None,
        padding: int = 0,
        winners: int = 5,
        radius: int | None = None,
        inhibits: bool = True,
        homeostasis: TargetTime | None = None,
        mean: float = 0.8,
        std: float = 0.05,
        seed: int = 0,
    ) -> None:
        super().__init__()
        radius = size // 2 if radius is None else radius
        if min(channels, maps, size, winners) < 1 or min(padding, radius) < 0 or not math.isfinite(v_th) or std < 0:
            got = f"{channels}, {maps}, {size}, {winners=}, {padding=}, {radius=}, {v_th=}, {std=}"
            raise ParameterError("STDPConvolution", expected="sizes >= 1, padding, radius, std >= 0", got=got)
        # Its own, lest a schedule for this layer change another.
        self.rule = _suitable(SimplifiedSTDP.preset("Kheradpisheh 2018") if rule is None else rule)._copy()
        self.padding, self.winners, self.radius, self.inhibits = padding, winners, radius, inhibits
        self.homeostasis = homeostasis
        low, high = (float(value) for value in (self.rule.w_min, self.rule.w_max))
        drawn = torch.randn(maps, channels, size, size, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("weight", (mean + std * drawn).clamp(low, high))
        self.register_buffer("v_th", torch.full((maps,), float(v_th)))

    def forward(self, x: Tensor) -> Tensor:
        """The spikes; nothing is learnt."""
        step, potential = self._first_spikes(x)
        if self.inhibits:
            rank = precedence(step, potential, len(x))
            first = rank.argmax(1, keepdim=True) == torch.arange(len(self.weight)).view(1, -1, 1, 1)
            step = torch.where(first, step, len(x))
        return spikes_at(step, len(x))

    def potential(self, x: Tensor) -> Tensor:
        """Potentials at the end of the trial, had there been no threshold: [B, maps, H', W']."""
        return self._charge(of_maps(self, x, self.weight.shape[1]).sum(0))

    @torch.no_grad()
    def learn(self, x: Tensor) -> Winners:
        """Learn from a batch of images; returns who has won."""
        step, potential = self._first_spikes(x)
        won = winners_of(step, potential, len(x), count=self.winners, radius=self.radius)
        times = F.pad(spike_steps(x), [self.padding] * 4, value=len(x))
        for turn in _turns(won.map):
            self._change(Winners(*(part[turn] for part in won)), times)
        if self.homeostasis is not None:
            for winner, t in zip(won.map.tolist(), won.step.tolist(), strict=True):
                self.v_th = self.homeostasis.update(self.v_th, winner=winner, t=t / len(x))
        return won

    def shuffle(self, seed: int) -> None:
        """Put the weights of each map into a random order: the same values, without what they have learnt."""
        generator, weight = torch.Generator().manual_seed(seed), self.weight.flatten(1)
        order = torch.stack([torch.randperm(weight.shape[1], generator=generator) for _ in weight])
        self.weight = weight.gather(1, order).view_as(self.weight)

    @property
    def convergence(self) -> float:
        """Mean of w (1 - w), of weights as shares of their range: 0 where all are at a bound, at most 1/4."""
        low, high = (float(value) for value in (self.rule.w_min, self.rule.w_max))
        share = (self.weight - low) / (high - low)
        return float((share * (1 - share)).mean())

    def extra_repr(self) -> str:
        """Sizes and rule."""
        maps, channels, size, _ = self.weight.shape
        return f"{channels}, {maps}, {size}, padding={self.padding}, rule={type(self.rule).__name__}"

    def _charge(self, spikes: Tensor) -> Tensor:
        return F.conv2d(spikes, self.weight.to(spikes.dtype), padding=self.padding)

    def _first_spikes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of each neuron the step of its spike, T where it is silent, and its potential then; [B, maps, H', W']."""
        of_maps(self, x, self.weight.shape[1])
        size = self.weight.shape[2]
        if min(x.shape[3:]) + 2 * self.padding < size:
            expected, got = f"maps that hold a square of {size}", f"{list(x.shape[3:])}, padding {self.padding}"
            raise ShapeError("input of STDPConvolution", expected=expected, got=got)
        if not bool(((x == 0) | (x == 1)).all()) or bool((x.sum(0) > 1).any()):
            do = "encode by latency, for example with sl.coding.LinearLatency"
            raise ParameterError("input of STDPConvolution", expected="0/1, one spike of a neuron", got="else", do=do)
        v_th = self.v_th.to(x.dtype).view(-1, 1, 1)
        v = self._charge(x[0])
        step, potential = torch.full_like(v, len(x)), torch.zeros_like(v)
        for t in range(len(x)):
            if t and bool(x[t].any()):
                v = v + self._charge(x[t])
            now = (v >= v_th) & (step == len(x))
            step, potential = step.masked_fill_(now, t), torch.where(now, v, potential)
        return step, potential

    def _change(self, won: Winners, times: Tensor) -> None:
        """The rule at winners of different maps; `times` are the steps of the input's spikes, [B, channels, H, W]."""
        square = torch.arange(self.weight.shape[2])
        channel = torch.arange(self.weight.shape[1]).view(1, -1, 1, 1)
        rows, columns = won.row.view(-1, 1) + square, won.column.view(-1, 1) + square
        seen = times[won.image.view(-1, 1, 1, 1), channel, rows[:, None, :, None], columns[:, None, None, :]]
        ago = (won.step.view(-1, 1, 1, 1) - seen).to(self.weight)
        values = self.rule.param_values() | self._traces(ago) | {"w": self.weight[won.map], "spiked": torch.ones(())}
        bound = {name: torch.as_tensor(value, dtype=self.weight.dtype) for name, value in values.items()}
        self.weight[won.map] = Handler(self.rule, "on_post").step(bound)["w"]

    def _traces(self, ago: Tensor) -> dict[str, Tensor]:
        """What spikes so many steps ago have left; one in the same step counts, one to come, < 0, not yet."""
        rule, dt = self.rule, float(self.rule.dt)
        empty = {name: torch.as_tensor(value) for name, value in rule.param_values().items()}
        empty |= {name: torch.zeros(()) for name in rule.pre_traces}
        jumps = Handler(rule, "pre_spike").step(empty) if rule.pre_traces else {}
        traces = {name: torch.zeros_like(ago) for name in rule.post_traces}
        for name, trace in rule.pre_traces.items():
            left = jumps[name] * torch.exp(-ago.clamp(min=0.0) * dt / rule.time_constant(trace))
            traces[name] = torch.where(ago >= 0, left, 0.0)
        return traces


def _turns(maps: Tensor) -> list[Tensor]:
    """Indices of the first win of each map, of the second one, ...: a turn is one step, as maps share no weights."""
    wins: dict[int, int] = {}
    turns: list[list[int]] = []
    for index, number in enumerate(maps.tolist()):
        turn = wins.get(number, 0)
        wins[number] = turn + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(index)
    return [torch.tensor(turn) for turn in turns]


def _suitable(rule: Rule) -> Rule:
    """The rule, if it can be stated for one spike of each neuron by what happens at the postsynaptic one."""
    if not isinstance(rule, Rule):
        raise DTypeError("rule of STDPConvolution", expected="a rule of sl.plasticity", got=repr(rule))
    acts, more = rule.handlers(), (*rule.synapse_states, *rule.post_states, *rule.noises, *rule.inputs)
    if acts != ("on_post",) or more:
        got = f"{type(rule).__name__}, on {', '.join(acts)}" + (f", with {', '.join(more)}" if more else "")
        do = "for example sl.plasticity.SimplifiedSTDP"
        expected = "one that acts on postsynaptic spikes alone"
        raise ParameterError("rule of STDPConvolution", expected=expected, got=got, do=do)
    low, high = float(rule.w_min), float(rule.w_max)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ParameterError("rule of STDPConvolution", expected="finite w_min < w_max", got=f"{low:g} and {high:g}")
    return rule
