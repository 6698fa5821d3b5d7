"""Linear equations on trees: Hines' elimination, which needs a number of operations proportional to the nodes.

A diagonal entry and a right side for each compartment; between neighbours minus a conductance, the same both ways.
Source: Hines 1984, "Efficient computation of branched nerve equations", Int. J. Bio-Medical Computing 15.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..compile._kernel import Buffers, Span
from ..compile._numba import _Compiled
from ._tree_source import DIAGONAL, DRIVE, SOLUTION, WORK_DIAGONAL, WORK_DRIVE, TreeSource

# Compartments of a group of cells: their rows stay in the second-level cache, and there are several eliminations to
# overlap wherever there are several cells.
_TOGETHER, _OVERLAP = 1024, 4


@dataclass(frozen=True, eq=False)
class Tree:
    """Nodes 0 to n - 1 are compartments, the others points without membrane where several meet.

    `node` lists all so that each comes after its parent `up`, to which it is connected by the conductance `coupling`;
    the root comes first, its `up` and `coupling` are not used. `total` is the sum of conductances of each node.
    """

    compartments: int
    node: Tensor
    up: Tensor
    coupling: Tensor
    total: Tensor

    @property
    def nodes(self) -> int:
        """The number of nodes."""
        return len(self.node)

    def matrix(self, diagonal: Tensor) -> Tensor:
        """The dense matrix [..., nodes, nodes] for the diagonal entries of compartments, [..., n]."""
        bare = self.total[self.compartments :].to(diagonal)
        matrix = torch.diag_embed(torch.cat([diagonal, bare.expand(*diagonal.shape[:-1], -1)], dim=-1))
        between = torch.zeros(self.nodes, self.nodes, dtype=torch.float64)
        between[self.node[1:], self.up[1:]] = -self.coupling[1:]
        return matrix + (between + between.T).to(diagonal)

    def streams(self, cells: int, dtype: torch.dtype) -> Buffers:
        """What a kernel reads of the tree, and room to work in."""
        n, nodes = self.compartments, self.nodes
        group = max(_OVERLAP, _TOGETHER // n)
        return {
            "sizes": torch.tensor([n, nodes, group]),
            "node": self.node,
            "up": self.up,
            "coupling": self.coupling.to(dtype),
            "total": self.total.to(dtype),
            **{name: torch.empty(cells * n, dtype=dtype) for name in (DIAGONAL, DRIVE, SOLUTION)},
            **{name: torch.empty(cells * nodes, dtype=dtype) for name in (WORK_DIAGONAL, WORK_DRIVE)},
        }


def solve_dense(tree: Tree, diagonal: Tensor, drive: Tensor) -> Tensor:
    """x of compartments, [B, n]: the definition, differentiable as PyTorch's own."""
    bare = drive.new_zeros(()).expand(*drive.shape[:-1], tree.nodes - tree.compartments)
    full: Tensor = torch.linalg.solve(tree.matrix(diagonal), torch.cat([drive, bare], dim=-1))
    return full[..., : tree.compartments]


def solve(tree: Tree, diagonal: Tensor, drive: Tensor) -> Tensor:
    """The same by elimination; differentiable once."""
    return _Solve.apply(tree, *torch.broadcast_tensors(diagonal, drive))  # type: ignore[no-any-return, no-untyped-call]


class _Solve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tree: Tree, diagonal: Tensor, drive: Tensor) -> Tensor:
        x = _eliminated(tree, diagonal, drive)
        ctx.save_for_backward(diagonal, x)
        ctx.tree = tree
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor, Tensor]:
        """The matrix is symmetric: the gradient of the right side solves the same equations."""
        diagonal, x = ctx.saved_tensors
        of_drive = _eliminated(ctx.tree, diagonal, grads[0])
        return None, -of_drive * x, of_drive


def _eliminated(tree: Tree, diagonal: Tensor, drive: Tensor) -> Tensor:
    dtype, n = drive.dtype, tree.compartments
    cells = drive.numel() // n
    x = torch.empty(1, cells * n, dtype=dtype)
    given = {"in_diagonal": diagonal, "in_drive": drive}
    rows = {name: value.detach().to(dtype).reshape(1, cells * n).contiguous() for name, value in given.items()}
    streams = {**tree.streams(cells, dtype), **rows, "out_x": x}
    _solver(str(dtype).removeprefix("torch."))(Span(1, cells * n, 1), streams, {})
    return x.view(drive.shape)


@cache
def _solver(real: str) -> _Compiled:
    """A kernel that does nothing before the elimination and nothing behind it."""
    source = TreeSource("hines", real)
    source.add_pass(())
    for name, row in (("diagonal", DIAGONAL), ("drive", DRIVE)):
        source.read_row(name, f"in_{name}", real)
        source.cell(row, None, name, real)
    source.add_pass(())
    source.cell(SOLUTION, "x", None, real)
    source.write_row("out_x", "x", real)
    return _Compiled(source)
