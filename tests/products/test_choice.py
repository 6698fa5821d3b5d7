"""How a product is chosen, and what of it is kept on disk."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch

from spikeloom import products
from spikeloom.errors import UnknownNameError
from spikeloom.products import _choice, _measurements
from spikeloom.products._choice import Size
from tests.products.agreement import spikes

SIZE = Size("linear", (100, 20, 30), torch.float32, 0.1)
CANDIDATES: Mapping[str, Callable[[], object]] = {"dense": lambda: None, "event": lambda: None}


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, float]]:
    """Measurements as they are asked for; the last entry is what is measured next."""
    queue: list[dict[str, float]] = []
    monkeypatch.setattr(_choice, "_measured", lambda candidates: queue.pop())
    return queue


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process."""
    monkeypatch.setattr(_choice, "_taken", {})


def test_the_fastest_is_chosen_once_and_by_later_processes(
    timed: list[dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    timed.append({"dense": 2.0, "event": 1.0})
    assert [_choice.chosen(SIZE, CANDIDATES, "auto") for _ in range(2)] == ["event"] * 2
    (choice,) = products.choices()
    assert (choice.operation, choice.shape, choice.reason) == ("linear", (128, 20, 30), "measured")
    assert choice.milliseconds == {"dense": 2.0, "event": 1.0}
    assert "event 1 ms" in str(choice)
    forget(monkeypatch)
    assert _choice.chosen(SIZE, CANDIDATES, "auto") == "event"
    assert products.choices()[0].reason == "measured by an earlier process"


def test_the_first_candidate_is_kept_where_another_gains_little(timed: list[dict[str, float]]) -> None:
    timed.append({"dense": 2.0, "event": 1.95})
    assert _choice.chosen(SIZE, CANDIDATES, "auto") == "dense"


def test_sizes_of_one_class_share_a_choice(timed: list[dict[str, float]]) -> None:
    timed += [{"dense": 2.0, "event": 1.0}]
    for rows, activity in ((100, 0.1), (128, 0.11), (65, 0.09)):
        assert _choice.chosen(Size("linear", (rows, 20, 30), torch.float32, activity), CANDIDATES, "auto") == "event"
    others = [
        Size("linear", (129, 20, 30), torch.float32, 0.1),
        Size("linear", (100, 21, 30), torch.float32, 0.1),
        Size("linear", (100, 20, 30), torch.float64, 0.1),
        Size("linear", (100, 20, 30), torch.float32, 0.3),
        Size("linear", (100, 20, 30), torch.float32, 0.0),
        Size("weight gradient", (100, 20, 30), torch.float32, 0.1),
    ]
    timed += [{"dense": 1.0, "event": 2.0} for _ in others]
    assert [_choice.chosen(size, CANDIDATES, "auto") for size in others] == ["dense"] * len(others)


def test_a_measurement_of_other_candidates_is_not_believed(
    timed: list[dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    timed += [{"dense": 1.0, "event": 2.0, "onednn": 0.5}, {"dense": 2.0, "event": 1.0}]
    assert _choice.chosen(SIZE, CANDIDATES, "auto") == "event"
    forget(monkeypatch)
    assert _choice.chosen(SIZE, {**CANDIDATES, "onednn": lambda: None}, "auto") == "onednn"


DAMAGE: dict[str, Callable[[str], str]] = {
    "empty": lambda text: "",
    "truncated": lambda text: text[: len(text) // 2],
    "not a table": lambda text: "[1, 2]",
    "an entry that is not a table": lambda text: json.dumps({name: 3 for name in json.loads(text)}),
    "an empty entry": lambda text: json.dumps({name: {} for name in json.loads(text)}),
    "words for numbers": lambda text: text.replace("1.0", '"fast"'),
    "NaN": lambda text: text.replace("1.0", "NaN"),
    "a negative time": lambda text: text.replace("1.0", "-1.0"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_measured_anew(
    damage: str, timed: list[dict[str, float]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed += [{"dense": 1.0, "event": 3.0}, {"dense": 3.0, "event": 1.0}]
    assert _choice.chosen(SIZE, CANDIDATES, "auto") == "event"
    (file,) = folder.glob("products-*.json")
    file.write_text(DAMAGE[damage](file.read_text()))
    forget(monkeypatch)
    assert _choice.chosen(SIZE, CANDIDATES, "auto") == "dense"
    assert timed == []
    forget(monkeypatch)
    assert _choice.chosen(SIZE, CANDIDATES, "auto") == "dense"
    assert [path.suffix for path in folder.iterdir()] == [".json"]


def test_bytes_that_are_no_text(timed: list[dict[str, float]], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed += [{"dense": 1.0, "event": 3.0}, {"dense": 3.0, "event": 1.0}]
    _choice.chosen(SIZE, CANDIDATES, "auto")
    (file,) = folder.glob("products-*.json")
    file.write_bytes(b"\xff\xfe\x00" * 50)
    forget(monkeypatch)
    assert _choice.chosen(SIZE, CANDIDATES, "auto") == "dense"


def test_a_folder_that_cannot_be_written_is_said_once(
    timed: list[dict[str, float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(_measurements, "cache_folder", lambda: tmp_path / "file" / "kernels")
    timed += [{"dense": 1.0, "event": 3.0}] * 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for rows in (10, 100):
            _choice.chosen(Size("linear", (rows, 20, 30), torch.float32, 0.1), CANDIDATES, "auto")
    assert [w.category for w in caught] == [RuntimeWarning]
    assert "SPIKELOOM_CACHE_DIR" in str(caught[0].message)


def test_entries_of_several_products_share_a_file(timed: list[dict[str, float]]) -> None:
    timed += [{"dense": 1.0, "event": 3.0}, {"dense": 2.0, "event": 3.0}]
    for rows in (10, 100):
        _choice.chosen(Size("linear", (rows, 20, 30), torch.float32, 0.1), CANDIDATES, "auto")
    assert len(json.loads(_measurements._path().read_text())) == 2


@pytest.mark.parametrize(("rows", "chosen"), [(64, "dense"), (256, "event")])
def test_threads_share_what_there_is_to_share(rows: int, chosen: str, timed: list[dict[str, float]]) -> None:
    # Dense products are shared out by outputs too, events by tiles of 64 rows only.
    timed.append({"dense": 3.0, "event": 1.0})
    torch.set_num_threads(4)
    assert _choice.chosen(Size("linear", (rows, 20, 30), torch.float32, 0.1), CANDIDATES, "auto") == chosen
    (choice,) = products.choices()
    assert (choice.threads, choice.milliseconds["dense"]) == (4, 0.75)


def test_many_rows_are_computed_alike_on_any_number_of_threads(
    timed: list[dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    timed.append({"dense": 1.1, "event": 1.0})
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)
        assert _choice.chosen(Size("linear", (256, 20, 30), torch.float32, 0.1), CANDIDATES, "auto") == "event"


def test_the_time_that_a_thread_waits_is_not_counted() -> None:
    waiting, working = (lambda: time.sleep(0.01)), (lambda: torch.randn(200, 200) @ torch.randn(200, 200))
    times = _choice._measured({"dense": working, "event": waiting})
    assert times["event"] < times["dense"]


def test_products_measure_themselves() -> None:
    x, weight = spikes(300, 200, p=0.1), torch.randn(100, 200, requires_grad=True)
    with products.watched() as seen:
        products.linear(x, weight).sum().backward()
    assert [choice.operation for choice in seen] == ["linear", "weight gradient"]
    assert all({"dense", "event"} <= set(choice.milliseconds) for choice in seen)
    assert products.choices() == seen
    assert "activity about 0.1" in str(seen[0])


def test_dense_input_is_never_visited_event_by_event() -> None:
    x, weight = torch.randn(300, 200), torch.randn(100, 200, requires_grad=True)
    with products.watched() as seen:
        products.linear(x, weight).sum().backward()
    assert all("event" not in choice.milliseconds for choice in seen)


def test_unknown_name() -> None:
    with pytest.raises(UnknownNameError, match="event"):
        products.using("events")
    with products.using("event"), products.using("dense"):
        assert _choice.wanted() == "dense"
    assert _choice.wanted() == "auto"
