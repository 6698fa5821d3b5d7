"""The source text of kernels in which the compartments of a cell meet in a tree between two passes over them.

The first pass gives each compartment its row of the equations, a diagonal and a right side; Hines' elimination solves
them; the second pass uses the solution. Cells advance in small groups, whose eliminations overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..compile._numba_source import _HEADER, KernelSource, Pass, _indented, _over_block, statement

# What every such kernel reads besides its streams: numbers of compartments, nodes and cells of a group; nodes in order,
# each after its parent; their parents; conductances to these; sums of conductances of nodes without a compartment.
TREE = {"sizes": "int64*", "node": "int64*", "up": "int64*"}
_OF_NODES = ("coupling", "total")
# Room to work in: for compartments and for nodes.
DIAGONAL, DRIVE, SOLUTION, WORK_DIAGONAL, WORK_DRIVE = (
    "row_diagonal",
    "row_drive",
    "solution",
    "node_diagonal",
    "node_drive",
)

# Leaves first: each row is added to its parent's, so that the parent no longer knows it; then back from the root.
_ELIMINATION = """\
j = nodes - 1
while j > 0:
    here, above, g = load(node, j), load(up, j), load(coupling, j)
    o = int64(0)
    while o < members * nodes:
        inverse = one / load(node_diagonal_b, o + here)
        factor = g * inverse
        store(node_diagonal_b, o + here, inverse)
        store(node_diagonal_b, o + above, load(node_diagonal_b, o + above) - factor * g)
        store(node_drive_b, o + above, load(node_drive_b, o + above) + factor * load(node_drive_b, o + here))
        o += nodes
    j -= 1
here = load(node, int64(0))
o = int64(0)
while o < members * nodes:
    store(node_drive_b, o + here, load(node_drive_b, o + here) / load(node_diagonal_b, o + here))
    o += nodes
j = int64(1)
while j < nodes:
    here, above, g = load(node, j), load(up, j), load(coupling, j)
    o = int64(0)
    while o < members * nodes:
        drive = load(node_drive_b, o + here) + g * load(node_drive_b, o + above)
        store(node_drive_b, o + here, drive * load(node_diagonal_b, o + here))
        o += nodes
    j += 1"""

# Compartments are the first nodes; the others have no membrane, and nothing flows into them from outside.
_GATHER = """\
m = int64(0)
while m < members:
    i = int64(0)
    while i < n:
        store(node_diagonal_b, m * nodes + i, load(row_diagonal_b, m * n + i))
        store(node_drive_b, m * nodes + i, load(row_drive_b, m * n + i))
        i += 1
    while i < nodes:
        store(node_diagonal_b, m * nodes + i, load(total, i))
        store(node_drive_b, m * nodes + i, zero)
        i += 1
    m += 1"""
_SCATTER = """\
m = int64(0)
while m < members:
    i = int64(0)
    while i < n:
        store(solution_b, m * n + i, load(node_drive_b, m * nodes + i))
        i += 1
    m += 1"""


@dataclass
class TreeSource(KernelSource):
    """A kernel of two passes being written; a cell belongs to the thread that has its first compartment."""

    def __post_init__(self) -> None:
        self.arguments |= TREE | dict.fromkeys(_OF_NODES, f"{self.real}*")
        self.arguments |= dict.fromkeys((WORK_DIAGONAL, WORK_DRIVE), f"{self.real}*")

    def text(self) -> str:
        """The whole kernel."""
        parameters = ", ".join(name for name, _ in self.all_arguments())
        before, after = self.passes
        step = [
            "t = k",
            *before.rows,
            *after.rows,
            *_neurons(before),
            *_lines(_GATHER),
            *_lines(_ELIMINATION),
            *_lines(_SCATTER),
            *_neurons(after),
            "k += 1",
        ]
        group = [
            "members = min(end - cell, group)",
            "block, size = cell * n, members * n",
            *(f"{name}_b = at({name}, cell * nodes)" for name in (WORK_DIAGONAL, WORK_DRIVE)),
            *self.cells,
            "k = int64(0)",
            "while k < steps:",
            *_indented(step),
            "cell += group",
        ]
        lines = [
            "n, nodes, group = load(sizes, int64(0)), load(sizes, int64(1)), load(sizes, int64(2))",
            "cell, end = (lo + n - 1) // n, (hi + n - 1) // n",
            "while cell < end:",
            *_indented(group),
        ]
        return "\n".join([_HEADER[self.real] + f"def {self.name}({parameters}):", *_indented(lines)]) + "\n"


def _neurons(part: Pass) -> list[str]:
    return _over_block([*part.loads, *map(statement, part.body), *part.stores, "i += 1"])


def _lines(text: str) -> list[str]:
    return text.split("\n")
