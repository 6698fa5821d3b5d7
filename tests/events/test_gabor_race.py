"""S1 and C1 on hand-checked streams, against a program that goes through events one by one, and on lines."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.events import GaborRace, gabor_patches


def race_by_hand(race: GaborRace, events: Tensor) -> set[tuple[int, ...]]:
    """Step, stream, scale, orientation, row and column of each spike, in plain Python."""
    patches, found = race.patches.double(), set()
    reach = patches.shape[-1] // 2
    steps, batch, height, width = events.shape
    for stream in range(batch):
        v = torch.zeros(*patches.shape[:2], height + height % 2, width + width % 2, dtype=torch.float64)
        for step in range(steps):
            v *= math.exp(-race.dt / race.tau)
            for row, column in events[step, stream].nonzero().tolist():
                for r in range(v.shape[2]):
                    for c in range(v.shape[3]):
                        if abs(row - r) <= reach and abs(column - c) <= reach:
                            # What the patch around (r, c) has at the place of the event.
                            weight = patches[:, :, row - r + reach, column - c + reach]
                            v[:, :, r, c] += weight * events[step, stream, row, column]
            for k, o, r, c in (v >= race.v_th).nonzero().tolist():
                found.add((step, stream, k, o, r // 2, c // 2))
            for _, _, k, o, r, c in {spike for spike in found if spike[:2] == (step, stream)}:
                v[k, o, 2 * r : 2 * r + 2, 2 * c : 2 * c + 2] = race.v_reset
    return found


@pytest.mark.parametrize(
    ("size", "race"),
    [
        ((6, 8), GaborRace((3, 5), (0.0, 45.0), v_th=0.9)),
        ((5, 7), GaborRace((3,), (90.0,), v_th=0.7, v_reset=-0.5, tau=50.0)),
        # The unit of potentials leaks by more than a factor of 1e9 several times.
        ((4, 4), GaborRace((3,), (0.0, 135.0), v_th=0.6, tau=1.5)),
    ],
    ids=["two scales", "odd size", "fast leak"],
)
def test_equals_events_one_by_one(size: tuple[int, int], race: GaborRace) -> None:
    generator = torch.Generator().manual_seed(1)
    events = torch.poisson(torch.full((60, 2, *size), 0.08), generator=generator)
    spikes = race(events)
    found = torch.stack(spikes[:6], 1).tolist()
    assert len(found) > 40
    assert {tuple(spike) for spike in found} == race_by_hand(race, events)
    assert len({tuple(spike) for spike in found}) == len(found)
    assert found == sorted(found, key=lambda spike: spike[0])


def test_a_unit_is_reset_as_a_whole() -> None:
    race = GaborRace((3,), (0.0,), v_th=1.0, tau=20.0)
    middle, side = race.patches[0, 0, 1, 1], race.patches[0, 0, 1, 0]
    assert 2 * middle < 1.0 < middle + 2 * side
    # A line of three over the left one of the lower neurons of a unit; then an event over the right one, which has
    # seen two of the three.
    events = torch.zeros(10, 1, 8, 8)
    events[2, 0, 5, 3:6] = 1.0
    events[3, 0, 5, 5] = 1.0
    assert (middle + side) * math.exp(-1 / 20.0) + middle > 1.0
    assert torch.stack(race(events)[:6], 1).tolist() == [[2, 0, 0, 0, 2, 2]]
    # Without the event that made the first spike the second one comes.
    events[2, 0, 5, 3] = 0.0
    assert torch.stack(race(events)[:6], 1).tolist() == [[3, 0, 0, 0, 2, 2]]


@pytest.mark.parametrize("orientation", range(4))
def test_lines_excite_their_orientation(orientation: int) -> None:
    along = [(0, 1), (-1, 1), (1, 0), (1, 1)][orientation]
    events = torch.zeros(3, 1, 28, 28)
    for k in range(-5, 6):
        events[1, 0, 14 + k * along[0], 14 + k * along[1]] = 1.0
    counts = GaborRace(v_th=1.2)(events).counts()[0, 0].sum((2, 3)).sum(0)
    assert int(counts.argmax()) == orientation
    assert counts[orientation] > 3 * (counts.sum() - counts[orientation])


def test_counts_and_until() -> None:
    events = torch.zeros(12, 2, 8, 8)
    events[1, 0, 4, 1:7] = events[7, 0, 4, 1:7] = events[7, 1, 1:7, 4] = 1.0
    spikes = GaborRace((3,))(events)
    assert spikes.counts().shape == (1, 2, 1, 4, 4, 4)
    assert torch.equal(spikes.counts(5).sum(0), spikes.counts()[0])
    assert spikes.counts(5).flatten(2).any(2).tolist() == [[True, False], [True, True], [False, False]]
    assert torch.equal(spikes.until(7).counts(), torch.cat([spikes.counts(5)[:1, :1], spikes.counts(5)[2:, 1:]], 1))
    early = spikes.until(torch.tensor([0, 12]))
    assert set(early.stream.tolist()) == {1}
    with pytest.raises(sl.errors.ParameterError, match="every"):
        spikes.counts(0)


def test_no_events_no_spikes() -> None:
    spikes = GaborRace()(torch.zeros(4, 2, 10, 11))
    assert len(spikes.step) == 0
    assert spikes.counts(2).shape == (2, 2, 4, 4, 5, 6)


def test_refusals() -> None:
    with pytest.raises(sl.errors.ParameterError, match="below v_th"):
        GaborRace(v_reset=1.0)
    with pytest.raises(sl.errors.ParameterError, match="tau"):
        GaborRace(tau=0.0)
    with pytest.raises(sl.errors.ShapeError, match="time, batch, height, width"):
        GaborRace()(torch.zeros(4, 8, 8))
    with pytest.raises(sl.errors.ParameterError, match="0 or more"):
        GaborRace()(torch.full((4, 1, 8, 8), -1.0))
    with pytest.raises(sl.errors.DTypeError):
        GaborRace()(torch.zeros(4, 1, 8, 8, dtype=torch.int64))
    for scales in ((), (4,), (1,)):
        with pytest.raises(sl.errors.ParameterError, match="odd"):
            gabor_patches(scales)


def test_patches() -> None:
    patches = gabor_patches()
    torch.testing.assert_close(patches.sum((2, 3)), torch.zeros(4, 4), atol=1e-6, rtol=0.0)
    torch.testing.assert_close(patches.square().sum((2, 3)), torch.ones(4, 4))
    torch.testing.assert_close(patches[:, 2], patches[:, 0].mT)
    torch.testing.assert_close(patches[:, 3], patches[:, 1].flip(2))
    assert torch.equal(patches[0, 0] != 0, torch.nn.functional.pad(torch.ones(3, 3), (3,) * 4) != 0)
    # Of size 7 Serre et al. give sigma 2.8 and lambda 3.5: the wave crosses 0 between u = 0 and u = 1, and 2 and 3.
    across = patches[2, 0, 1:8, 4]
    assert (across - across.mean())[3] > 0 > (across - across.mean())[4]
