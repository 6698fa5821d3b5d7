"""The idx format: what is right is read, what is damaged is refused."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from spikeloom.datasets.idx import parse_idx, unpack
from spikeloom.errors import DataError

CODES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}


def encode(array: np.ndarray, code: int = 0x08) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return head + array.astype(np.dtype(">" + CODES[code])).tobytes()


@given(data=st.data(), code=st.sampled_from(sorted(CODES)))
def test_what_was_written_is_read(data: st.DataObject, code: int) -> None:
    shape = data.draw(arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4))
    array = data.draw(arrays.arrays(CODES[code], shape, elements={"allow_nan": False} if code >= 0x0D else None))
    read = parse_idx(encode(array, code), "test")
    assert read.shape == array.shape
    assert np.array_equal(read, array)


@given(cut=st.integers(0, 27))
def test_every_truncation_is_refused(cut: int) -> None:
    content = encode(np.arange(12).reshape(3, 4))
    assert len(content) == 4 + 8 + 12
    with pytest.raises(DataError, match="somefile"):
        parse_idx(content[:cut] if cut < 24 else content + b"\0" * (cut - 23), "somefile")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "got nothing"),
        (b"\x89PNG\r\n", "00 00 TYPE AXES, got 89 50 4e 47"),
        (b"\0\0\x07\x01\0\0\0\0", "got 00 00 07 01"),
        (encode(np.arange(12))[:-1], r"12 bytes of numbers for shape \(12,\), got 11 bytes \(truncated\)"),
        (encode(np.arange(12)) + b"1", r"13 bytes \(surplus\)"),
        (b"\0\0\x08\x03\0\0\0\1", "16 bytes of idx header, got 8"),
        (b"\0\0\x08\x02\xff\xff\xff\xff\xff\xff\xff\xff", "truncated"),
    ],
)
def test_damage_is_named(content: bytes, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        parse_idx(content, "somefile")


def test_gzip_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    for name in ("plain", "plain.gz"):
        (tmp_path / name).write_bytes(b"abc")
        assert unpack(tmp_path / name) == b"abc"
        (tmp_path / name).write_bytes(gzip.compress(b"abc"))
        assert unpack(tmp_path / name) == b"abc"


def _cut(packed: bytes) -> bytes:
    return packed[:-9]


def _flip(packed: bytes) -> bytes:
    return packed[:40] + bytes([packed[40] ^ 0xFF]) + packed[41:]


def _wrong_sum(packed: bytes) -> bytes:
    return packed[:-8] + b"\0" * 8


@pytest.mark.parametrize("damage", [_cut, _flip, _wrong_sum])
def test_damaged_gzip_is_refused(damage: object, tmp_path: Path) -> None:
    assert callable(damage)
    path = tmp_path / "file.gz"
    path.write_bytes(damage(gzip.compress(np.random.default_rng(0).bytes(500))))
    with pytest.raises(DataError, match="whole gzip file"):
        unpack(path)


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="readable file"):
        unpack(tmp_path)
