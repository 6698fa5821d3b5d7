"""The shape of a neuron: a tree of compartments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from ..errors import DTypeError, ParameterError, ShapeError, UnknownNameError

Numbers = Tensor | Sequence[float]

# Where on its parent a compartment begins.
START, MIDDLE, END = 0.0, 0.5, 1.0


@dataclass(frozen=True)
class Branch:
    """An unbranched cylinder of `n` equal compartments; `parent` is the index of an earlier branch.

    It begins at the end of its parent, or with `attached=0.5` at the middle and with `attached=0.0` at the start of the
    parent's last and first compartment. Units: length and diameter in µm.
    """

    length: float
    diameter: float
    n: int = 1
    _: KW_ONLY
    parent: int | None = None
    region: str = "dendrite"
    attached: float = END


class Morphology:
    """A tree of compartments, each with length, diameter, parent and the name of a region.

    Compartment 0 is the root, with parent -1; every other has a parent before it. A compartment begins at the end of
    its parent (`attached` 1), at its middle (0.5, for what grows out of a soma, whose inside has one potential) or, for
    branches of the root alone, at its start (0). Its potential is that of its middle. Compartments that begin at the
    same end meet there in a point without membrane, so that a branching tree is as exact as a cable.

    Without `area`, `proximal` and `distal`, compartments are cylinders: membrane area pi d L without the ends, axial
    resistance of each half 2 L / (pi d^2) per resistivity. Files of real cells give these three instead, and then the
    diameter is that of the cylinder of equal area.

    Shapes: [n] each; `ends` [n, 2, 3] are places in space, for pictures. Units: µm, µm^2, 1/µm.
    Raises: ShapeError, ParameterError, DTypeError.

    >>> fork = Morphology.of([Branch(50.0, 2.0, 5), Branch(30.0, 1.0, 3, parent=0), Branch(30.0, 1.0, 3, parent=0)])
    >>> len(fork), fork.parent.tolist()
    (11, [-1, 0, 1, 2, 3, 4, 5, 6, 4, 8, 9])
    """

    def __init__(
        self,
        length: Numbers,
        diameter: Numbers,
        parent: Tensor | Sequence[int],
        region: str | Sequence[str],
        *,
        attached: Numbers | None = None,
        area: Numbers | None = None,
        proximal: Numbers | None = None,
        distal: Numbers | None = None,
        ends: Tensor | None = None,
    ) -> None:
        self.length, self.diameter = _positive("length", length), _positive("diameter", diameter)
        n = len(self.length)
        if len(self.diameter) != n:
            raise ShapeError("diameter of Morphology", expected=f"{n} values, as length", got=len(self.diameter))
        half = 2 * self.length / (math.pi * self.diameter**2)
        self.area = math.pi * self.diameter * self.length if area is None else _positive("area", area)
        self.proximal = half if proximal is None else _positive("proximal", proximal)
        self.distal = half if distal is None else _positive("distal", distal)
        self.parent = torch.as_tensor(parent, dtype=torch.int64)
        self.region = (region,) * n if isinstance(region, str) else tuple(region)
        self.attached = torch.full((n,), END, dtype=torch.float64) if attached is None else _double(attached)
        self.ends = ends
        self._verify()

    def _verify(self) -> None:
        n = len(self.length)
        for name in ("parent", "region", "attached", "area", "proximal", "distal"):
            value = getattr(self, name)
            if len(value) != n or (isinstance(value, Tensor) and value.dim() != 1):
                got = list(value.shape) if isinstance(value, Tensor) else len(value)
                raise ShapeError(f"{name} of Morphology", expected=f"one value for each of {n} compartments", got=got)
        for k, (parent, at) in enumerate(zip(self.parent.tolist(), self.attached.tolist(), strict=True)):
            if (k == 0) != (parent == -1) or not -1 <= parent < max(k, 1):
                expected = "-1" if k == 0 else f"one of the compartments before it, 0 to {k - 1}"
                do = "order compartments so that each comes after its parent"
                raise ParameterError(f"parent of compartment {k}", expected=expected, got=parent, do=do)
            if at not in (START, MIDDLE, END) or (at == START and parent > 0):
                expected = "1 (end of the parent), 0.5 (its middle) or, where the parent is the root, 0 (its start)"
                do = "the start of a compartment is the end of its parent" if at == START else ""
                raise ParameterError(f"attached of compartment {k}", expected=expected, got=at, do=do)

    def __len__(self) -> int:
        return len(self.length)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.region.count(name)} {name}" for name in dict.fromkeys(self.region))
        return f"<Morphology: {len(self)} compartments ({counts}), {float(self.length.sum()):.6g} µm>"

    @classmethod
    def cylinder(cls, length: float, diameter: float, n: int, *, region: str = "axon") -> Morphology:
        """One cylinder of `n` equal compartments.

        >>> Morphology.cylinder(1000.0, 2.0, 50)
        <Morphology: 50 compartments (50 axon), 1000 µm>
        """
        return cls.of([Branch(length, diameter, n, region=region)])

    @classmethod
    def soma_and_dendrites(cls, soma: float, dendrites: Sequence[Branch]) -> Morphology:
        """A soma of diameter `soma` in one compartment and dendrites; those without a parent grow out of the soma.

        The soma is a cylinder as long as it is wide, which has the area of the sphere. `parent` counts dendrites.

        >>> Morphology.soma_and_dendrites(20.0, [Branch(300.0, 2.0, 10), Branch(100.0, 1.0, 5, parent=0)])
        <Morphology: 16 compartments (1 soma, 15 dendrite), 420 µm>
        """
        grown = [
            Branch(b.length, b.diameter, b.n, parent=0, region=b.region, attached=MIDDLE)
            if b.parent is None
            else Branch(b.length, b.diameter, b.n, parent=b.parent + 1, region=b.region, attached=b.attached)
            for b in dendrites
        ]
        return cls.of([Branch(soma, soma, 1, region="soma"), *grown])

    @classmethod
    def of(cls, branches: Sequence[Branch]) -> Morphology:
        """The tree of some branches, of which the first is the root.

        >>> Morphology.of([Branch(10.0, 10.0, region="soma"), Branch(100.0, 1.0, 4, parent=0, attached=0.5)])
        <Morphology: 5 compartments (1 soma, 4 dendrite), 110 µm>
        """
        length: list[float] = []
        diameter: list[float] = []
        parent: list[int] = []
        region: list[str] = []
        attached: list[float] = []
        firsts: list[int] = []
        lasts: list[int] = []
        for k, branch in enumerate(branches):
            _verify_branch(k, branch)
            first = len(length)
            firsts.append(first)
            lasts.append(first + branch.n - 1)
            ends = firsts if branch.attached == START else lasts
            length += [branch.length / branch.n] * branch.n
            diameter += [branch.diameter] * branch.n
            parent += [-1 if branch.parent is None else ends[branch.parent], *range(first, lasts[-1])]
            region += [branch.region] * branch.n
            attached += [branch.attached, *[END] * (branch.n - 1)]
        return cls(length, diameter, parent, region, attached=attached)

    @property
    def regions(self) -> tuple[str, ...]:
        """The names of its regions, in order of appearance."""
        return tuple(dict.fromkeys(self.region))

    def indices(self, region: str) -> Tensor:
        """The compartments of a region. Raises: UnknownNameError.

        >>> Morphology.soma_and_dendrites(20.0, [Branch(300.0, 2.0, 3)]).indices("dendrite")
        tensor([1, 2, 3])
        """
        if region not in self.region:
            raise UnknownNameError(f"{self!r} has no region {region!r}", region, self.regions)
        return torch.tensor([k for k, name in enumerate(self.region) if name == region])

    def compartment(self, where: int | str) -> int:
        """The index of one compartment, given as such or as the name of a region that has no other.

        Raises: UnknownNameError, ParameterError, DTypeError.
        """
        if isinstance(where, str):
            found = self.indices(where).tolist()
            if len(found) > 1:
                do = f"choose one of them, for example indices({where!r})[0]"
                raise ParameterError(f"region {where!r}", expected="one compartment", got=len(found), do=do)
            return int(found[0])
        try:
            index = range(len(self))[where]
        except TypeError as error:
            raise DTypeError("compartment", expected="an index or a region", got=repr(where)) from error
        except IndexError as error:
            raise ParameterError("compartment", expected=f"an index below {len(self)}", got=where) from error
        return index

    def distances(self) -> Tensor:
        """Way along the tree from the middle of the root to that of each compartment, in µm; [n]."""
        length, attached = self.length.tolist(), self.attached.tolist()
        found = [0.0]
        for k in range(1, len(self)):
            parent = int(self.parent[k])
            out = 0.0 if attached[k] == MIDDLE else length[parent] / 2
            found.append(found[parent] + out + length[k] / 2)
        return torch.tensor(found, dtype=torch.float64)


def _verify_branch(k: int, branch: Branch) -> None:
    what = f"branch {k}"
    if not isinstance(branch, Branch):
        raise DTypeError(what, expected="a Branch", got=repr(branch), do="for example Branch(100.0, 2.0, 10)")
    if isinstance(branch.n, bool) or not isinstance(branch.n, int) or branch.n < 1:
        raise ParameterError(f"n of {what}", expected="at least one compartment", got=repr(branch.n))
    if (k == 0) != (branch.parent is None) or (branch.parent is not None and not 0 <= branch.parent < k):
        expected = "none, since it is the root" if k == 0 else f"one of the branches 0 to {k - 1}"
        raise ParameterError(f"parent of {what}", expected=expected, got=branch.parent)


def _double(value: Numbers) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64)


def _positive(name: str, value: Numbers) -> Tensor:
    numbers = _double(value)
    if numbers.dim() != 1 or not len(numbers):
        raise ShapeError(f"{name} of Morphology", expected="[n], one per compartment", got=list(numbers.shape))
    bad = ~(torch.isfinite(numbers) & (numbers > 0))
    if bool(bad.any()):
        k = int(bad.nonzero()[0])
        raise ParameterError(f"{name} of compartment {k}", expected="a number > 0", got=float(numbers[k]))
    return numbers
