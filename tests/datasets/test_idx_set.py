"""Sets of idx files: where they are looked for, verified and downloaded."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spikeloom.datasets import IdxSet
from spikeloom.datasets.folders import user_folder
from spikeloom.errors import DataError


def put(folder: Path, contents: Mapping[str, bytes], *, packed: bool) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("below", ["", "tiny"])
def test_files_are_found_in_the_folder_and_in_its_subfolder(
    tiny: IdxSet, contents: dict[str, bytes], tmp_path: Path, packed: bool, below: str
) -> None:
    put(tmp_path / "data" / below, contents, packed=packed)
    data = tiny.load(tmp_path / "data", download=False)
    assert data.train.images.shape == (20, 1, 4, 3)
    assert data.test.labels.tolist() == [0, 1, 0, 1, 0]
    pixels = np.frombuffer(contents["t10k-images-idx3-ubyte"], np.uint8, offset=16)
    assert data.test.images.flatten().tolist() == pixels.tolist()


def test_the_environment_names_the_folder(
    tiny: IdxSet, contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "data" / "tiny", contents, packed=True)
    monkeypatch.setenv("SPIKELOOM_DATA", str(tmp_path / "data"))
    assert len(tiny.load(download=False).train) == 20


def test_what_is_missing_is_downloaded_once(tiny: IdxSet, server: Any, contents: dict[str, bytes]) -> None:
    first = tiny.load()
    assert len(server.asked) == 4
    again = tiny.load()
    assert len(server.asked) == 4
    assert torch.equal(first.train.images, again.train.images)
    assert sorted(path.name for path in (user_folder() / "tiny").iterdir()) == sorted(f"{name}.gz" for name in contents)


def test_only_missing_files_are_downloaded(tiny: IdxSet, server: Any, contents: dict[str, bytes]) -> None:
    labels = {name: content for name, content in contents.items() if "labels" in name}
    put(user_folder() / "tiny", labels, packed=False)
    tiny.load()
    assert sorted(path for path, _ in server.asked) == [
        "/t10k-images-idx3-ubyte.gz",
        "/train-images-idx3-ubyte.gz",
    ]


def test_without_files_and_network_the_error_says_what_goes_where(tiny: IdxSet, tmp_path: Path) -> None:
    unreachable = replace(tiny, addresses=("http://127.0.0.1:1/",))
    (tmp_path / "data").mkdir()
    put(tmp_path / "data" / "tiny", {"train-labels-idx1-ubyte": b""}, packed=False)
    with pytest.raises(DataError) as caught:
        unreachable.load(tmp_path / "data")
    message = str(caught.value)
    lacking = "train-images-idx3-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte"
    assert f"{tmp_path / 'data' / 'tiny'} lacks {lacking};" in message
    assert "http://127.0.0.1:1/train-images-idx3-ubyte.gz" in message
    assert "DIR/tiny" in message
    assert "SPIKELOOM_DATA" in message


def test_no_download_where_none_is_wanted(tiny: IdxSet, server: Any) -> None:
    with pytest.raises(DataError, match="no download was asked for"):
        tiny.load(download=False)
    assert not server.asked


def test_other_content_is_refused(tiny: IdxSet, contents: dict[str, bytes], tmp_path: Path) -> None:
    name = "train-images-idx3-ubyte"
    put(tmp_path, contents | {name: contents[name][:-1] + b"\0"}, packed=True)
    with pytest.raises(DataError, match=f"{name}.gz, unpacked: expected the {name} of tiny with SHA-256"):
        tiny.load(tmp_path)


@pytest.mark.parametrize("how", ["data_dir", "SPIKELOOM_DATA"])
def test_a_folder_that_does_not_exist_is_refused(
    tiny: IdxSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    missing = tmp_path / "nowhere"
    if how == "SPIKELOOM_DATA":
        monkeypatch.setenv(how, str(missing))
    with pytest.raises(DataError, match=f"{how}: expected an existing folder, got .*nowhere"):
        tiny.load(missing if how == "data_dir" else None)


def test_a_folder_that_cannot_be_written_is_named(tiny: IdxSet) -> None:
    user_folder().parent.mkdir(parents=True)
    user_folder().write_bytes(b"a file where the folder should be")
    with pytest.raises(DataError, match=r"cannot write to .*tiny"):
        tiny.load()
