"""What to keep for the backward pass: the cheapest set of values from which all that it needs can be recomputed."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping

from ._program import Instruction

_Vertex = tuple[str, int]
_Flow = defaultdict[_Vertex, dict[_Vertex, float]]


def cheapest_cut(
    steps: Mapping[str, Instruction],
    level: Mapping[str, int],
    kinds: Mapping[str, str],
    roots: Iterable[str],
    cost: Callable[[str], float],
) -> set[str]:
    """Minimum vertex cut between what a step is given and what the backward computations at `roots` use.

    Elementwise recomputation is nearly free beside memory traffic, so the cut of least size is the fastest too.
    Levels: 0 never changes, 1 belongs to the forward step, 2 depends on gradients.
    """
    capacity: _Flow = defaultdict(dict)
    source, sink = ("", 0), ("", 1)
    for name in kinds:
        if level[name] == 1:
            capacity[name, 0][name, 1] = cost(name)
            if name not in steps:
                capacity[source][name, 0] = math.inf
            for argument in steps[name].sources if name in steps else ():
                if level[argument] == 1:
                    capacity[argument, 1][name, 0] = math.inf
    for name in _used_by_backward(steps, level, roots):
        capacity[name, 1][sink] = math.inf
    reachable = _saturate(capacity, source, sink)
    return {name for name in kinds if (name, 0) in reachable and (name, 1) not in reachable and level[name] == 1}


def _used_by_backward(steps: Mapping[str, Instruction], level: Mapping[str, int], roots: Iterable[str]) -> set[str]:
    """Forward values that backward instructions read directly."""
    used: set[str] = set()
    seen: set[str] = set()
    pending = list(roots)
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if level[name] == 1:
            used.add(name)
        elif level[name] == 2 and name in steps:
            pending.extend(steps[name].sources)
    return used


def _saturate(capacity: _Flow, source: _Vertex, sink: _Vertex) -> set[_Vertex]:
    """Augment along shortest paths (Edmonds and Karp 1972); return what the source still reaches."""
    while True:
        parent = _search(capacity, source)
        if sink not in parent:
            return set(parent)
        path = []
        at = sink
        while at != source:
            path.append((parent[at], at))
            at = parent[at]
        flow = min(capacity[a][b] for a, b in path)
        for a, b in path:
            capacity[a][b] -= flow
            capacity[b][a] = capacity[b].get(a, 0.0) + flow


def _search(capacity: _Flow, source: _Vertex) -> dict[_Vertex, _Vertex]:
    parent = {source: source}
    queue = deque([source])
    while queue:
        at = queue.popleft()
        for to, left in capacity[at].items():
            if left > 0 and to not in parent:
                parent[to] = at
                queue.append(to)
    return parent
