"""Trees of compartments, and SWC files: what is kept of them, and which are refused."""

from __future__ import annotations

import contextlib
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeloom.errors import DataError, DTypeError, ParameterError, ShapeError, SpikeloomError, UnknownNameError
from spikeloom.neurons import Branch, Cable, Morphology, PassiveMembrane, read_swc
from spikeloom.neurons._axial import tree_of
from spikeloom.neurons._frusta import cut
from spikeloom.report.morphology import draw_morphology

SOMA = "1 1 0 0 0 10 -1\n"


@pytest.fixture
def swc(tmp_path: Path) -> Path:
    return tmp_path / "cell.swc"


def read(file: Path, text: str, longest: float = 20.0) -> Morphology:
    file.write_text(text, encoding="utf-8")
    return read_swc(file, longest=longest)


# Trees


def test_a_cylinder_is_divided_evenly() -> None:
    cable = Morphology.cylinder(120.0, 3.0, 4, region="dendrite")
    assert cable.length.tolist() == [30.0] * 4 and cable.parent.tolist() == [-1, 0, 1, 2]
    assert torch.allclose(cable.area, torch.full((4,), math.pi * 3 * 30, dtype=torch.float64))
    assert cable.distances().tolist() == [0.0, 30.0, 60.0, 90.0]
    assert cable.regions == ("dendrite",) and len(cable) == 4


def test_a_soma_has_the_area_of_the_sphere() -> None:
    cell = Morphology.soma_and_dendrites(20.0, [Branch(100.0, 2.0, 2), Branch(60.0, 1.0, 1, parent=0, region="tuft")])
    assert math.isclose(float(cell.area[0]), 4 * math.pi * 10**2)
    assert cell.parent.tolist() == [-1, 0, 1, 2] and cell.attached.tolist() == [1.0, 0.5, 1.0, 1.0]
    assert cell.regions == ("soma", "dendrite", "tuft") and cell.compartment("tuft") == 3 and cell.compartment(-1) == 3


def test_axial_resistance_between_middles() -> None:
    """R = 4 rho L / (pi d^2) of a cylinder, here half of each of two, in MΩ at 100 Ω cm."""
    pair = Morphology([100.0, 50.0], [2.0, 1.0], [-1, 0], "dendrite")
    tree = tree_of(pair, torch.full((2,), 100.0, dtype=torch.float64))
    halves = 100.0 * (50e-4 / (math.pi * 1e-4**2) + 25e-4 / (math.pi * 0.5e-4**2))
    assert math.isclose(1e3 / float(tree.coupling[1]), halves, rel_tol=1e-12)


def test_children_share_the_way_to_the_end_of_their_parent() -> None:
    fork = Morphology([10.0] * 3, [1.0] * 3, [-1, 0, 0], "dendrite")
    tree = tree_of(fork, torch.full((3,), 100.0, dtype=torch.float64))
    assert tree.nodes == 4 and tree.node.tolist() == [0, 3, 1, 2] and tree.up.tolist() == [0, 0, 3, 3]
    # A soma's middle is the place itself: no node more.
    soma = Morphology([10.0] * 3, [1.0] * 3, [-1, 0, 0], "dendrite", attached=[1.0, 0.5, 0.5])
    assert tree_of(soma, torch.full((3,), 100.0, dtype=torch.float64)).nodes == 3


BAD_TREES = [
    (lambda: Morphology([1.0, 1.0], [1.0, 1.0], [-1, 1], "a"), ParameterError, "parent of compartment 1: expected one"),
    (lambda: Morphology([1.0, 1.0], [1.0, 1.0], [-1, -1], "a"), ParameterError, "parent of compartment 1"),
    (lambda: Morphology([1.0], [1.0], [0], "a"), ParameterError, "parent of compartment 0: expected -1"),
    (lambda: Morphology([1.0, 0.0], [1.0, 1.0], [-1, 0], "a"), ParameterError, "length of compartment 1"),
    (lambda: Morphology([1.0, math.nan], [1.0, 1.0], [-1, 0], "a"), ParameterError, "got nan"),
    (lambda: Morphology([1.0], [-1.0], [-1], "a"), ParameterError, "diameter of compartment 0"),
    (lambda: Morphology([], [], [], "a"), ShapeError, "one per compartment"),
    (lambda: Morphology([1.0], [1.0, 1.0], [-1], "a"), ShapeError, "1 values, as length"),
    (lambda: Morphology([1.0], [1.0], [-1, 0], "a"), ShapeError, "parent of Morphology"),
    (lambda: Morphology([1.0], [1.0], [-1], ["a", "b"]), ShapeError, "region of Morphology"),
    (
        lambda: Morphology([1.0] * 3, [1.0] * 3, [-1, 0, 1], "a", attached=[1, 1, 0]),
        ParameterError,
        "end of the parent",
    ),
    (lambda: Morphology([1.0] * 2, [1.0] * 2, [-1, 0], "a", attached=[1, 0.3]), ParameterError, "got 0.3"),
    (lambda: Morphology.of([Branch(1.0, 1.0, 0)]), ParameterError, "n of branch 0"),
    (lambda: Morphology.of([Branch(1.0, 1.0, parent=0)]), ParameterError, "none, since it is the root"),
    (lambda: Morphology.of([Branch(1.0, 1.0), Branch(1.0, 1.0, parent=1)]), ParameterError, "branches 0 to 0"),
    (lambda: Morphology.of([3]), DTypeError, "a Branch"),  # type: ignore[list-item]
    (lambda: Morphology.cylinder(9.0, 1.0, 3).indices("axn"), UnknownNameError, "'axon'"),
    (lambda: Morphology.cylinder(9.0, 1.0, 3).compartment("axon"), ParameterError, "got 3"),
    (lambda: Morphology.cylinder(9.0, 1.0, 3).compartment(3), ParameterError, "below 3"),
    (lambda: Morphology.cylinder(9.0, 1.0, 3).compartment(1.5), DTypeError, "an index or a region"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("make", "error", "says"), BAD_TREES)
def test_bad_trees(make: object, error: type[SpikeloomError], says: str) -> None:
    with pytest.raises(error, match=re.escape(says)):
        make()  # type: ignore[operator]


# Truncated cones


@given(
    st.lists(st.tuples(*[st.floats(-50, 50)] * 3, st.floats(0.1, 5.0)), min_size=2, max_size=9),
    st.integers(1, 12),
)
def test_cutting_keeps_area_and_resistance(rows: list[tuple[float, ...]], n: int) -> None:
    points, radii = np.array(rows)[:, :3], np.array(rows)[:, 3]
    points[:, 0] += 10.0 * np.arange(len(rows))  # no run without length
    whole, parts = cut(points, radii, 1), cut(points, radii, n)
    assert math.isclose(parts.area.sum(), whole.area[0], rel_tol=1e-9)
    resistance = parts.proximal.sum() + parts.distal.sum()
    assert math.isclose(resistance, whole.proximal[0] + whole.distal[0], rel_tol=1e-9)
    h = np.linalg.norm(np.diff(points, axis=0), axis=1)
    a, b = radii[:-1], radii[1:]
    assert math.isclose(whole.area[0], np.sum(np.pi * (a + b) * np.sqrt(h**2 + (a - b) ** 2)), rel_tol=1e-9)
    assert math.isclose(resistance, np.sum(h / (np.pi * a * b)), rel_tol=1e-9)


def test_the_resistance_of_a_cone_is_the_integral_along_it() -> None:
    part = cut(np.array([[0.0, 0, 0], [8.0, 0, 0]]), np.array([3.0, 1.0]), 1)
    s = (np.arange(100_000) + 0.5) * 8e-5
    slices = 8e-5 / (np.pi * (3 - s / 4) ** 2)
    assert math.isclose(part.proximal[0], slices[:50_000].sum(), rel_tol=1e-8)
    assert math.isclose(part.distal[0], slices[50_000:].sum(), rel_tol=1e-8)


# SWC


def test_comments_blank_lines_and_regions(swc: Path) -> None:
    text = (
        "\ufeff# a cell\n\n 1 1 0 0 0 10 -1 # soma\n2 3 12 0 0 1 1\n3 3 112 0 0 1 2\n"
        "4 2 0 -12 0 0.5 1\n5 2 0 -32 0 0.5 4\n6 4 0 12 0 2 1\n7 4 0 52 0 2 6\n8 7 0 92 0 2 7\n"
    )
    cell = read(swc, text)
    assert cell.regions == ("soma", "dendrite", "axon", "apical", "type7")
    assert [len(cell.indices(name)) for name in cell.regions] == [1, 5, 1, 2, 2]
    # 100 µm of dendrite in five, from its own first point.
    assert torch.allclose(cell.length[cell.indices("dendrite")], torch.full((5,), 20.0, dtype=torch.float64))
    first = int(cell.indices("type7")[0])
    assert int(cell.parent[first]) == int(cell.indices("apical")[-1]) and float(cell.attached[first]) == 1.0
    assert all(float(cell.attached[cell.indices(n)[0]]) == 0.5 for n in ("dendrite", "axon", "apical"))


def test_branches_meet_where_their_parent_ends(swc: Path) -> None:
    text = SOMA + "2 3 10 0 0 2 1\n3 3 50 0 0 2 2\n4 3 80 0 0 1 3\n5 3 50 30 0 1 3\n6 3 50 60 0 1 5\n"
    cell = read(swc, text, longest=30.0)
    assert cell.parent.tolist() == [-1, 0, 1, 2, 2, 4] and cell.length.tolist() == [20.0, 20.0, 20.0, 30.0, 30.0, 30.0]
    assert tree_of(cell, torch.full((6,), 100.0, dtype=torch.float64)).nodes == 7
    # A cone from radius 2 where it begins to 1.
    assert math.isclose(float(cell.area[3]), math.pi * 3 * math.hypot(30, 1))


SOMATA = {
    "one point": SOMA,
    "three points": SOMA + "2 1 0 -10 0 10 1\n3 1 0 10 0 10 1\n",
    "three points, rounded": SOMA + "2 1 0 -9.98 0 10 1\n3 1 0 10.02 0 10 1\n",
}


@pytest.mark.parametrize("text", SOMATA.values(), ids=SOMATA)
def test_somata_of_one_and_three_points_are_equal(swc: Path, text: str) -> None:
    cell = read(swc, text + "9 3 15 0 0 1 1\n10 3 25 0 0 1 9\n")
    assert len(cell) == 2 and math.isclose(float(cell.area[0]), 4 * math.pi * 100)
    assert float(cell.length[0]) == 20.0 and math.isclose(float(cell.diameter[0]), 20.0)


def test_a_soma_of_many_points_is_the_sum_of_its_cones(swc: Path) -> None:
    cell = read(swc, "1 1 0 0 0 3 -1\n2 1 5 0 0 6 1\n3 1 15 0 0 2 2\n4 3 15 4 0 1 3\n5 3 15 34 0 1 4\n")
    area = math.pi * 9 * math.hypot(5, 3) + math.pi * 8 * math.hypot(10, 4)
    assert math.isclose(float(cell.area[0]), area) and cell.parent.tolist() == [-1, 0, 1]
    assert cell.attached.tolist() == [1.0, 0.5, 1.0]


def test_a_run_of_one_point_begins_in_the_soma(swc: Path) -> None:
    cell = read(swc, SOMA + "2 3 0 16 0 2 1\n")
    assert float(cell.length[1]) == 16.0 and math.isclose(float(cell.area[1]), math.pi * 4 * 16)


def test_without_a_soma_runs_meet_at_the_first_point(swc: Path) -> None:
    star = read(swc, "1 3 0 0 0 1 -1\n2 3 10 0 0 1 1\n3 3 0 10 0 1 1\n4 3 -10 0 0 1 1\n")
    assert star.parent.tolist() == [-1, 0, 0] and star.attached.tolist() == [1.0, 0.0, 0.0]
    assert tree_of(star, torch.full((3,), 100.0, dtype=torch.float64)).nodes == 4
    single = read(swc, "1 2 0 0 0 1 -1\n2 2 50 0 0 1 1\n")
    assert len(single) == 3 and single.regions == ("axon",)


def test_points_in_any_order(swc: Path) -> None:
    lines = (SOMA + "2 3 10 0 0 2 1\n3 3 50 0 0 2 2\n4 3 80 0 0 1 3\n").splitlines()
    first, second = read(swc, "\n".join(lines)), read(swc, "\n".join(lines[::-1]))
    assert torch.equal(first.area, second.area) and torch.equal(first.parent, second.parent)


def test_a_finer_division_keeps_the_whole(swc: Path) -> None:
    text = SOMA + "2 3 10 0 0 2 1\n3 3 50 20 0 1.5 2\n4 3 80 0 9 1 3\n5 3 50 60 0 0.5 3\n6 3 50 61 0 0.5 5\n"
    coarse, fine = read(swc, text, longest=1e9), read(swc, text, longest=0.7)
    assert len(coarse) == 4 and len(fine) > 150
    assert math.isclose(float(coarse.area.sum()), float(fine.area.sum()))
    for name in ("proximal", "distal", "length"):
        assert float(getattr(fine, name).min()) > 0
    whole = [float((m.proximal + m.distal).sum()) for m in (coarse, fine)]
    assert math.isclose(*whole)


def test_a_cell_from_a_file_runs(swc: Path) -> None:
    cell = read(swc, SOMA + "2 3 10 0 0 2 1\n3 3 90 0 0 1 2\n4 3 150 30 0 0.5 3\n5 3 150 -30 0 0.5 3\n")
    cable = Cable(PassiveMembrane(), cell)
    v = cable(cable.inject("soma", torch.full((50,), 0.1, dtype=torch.float64)))[-1, 0]
    # The two tips are equal, and the potential falls with distance.
    tips = [k for k in range(len(cell)) if k not in cell.parent.tolist()]
    assert torch.allclose(v[tips[0]], v[tips[1]], rtol=1e-12)
    order = cell.distances().argsort()
    assert bool((v[order].diff() <= 1e-9).all()) and float(v.min()) > -65.0


DAMAGED = {
    "columns": (SOMA + "2 3 10 0 0 1\n", "line 2: row: expected 7 columns (id type x y z radius parent), got 6"),
    "eight columns": ("1 1 0 0 0 10 -1 9\n", "line 1: row: expected 7 columns"),
    "not a number": (SOMA + "2 3 10 zero 0 1 1\n", "line 2: y: expected a finite number, got 'zero'"),
    "a broken id": ("1.5 1 0 0 0 10 -1\n", "line 1: id: expected a whole number, got '1.5'"),
    "infinite": (SOMA + "2 3 inf 0 0 1 1\n", "line 2: x: expected a finite number, got 'inf'"),
    "nan": (SOMA + "2 3 0 0 0 nan 1\n", "line 2: radius: expected a finite number, got 'nan'"),
    "missing parent": (SOMA + "2 3 10 0 0 1 7\n", "line 2: parent: expected the id of a point, got 7"),
    "cycle": (SOMA + "2 3 10 0 0 1 4\n3 3 20 0 0 1 2\n4 3 30 0 0 1 3\n", "line 2: parent: expected one that leads"),
    "its own parent": (SOMA + "2 3 10 0 0 1 2\n", "in a cycle"),
    "two roots": (SOMA + "# more\n2 1 10 0 0 1 -1\n", "line 3: parent: expected one root, got a second root"),
    "no root": ("1 1 0 0 0 1 2\n2 1 9 0 0 1 1\n", "expected one root, a point with parent -1, got none"),
    "radius 0": (SOMA + "2 3 10 0 0 0 1\n", "line 2: radius: expected a radius > 0 µm, got 0"),
    "radius < 0": (SOMA + "2 3 10 0 0 -2.5 1\n", "line 2: radius: expected a radius > 0 µm, got -2.5"),
    "twice": (SOMA + "1 3 10 0 0 1 1\n", "line 2: id: expected one that is not used before, got 1, as in line 1"),
    "empty": ("", "expected at least one point, got none"),
    "comments only": ("# nothing\n\n", "expected at least one point, got none"),
    "negative type": ("1 -2 0 0 0 1 -1\n", "line 1: type: expected at least 0, got -2"),
    "negative parent": (SOMA + "2 3 10 0 0 1 -3\n", "line 2: parent: expected at least -1, got -3"),
    "no length": (SOMA + "2 3 9 0 0 1 1\n3 3 9 0 0 1 2\n", "line 3: x y z: expected a place apart"),
    "one point of no soma": ("1 3 0 0 0 1 -1\n", "line 1: root: expected at least two points"),
    "soma apart": (
        SOMA + "2 3 9 0 0 1 1\n3 1 20 0 0 1 2\n",
        "line 3: parent: expected a point of the soma, got type 3",
    ),
    "root in a dendrite": ("1 3 0 0 0 1 -1\n2 1 9 0 0 1 1\n", "line 2: type: expected a soma that is the root"),
    "in other units": (SOMA + "2 3 1e12 0 0 1 1\n", "line 2: x y z: expected at most 1000000 compartments"),
    "soma in one place": ("1 1 0 0 0 1 -1\n2 1 0 0 0 1 1\n", "line 1: soma: expected points apart"),
}


@pytest.mark.parametrize(("text", "says"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_are_refused(swc: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=re.escape(says)) as caught:
        read(swc, text)
    assert str(swc) in str(caught.value)


ROWS = st.tuples(
    st.integers(0, 6),
    st.integers(0, 3),
    *[st.integers(-2, 2)] * 3,
    st.sampled_from([1, 1, 1, 2, 0]),
    st.integers(-1, 6),
)


@given(rows=st.lists(ROWS, max_size=7), garbage=st.text(alphabet="0123456789 -.\n#e", max_size=12))
def test_any_file_is_a_morphology_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, ...]], garbage: str
) -> None:
    text = "\n".join(" ".join(map(str, row)) for row in rows) + "\n" + garbage
    file = tmp_path_factory.getbasetemp() / "any.swc"
    with contextlib.suppress(DataError):
        assert len(read(file, text)) >= 1


def test_a_file_of_other_bytes_or_none(swc: Path, tmp_path: Path) -> None:
    swc.write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match="line 1"):
        read_swc(swc)
    with pytest.raises(DataError, match="expected an SWC file"):
        read_swc(tmp_path / "absent.swc")
    with pytest.raises(DataError, match="expected an SWC file"):
        read_swc(tmp_path)
    with pytest.raises(ParameterError, match="longest"):
        read(swc, SOMA, longest=0.0)


# Pictures


def test_pictures(swc: Path) -> None:
    cell = read(swc, SOMA + "2 3 10 0 0 2 1\n3 3 90 0 0 1 2\n4 3 150 30 0 0.5 3\n5 3 150 -30 0 0.5 3\n")
    figure = draw_morphology(cell)
    axes = figure.axes[0]
    assert len(axes.collections[0].get_segments()) == len(cell) and axes.get_xlabel() == "x (µm)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["soma", "dendrite"]
    flat = Morphology.soma_and_dendrites(20.0, [Branch(300.0, 2.0, 3), Branch(100.0, 1.0, 2, parent=0)])
    figure = draw_morphology(flat, flat.distances(), label="distance (µm)")
    assert figure.axes[1].get_ylabel() == "distance (µm)"
    assert np.allclose(figure.axes[0].collections[0].get_array(), flat.distances())
    with pytest.raises(ShapeError, match="one per compartment"):
        draw_morphology(flat, torch.zeros(3))
