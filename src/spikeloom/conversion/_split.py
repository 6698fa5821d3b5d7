"""Where a converted network ends to spike."""

from __future__ import annotations

from collections.abc import Sequence

from torch import fx

from ..errors import ParameterError, UnknownNameError


def behind(places: Sequence[fx.Node], until: Sequence[str], name: str) -> frozenset[str]:
    """Nodes that depend on the named places of a graph, by name. Raises: UnknownNameError, ParameterError."""
    spelled = {node: str(node.target) if node.op == "call_module" else node.name for node in places}
    chosen = [node for node in places if node.name in until or spelled[node] in until]
    for each in until:
        if each not in spelled.values() and each not in {node.name for node in places}:
            raise UnknownNameError(f"place to split {name} at", each, spelled.values())
    if not chosen:
        expected = f"one or more of {', '.join(spelled.values())}" if places else "a network with neurons"
        raise ParameterError(f"places to split {name} at", expected=expected, got="none")
    found: set[fx.Node] = set()
    for node in chosen[0].graph.nodes:
        if any(arg in found or arg in chosen for arg in node.all_input_nodes):
            found.add(node)
    both = [spelled[node] for node in chosen if node in found]
    if both:
        expected = "none that depends on another"
        raise ParameterError(f"places to split {name} at", expected=expected, got=", ".join(both))
    return frozenset(node.name for node in found)
