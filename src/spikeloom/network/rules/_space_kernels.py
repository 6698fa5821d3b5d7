"""The kernels of rules that depend on where neurons are, in the kernel language (see `network/_words.py`)."""

from __future__ import annotations

from typing import Any

from ...compile import layout
from .._draw_kernels import EXTRA, PAIRS, chance, distance, fine_chance
from .._words import exp64, float64_at, int32, int32_at, int64, int64_at, load, log64, math, store, word
from ._kernels import RULE, passed_on, put

CONVOLUTION = layout(
    # Of sources, of targets and of the kernel: channels and three sizes.
    "pre",
    "post",
    "kernel",  # its first entry counts the channels of targets
    "stride",
    "padding",
)


def convolution(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Each source with the targets whose window it is in; the index is the place in the kernel."""
    own, first = int64_at(load(table, RULE.own)), load(table, RULE.first_target)
    last = load(table, RULE.last_target)
    pre, post = int64_at(load(own, CONVOLUTION.pre)), int64_at(load(own, CONVOLUTION.post))
    kernel, stride = int64_at(load(own, CONVOLUTION.kernel)), int64_at(load(own, CONVOLUTION.stride))
    padding = int64_at(load(own, CONVOLUTION.padding))
    channels, depth, height, width = load(kernel, 0), load(kernel, 1), load(kernel, 2), load(kernel, 3)
    full = int64(0)
    source = lo
    while source < hi:
        x = source % load(pre, 3)
        y = (source // load(pre, 3)) % load(pre, 2)
        z = (source // (load(pre, 3) * load(pre, 2))) % load(pre, 1)
        channel = source // (load(pre, 3) * load(pre, 2) * load(pre, 1))
        cell = int64(0)
        while cell < channels * depth * height * width:
            # Where the window begins, counted from the padding.
            c = z + load(padding, 0) - (cell // (width * height)) % depth
            b = y + load(padding, 1) - (cell // width) % height
            a = x + load(padding, 2) - cell % width
            fits = (a >= 0) & (b >= 0) & (c >= 0)
            fits &= (c % load(stride, 0) == 0) & (b % load(stride, 1) == 0) & (a % load(stride, 2) == 0)
            c, b, a = c // load(stride, 0), b // load(stride, 1), a // load(stride, 2)
            if fits & (c < load(post, 1)) & (b < load(post, 2)) & (a < load(post, 3)):
                out = cell // (depth * height * width)
                target = ((out * load(post, 1) + c) * load(post, 2) + b) * load(post, 3) + a
                if (target >= first) & (target < last):
                    place = (out * load(pre, 0) + channel) * depth * height * width + cell % (depth * height * width)
                    full = put(table, full, source, target, source, place)
            cell += 1
        source += 1
    passed_on(table, full)


# Kinds of profiles.
GAUSSIAN, DECAY, DISC = range(3)


def profile_over(kind: Any, numbers: Any, ways: Any, count: Any) -> None:
    """In place of distances, the probabilities of a synapse over them."""
    p, width = load(numbers, 0), load(numbers, 1)
    k = int64(0)
    if kind == GAUSSIAN:
        while k < count:
            way = load(ways, k) / width
            store(ways, k, p * exp64(-0.5 * way * way))
            k += 1
    elif kind == DECAY:
        while k < count:
            store(ways, k, p * exp64(-load(ways, k) / width))
            k += 1
    else:
        while k < count:
            store(ways, k, p if load(ways, k) <= width else 0.0)
            k += 1


def probabilities(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """The profile at `hi` distances: kind, two numbers, distances, which become probabilities."""
    profile_over(load(table, 0), float64_at(load(table, 1)), float64_at(load(table, 2)), hi)


NEARBY = layout(
    "pre_positions",  # [n, 3]
    "post_positions",  # in groups
    "box",
    "kind",
    "numbers",
    "excluded",
    "order",  # targets in groups, by where they are
    "groups",
    "corners",  # of each group: lowest and highest coordinates
    "spans",  # of each group: the first target and the last
    "bounds",  # room: of each group, what no probability exceeds
    "skips",  # room: of each group, how many targets its first draw leaves out
    "chances",  # room: of the targets of a group
)
# Targets in a group.
GROUP = 64


def nearby(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Each source with the targets of near groups, each with the probability of its distance."""
    own, seed = int64_at(load(table, RULE.own)), word(load(table, RULE.seed))
    n, first, last = load(table, RULE.n_post), load(table, RULE.first_target), load(table, RULE.last_target)
    pre, post = float64_at(load(own, NEARBY.pre_positions)), float64_at(load(own, NEARBY.post_positions))
    box, kind = float64_at(load(own, NEARBY.box)), load(own, NEARBY.kind)
    numbers, excluded = float64_at(load(own, NEARBY.numbers)), int64_at(load(own, NEARBY.excluded))
    order, spans = int32_at(load(own, NEARBY.order)), int32_at(load(own, NEARBY.spans))
    corners, groups = float64_at(load(own, NEARBY.corners)), load(own, NEARBY.groups)
    bounds, chances = float64_at(load(own, NEARBY.bounds)), float64_at(load(own, NEARBY.chances))
    skips = int64_at(load(own, NEARBY.skips))
    full = int64(0)
    source = lo
    while source < hi:
        self_ = load(excluded, source) if load(own, NEARBY.excluded) != 0 else n
        group = int64(0)
        while group < groups:
            store(bounds, group, gap(pre, source, corners, group, box))
            group += 1
        profile_over(kind, numbers, bounds, groups)
        group = int64(0)
        while group < groups:
            u = fine_chance(seed, int32(PAIRS), int32(source), int32(group * GROUP))
            store(skips, group, int64(min(log64(u) / log64(1.0 - load(bounds, group)), 4e9)))
            group += 1
        group = int64(0)
        while group < groups:
            bound = load(bounds, group)
            k, end = group * GROUP, min(group * GROUP + GROUP, n)
            here = (int64(load(spans, 2 * group)) < last) & (int64(load(spans, 2 * group + 1)) >= first)
            if here & (bound > 0.05):
                # Each target by itself.
                begin, k = k, int64(0)
                while k < end - begin:
                    store(chances, k, distance(pre, source, post, begin + k, box))
                    k += 1
                profile_over(kind, numbers, chances, end - begin)
                k = int64(0)
                while k < end - begin:
                    u = chance(seed, int32(PAIRS), int32(source), int32(begin + k))
                    store(chances, k, load(chances, k) - u)
                    k += 1
                k = int64(0)
                while k < end - begin:
                    if load(chances, k) > 0.0:
                        target = int64(load(order, begin + k))
                        if (target >= first) & (target < last) & (target != self_):
                            full = put(table, full, source, target, source, target)
                    k += 1
            elif here & (bound > 1e-12):
                # Candidates, which are then taken by their distance; what is less likely than 1e-12 does not occur.
                k += load(skips, group)
                while k < end:
                    target = int64(load(order, k))
                    if (target >= first) & (target < last) & (target != self_):
                        store(chances, 0, distance(pre, source, post, k, box))
                        profile_over(kind, numbers, chances, int64(1))
                        if chance(seed, int32(EXTRA), int32(source), int32(k)) * bound < load(chances, 0):
                            full = put(table, full, source, target, source, target)
                    k += 1
                    u = fine_chance(seed, int32(PAIRS), int32(source), int32(k))
                    k += int64(min(log64(u) / log64(1.0 - bound), 4e9))
            group += 1
        source += 1
    passed_on(table, full)


def gap(pre: Any, source: Any, corners: Any, group: Any, box: Any) -> Any:
    """No more than the distance between a source and any neuron of a group."""
    total = 0.0
    axis = int64(0)
    while axis < 3:
        x = load(pre, 3 * source + axis)
        low, high = load(corners, 6 * group + axis), load(corners, 6 * group + 3 + axis)
        period = load(box, axis)
        way = max(low - x, x - high, 0.0)
        if period > 0.0:
            way = min(way, max(low - x - period, x + period - high, 0.0))
            way = min(way, max(low - x + period, x - period - high, 0.0))
        total += way * way
        axis += 1
    # A little less, so that rounding makes no neuron nearer than this.
    return math.sqrt(total) * 0.999999999
