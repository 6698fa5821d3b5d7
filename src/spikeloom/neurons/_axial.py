"""Axial conductances between the compartments of a morphology."""

from __future__ import annotations

import torch
from torch import Tensor

from ._hines import Tree
from .morphology import END, MIDDLE, START, Morphology

_OHM = 1e4  # of an Ω cm / µm


def tree_of(morphology: Morphology, axial_resistivity: Tensor) -> Tree:
    """The conductances of a morphology in mS, `axial_resistivity` [n] in Ω cm."""
    proximal = (morphology.proximal * axial_resistivity * _OHM).tolist()
    distal = (morphology.distal * axial_resistivity * _OHM).tolist()
    parents, attached, n = morphology.parent.tolist(), morphology.attached.tolist(), len(morphology)
    sites: dict[tuple[int, float], list[int]] = {}
    for k in range(1, n):
        sites.setdefault((parents[k], attached[k]), []).append(k)
    node, up, ohms = [0], [0], [1.0]
    above = dict.fromkeys(sites, -1)
    bare = n
    for k in range(n):
        if k:
            site = (parents[k], attached[k])
            node.append(k)
            up.append(above[site])
            ohms.append(proximal[k] + (_way(site, proximal, distal) if above[site] < n else 0.0))
        for at in (START, MIDDLE, END):
            children = sites.get((k, at), [])
            above[k, at] = k
            # Where several meet, the way from the middle of the parent is theirs together.
            if len(children) > 1 and at != MIDDLE:
                node.append(bare)
                up.append(k)
                ohms.append(_way((k, at), proximal, distal))
                above[k, at] = bare
                bare += 1
    coupling = 1e3 / torch.tensor(ohms, dtype=torch.float64)
    nodes, ups = torch.tensor(node), torch.tensor(up)
    total = torch.zeros(bare, dtype=torch.float64)
    total.index_add_(0, nodes[1:], coupling[1:]).index_add_(0, ups[1:], coupling[1:])
    return Tree(n, nodes, ups, coupling, total)


def _way(site: tuple[int, float], proximal: list[float], distal: list[float]) -> float:
    """Resistance from the middle of a compartment to where others begin."""
    k, at = site
    return {START: proximal[k], MIDDLE: 0.0, END: distal[k]}[at]
