"""Downloads from a server on this machine: resumed, verified, renamed when whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom.datasets.download import download
from spikeloom.errors import DataError

CONTENT = np.random.default_rng(1).bytes(300_000)


def is_content(path: Path) -> None:
    if path.read_bytes() != CONTENT:
        raise DataError("checksum", expected="the content", got="something else")


@pytest.fixture
def fetch(server: Any, tmp_path: Path) -> Callable[[], Path]:
    server.files = {"/file": CONTENT}
    address = f"{server.address}file"
    return lambda: download((address,), tmp_path / "folder" / "file", verify=is_content)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "file.part"


def ranges(server: Any) -> list[str | None]:
    return [wanted for _, wanted in server.asked]


def test_a_whole_file_in_one_go(fetch: Callable[[], Path], server: Any, tmp_path: Path) -> None:
    assert fetch().read_bytes() == CONTENT
    assert ranges(server) == [None]
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["file"]


def test_a_partial_file_is_continued(fetch: Callable[[], Path], part: Path, server: Any) -> None:
    part.write_bytes(CONTENT[:123_456])
    assert fetch().read_bytes() == CONTENT
    assert ranges(server) == ["bytes=123456-"]
    assert not part.exists()


def test_a_connection_that_ends_early_is_taken_up_again(fetch: Callable[[], Path], server: Any) -> None:
    server.breaks = [100_000, 50_000]
    assert fetch().read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=100000-", "bytes=150000-"]


def test_after_three_broken_connections_the_rest_is_left_for_another_call(
    fetch: Callable[[], Path], part: Path, server: Any
) -> None:
    server.breaks = [1000, 1000, 1000]
    with pytest.raises(DataError, match="ended after 3000 of 300000 bytes"):
        fetch()
    assert part.read_bytes() == CONTENT[:3000]
    assert not part.with_suffix("").exists()
    assert fetch().read_bytes() == CONTENT
    assert ranges(server)[-1] == "bytes=3000-"


@pytest.mark.parametrize("how", ["whole", "another range"])
def test_a_server_that_does_not_continue_starts_over(
    fetch: Callable[[], Path], part: Path, server: Any, how: str
) -> None:
    server.ranges, server.partial_from_start = how != "whole", how != "whole"
    part.write_bytes(CONTENT[:1000])
    assert fetch().read_bytes() == CONTENT
    assert ranges(server) == ["bytes=1000-"]


@pytest.mark.parametrize("length", [1000, 300_000, 400_000])
def test_a_partial_file_of_something_else_is_fetched_anew(
    fetch: Callable[[], Path], part: Path, server: Any, length: int
) -> None:
    part.write_bytes(b"x" * length)
    assert fetch().read_bytes() == CONTENT
    assert ranges(server)[-1] is None


def test_a_partial_file_that_is_whole_only_takes_its_name(fetch: Callable[[], Path], part: Path) -> None:
    part.write_bytes(CONTENT)
    assert fetch().read_bytes() == CONTENT


def test_a_wrong_checksum_is_refused_and_nothing_is_left(
    fetch: Callable[[], Path], server: Any, tmp_path: Path
) -> None:
    server.files = {"/file": CONTENT[:-1] + b"x"}
    with pytest.raises(DataError, match="checksum: expected the content, got something else"):
        fetch()
    assert not list((tmp_path / "folder").iterdir())


def test_the_second_address_serves_where_the_first_does_not(server: Any, tmp_path: Path) -> None:
    server.files = {"/wrong": b"x", "/right": CONTENT}
    base = server.address
    addresses = ("http://127.0.0.1:1/", f"{base}missing", f"{base}wrong", f"{base}right")
    assert download(addresses, tmp_path / "file", verify=is_content).read_bytes() == CONTENT


def test_the_error_says_what_each_address_answered(server: Any, tmp_path: Path) -> None:
    base = server.address
    with pytest.raises(DataError, match=r"127.0.0.1:1/: .*refused.*missing: HTTP Error 404"):
        download(("http://127.0.0.1:1/", f"{base}missing"), tmp_path / "file", verify=is_content)
