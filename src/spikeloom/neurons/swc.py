"""Morphologies from SWC files: seven columns per point, as digital reconstructions of cells are exchanged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from ..errors import DataError, ParameterError
from ._frusta import Cut, cut, lateral_area
from .morphology import END, MIDDLE, START, Morphology

_COLUMNS = ("id", "type", "x", "y", "z", "radius", "parent")
_SOMA = 1
_REGIONS = {0: "undefined", _SOMA: "soma", 2: "axon", 3: "dendrite", 4: "apical"}
# How far, in radii, the two other points of a three-point soma may lie from where they belong.
_LOOSE = 0.05
# Compartments of a branch, beyond which the numbers are no cell's.
_MOST = 1_000_000


@dataclass(frozen=True)
class _Point:
    line: int
    kind: int
    place: tuple[float, float, float]
    radius: float
    parent: int


@dataclass(frozen=True)
class _Run:
    """An unbranched run of points of one type, and where it begins: the run before it (-1: none) and its end there."""

    points: list[int]
    before: int
    attached: float


def read_swc(path: str | Path, *, longest: float = 20.0) -> Morphology:
    r"""The morphology in an SWC file, in compartments not longer than `longest` µm.

    Lines of id, type, x, y, z, radius and parent in µm; `#` begins a comment. Regions are named by type: soma (1),
    axon (2), dendrite (3), apical (4), undefined (0), else type5 and so on. Points may stand in any order, so a parent
    may come after its child. An unbranched run of one type is divided into equal compartments that keep the area and
    the axial resistance of its truncated cones.

    The soma is one compartment, from whose middle everything grows. A single point becomes the cylinder, as long as
    wide, that has the area of the sphere; so do the three points of the convention of NeuroMorpho.Org, two of them one
    radius to either side of the first. More points are truncated cones whose areas add up. What grows out of the soma
    begins at its own first point; a run of a single point begins at the soma's, with its own radius. Without a soma
    the first point is where the runs that begin there meet.

    Units: µm. Raises: DataError, with file and line, for a file that is damaged; ParameterError for `longest`.
    Source: Cannon, Turner, Pyapali and Wheal 1998, J. Neurosci. Methods 84, the format; NeuroMorpho.Org, "Soma
    format representation", the soma of three points. How runs are divided and where they begin is ours.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "cell.swc"
    ...     _ = file.write_text("1 1 0 0 0 10 -1\n2 3 10 0 0 1 1\n3 3 110 0 0 1 2\n")
    ...     read_swc(file)
    <Morphology: 6 compartments (1 soma, 5 dendrite), 120 µm>
    """
    if not longest > 0:
        raise ParameterError("longest of read_swc", expected="a length > 0 µm", got=longest)
    points = _read(Path(path))
    root = _root(Path(path), points)
    children: dict[int, list[int]] = {name: [] for name in points}
    for name, point in points.items():
        if name != root:
            children[point.parent].append(name)
    _verify_reachable(Path(path), points, children, root)
    _verify_soma(Path(path), points, root)
    return _assembled(Path(path), points, children, root, longest)


def _damaged(path: Path, line: int, what: str, expected: str, got: object, do: str) -> DataError:
    return DataError(f"{path}, line {line}: {what}", expected=expected, got=got, do=do)


def _read(path: Path) -> dict[int, _Point]:
    """Points by id."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise DataError(str(path), expected="an SWC file", got=error.strerror, do="check the path") from error
    points: dict[int, _Point] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        name, point = _parsed(path, number, words)
        if name in points:
            got = f"{name}, as in line {points[name].line}"
            raise _damaged(path, number, "id", "one that is not used before", got, "remove or renumber one of them")
        points[name] = point
    if not points:
        raise DataError(str(path), expected="at least one point", got="none", do="the file may be cut off")
    return points


def _parsed(path: Path, line: int, words: list[str]) -> tuple[int, _Point]:
    if len(words) != len(_COLUMNS):
        expected = f"{len(_COLUMNS)} columns ({' '.join(_COLUMNS)})"
        raise _damaged(path, line, "row", expected, f"{len(words)}: {' '.join(words)!r}", "the line may be cut off")
    numbers = {}
    for column, word in zip(_COLUMNS, words, strict=True):
        whole = column in ("id", "type", "parent")
        try:
            numbers[column] = int(word) if whole else float(word)
        except ValueError:
            numbers[column] = math.nan
        if not math.isfinite(numbers[column]):
            expected = "a whole number" if whole else "a finite number"
            raise _damaged(path, line, column, expected, repr(word), "correct it")
    if numbers["radius"] <= 0:
        raise _damaged(path, line, "radius", "a radius > 0 µm", words[5], "correct it, or remove the point")
    for column, least in (("id", 0), ("type", 0), ("parent", -1)):
        if numbers[column] < least:
            raise _damaged(path, line, column, f"at least {least}", words[_COLUMNS.index(column)], "correct it")
    place = (numbers["x"], numbers["y"], numbers["z"])
    return int(numbers["id"]), _Point(line, int(numbers["type"]), place, numbers["radius"], int(numbers["parent"]))


def _root(path: Path, points: dict[int, _Point]) -> int:
    roots = [name for name, point in points.items() if point.parent == -1]
    if not roots:
        raise DataError(str(path), expected="one root, a point with parent -1", got="none", do="find the cycle")
    if len(roots) > 1:
        line = points[roots[1]].line
        got = f"a second root, after that of line {points[roots[0]].line}"
        raise _damaged(path, line, "parent", "one root", got, "split the file, one cell each, or connect them")
    for point in points.values():
        if point.parent != -1 and point.parent not in points:
            do = "the file may be cut off"
            raise _damaged(path, point.line, "parent", "the id of a point", f"{point.parent}, which is none", do)
    return roots[0]


def _verify_reachable(path: Path, points: dict[int, _Point], children: dict[int, list[int]], root: int) -> None:
    """What the root does not lead to hangs on a cycle."""
    seen, pending = set[int](), [root]
    while pending:
        name = pending.pop()
        seen.add(name)
        pending += children[name]
    for name, point in points.items():
        if name not in seen:
            got = f"{point.parent}, whose parents lead back to it in a cycle"
            raise _damaged(path, point.line, "parent", "one that leads to the root", got, "correct the parents")


def _verify_soma(path: Path, points: dict[int, _Point], root: int) -> None:
    if points[root].kind == _SOMA:
        return
    for point in points.values():
        if point.kind == _SOMA:
            got = f"a soma, where the root in line {points[root].line} is none"
            raise _damaged(path, point.line, "type", "a soma that is the root", got, "renumber from the soma outward")


def _assembled(
    path: Path, points: dict[int, _Point], children: dict[int, list[int]], root: int, longest: float
) -> Morphology:
    soma = [name for name, point in points.items() if point.kind == _SOMA]
    runs = list(_runs(path, points, children, root, set(soma)))
    pieces = [_soma(path, points, soma, root)] if soma else []
    parent, attached, region = [-1] * len(pieces), [END] * len(pieces), ["soma"] * len(pieces)
    firsts, lasts = [], []
    for run in runs:
        piece = _divided(path, points, run, longest, from_soma=bool(soma) and run.before == -1)
        first, n = len(parent), len(piece.length)
        firsts.append(first)
        lasts.append(first + n - 1)
        up = -1 if first == 0 else 0
        if run.before >= 0:
            up = firsts[run.before] if run.attached == START else lasts[run.before]
        parent += [up, *range(first, first + n - 1)]
        attached += [run.attached, *[END] * (n - 1)]
        kind = points[run.points[-1]].kind
        region += [_REGIONS.get(kind, f"type{kind}")] * n
        pieces.append(piece)
    length, area, proximal, distal, ends = (
        torch.from_numpy(np.concatenate([getattr(piece, name) for piece in pieces]))
        for name in ("length", "area", "proximal", "distal", "ends")
    )
    diameter = area / (math.pi * length)
    return Morphology(
        length, diameter, parent, region, attached=attached, area=area, proximal=proximal, distal=distal, ends=ends
    )


def _runs(
    path: Path, points: dict[int, _Point], children: dict[int, list[int]], root: int, soma: set[int]
) -> Iterator[_Run]:
    """Each after the one before it. A run includes the point where it begins, unless that is in the soma."""
    if not soma and not children[root]:
        do = "one point has an area only if it is a soma (type 1)"
        raise _damaged(path, points[root].line, "root", "at least two points", "one", do)
    starts = [(name, -1, MIDDLE) for s in soma for name in children[s] if name not in soma]
    starts += (
        [] if soma else [(name, -1 if k == 0 else 0, END if k == 0 else START) for k, name in enumerate(children[root])]
    )
    pending, count = starts[::-1], 0
    while pending:
        name, before, attached = pending.pop()
        parent = points[name].parent
        run = [name] if parent in soma else [parent, name]
        while len(children[name]) == 1 and points[children[name][0]].kind == points[name].kind:
            name = children[name][0]
            run.append(name)
        yield _Run(run, before, attached)
        pending += [(child, count, END) for child in children[name][::-1]]
        count += 1


def _divided(path: Path, points: dict[int, _Point], run: _Run, longest: float, *, from_soma: bool) -> Cut:
    names = run.points
    radii = [points[name].radius for name in names]
    places = [points[name].place for name in names]
    if from_soma and len(names) == 1:
        places = [points[points[names[0]].parent].place, *places]
        radii = [*radii, *radii]
    length = sum(math.dist(a, b) for a, b in pairwise(places))
    if not length > 0:
        point = points[names[-1]]
        expected, do = "a place apart from that of its parent", "remove the point, or move it"
        raise _damaged(path, point.line, "x y z", expected, "a branch of no length", do)
    if length / longest > _MOST:
        got, do = f"a branch of {length:g} µm", "see whether the file is in µm, or give longest="
        raise _damaged(path, points[names[-1]].line, "x y z", f"at most {_MOST} compartments", got, do)
    return cut(np.array(places), np.array(radii), math.ceil(length / longest))


def _soma(path: Path, points: dict[int, _Point], soma: list[int], root: int) -> Cut:
    for name in soma:
        point = points[name]
        if name != root and points[point.parent].kind != _SOMA:
            got = f"type {points[point.parent].kind}"
            raise _damaged(path, point.line, "parent", "a point of the soma", got, "connect the points of the soma")
    center, radius = np.array(points[root].place), points[root].radius
    cones = [(name, points[name].parent) for name in soma if name != root]
    heights = np.array([math.dist(points[a].place, points[b].place) for a, b in cones])
    if not cones or (len(cones) == 2 and _is_three_point(points, cones, heights, root)):
        side = np.array([radius, 0.0, 0.0])
        return cut(np.stack([center - side, center + side]), np.array([radius, radius]), 1)
    first, second = (np.array([points[pair[k]].radius for pair in cones]) for k in (0, 1))
    area, length = float(lateral_area(heights, first, second).sum()), float(heights.sum())
    if not length > 0:
        got = "several in one place"
        raise _damaged(path, points[root].line, "soma", "points apart from each other", got, "remove all but one")
    half = np.array([length / 2 / (math.pi * radius**2)])
    places = np.array([[points[soma[0]].place, points[soma[-1]].place]])
    return Cut(np.array([length]), np.array([area]), half, half, places)


def _is_three_point(points: dict[int, _Point], cones: list[tuple[int, int]], heights: np.ndarray, root: int) -> bool:
    radius = points[root].radius
    return all(parent == root for _, parent in cones) and bool((abs(heights - radius) <= _LOOSE * radius).all())
